"""What stages leave behind: a stretch of training that is done once, and the snapshot at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calando.records.run import Curve, RunSpec

__all__ = ["Knob", "SnapshotRef", "StageRecord", "joined"]


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """Where a snapshot lies and how to know that it is whole.

    `step` counts the updates it holds, `url` is a path or an fsspec URL, `sha256` is of its content in hex,
    `size` its bytes.

    >>> SnapshotRef(step=100, url="snapshots/1f", sha256="", size=0).step
    100
    """

    step: int
    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A finished stretch `[start, stop)` of training, and what it left behind.

    `key` names the whole past up to `stop` (seed, params, every rate, every evaluation): any run with the same
    past may go on from here. `run` is the key of the run that trained it, `curves` what it logged in the
    stretch, `seconds` its wall time. `snapshot` is None once nothing needs it any more. `parent` is the key of the
    stage that it went on from ("" for the beginning). `spec`, `schedule` (bound, as calando JSON) and `evals` say
    what that run was asked for, so that others can be held against it when it is no longer wanted.

    >>> StageRecord("1f", "2e", start=0, stop=100).snapshot is None
    True
    """

    key: str
    run: str
    start: int
    stop: int
    seconds: float = 0.0
    curves: Mapping[str, Curve] = field(default_factory=dict)
    snapshot: SnapshotRef | None = None
    parent: str = ""
    spec: RunSpec | None = None
    schedule: str = ""
    evals: int = 0


def joined(*stretches: Mapping[str, Curve]) -> dict[str, Curve]:
    """The curves of stretches of training, one after the other, as one.

    >>> joined({"lr": Curve((0,), (0.1,))}, {"lr": Curve((1,), (0.2,))})["lr"].values
    (0.1, 0.2)
    """
    steps: dict[str, list[int]] = {}
    values: dict[str, list[float]] = {}
    for stretch in stretches:
        for name, curve in stretch.items():
            steps.setdefault(name, []).extend(curve.steps)
            values.setdefault(name, []).extend(curve.values)
    return {name: Curve(tuple(steps[name]), tuple(values[name])) for name in steps}


@dataclass(frozen=True, slots=True)
class Knob:
    """Something else than the schedule that the train function lets a study choose (`run.suggest`).

    `low` and `high` bound a number (`whole`: an integer; `log`: searched on a logarithmic scale); `choices`
    holds the JSON of each choice instead. `default` is the JSON of the value outside of a search.

    >>> Knob("weight_decay", 1e-4, 1e-1, log=True, default="0.01").choices
    ()
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""
