"""When a run writes snapshots, and how it begins from one."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from calando.core.keepers import State
from calando.errors import CalandoError, LabError, shown
from calando.lab.feed import Feed
from calando.lab.memory import Memory
from calando.lab.overlooked import Locals, settings
from calando.lab.remembered import is_ours, local_sources
from calando.lab.snapshot.codec import digest
from calando.lab.snapshot.past import Past
from calando.lab.snapshot.place import Snapshot, save
from calando.lab.stop import REFUSED, StopRun
from calando.records.stage import SnapshotRef

if TYPE_CHECKING:
    from calando.lab.run import Run

__all__ = ["Keeping", "ReachedCall"]

ReachedCall = Callable[["Run", int, SnapshotRef | None, str], None]
SHARE = 20  # seconds of training for each second spent on snapshots that only the clock asked for
SILENT = ("rates", "evaluations", "data", "optimizers", "script")  # too long, or nothing to read


class Keeping:
    """The snapshots of one run.

    Args:
        start: the one to begin from, or None.
        keep_at: updates taken, after which one is written.
        every: seconds between two more; 0 for none.
        place: folder or fsspec URL below which they go.
        reached: told of each that was asked for: run, updates taken, where it lies (None if it could not be made), why.
    """

    def __init__(
        self, start: Snapshot | None, keep_at: Sequence[int], every: float, place: str, reached: ReachedCall | None
    ) -> None:
        self._start = start
        self._keep_at = frozenset(keep_at)
        self._every, self._place, self._reached = every, place, reached
        self._past: Past | None = None
        self._loops = 0
        self._locals: Locals | None = None
        self._fixed: dict[str, Any] = {}
        self._due = 0.0
        self.memory = Memory()
        self.refused = ""

    def begin(self, run: "Run", loader: Iterable[Any] | None, optimizers: Sequence[Any]) -> Feed:
        """Settle what is kept when the loop begins, and stand where the snapshot was taken."""
        self._loops += 1
        self._due = time.monotonic() + self._every
        memory = self.memory
        if self._loops > 1:
            return Feed(loader)
        memory.settle(loader, optimizers, run._schedulers)
        if memory.names and (missing := run.unnamed()):
            memory.unkept = missing[0]
        frame = sys._getframe(2)
        if memory.names and not is_ours(frame):
            memory.draw_also(local_sources(frame, memory.parts()))
        if memory.names and not is_ours(frame) and (self._place or self._start is not None):
            self._locals = Locals(frame, run._loop, memory.parts(), memory.keepers)
            memory.unkept = self._locals.counted
        self._fixed = {"data": dict(memory.numbers), "optimizers": settings(optimizers), "script": run._program}
        wanted = bool(memory.names and self._place and (self._keep_at or self._every))
        if wanted:
            memory.try_generators()
            wanted = not memory.unkept
        feed = Feed(loader, memory.random.capture if wanted else None)
        if self._start is not None:
            self.refused = self._misfit(run, self._start.state["facts"])
            if not self.refused:
                self._put_back(run, feed, self._start)
            self._start = None
        return feed

    def after(self, run: "Run", feed: Feed) -> None:
        """Write a snapshot where one is due after this update."""
        asked = run.done in self._keep_at
        late = bool(self._every) and time.monotonic() >= self._due and run.done < run._horizon
        if not (asked or (late and run.done % run.grain == 0 and not self._reason(run))):
            return
        began = time.monotonic()
        ref, reason = None, self._reason(run)
        if not reason:
            try:
                ref = save(self.capture(run, feed), run.done, self._place)
            except Exception as error:  # noqa: BLE001 - whatever a user's object raises must not end the run
                reason = error.given if isinstance(error, CalandoError) else f"{type(error).__name__}: {error}"
        spent = time.monotonic() - began
        self._due = time.monotonic() + max(self._every, SHARE * spent)
        if self._reached is not None:
            self._reached(run, run.done, ref, reason)

    def close(self) -> None:
        """The loop is over: let go of the variables around it."""
        if self._locals is not None:
            self._locals.close()

    def capture(self, run: "Run", feed: Feed) -> State:
        """Everything that the run needs to go on from here."""
        return {
            "facts": self._facts(run, run.done),
            "run": run._capture(),
            **self.memory.capture(),
            "feed": feed.capture(),
            "random": self.memory.random.capture(),
        }

    def digest(self) -> str:
        """A SHA-256 in hex of everything kept and every source of random numbers."""
        return digest({**self.memory.capture(), "random": self.memory.random.capture()})

    def _reason(self, run: "Run") -> str:
        """Why no snapshot can be written now; empty where one can."""
        if not self.memory.names:
            return self.memory.unkept or "the train function keeps nothing; name what it needs by run.keep(...)"
        if not self._place:
            return "there is no place for snapshots"
        if self._loops > 1:
            return "run.steps was begun a second time, and what stands between the loops cannot be made again"
        if run.done % run.grain:
            return f"snapshots of this run are possible after multiples of {run.grain} updates only"
        return "" if self._locals is None else self._locals.changed()

    def _facts(self, run: "Run", step: int) -> dict[str, Any]:
        if self._past is None:
            self._past = Past(run._schedule)
        return {
            "step": step,
            "seed": run.seed,
            "peak": run.peak,
            "params": dict(run._params),
            "horizon": run._horizon if run.looked else None,
            "candidate": [run._label, str(run._schedule.plan), run._horizon] if run.alone else None,
            "rates": self._past.digest(step),
            "evaluations": [due for due in sorted(run._evals) if due < step],
            "kept": self.memory.layout(),
            **self._fixed,
        }

    def _misfit(self, run: "Run", facts: dict[str, Any]) -> str:
        """Why a snapshot is not of this run's own past; empty where it is."""
        if not self.memory.names:
            return self.memory.unkept or "the train function keeps nothing now"
        if not 0 < facts["step"] < run._horizon:
            return f"it was taken after {facts['step']} updates, and the run has {run._horizon}"
        mine = self._facts(run, facts["step"])
        if facts.get("horizon") is not None:
            mine["horizon"] = run._horizon
        if facts.get("candidate") is not None:
            mine["candidate"] = [run._label, str(run._schedule.plan), run._horizon]
        told = []
        for name, value in mine.items():
            if value != facts.get(name):
                both = f"{shown(facts.get(name))} then, {shown(value)} now"
                told.append(f"other {name}" + (f" ({both})" if name not in SILENT else ""))
        if told:
            self._past = None
        return ", ".join(told)

    def _put_back(self, run: "Run", feed: Feed, start: Snapshot) -> None:
        state, memory = start.state, self.memory
        try:
            memory.restore(state)
            run._restore(start.step, state["run"])
            feed.restore(state["feed"], memory.random.restore)
            memory.random.restore(state["random"])
        except StopRun:
            raise
        except Exception as error:  # an object of the user's may raise anything
            told = error.given if isinstance(error, CalandoError) else f"{type(error).__name__}: {error}"
            if run._program:  # a script's own run: nobody waits for its end but the user
                raise LabError(
                    given=f"snapshots in {self._place} that do not fit this run ({told})",
                    allowed="the model, optimizer and data of the run that wrote them",
                    where="standalone.snapshots",
                    fix="build the same model and data, or give another folder to begin anew",
                ) from error
            run._stop("failed", f"{REFUSED}: {told}", error)
