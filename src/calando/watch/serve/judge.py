"""What the curves of all runs say, asked a little at a time: it costs a twentieth of one core at most."""

import threading
import time
from typing import Any, Final

import numpy as np

from calando.records.live.answered import schedule_of
from calando.watch.foretell import Foreteller, Foretold
from calando.watch.serve.board import Board
from calando.watch.serve.laid import Laid
from calando.watch.serve.told import clean, findings, open_yet, seen, troubled

__all__ = ["Judge"]

AGAIN: Final = 5.0
"""Seconds after which a run that goes on is judged again."""

SOON: Final = 1.0
"""The same for a run of which there was too little to say anything: what it lacked is there with the next lines."""

PAUSE: Final = 0.1
SHARE: Final = 20
"""After a judgement of so many seconds, this many times as long is rested."""


class Judge:
    """Judges the runs of a board, one at a time, whichever changed and waited longest; `wanted` is judged first.

    Runs that have ended are laid beside each other, and are judged again where another one ended that says more.

    Where the wanted one goes is foretold as well, while it runs.

    >>> Judge(Board([])).step()
    False
    """

    def __init__(self, board: Board) -> None:
        self.wanted = ""
        self._board = board
        self._laid = Laid(board)
        self._judged: dict[str, tuple[int, float]] = {}
        self._rest = 0.0
        self._foretelling: dict[str, Foreteller] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Judge in a thread of its own until `close`, so that nothing waits for it."""
        self._thread = threading.Thread(target=self._go, name="calando-watch-judge", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Judge no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(10)

    def _go(self) -> None:
        while not self._over.wait(PAUSE):
            self.step()

    def step(self) -> bool:
        """Judge one run, if one is due; whether one was."""
        now = time.monotonic()
        if now < self._rest:
            return False
        for other in self._laid.news():
            self._judged[other] = -1, self._judged.get(other, (-1, -AGAIN))[1]
        name = self._due(now)
        if name is None:
            return False
        self.tell(name, ahead=name == self.wanted)
        run = self._board.runs.get(name)
        early = run is not None and any(said["kind"] == "too little data" for said in run.findings)
        self._judged[name] = self._board.changed.get(name, 0), now - (AGAIN - SOON if early else 0.0)
        took = time.monotonic() - now
        self._rest = now + took + min(SHARE * took, AGAIN)
        return True

    def lay(self) -> None:
        """Lay all runs that have ended beside each other, however long it takes."""
        self._laid.news(at_once=float("inf"))

    def tell(self, name: str, *, ahead: bool = False) -> None:
        """Judge a run and, where wanted, foretell it; what trips over it is told of it, and stops nothing."""
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a log may hold 1e308
                self.judge(name)
                if ahead:
                    self.foretell(name)
        except Exception as error:  # noqa: BLE001 - a run that cannot be judged is shown, and the others are judged
            self._troubled(name, error)

    def judge(self, name: str) -> None:
        """What the curves of a run say by now."""
        board = self._board
        run = board.runs.get(name)
        if run is None:
            return
        with board.lock:
            known = seen(run)
        known = self._laid.beside(name, known)
        said, later = findings(known), open_yet(known)
        with board.lock:
            if (said, later) != (run.findings, run.undecided):
                run.findings, run.undecided = said, later
                board.mark(name)

    def _troubled(self, name: str, error: Exception) -> None:
        said = troubled(error)
        with self._board.lock:
            if (run := self._board.runs.get(name)) is not None and run.findings != [said]:
                run.findings = [said]
                self._board.mark(name)

    def foretell(self, name: str) -> None:
        """Where a run that goes on will end."""
        board = self._board
        run = board.runs.get(name)
        if run is None:
            return
        if run.facts.state != "running":
            run.foretold = None
            return
        with board.lock:
            copies = {column: type(c)(c.steps.copy(), c.values.copy()) for column, c in run.columns.items()}
        facts = run.facts
        again = self._foretelling.setdefault(name, Foreteller())
        found = again.look(copies, facts.metric, facts.mode, schedule_of(facts.schedule), facts.peak)
        told = None if found is None else _told(found)
        with board.lock:
            if told != run.foretold:
                run.foretold = told
                board.mark(name)

    def _due(self, now: float) -> str | None:
        waiting: list[tuple[bool, float, str]] = []
        with self._board.lock:
            every = list(self._board.changed.items())
        for name, changed in every:
            at, when = self._judged.get(name, (-1, -AGAIN))
            run = self._board.runs.get(name)
            if changed > at and now - when >= AGAIN and run is not None and (run.read or self._board.full):
                waiting.append((name != self.wanted, when, name))
        return min(waiting, default=(False, 0.0, None))[2]


def _told(found: Foretold) -> dict[str, Any]:
    said: dict[str, Any] = clean({
        "metric": found.metric, "value": found.value, "low": found.low, "high": found.high, "level": found.level,
        "words": found.words, "refused": found.refused, "doubts": list(found.doubts), "done": found.done,
        "cooled": [{"steps": c.steps, "value": c.value, "low": c.low, "high": c.high} for c in found.cooled],
    })  # fmt: skip
    return said
