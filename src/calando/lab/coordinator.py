"""The one process that starts runs, hears how they end, and writes the store."""

import json
import time
from collections import Counter
from dataclasses import replace
from typing import Literal

from calando.errors import CalandoError
from calando.lab.alive import Alive
from calando.lab.board import Running
from calando.lab.dispatch import Dispatch
from calando.lab.executors.base import (
    Ended,
    Event,
    Executor,
    Loaded,
    Opened,
    Progress,
    Reached,
    Ready,
    Task,
    Unloadable,
)
from calando.lab.guard import Guard
from calando.lab.live import View
from calando.lab.moves import Strategy
from calando.lab.shelf import DISK, Shelf
from calando.lab.stages import Leg
from calando.lab.troubles import changed_code, hopeless, no_room, stop_when_broken, unloadable
from calando.records.plain import decode
from calando.records.run import STATUSES, RunRecord, RunSpec
from calando.records.stage import joined
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
        share: whether runs share stages; None where that saves at least 5 % of the steps.
        place: folder or fsspec URL for snapshots, this study's own; "snapshots" in its folder unless given.
        disk: bytes that snapshots may use together, >= 0; 0 for none at all.
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
        *,
        share: bool | None = None,
        place: str = "",
        disk: int = DISK,
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
        self._environment = study.environment
        self._sources = dict(study.environment.sources)
        self._shown = 0.0
        self._deaths: Counter[str] = Counter()  # in this sitting: whoever ends a whole sitting also ends its workers
        self._starts = Counter(a.key for a in study.attempts)
        self._running: dict[str, Running] = {}
        self._attempts: dict[str, int] = {}
        self._logs = store.folder.resolve() / "logs"
        self._decided = study.decisions
        facts, stages = store.facts(), store.stages()
        self._shelf = Shelf(store, place or str(store.folder.resolve() / "snapshots"), disk, stages)
        self._dispatch = Dispatch(strategy, self._shelf, stages, view, share)
        self._alive = Alive(store.folder, spec, strategy.schedule)
        self._opened: Opened | None = None
        if "opened" in facts:
            self._open(decode(Opened, json.dumps(facts["opened"]), "what the train function keeps"))

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
        self._shelf.sweep()
        self._note_decisions()
        wanted = self._strategy.left()
        while wanted or self._running:
            refused = self._start(wanted)
            if not self._running and refused:
                self.cut = "steps"  # what is still wanted would pass the budget
                break
            news = False
            for event in self._executor.poll(min(TURN, self._guard.left)):
                news |= self._hear(event)
            if news:
                wanted = self._strategy.left()
            if self._guard.over and (wanted or self._running):
                self.cut = "time"
                self._abandon("the time of the budget is up")
                break
            if self._view.draws and (now := time.monotonic()) - self._shown >= REDRAW:
                self._shown = now
                self._view.show(self._strategy.board(self._running, self._workers))
        self._note_decisions()
        self._dispatch.close()
        self._alive.close(finished=not self.cut)

    def _start(self, wanted: list[RunSpec]) -> bool:
        """Begin what can be begun; whether something was held back by the budget."""
        if self._executor.free <= 0:
            return False
        self._dispatch.want(wanted)
        held_back: set[str] = set()
        while self._executor.free > 0 and (leg := self._dispatch.next(held_back)) is not None:
            under_way = sum(self._cost(self._dispatch.leg(key)) for key in self._running)
            if self._guard.allows(self._trained + under_way, self._cost(leg)):
                self._submit(leg)
            else:
                held_back.add(leg.run.key)
        return bool(held_back)

    def _cost(self, leg: Leg) -> int:
        return leg.run.horizon - self._dispatch.reused(leg)

    def _submit(self, leg: Leg) -> None:
        run = leg.run
        leg, stage = self._dispatch.begin(leg)
        task = Task(
            run,
            self._strategy.schedule(run),
            self._strategy.evals(run),
            self._spec.metric,
            self._spec.mode,
            str(self._logs / f"run-{run.key}.log"),
            start=None if stage is None else stage.snapshot,
            keep_at=leg.keep_at,
            every=self._dispatch.every,
            place=self._shelf.place,
        )
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise no_room(self._store.folder, str(error)) from error
        pid = self._executor.submit(task)
        self._running[run.key] = Running(run, leg.start, ())
        self._attempts[run.key] = self._store.begin_attempt(self._session, run.key, pid)
        self._starts[run.key] += 1

    def _abandon(self, reason: str) -> None:
        """Kill everything under way and mark it, as far as the store can still be written."""
        self._executor.close()
        try:
            for key, attempt in self._attempts.items():
                trained = (
                    max(0, self._running[key].steps - self._dispatch.leg(key).start) if key in self._running else 0
                )
                self._store.end_attempt(attempt, "interrupted", reason, trained)
        except CalandoError:
            pass  # the disk may be full; an open attempt means the same
        self._attempts.clear()
        self._running.clear()
        self._alive.close(finished=False)

    def _hear(self, event: Event) -> bool:
        if isinstance(event, Unloadable):
            raise unloadable(self._spec.train, event.traceback)
        if isinstance(event, Ready):
            if names := [n for n, sha in event.sources.items() if self._sources.get(n) != sha]:
                raise changed_code(self._spec.train, names)
            return False
        if isinstance(event, Loaded):
            self._loaded(event)
            return False
        if event.key not in self._running:
            return False
        if isinstance(event, Opened):
            self._open(event)
            return False
        if isinstance(event, Progress):
            self._progress(event)
            return False
        if isinstance(event, Reached):
            return self._reached(event)
        if event.status == "full":
            raise no_room(self._store.folder, event.reason)
        run, attempt = self._running.pop(event.key).spec, self._attempts.pop(event.key)
        if event.status == "refused":
            self._dispatch.unreadable(event.key, event.reason)
            return self._again(run, attempt, "refused", event)
        if event.status == "lost":
            self._deaths[event.key] += 1
            if self._deaths[event.key] <= self._retries:
                self._view.say(f"{run.candidate}: {event.reason}; it is started again")
                return self._again(run, attempt, "lost", event)
        self._finish(run, attempt, event)
        return True

    def _again(self, run: RunSpec, attempt: int, outcome: str, event: Ended) -> bool:
        trained = max(0, event.steps - self._dispatch.leg(run.key).start)
        self._alive.again(run.key)
        self._dispatch.ended(run.key, finished=False)
        self._store.end_attempt(attempt, outcome, event.reason, trained)
        return True

    def _open(self, event: Opened) -> None:
        self._dispatch.opened(event)
        self._strategy.opened(event)
        before = self._opened or event
        looked, alone = event.looked or before.looked, event.alone or before.alone
        self._note_opened(replace(event, key="", start=0, refused="", looked=looked, alone=alone), bool(event.key))

    def _note_opened(self, general: Opened, fresh: bool) -> None:
        if general != self._opened:
            if fresh:
                self._store.save_fact("opened", general)
            self._opened = general

    def _loaded(self, event: Loaded) -> None:
        """Modules that were imported inside a run belong to the code that the study is made with."""
        if names := [n for n, sha in event.sources.items() if self._sources.get(n, sha) != sha]:
            raise changed_code(self._spec.train, names)
        if event.sources.keys() - self._sources.keys():
            self._sources |= event.sources
            self._environment = replace(self._environment, sources=dict(self._sources))
            self._store.save_environment(self._session, self._environment)

    def _reached(self, event: Reached) -> bool:
        """Commit a finished stage: what was logged in it and its snapshot, in one transaction."""
        if self._opened is not None and (event.looked or event.alone):  # it may have begun to look in the loop
            looked, alone = self._opened.looked or event.looked, self._opened.alone or event.alone
            self._note_opened(replace(self._opened, looked=looked, alone=alone), fresh=True)
        if (stage := self._dispatch.reached(event)) is not None:
            self._store.finish_stage(self._attempts[event.key], stage)
            self._dispatch.committed(stage)
        return True

    def _note_decisions(self) -> None:
        decisions = self._strategy.decisions()
        if decisions and decisions != self._decided:  # an extended study decides anew
            self._store.save_decisions(decisions)
            self._decided = decisions

    def _progress(self, event: Progress) -> None:
        known = self._running[event.key]
        self._alive.progress(known.spec, self._dispatch.leg(event.key).start, event)
        loss = event.latest.get(self._spec.metric, event.latest.get("train_loss"))
        losses = known.losses if loss is None else (*known.losses, loss)[-60:]
        self._running[event.key] = replace(known, steps=event.steps, losses=losses)

    def _finish(self, run: RunSpec, attempt: int, event: Ended) -> None:
        deaths, leg = self._deaths[event.key], self._dispatch.leg(run.key)
        self._alive.ended(run.key, event.status, event.reason, event.steps)
        lost = f"{event.reason}; it died {deaths} times" if deaths > 1 else event.reason
        before = self._store.path_to(leg.stage) if leg.stage else {}
        record = RunRecord(
            spec=run,
            status=event.status if event.status in STATUSES else "failed",
            reason=lost if event.status == "lost" else event.reason,
            traceback=event.traceback,
            final=event.final,
            curves=joined(before, event.curves) if before else event.curves,
            steps=event.steps,
            seconds=event.seconds + self._dispatch.seconds(leg),
            started=event.started,
            attempts=self._starts[event.key],
            notes=event.notes,
            reused=min(self._dispatch.reused(leg), event.steps),
        )
        self._store.finish(attempt, record, max(0, event.steps - leg.start))
        self.runs[run.key] = record
        self._trained += record.steps - record.reused
        self._dispatch.ended(run.key, finished=True)
        self._strategy.finished(record)
        self._note_decisions()
        self._view.finished(record, self._strategy.tally(self._running, self._workers))
        if record.status != "failed":
            self._failing = False
            return
        stop_when_broken(self._spec.train, record)
        if self._failing:
            hopeless(self._spec.train, self.runs.values(), len(self._spec.candidates), record)
