"""The short runs of a check: the same seed in two processes and again in one, another seed, a quarter, a resumption."""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from calando.lab.executors.base import Ended, Executor, Opened, Reached, Ready, Task, Unloadable
from calando.lab.executors.local import LocalExecutor
from calando.lab.session import terminable
from calando.lab.trainref import TrainRef
from calando.lab.troubles import unloadable
from calando.records.logs.guess import better
from calando.records.run import RunSpec

__all__ = ["EVALS", "MOVING", "Probe", "Probes", "probed"]

MOVING = "warmup(25%) | linear_decay(end=0.1)"
"""A schedule whose rate differs at every update, so that one update too many or too few is seen."""
OTHER_RATES = "linear_decay(end=0.5)"
EVALS = 4


@dataclass(frozen=True, slots=True)
class Probe:
    """One short run: what was asked, and what came back."""

    task: Task
    ended: Ended
    opened: Opened | None = None
    reached: Reached | None = None
    wall: float = 0.0

    @property
    def losses(self) -> tuple[float, ...]:
        """The training loss at every update; whatever else was logged most often where there is none."""
        curves = {name: curve for name, curve in self.ended.curves.items() if name != "lr"}
        for name in ("train_loss", "loss"):
            if name in curves:
                return curves[name].values
        return max(curves.values(), key=len).values if curves else ()


@dataclass(frozen=True, slots=True)
class Probes:
    """All short runs of a check, by name: "first", "twin" (same seed, another process, with a snapshot in the middle),
    "again" (same seed, same process), "other" (another seed), "quarter",
    "rates" (other rates at every update), "resumed"."""

    ready: Ready
    runs: Mapping[str, Probe] = field(default_factory=dict)
    metric: str = "val_loss"
    steps: int = 40

    def get(self, name: str) -> Probe | None:
        """The probe of that name; None when it was not made."""
        return self.runs.get(name)

    @property
    def first(self) -> Probe:
        """The first run, which is always made."""
        return self.runs["first"]


@contextmanager
def _opened(ref: TrainRef, folder: Path, timeout: float) -> Iterator[LocalExecutor]:
    executor = LocalExecutor(ref, 1, folder / "logs", timeout)
    try:
        yield executor
    finally:
        executor.close()


def probed(
    ref: TrainRef,
    steps: int | None,
    metric: str | None,
    mode: str | None,
    timeout: float,
    params: str = "",
    peak: float | None = None,
) -> Probes:
    """Make the short runs, in two worker processes and a folder that is thrown away.

    Raises:
        LabError: when the train function cannot be loaded.
    """
    with (
        tempfile.TemporaryDirectory(prefix="calando-check-") as name,
        terminable(),
        _opened(ref, Path(name) / "a", timeout) as one,
        _opened(ref, Path(name) / "b", timeout) as two,
    ):
        one.warm()
        two.warm()
        ready = _first(one, ref)
        _first(two, ref)
        declared = ready.declared
        count = steps or min(40, max(8, declared.steps or 40))
        if steps is None:
            count -= count % 4
        judged = metric if metric is not None else declared.metric or "val_loss"
        plan = _bound(MOVING, count, declared.steps_per_epoch)
        short = _bound(MOVING, count // 4, declared.steps_per_epoch)
        base = Task(
            RunSpec("check", MOVING, peak, 0, count, params=params),
            plan,
            EVALS,
            judged,
            mode or declared.mode_of(judged) or better(judged),
            str(Path(name) / "run.log"),
            place=str(Path(name) / "snapshots"),
            digest=True,
        )
        runs = {"first": _made(one, base)}
        found = Probes(ready, runs, judged, count)
        if runs["first"].ended.status not in ("done", "diverged"):
            return found
        runs["twin"] = _made(two, _change(base, keep_at=(count // 2,)))
        runs["again"] = _made(one, base)
        runs["other"] = _made(one, _change(base, spec=RunSpec("check", MOVING, peak, 1, count, params=params)))
        quarter = RunSpec("check", MOVING, peak, 0, count // 4, params=params)
        runs["quarter"] = _made(two, _change(base, spec=quarter, schedule=short))
        rates = RunSpec("check", OTHER_RATES, peak, 0, count, params=params)
        bound = _bound(OTHER_RATES, count, declared.steps_per_epoch)
        runs["rates"] = _made(one, _change(base, spec=rates, schedule=bound))
        reached = runs["twin"].reached
        if reached is not None and reached.snapshot is not None:
            runs["resumed"] = _made(one, _change(base, start=reached.snapshot))
        return found


def _change(task: Task, **changes: object) -> Task:
    from dataclasses import replace

    return replace(task, **changes)  # type: ignore[arg-type]


def _bound(plan: str, steps: int, steps_per_epoch: int | None) -> str:
    from calando.core.text import parse

    return parse(plan).bind(steps, steps_per_epoch=steps_per_epoch).to_json()


def _first(executor: Executor, ref: TrainRef) -> Ready:
    while True:
        for event in executor.poll(0.2):
            if isinstance(event, Unloadable):
                raise unloadable(ref.text, event.traceback)
            if isinstance(event, Ready):
                return event


def _made(executor: Executor, task: Task) -> Probe:
    """One run, to its end; a worker that died is a failed run."""
    opened: Opened | None = None
    reached: Reached | None = None
    began = time.monotonic()
    executor.submit(task)
    while True:
        for event in executor.poll(0.2):
            if isinstance(event, Opened):
                opened = event
            elif isinstance(event, Reached):
                reached = event
            elif isinstance(event, Ended):
                return Probe(task, event, opened, reached, time.monotonic() - began)


def apart(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[int, float] | None:
    """The first place at which two curves differ and the largest difference; None where they agree bit for bit.

    >>> apart((1.0, 2.0), (1.0, 2.5))
    (1, 0.5)
    """
    pairs = list(zip(left, right, strict=False))
    first = next((i for i, (a, b) in enumerate(pairs) if a != b and not (math.isnan(a) and math.isnan(b))), None)
    if first is None:
        return None if len(left) == len(right) else (len(pairs), math.inf)
    return first, max(abs(a - b) for a, b in pairs)
