"""Columns put in order: resumed runs, repeated and unsorted rows, where counting begins, NaN that means "nothing"."""

from dataclasses import dataclass

import numpy as np

from calando.records.logs.log import Floats

__all__ = ["Order", "counting", "ordered", "padded"]


@dataclass(frozen=True, slots=True)
class Order:
    """How a column was put in order: rows replaced, from which step on, and whether it had to be sorted."""

    replaced: int = 0
    since: float | None = None
    repeated: int = 0
    unsorted: bool = False


def ordered(steps: Floats, values: Floats) -> tuple[Floats, Floats, Order]:
    """A column with strictly increasing steps, and how that came about.

    A step that is there twice keeps its later row. Where steps jump back and run over the same numbers again, a run was
    resumed: every earlier row from there on is of a past that was given up, and goes. Rows that are merely in disorder
    are sorted.

    >>> s, v, order = ordered(np.array([1., 2., 3., 2., 4.]), np.array([5., 4., 3., 9., 8.]))
    >>> s.tolist(), v.tolist(), order.replaced, order.since
    ([1.0, 2.0, 4.0], [5.0, 9.0, 8.0], 2, 2.0)
    """
    if steps.size < 2:
        return steps, values, Order()
    apart = np.diff(steps)
    if (apart > 0).all():
        return steps, values, Order()
    back = np.flatnonzero(apart < 0)
    if not back.size:
        last = np.append(apart > 0, True)
        return steps[last], values[last], Order(repeated=int(steps.size - last.sum()))
    distinct = np.unique(steps).size
    if distinct < steps.size and back.size <= max(1, steps.size // 20):
        later = np.minimum.accumulate(steps[::-1])[::-1]
        keep = np.append(steps[:-1] < later[1:], True)
        since = float(steps[back + 1].min())
        return steps[keep], values[keep], Order(replaced=int(steps.size - keep.sum()), since=since)
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    last = np.append(np.diff(steps) > 0, True)
    return steps[last], values[last], Order(repeated=int(steps.size - last.sum()), unsorted=True)


def counting(steps: Floats) -> int:
    """Where increasing steps of a training loss begin to count: 0 (step s is update s) or 1 (s updates were made).

    Loops that log every k updates leave multiples of k when they count from 1, and k-1, 2k-1, ... when they count from
    0; a loop that logs each update from 0 is told by its first step.

    >>> counting(np.array([0., 1., 2.])), counting(np.array([49., 99., 149.])), counting(np.array([50., 100., 150.]))
    (0, 0, 1)
    """
    if not steps.size or steps[-1] >= 2**53:
        return 1
    first = int(steps[0])
    if steps.size == 1:
        return 1
    every = int(np.gcd.reduce(np.diff(steps).astype(np.int64)))
    if every == 1:
        return 0 if first == 0 and float(np.median(np.diff(steps))) == 1.0 else 1
    return 0 if every > 1 and first % every == every - 1 else 1


def padded(values: Floats) -> bool:
    """Whether the NaN of a column stand for cells that nothing was logged in, and not for a run that broke.

    They do when most cells are NaN and finite ones come again after each stretch of them, at the end as elsewhere.

    >>> n = np.nan
    >>> padded(np.array([n, n, 2.0, n, n, 1.5, n])), padded(np.array([3.0, 2.0, n, n, n]))
    (True, False)
    """
    finite = np.flatnonzero(~np.isnan(values))
    if finite.size < 2 or 2 * finite.size >= values.size:
        return False
    gaps = np.diff(finite) - 1
    return bool(values.size - 1 - finite[-1] <= 2 * gaps.max() and (gaps > 0).mean() > 0.5)
