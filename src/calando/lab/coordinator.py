"""The one process that starts runs, hears how they end, and writes the store."""

import time
from collections import Counter
from dataclasses import replace
from typing import Literal

from calando.errors import CalandoError
from calando.lab.board import Running
from calando.lab.executors.base import Ended, Event, Executor, Opened, Progress, Reached, Ready, Task, Unloadable
from calando.lab.guard import Guard
from calando.lab.live import View
from calando.lab.moves import Strategy
from calando.lab.sources import changed
from calando.lab.troubles import changed_code, hopeless, no_room, stop_when_broken, unloadable
from calando.records.run import STATUSES, RunRecord, RunSpec
from calando.records.store import Store
from calando.records.study import Study, StudySpec

__all__ = ["Coordinator"]

REDRAW = 0.125  # seconds
TURN = 0.1


class Coordinator:
    """Makes every run that a strategy wants; finished ones are never made again.

    `runs` are all finished runs of the study by key, `cut` says what stopped the work before nothing was wanted
    any more: "steps" or "time" of the guard, "" for nothing.

    Args:
        store: the study's file, held for writing.
        spec: the question, as it stands in the store.
        strategy: which runs are wanted; it is told of every run that finishes from now on.
        executor: where runs are made.
        view: what shows how far it is.
        session: number of this sitting in the store.
        workers: how many runs go at a time.
        retries: how often a run is started again after its worker died, >= 0.
        guard: the hard stop; none unless given.
    """

    def __init__(
        self,
        store: Store,
        spec: StudySpec,
        strategy: Strategy,
        executor: Executor,
        view: View,
        session: int,
        workers: int,
        retries: int,
        guard: Guard | None = None,
    ) -> None:
        self._store = store
        self._spec = spec
        self._strategy = strategy
        self._executor = executor
        self._view = view
        self._session = session
        self._workers = workers
        self._retries = retries
        self._guard = guard or Guard()
        study = store.study() or Study(spec)
        self.runs: dict[str, RunRecord] = {run.spec.key: run for run in study.runs}
        self.cut: Literal["", "steps", "time"] = ""
        self._failing = all(run.status == "failed" for run in study.runs)
        self._trained = sum(run.steps - run.reused for run in study.runs)
        self._sources = study.environment.sources
        self._shown = 0.0
        self._deaths: Counter[str] = Counter()  # in this sitting: whoever ends a whole sitting also ends its workers
        self._starts = Counter(a.key for a in study.attempts)
        self._running: dict[str, Running] = {}
        self._attempts: dict[str, int] = {}
        self._logs = store.folder.resolve() / "logs"

    @property
    def trained(self) -> int:
        """Updates that the finished runs of the study really took."""
        return self._trained

    def work(self) -> None:
        """Make runs until none is wanted; an interruption or an error leaves everything finished in the store.

        Raises:
            LabError: when the train function broke its contract or can never work, or the store cannot be
                written.
        """
        for run in self.runs.values():
            stop_when_broken(self._spec.train, run)
        self._view.start(self._spec)
        try:
            self._loop()
        except BaseException:
            self._abandon("")
            raise
        finally:
            self._view.stop()

    def _loop(self) -> None:
        wanted = self._strategy.left()
        while wanted or self._running:
            self._start(wanted)
            if not self._running:
                self.cut = "steps"  # what is still wanted would pass the budget
                return
            news = False
            for event in self._executor.poll(min(TURN, self._guard.left)):
                news |= self._hear(event)
            if news:
                wanted = self._strategy.left()
            if self._guard.over and (wanted or self._running):
                self.cut = "time"
                self._abandon("the time of the budget is up")
                return
            if (now := time.monotonic()) - self._shown >= REDRAW:
                self._shown = now
                self._view.show(self._strategy.board(self._running, self._workers))

    def _start(self, wanted: list[RunSpec]) -> None:
        free = self._executor.free
        if free <= 0:
            return
        under_way = sum(one.spec.horizon for one in self._running.values())
        for run in wanted:
            if run.key in self._running:
                continue
            if not self._guard.allows(self._trained + under_way, run.horizon):
                continue
            self._submit(run)
            under_way += run.horizon
            free -= 1
            if free <= 0:
                return

    def _submit(self, run: RunSpec) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        task = Task(
            run,
            self._strategy.schedule(run),
            self._strategy.evals(run),
            self._spec.metric,
            self._spec.mode,
            str(self._logs / f"run-{run.key}.log"),
        )
        pid = self._executor.submit(task)
        self._running[run.key] = Running(run, 0, ())
        self._attempts[run.key] = self._store.begin_attempt(self._session, run.key, pid)
        self._starts[run.key] += 1

    def _abandon(self, reason: str) -> None:
        """Kill everything under way and mark it, as far as the store can still be written."""
        self._executor.close()
        try:
            for attempt in self._attempts.values():
                self._store.end_attempt(attempt, "interrupted", reason)
        except CalandoError:
            pass  # the disk may be full; an open attempt means the same
        self._attempts.clear()
        self._running.clear()

    def _hear(self, event: Event) -> bool:
        if isinstance(event, Unloadable):
            raise unloadable(self._spec.train, event.traceback)
        if isinstance(event, Ready):
            if names := changed(self._sources, event.sources):
                raise changed_code(self._spec.train, names)
            return False
        if event.key not in self._running:
            return False
        if isinstance(event, Opened):
            self._strategy.opened(event)
            return False
        if isinstance(event, Progress):
            self._progress(event)
        if isinstance(event, Progress | Reached):
            return False
        if event.status == "full":
            raise no_room(self._store.folder, event.reason)
        under_way = self._running.pop(event.key)
        attempt = self._attempts.pop(event.key)
        if event.status == "lost":
            self._deaths[event.key] += 1
            if self._deaths[event.key] <= self._retries:
                self._store.end_attempt(attempt, "lost", event.reason)
                self._view.say(f"{under_way.spec.candidate}: {event.reason}; it is started again")
                return True
        self._finish(under_way.spec, attempt, event)
        return True

    def _progress(self, event: Progress) -> None:
        known = self._running[event.key]
        loss = event.latest.get(self._spec.metric, event.latest.get("train_loss"))
        losses = known.losses if loss is None else (*known.losses, loss)[-60:]
        self._running[event.key] = replace(known, steps=event.steps, losses=losses)

    def _finish(self, run: RunSpec, attempt: int, event: Ended) -> None:
        deaths = self._deaths[event.key]
        lost = f"{event.reason}; it died {deaths} times" if deaths > 1 else event.reason
        record = RunRecord(
            spec=run,
            status=event.status if event.status in STATUSES else "failed",
            reason=lost if event.status == "lost" else event.reason,
            traceback=event.traceback,
            final=event.final,
            curves=event.curves,
            steps=event.steps,
            seconds=event.seconds,
            started=event.started,
            attempts=self._starts[event.key],
            notes=event.notes,
        )
        self._store.finish(attempt, record)
        self.runs[run.key] = record
        self._trained += record.steps - record.reused
        self._strategy.finished(record)
        self._view.finished(record, self._strategy.tally(self._running, self._workers))
        if record.status != "failed":
            self._failing = False
            return
        stop_when_broken(self._spec.train, record)
        if self._failing:
            hopeless(self._spec.train, self.runs.values(), len(self._spec.candidates), record)
