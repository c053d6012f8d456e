"""The finished runs of a board, laid beside each other: what one says of another."""

import time
from dataclasses import replace

import numpy as np

from calando.records.diagnosis import Observed
from calando.records.diagnosis.beside import Table
from calando.records.diagnosis.ready import Ready, ready
from calando.watch.serve.board import Board
from calando.watch.serve.shown import Shown
from calando.watch.serve.told import seen

__all__ = ["Laid"]

AGAIN, AT_ONCE, RESTS = 1.0, 0.1, 20
"""Seconds between two looks; seconds of making runs ready after which the others wait for the next look; how many times
as long as a look took is rested."""


class Laid:
    """Each run that has ended is made ready once, and again only where it changed.

    >>> Laid(Board([])).news()
    []
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._stamps: dict[str, tuple[object, ...]] = {}
        self._made: dict[str, Ready] = {}
        self._table = Table([])
        self._due = -1e9

    def beside(self, name: str, known: Observed) -> Observed:
        """What is known of a run, with what the finished ones beside it say."""
        mine = self._made.get(name)
        said = self._table.lay(mine) if mine is not None and known.status != "running" else ()
        return replace(known, beside=said) if said else known

    def news(self, at_once: float = AT_ONCE) -> list[str]:
        """Look for runs that have ended since; which runs are to be judged again for it.

        After so many seconds of making runs ready the others wait for the next look.
        """
        began = time.monotonic()
        if began < self._due:
            return []
        fresh = self._look(began + at_once)
        if fresh:
            self._table = Table(list(self._made.values()))
        near: set[int] = set()
        for new in fresh:
            if others := self._table.kin(new):
                near |= {id(one) for one in (new, *others)}
        took = time.monotonic() - began
        self._due = began + took + max(AGAIN, RESTS * took)
        return [name for name, one in self._made.items() if id(one) in near]

    def _look(self, until: float) -> list[Ready]:
        """Make ready what has ended or changed, as far as the time goes."""
        fresh: list[Ready] = []
        with self._board.lock:
            every = list(self._board.runs.items())
        for name in self._stamps.keys() - {name for name, _ in every}:
            self._stamps.pop(name)
            self._made.pop(name, None)
        for name, run in every:
            facts = run.facts
            stamp = (facts.state, facts.name, facts.metric, facts.mode, facts.horizon, run.last, run.points)
            if facts.state in ("waiting", "running") or self._stamps.get(name) == stamp:
                continue
            self._made.pop(name, None)
            if (made := self._ready(run)) is not None:
                self._made[name] = made
                fresh.append(made)
            self._stamps[name] = stamp
            if time.monotonic() > until:
                break
        return fresh

    def _ready(self, run: Shown) -> Ready | None:
        with self._board.lock:
            known = seen(run)
        try:
            with np.errstate(all="ignore"):
                return ready(run.facts.name, known)
        except (ArithmeticError, LookupError, ValueError):
            return None  # the judge says what trips over it
