"""Long curves cut to a window and made short enough for a screen: each pixel keeps its lowest and its highest point.

Every point that is given is a real one, so no spike is lost and none invented. Whole blocks of a growing curve are
looked at once: what a window of ten million points costs is then what a sixty-fourth of them costs.
"""

import numpy as np

from calando.records.logs.log import Floats, Ints

__all__ = ["BLOCK", "DRAWABLE", "Blocks", "window"]

BLOCK = 64
"""Points of a block."""

DRAWABLE = 1e30
"""A value beyond this is as good as infinite: no axis shows it together with anything else."""


class Blocks:
    """Where the lowest and the highest value of each whole block of a growing curve stand.

    >>> blocks = Blocks()
    >>> blocks.grow(np.arange(200), np.sin(np.arange(200.0)))
    >>> len(blocks), blocks.ends(0, 1).tolist()
    (3, [11, 33])
    """

    def __init__(self) -> None:
        self._step = -1
        self._low: Ints = np.empty(0, np.int64)
        self._high: Ints = np.empty(0, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def grow(self, steps: Ints, values: Floats) -> None:
        """Look at the blocks that are whole by now, given all points so far; thinned ones are looked at anew.

        The last point may still be replaced, so a block ends before it.
        """
        whole = max(values.size - 1, 0) // BLOCK
        if self._count and (whole < self._count or steps[self._count * BLOCK - 1] != self._step):
            self._count = 0
        if whole <= self._count:
            return
        if whole > self._low.size:
            more = np.empty(max(64, 2 * whole) - self._low.size, np.int64)
            self._low, self._high = np.concatenate([self._low, more]), np.concatenate([self._high, more])
        fresh = values[self._count * BLOCK : whole * BLOCK].reshape(-1, BLOCK)
        sound = np.abs(fresh) < DRAWABLE  # false for NaN
        starts = np.arange(self._count, whole) * BLOCK
        self._low[self._count : whole] = starts + np.where(sound, fresh, np.inf).argmin(axis=1)
        self._high[self._count : whole] = starts + np.where(sound, fresh, -np.inf).argmax(axis=1)
        self._count, self._step = whole, int(steps[whole * BLOCK - 1])

    def forget(self) -> None:
        """Look at everything anew: what stood there was replaced."""
        self._count = 0

    def ends(self, first: int, last: int) -> Ints:
        """Where the extremes of the blocks [first, last) stand, in order, none twice."""
        both = np.stack([self._low[first:last], self._high[first:last]], axis=1)
        both.sort(axis=1)
        flat = both.ravel()
        return flat[np.concatenate([[True], flat[1:] != flat[:-1]])] if flat.size else flat


def window(
    steps: Ints, values: Floats, first: float, last: float, pixels: int, blocks: Blocks | None = None
) -> tuple[Floats, Floats]:
    """The part of a curve between two steps, with at most two points a pixel and one beyond either side.

    Args:
        steps: steps of the points, increasing.
        values: values of the points; those that are not finite are left out.
        first: first step of the window.
        last: last step of the window.
        pixels: number of pixels that the window is wide, >= 1.
        blocks: extremes of the curve's whole blocks, where it has many points.

    Example:
        >>> x, y = window(np.arange(1000), np.where(np.arange(1000) == 501, 9.0, 0.0), 0, 999, 10)
        >>> len(x) <= 22, float(y.max())
        (True, 9.0)
    """
    start = max(int(np.searchsorted(steps, first, "left")) - 1, 0)
    stop = min(int(np.searchsorted(steps, last, "right")) + 1, steps.size)
    if stop - start <= 2 * pixels:
        return _sound(steps[start:stop], values[start:stop])
    places = _candidates(start, stop, pixels, blocks)
    x, y = _sound(steps[start:stop], values[start:stop]) if places is None else _sound(steps[places], values[places])
    return _extremes(x, y, first, last, pixels)


def _candidates(start: int, stop: int, pixels: int, blocks: Blocks | None) -> Ints | None:
    """The points that may be a pixel's extremes: those of whole blocks, and whatever stands beside them."""
    if blocks is None or stop - start < BLOCK * max(pixels, 1):
        return None
    head, tail = -(-start // BLOCK), min(stop // BLOCK, len(blocks))
    if tail <= head:
        return None
    before, after = np.arange(start, head * BLOCK), np.arange(tail * BLOCK, stop)
    found = np.concatenate([before, blocks.ends(head, tail), after, [stop - 1]])
    return np.unique(found)


def _extremes(x: Floats, y: Floats, first: float, last: float, pixels: int) -> tuple[Floats, Floats]:
    if x.size <= 2 * pixels:
        return x, y
    edges = np.searchsorted(x, np.linspace(first, last, pixels + 1)[:-1])
    starts = np.unique(np.concatenate([[0], edges[edges < x.size]]))
    counts = np.diff(np.append(starts, x.size))
    keep = np.zeros(x.size, bool)
    for best in (np.minimum, np.maximum):
        hits = np.flatnonzero(np.repeat(best.reduceat(y, starts), counts) == y)
        group = np.searchsorted(starts, hits, "right")
        keep[hits[np.concatenate([[True], group[1:] != group[:-1]])]] = True
    keep[0] = keep[-1] = True
    return x[keep], y[keep]


def _sound(steps: Ints, values: Floats) -> tuple[Floats, Floats]:
    keep = np.abs(values) < DRAWABLE  # false for NaN
    if keep.all():
        return steps.astype(np.float64), values
    return steps[keep].astype(np.float64), values[keep]
