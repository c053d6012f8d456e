"""Batches without end from a loader that has one, and where in them a run stands."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from calando.core.keepers import Keeper, State
from calando.errors import LabError, shown
from calando.lab.snapshot.keepers import leaves

__all__ = ["Feed"]


class Feed:
    """Passes over the loader again and again; without one, counts the steps.

    The position is the batches given in the pass under way, and where every source of random numbers stood when that
    pass began: who passes over as many batches from there has the same iterator in hand. A loader that tells its own
    position (state_dict, load_state_dict) is asked instead.

    Args:
        loader: anything that can be iterated again and again, or None.
        mark: tells where all sources of random numbers stand; None where no position will be asked for.

    Raises:
        LabError: for a loader that has nothing to give, at the first pass or a later one.

    >>> feed = Feed("ab")
    >>> [feed.take() for _ in range(5)]
    ['a', 'b', 'a', 'b', 'a']
    """

    def __init__(self, loader: Iterable[Any] | None, mark: Callable[[], State] | None = None) -> None:
        self._loader = loader
        self._mark = mark
        self._batches: Iterator[Any] | None = None
        self._given = 0  # in the pass under way
        self._total = 0
        self._may_be_over = False
        self._anchor: State = None

    def take(self) -> Any:
        """The next batch."""
        while True:
            if self._batches is None:
                self._batches = self._begin()
            try:
                batch = next(self._batches)
            except StopIteration:
                self._over()
                continue
            self._given += 1
            self._total += 1
            return batch

    def capture(self) -> State:
        """Where the run stands in its data."""
        teller = _teller(self._loader)
        told = None if teller is None else teller.capture()
        return {"given": self._given, "total": self._total, "anchor": self._anchor, "told": told}

    def restore(self, state: State, back: Callable[[State], None]) -> None:
        """Stand there again; `back` puts the sources of random numbers back to a mark."""
        self._given, self._total, self._anchor = state["given"], state["total"], state["anchor"]
        if self._loader is None:
            self._batches = count(self._total)
        elif state["told"] is not None:
            teller = _teller(self._loader)
            if teller is None:
                raise _unlike("tells no position of its own, and the one that was kept did", self._loader)
            teller.restore(state["told"])
            self._batches = iter(self._loader)
            self._may_be_over = True
        else:
            back(self._anchor)
            self._batches = iter(self._loader)
            for place in range(self._given):
                try:
                    next(self._batches)
                except StopIteration:
                    raise _unlike(f"ended after {place} batches instead of {self._given}", self._loader) from None

    def close(self) -> None:
        """Let go of the pass under way, and of the processes that prepare it."""
        self._batches = None

    def _begin(self) -> Iterator[Any]:
        self._given = 0
        if self._loader is None:
            return count(self._total)
        if self._mark is not None and _teller(self._loader) is None:
            self._anchor = self._mark()
        return iter(self._loader)

    def _over(self) -> None:
        if self._given == 0 and not self._may_be_over:
            dry = self._total == 0
            what = "is empty" if dry else f"ran out after {self._total} batches and cannot be iterated again"
            raise LabError(
                given=f"a loader that {what} ({shown(self._loader)})",
                allowed="something that gives batches each time it is iterated",
                where="run.steps",
                fix="check the data set's length" if dry else "give a DataLoader or a list, not a generator",
            )
        self._batches, self._may_be_over = None, False


def _teller(loader: object) -> Keeper | None:
    """The keeper of a loader that knows its own position."""
    if not (callable(getattr(loader, "state_dict", None)) and callable(getattr(loader, "load_state_dict", None))):
        return None
    ((_, _, keeper),) = leaves("loader", loader)
    return keeper


def _unlike(what: str, loader: object) -> LabError:
    return LabError(
        given=f"a loader that {what} ({shown(loader)})",
        allowed="the loader of the run that was kept",
        where="run.steps",
        fix="build the same loader from the same data and seed",
    )
