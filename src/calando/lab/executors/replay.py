"""The executor that trains nothing: it answers from recorded runs, so that strategies can be judged for free."""

import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from calando.lab.declare import Declared
from calando.lab.executors.base import Ended, Event, Opened, Progress, Reached, Ready, Task
from calando.lab.executors.recorded import refused
from calando.lab.executors.sharing import Sharing
from calando.lab.moves import Strategy
from calando.records.decision import Decision
from calando.records.run import Curve, RunRecord, RunSpec
from calando.records.stage import SnapshotRef

__all__ = ["Answer", "Replay", "ReplayExecutor", "replay"]

Answer = Callable[[RunSpec], RunRecord | None]


class ReplayExecutor:
    """Answers every task at once and in the order of submission, in this process.

    A recorded run can be branched and gone on with like a real one: a snapshot is written wherever one is asked
    for (of nothing, so it has no size and no place) and the curves begin where a task begins. So a coordinator
    above it counts what the study would really have trained.

    Args:
        answer: gives the record of a run, None for one that was not recorded.
        declared: what the train function would have declared.
        seconds_per_step: what an update is said to have taken, >= 0; 0 leaves the recorded seconds.
        shares: whether runs may go on from snapshots; without, every run costs its whole horizon.
        progress: whether the values on the way are told, too.

    Example:
        >>> record = RunRecord(RunSpec("mine", "cosine()", 0.1, seed=0, horizon=100), "done", final=0.5, steps=100)
        >>> executor = ReplayExecutor(lambda run: record)
        >>> _ = executor.submit(Task(record.spec, "", 1, "val_loss", "min"))
        >>> [type(event).__name__ for event in executor.poll(0)]
        ['Opened', 'Ended']
    """

    def __init__(
        self,
        answer: Answer,
        *,
        declared: Declared | None = None,
        seconds_per_step: float = 0.0,
        shares: bool = True,
        progress: bool = False,
    ) -> None:
        self._answer = answer
        self._declared = declared or Declared()
        self._pace = seconds_per_step
        self._shares = shares
        self._progress = progress
        self._events: deque[Event] = deque()
        self._pending = 0

    @property
    def free(self) -> int:
        """One task at a time: what a strategy asks for next may depend on the answer."""
        return 1 - self._pending

    def warm(self) -> None:
        """Say at once what the train function declares."""
        self._events.append(Ready(self._declared))

    def offers(self, run: RunSpec) -> bool:
        """Whether the run was recorded; what `tune` takes as `available`."""
        return self._answer(run) is not None

    def submit(self, task: Task) -> int:
        """Look the run up; gives this process's id.

        Raises:
            LabError: for a run that was not recorded.
        """
        record = self._answer(task.spec)
        if record is None:
            raise refused(task.spec)
        self._pending = 1
        self._events += self._story(task, record)
        return os.getpid()

    def poll(self, seconds: float) -> Sequence[Event]:
        """Everything that is to be said; never waits."""
        told = tuple(self._events)
        self._events.clear()
        self._pending = 0
        return told

    def close(self) -> None:
        """Forget what was not asked for yet."""
        self._events.clear()
        self._pending = 0

    def _story(self, task: Task, record: RunRecord) -> list[Event]:
        key, first = task.spec.key, 0 if task.start is None else task.start.step
        told: list[Event] = [Opened(key, ("record",) if self._shares else (), start=first)]
        for step in task.keep_at if self._shares else ():
            if step < record.steps:
                snapshot = SnapshotRef(step, "", "", 0)
                curves = _stretch(record.curves, first, step)
                told.append(Reached(key, step, snapshot, curves, self._seconds(record, step - first)))
        if self._progress:
            told.append(Progress(key, record.steps, {n: c.values[-1] for n, c in record.curves.items() if c.values}))
        told.append(
            Ended(
                key,
                record.status,
                record.reason,
                record.traceback,
                record.final,
                _stretch(record.curves, first, record.steps),
                steps=record.steps,
                seconds=self._seconds(record, record.steps - first),
                started=record.started,
                notes=record.notes,
            )
        )
        return told

    def _seconds(self, record: RunRecord, steps: int) -> float:
        if self._pace:
            return self._pace * steps
        return record.seconds * steps / record.steps if record.steps else record.seconds


def _stretch(curves: Mapping[str, Curve], start: int, stop: int) -> dict[str, Curve]:
    from bisect import bisect_left

    found = {}
    for name, curve in curves.items():
        low, high = bisect_left(curve.steps, start), bisect_left(curve.steps, stop)
        whole = low == 0 and high == len(curve)
        found[name] = curve if whole else Curve(curve.steps[low:high], curve.values[low:high])
    return found


@dataclass(frozen=True, slots=True)
class Replay:
    """What a strategy did with recorded runs, and what it would have cost.

    `trained` counts the updates that a study would have made, `alone` what the same runs cost without sharing.
    `skipped` are the runs that were wanted but no longer fitted the budget.

    >>> Replay((), (), trained=0, alone=0).skipped
    ()
    """

    runs: tuple[RunRecord, ...]
    decisions: tuple[Decision, ...]
    trained: int
    alone: int
    skipped: tuple[RunSpec, ...] = ()


def replay(
    strategy: Strategy, answer: Answer, budget: int | None = None, *, share: bool = True, workers: int = 1
) -> Replay:
    """Let a strategy work on recorded runs: no store, no process, milliseconds.

    Runs are answered in the order in which they are wanted. A run costs the updates since the latest snapshot
    that it can go on from, where snapshots are those that the coordinator would have: at the steps where runs
    leave each other that are wanted when the trunk is begun, kept as long as a wanted run needs them.

    Args:
        strategy: which runs it wants; it is used up, build a fresh one for each replay.
        answer: gives the record of a run, None for one that was not recorded.
        budget: updates that may be trained, >= 1; None: as many as are wanted. No run is begun that would pass it.
        share: whether runs may go on from snapshots of others.
        workers: how many runs are begun before the strategy is asked again, >= 1.

    Raises:
        LabError: for a run that was not recorded.
    """
    from dataclasses import replace

    runs: list[RunRecord] = []
    skipped: dict[str, RunSpec] = {}
    sharing = Sharing(strategy) if share else None
    trained = alone = 0
    if first := strategy.left():
        strategy.opened(Opened(first[0].key, ("record",) if share else ()))
    while wanted := [run for run in strategy.left() if run.key not in skipped]:
        if sharing is not None:
            sharing.want(wanted)
        begun: list[RunRecord] = []
        for run in wanted:
            record = answer(run)
            if record is None:
                raise refused(run)
            start = 0 if sharing is None else min(sharing.start(run), record.steps)
            if budget is not None and trained + run.horizon - start > budget:
                skipped[run.key] = run
                continue
            if sharing is not None:
                sharing.begin(run, wanted, start, record.steps)
            trained += record.steps - start
            alone += record.steps
            begun.append(replace(record, reused=start))
            if len(begun) == workers:
                break
        for record in begun:
            runs.append(record)
            strategy.finished(record)
    return Replay(tuple(runs), strategy.decisions(), trained, alone, tuple(skipped.values()))
