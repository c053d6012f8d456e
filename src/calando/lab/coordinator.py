"""The one process that starts runs, hears how they end, and writes the store."""

import time
from collections import Counter
from dataclasses import replace

from calando.errors import CalandoError, LabError
from calando.lab.board import Board, Running, board, tally
from calando.lab.executors.base import Ended, Event, Executor, Opened, Progress, Reached, Ready, Task, Unloadable
from calando.lab.live import View
from calando.lab.question import bind
from calando.lab.sources import changed
from calando.lab.stop import BROKEN
from calando.lab.strategy import in_order, walk, walks
from calando.records.run import RunRecord, RunSpec
from calando.records.store import Store
from calando.records.study import Study, StudySpec

__all__ = ["Coordinator", "broken", "unloadable"]

REDRAW = 0.125  # seconds
HOPELESS = 4  # so many failures, over two candidates or all, and nothing but failures: it is the train function


class Coordinator:
    """Makes every run that the study still wants; finished ones are never made again.

    Args:
        store: the study's file, held for writing.
        spec: the question, as it stands in the store.
        executor: where runs are made.
        view: what shows how far it is.
        session: number of this sitting in the store.
        workers: how many runs go at a time.
        retries: how often a run is started again after its worker died, >= 0.
    """

    def __init__(
        self, store: Store, spec: StudySpec, executor: Executor, view: View, session: int, workers: int, retries: int
    ) -> None:
        self._store = store
        self._spec = spec
        self._executor = executor
        self._view = view
        self._session = session
        self._workers = workers
        self._retries = retries
        study = store.study() or Study(spec)
        self.runs: dict[str, RunRecord] = {run.spec.key: run for run in study.runs}
        self._stops = {stop.candidate.label: stop for stop in walks(spec, self.runs)}
        self._sources = study.environment.sources
        self._shown = 0.0
        self._deaths: Counter[str] = Counter()  # in this sitting: whoever ends a whole sitting also ends its workers
        self._starts = Counter(a.key for a in study.attempts)
        self._running: dict[str, Running] = {}
        self._attempts: dict[str, int] = {}
        self._schedules = {c.label: bind(spec, c).to_json() for c in spec.candidates}

    def work(self) -> None:
        """Make runs until none is wanted; an interruption or an error leaves everything finished in the store.

        Raises:
            LabError: when the train function broke its contract or can never work, or the store cannot be
                written.
        """
        for run in self.runs.values():
            self._stop_when_broken(run)
        self._view.start(self._spec)
        try:
            self._loop()
        except BaseException:
            self._executor.close()
            for attempt in self._attempts.values():
                try:
                    self._store.end_attempt(attempt, "interrupted")
                except CalandoError:
                    break  # the disk may be full; an open attempt means the same
            raise
        finally:
            self._view.stop()

    def _loop(self) -> None:
        wanted = in_order(list(self._stops.values()))
        while wanted or self._running:
            for run in [run for run in wanted if run.key not in self._running][: self._executor.free]:
                self._submit(run)
            changed = False
            for event in self._executor.poll(0.1):
                changed |= self._hear(event)
            if changed:
                wanted = in_order(list(self._stops.values()))
            if (now := time.monotonic()) - self._shown >= REDRAW:
                self._shown = now
                self._view.show(self._board())

    def _submit(self, run: RunSpec) -> None:
        log = self._store.folder.resolve() / "logs" / f"run-{run.key}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        spec = self._spec
        task = Task(run, self._schedules[run.candidate], spec.evals, spec.metric, spec.mode, str(log))
        pid = self._executor.submit(task)
        self._running[run.key] = Running(run, 0, ())
        self._attempts[run.key] = self._store.begin_attempt(self._session, run.key, pid)
        self._starts[run.key] += 1

    def _hear(self, event: Event) -> bool:
        if isinstance(event, Unloadable):
            raise unloadable(self._spec.train, event.traceback)
        if isinstance(event, Ready) and (names := changed(self._sources, event.sources)):
            raise LabError(
                given=f"code that changed while the study runs: {', '.join(names[:5])}",
                allowed="the code that the study began with",
                where=self._spec.train,
                fix="change it back and run the same command, or begin anew with --fresh",
            )
        if isinstance(event, Progress):
            self._progress(event)
        if isinstance(event, Ready | Progress | Opened | Reached) or event.key not in self._running:
            return False
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
        if (known := self._running.get(event.key)) is not None:
            loss = event.latest.get(self._spec.metric, event.latest.get("train_loss"))
            losses = known.losses if loss is None else (*known.losses, loss)[-60:]
            self._running[event.key] = replace(known, steps=event.steps, losses=losses)

    def _finish(self, run: RunSpec, attempt: int, event: Ended) -> None:
        deaths = self._deaths[event.key]
        lost = f"{event.reason}; it died {deaths} times" if deaths > 1 else event.reason
        record = RunRecord(
            spec=run,
            status="failed" if event.status == "lost" else event.status,
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
        self.runs[record.spec.key] = record
        self._stops[run.candidate] = walk(self._spec, self._spec.candidate(run.candidate), self.runs)
        stops = tuple(self._stops.values())
        self._view.finished(record, tally(self._spec, stops, self.runs, self._running, self._workers))
        if record.status == "failed":
            self._stop_when_broken(record)
            self._give_up_when_hopeless(record)

    def _stop_when_broken(self, run: RunRecord) -> None:
        """A broken contract concerns the train function, so that what other runs gave proves nothing either."""
        if not broken(run):
            return
        what, _, change = run.reason.removeprefix(f"{BROKEN}: ").partition("; ")
        peak = "" if run.spec.peak is None else f", peak {run.spec.peak:g}"
        who = f"{run.spec.candidate}{peak}, seed {run.spec.seed}"
        raise LabError(
            given=f"a train function that broke its contract ({who}): {what}",
            allowed="a train function that keeps the run contract; without it nothing is proven about any candidate",
            where=self._spec.train,
            fix=f"{change or 'mend it'}; then run the same command with --fresh (the old folder is kept aside)",
        )

    def _give_up_when_hopeless(self, last: RunRecord) -> None:
        if any(run.status != "failed" for run in self.runs.values()):
            return
        hit = {run.spec.candidate for run in self.runs.values()}
        if len(self.runs) >= HOPELESS and len(hit) >= min(2, len(self._spec.candidates)):
            raise LabError(
                given=f"a train function that failed in each of the first {len(self.runs)} runs: {last.reason}\n"
                f"{last.traceback}".rstrip(),
                allowed="a train function that reaches the end of its run",
                where=self._spec.train,
                fix="mend it, then run the same command with --fresh (the old folder is kept aside)",
            )

    def _board(self) -> Board:
        return board(self._spec, tuple(self._stops.values()), self.runs, self._running, self._workers)


def broken(run: RunRecord) -> bool:
    """Whether a run ended because the train function broke its contract.

    >>> broken(RunRecord(RunSpec("a", "cosine()", None, 0, 10), "failed", reason="broken contract: no update"))
    True
    """
    return run.status == "failed" and run.reason.startswith(BROKEN)


def unloadable(train: str, traceback: str) -> LabError:
    """The error for a train function that a worker could not load."""
    return LabError(
        given=f"a train function that cannot be loaded:\n{traceback.rstrip()}",
        allowed="a source that imports without an error and holds the function",
        where=train,
        fix="mend the error above; `python -c 'import ...'` shows it too",
    )
