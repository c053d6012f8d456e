"""Batches without end from a loader that has one."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from calando.errors import LabError, shown

__all__ = ["endless"]


def endless(loader: Iterable[Any] | None) -> Iterator[Any]:
    """Pass over the loader again and again; without one, count the steps.

    Raises LabError for a loader that has nothing to give, at the first pass or a later one.

    >>> batches = endless("ab")
    >>> [next(batches) for _ in range(5)]
    ['a', 'b', 'a', 'b', 'a']
    """
    if loader is None:
        yield from count()
        return
    given = 0
    while True:
        before = given
        for batch in loader:
            given += 1
            yield batch
        if given == before:
            what = "is empty" if given == 0 else f"ran out after {given} batches and cannot be iterated again"
            raise LabError(
                given=f"a loader that {what} ({shown(loader)})",
                allowed="something that gives batches each time it is iterated",
                where="run.steps",
                fix="give a DataLoader or a list, not a generator" if given else "check the data set's length",
            )
