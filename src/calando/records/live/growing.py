"""A column that grows at its end, in memory that is bounded."""

import numpy as np

from calando.records.logs.log import Column, Floats, Ints

__all__ = ["Growing"]

FIRST = 256
PART = 4


class Growing:
    """Steps and values of one quantity; steps always increase.

    Where more than `most` points are kept, the older three quarters are thinned to half their points, of every four
    the lowest and the highest (a value that is not finite counts as both), so that peaks stay; `thinned` says so.

    Args:
        most: number of points that are kept at most, >= 16.

    >>> column = Growing(most=16)
    >>> column.extend(list(range(40)), [float(n % 7) for n in range(40)])
    >>> len(column) <= 16, int(column.steps[-1]), column.thinned
    (True, 39, True)
    """

    def __init__(self, most: int) -> None:
        self._most = max(most, 4 * PART)
        self._steps: Ints = np.empty(FIRST, np.int64)
        self._values: Floats = np.empty(FIRST, np.float64)
        self._size = 0
        self.thinned = False

    def __len__(self) -> int:
        return self._size

    @property
    def last(self) -> int:
        """The last step; -2, which is before all, when there is none."""
        return int(self._steps[self._size - 1]) if self._size else -2

    @property
    def steps(self) -> Ints:
        """The steps, to be read only, until the column grows next."""
        return self._steps[: self._size]

    @property
    def values(self) -> Floats:
        """The values, to be read only, until the column grows next."""
        return self._values[: self._size]

    @property
    def column(self) -> Column:
        """Both, as copies that stay as they are."""
        return Column(self.steps.copy(), self.values.copy())

    def extend(self, steps: list[int], values: list[float]) -> None:
        """Add points whose steps increase, and are above the last one."""
        for start in range(0, len(steps), self._most // 4):
            part = slice(start, start + self._most // 4)
            self._add(np.array(steps[part], np.int64), np.array(values[part], np.float64))

    def _add(self, steps: Ints, values: Floats) -> None:
        if self._size + steps.size > self._most:
            self._thin()
        need = self._size + steps.size
        if need > self._steps.size:
            room = min(max(need, 2 * self._steps.size), max(self._most, need))
            self._steps, self._values = np.resize(self._steps, room), np.resize(self._values, room)
        self._steps[self._size : need], self._values[self._size : need] = steps, values
        self._size = need

    def replace(self, value: float) -> None:
        """Another value for the last step."""
        self._values[self._size - 1] = value

    def cut(self, step: int) -> None:
        """Drop what stands at a step or after it."""
        self._size = int(np.searchsorted(self.steps, step))

    def _thin(self) -> None:
        old = self._size * 3 // 4 // PART * PART
        parts = self._values[:old].reshape(-1, PART)
        wild = ~np.isfinite(parts)
        low = np.where(wild, -np.inf, parts).argmin(axis=1)
        high = np.where(wild, np.inf, parts).argmax(axis=1)
        high = np.where(high == low, (low + 1) % PART, high)
        places = np.sort(np.stack([low, high], axis=1), axis=1) + np.arange(0, old, PART)[:, None]
        keep = np.concatenate([places.ravel(), np.arange(old, self._size)])
        self._steps[: keep.size], self._values[: keep.size] = self._steps[keep], self._values[keep]
        self._size = int(keep.size)
        self.thinned = True
