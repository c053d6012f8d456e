"""How one task is made in whatever process: the run, what is told on the way, and how it ended."""

import errno
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from calando.core.codec import from_json
from calando.core.schedule import Schedule
from calando.errors import BadFile, CalandoError
from calando.lab.executors.base import Task
from calando.lab.executors.surroundings import Surroundings, flush
from calando.lab.executors.wire import Columns
from calando.lab.run import Run
from calando.lab.snapshot import load
from calando.lab.stop import BROKEN, REFUSED, StopRun
from calando.records.stage import SnapshotRef

__all__ = ["NO_ROOM", "Tell", "make", "told"]

TRACEBACK_LIMIT = 20_000
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Tell = Callable[[dict[str, Any], Columns], None]
"""Takes one message for the coordinator: a header of plain data, and columns of fresh numbers."""


def make(train: Callable[[Any], Any], task: Task, tell: Tell, around: Surroundings) -> None:
    """Make one run and tell what becomes of it; `hearing.Heard` understands what is told.

    Args:
        train: the train function.
        task: what is asked for.
        tell: takes the messages, in order; the last is of op "ended".
        around: the process's surroundings, which are put in order first.
    """
    around.restore(task.log)
    voice = _Voice(task, tell, around)
    try:
        start = None if task.start is None else load(task.start)
    except (CalandoError, OSError) as error:
        reason = error.given if isinstance(error, CalandoError) else str(error)
        voice.ended("refused", f"a snapshot that cannot be read ({reason})")
        return
    spec = task.spec
    run = Run(
        _schedule(task.schedule),
        seed=spec.seed,
        peak=spec.peak,
        label=spec.candidate,
        evals=task.evals,
        metric=task.metric,
        mode=task.mode,
        tick=voice.tick,
        params=spec.settings,
        start=start,
        keep_at=task.keep_at,
        every=task.every,
        place=task.place,
        opened=voice.opened,
        reached=voice.reached,
    )
    around.seed(spec.seed)
    tell({"op": "tick", "key": spec.key, "steps": 0 if task.start is None else task.start.step}, {})
    status, reason, trace, final = _ending(train, run)
    digest = run.digest() if task.digest and status == "done" else ""
    if digest and run.kept:
        run.notes += run.unnamed()
    flush()
    voice.ended(status, reason, trace, final, run, digest)


class _Voice:
    """Says what a run does, in messages of plain data."""

    def __init__(self, task: Task, tell: Tell, around: Surroundings) -> None:
        self._key = task.spec.key
        self._start = 0 if task.start is None else task.start.step
        self._tell, self._around = tell, around
        self._began, self._started = time.monotonic(), time.time()

    def tick(self, run: Run) -> None:
        self._around.bound_log()
        self._tell({"op": "tick", "key": self._key, "steps": run.done}, run.drain())

    def opened(self, run: Run) -> None:
        header = {
            "op": "opened",
            "key": self._key,
            "kept": list(run.kept),
            "knobs": [asdict(knob) for knob in run.knobs],
            "looked": run.looked,
            "alone": run.alone,
            "start": run.began,
            "refused": run.refused,
            "grain": run.grain,
            "unkept": run.unkept,
        }
        self._tell(header, {})

    def reached(self, run: Run, step: int, snapshot: SnapshotRef | None, reason: str) -> None:
        header = {
            "op": "reached",
            "key": self._key,
            "step": step,
            "snapshot": None if snapshot is None else asdict(snapshot),
            "seconds": time.monotonic() - self._began,
            "reason": reason,
            "looked": run.looked,
            "alone": run.alone,
        }
        self._tell(header, run.drain())

    def ended(
        self,
        status: str,
        reason: str,
        trace: str = "",
        final: float | None = None,
        run: Run | None = None,
        digest: str = "",
    ) -> None:
        header = {
            "op": "ended",
            "key": self._key,
            "status": status,
            "reason": reason,
            "traceback": trace,
            "final": final,
            "steps": self._start if run is None else run.done,
            "seconds": time.monotonic() - self._began,
            "started": self._started,
            "notes": [] if run is None else list(run.notes),
            "digest": digest,
        }
        self._tell(header, {} if run is None else run.drain())


def _schedule(text: str) -> Schedule:
    schedule = from_json(text)
    if not isinstance(schedule, Schedule):
        raise BadFile(
            given="a plan", allowed="a bound schedule", where="worker", fix="report this: it is our own fault"
        )
    return schedule


def _ending(train: Callable[[Any], Any], run: Run) -> tuple[str, str, str, float | None]:
    try:
        train(run)
    except StopRun as stop:
        return "refused" if stop.reason.startswith(REFUSED) else stop.status, stop.reason, "", None
    except BaseException as error:  # noqa: BLE001 - every exception is a recorded result, even one that asks to leave
        if run.stopped is not None:  # the run was over; what came of going on is no news
            return run.stopped.status, run.stopped.reason, told(), None
        if _no_room(error):  # no candidate is to blame for a full disk
            return "full", _first_line(error), told(), None
        if isinstance(error, CalandoError):
            ours = error.where.startswith("run.")  # a call of the run's own: no candidate is to blame
            words = f"{BROKEN}: {error.given}; {error.fix}" if ours else f"{type(error).__name__}: {error.given}"
            return "failed", words, told(), None
        return "failed", _first_line(error), told(), None
    status, reason, final = run.outcome()
    return status, reason, "", final


def _no_room(error: BaseException | None) -> bool:
    for _ in range(20):
        if error is None:
            return False
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: BaseException) -> str:
    return (traceback.format_exception_only(error)[-1].splitlines() or [""])[0][:300]


def told() -> str:
    """The traceback of the exception that is being handled, shortened in the middle when it is endless."""
    text = traceback.format_exc()
    return text if len(text) <= TRACEBACK_LIMIT else text[:2000] + "\n[...]\n" + text[2000 - TRACEBACK_LIMIT :]
