"""One training under one plan, one peak and one seed: what was asked and what came of it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

__all__ = ["MEASURING", "STATUSES", "Attempt", "Curve", "Phase", "RunRecord", "RunSpec", "Status"]

Phase = Literal["select", "confirm", "probe", "range", "short", "final"]
Status = Literal["done", "diverged", "failed"]
STATUSES: tuple[Status, ...] = ("done", "diverged", "failed")
MEASURING: tuple[Phase, ...] = ("probe", "range")
"""Phases whose runs try no schedule: a range test that diverges has done its work."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One logged quantity over the steps of one run, as two columns of the same length.

    `steps[i]` is the update (counted from 0, whole numbers, not falling) during which `values[i]` was
    logged. A value may be NaN or infinite: that is what a diverged run really logged.

    >>> Curve((0, 1), (2.5, 2.25)).last
    2.25
    """

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def last(self) -> float | None:
        """The value logged last; None when nothing was logged.

        >>> Curve().last is None
        True
        """
        return self.values[-1] if self.values else None

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What one run is asked to do; equal specs are one and the same run.

    `candidate` is the label readers see, `plan` the plan's text form, `peak` the learning rate that
    factor 1.0 stands for (None: the optimizer's own rate stands), `seed` a whole number >= 0, `horizon`
    the number of updates, `phase` why it runs: "select" and "final" choose, "confirm" is evidence, "probe"
    measures what a step costs, "range" raises the rate until it breaks, "short" is a whole schedule in fewer
    updates. `params` are the values of what the train function declared by `run.suggest`, as one JSON object
    in canonical form (sorted names, no white space); "" for none.

    >>> RunSpec("mine", "cosine()", 0.1, seed=0, horizon=100).phase
    'select'
    """

    candidate: str
    plan: str
    peak: float | None
    seed: int
    horizon: int
    phase: Phase = "select"
    params: str = ""

    @property
    def key(self) -> str:
        """Sixteen hex digits naming the run by candidate, plan, peak, seed, horizon and params.

        >>> len(RunSpec("a", "cosine()", None, 0, 100).key)
        16
        """
        named = (self.params,) if self.params else ()  # so that a run without any keeps the name it always had
        return _key(self.candidate, self.plan, self.peak, self.seed, self.horizon, *named)

    @property
    def settings(self) -> dict[str, float | int | str | bool]:
        """The values of what the train function declared, by name.

        >>> RunSpec("a", "cosine()", None, 0, 100, params='{"decay":0.01}').settings
        {'decay': 0.01}
        """
        return dict(json.loads(self.params)) if self.params else {}


@lru_cache(maxsize=1 << 17)
def _key(*content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one finished run left behind.

    `status`: "done" (all steps taken, metric logged at the end), "diverged" (a loss became non-finite or
    exploded), "failed" (an exception, a broken contract, a hang, or a worker that kept dying). `reason`
    says in one line why it is not "done"; `traceback` holds the whole text of an exception. `final` is
    the study's metric at the very end (None unless "done"). `curves` holds "lr" (the rate that the
    optimizer really used, at every update) and everything logged: "train_loss", "val_loss", ...
    `steps` counts updates taken, `seconds` wall time, `started` is Unix time. `notes` are remarks about
    the train function that do not change the result. `attempts` counts how often it had to be started.
    `reused` counts those of its `steps` that another run had trained already and that were not trained again.

    >>> spec = RunSpec("mine", "cosine()", 0.1, seed=0, horizon=2)
    >>> record = RunRecord(spec, "done", final=0.5, curves={"lr": Curve((0, 1), (0.1, 0.05))}, steps=2)
    >>> record.curve("lr").last, len(record.curve("val_loss"))
    (0.05, 0)
    """

    spec: RunSpec
    status: Status
    reason: str = ""
    traceback: str = ""
    final: float | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    started: float = 0.0
    attempts: int = 1
    notes: tuple[str, ...] = ()
    version: int = 1
    reused: int = 0

    def curve(self, name: str) -> Curve:
        """The curve of that name; an empty one when the run never logged it.

        >>> len(RunRecord(RunSpec("a", "cosine()", None, 0, 10), "failed").curve("lr"))
        0
        """
        return self.curves.get(name, Curve())

    @property
    def sound(self) -> bool:
        """Whether the run gave a finite result that may be compared.

        >>> RunRecord(RunSpec("a", "cosine()", None, 0, 10), "done", final=float("nan")).sound
        False
        """
        return self.status == "done" and self.final is not None and math.isfinite(self.final)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of one run: the log that shows which work was ever repeated.

    `outcome` is "" while it runs or when the coordinator itself was killed, else the run's status, or
    "lost" (the worker died), "interrupted" (the study was stopped). Times are Unix times in seconds. `trained`
    counts the updates that it is known to have taken, `kept` those of them that did not get lost: they are in a
    finished run or stage.

    >>> Attempt(key="0" * 16, session=1, pid=42, started=0.0).outcome
    ''
    """

    key: str
    session: int
    pid: int
    started: float
    ended: float | None = None
    outcome: str = ""
    reason: str = ""
    trained: int = 0
    kept: int = 0
