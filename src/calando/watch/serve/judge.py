"""What the curves of all runs say, asked a little at a time: it costs a twentieth of one core at most."""

import time
from typing import Final

from calando.watch.serve.board import Board
from calando.watch.serve.told import findings, open_yet, seen

__all__ = ["Judge"]

AGAIN: Final = 5.0
"""Seconds after which a run that goes on is judged again."""

SHARE: Final = 20
"""After a judgement of so many seconds, this many times as long is rested."""


class Judge:
    """Judges the runs of a board, one at a time, whichever changed and waited longest.

    >>> Judge(Board([])).step()
    False
    """

    def __init__(self, board: Board) -> None:
        self.wanted = ""
        self._board = board
        self._judged: dict[str, tuple[int, float]] = {}
        self._rest = 0.0

    def step(self) -> bool:
        """Judge one run, if one is due; whether one was."""
        now = time.monotonic()
        name = self._due(now) if now >= self._rest else None
        if name is None:
            return False
        board, run = self._board, self._board.runs.get(name)
        self._judged[name] = board.changed.get(name, 0), now
        if run is None:
            return False
        with board.lock:
            known = seen(run)
        said, later = findings(known), open_yet(known)
        with board.lock:
            fresh = (said, later) != (run.findings, run.undecided)
            run.findings, run.undecided = said, later
            if fresh:
                board.mark(name)
                self._judged[name] = board.changed[name], now
        took = time.monotonic() - now
        self._rest = now + took + SHARE * took
        return True

    def _due(self, now: float) -> str | None:
        waiting: list[tuple[bool, float, str]] = []
        for name, changed in self._board.changed.items():
            at, when = self._judged.get(name, (-1, -AGAIN))
            if changed > at and now - when >= AGAIN and name in self._board.runs:
                waiting.append((name != self.wanted, when, name))
        return min(waiting, default=(False, 0.0, None))[2]
