"""What a noisy curve does: its level, its slope and how sure either is.

Everything here is robust (medians, not means), because single wild batches are part of every
training, and needs a handful of points only, because validation curves are short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCKS = 24
"""Pieces a window is cut into before a line is laid through it: enough degrees of freedom for a
sound standard error, few enough that one block averages out what is wild in single batches."""

SMOOTH = 60
"""Blocks in which minima and crossings are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """A curve ready to be asked: finite points only, in the order of their steps."""

    steps: Floats
    values: Floats
    noise: float
    """Standard deviation of one point about the curve's local level."""
    made: dict[int, Trend] = field(default_factory=dict, repr=False)
    """Itself in so many blocks, as soon as somebody asked: many rules look for the same minimum."""

    def __len__(self) -> int:
        return int(self.steps.size)

    def window(self, first: float, last: float) -> Trend:
        """The points with first <= step <= last, with the noise of the whole curve."""
        start, end = self.steps.searchsorted(first, "left"), self.steps.searchsorted(last, "right")
        return Trend(self.steps[start:end], self.values[start:end], self.noise)

    def level(self, first: float, last: float, least: int = 1) -> Level:
        """The median of a window, which is widened to its nearest `least` points when it holds fewer."""
        import numpy as np

        part = self.values[self.steps.searchsorted(first, "left") : self.steps.searchsorted(last, "right")]
        if part.size < least:
            middle = 0.5 * (first + last)
            near = np.argsort(np.abs(self.steps - middle), kind="stable")[: max(1, least)]
            part = self.values[near]
        # 1.25 = sqrt(pi/2): what a median pays over a mean in Gaussian noise.
        return Level(median(part), 1.25 * self.noise / math.sqrt(part.size))

    def smooth(self) -> Trend:
        """The same curve as medians of about `SMOOTH` blocks: where minima and crossings are looked for."""
        if SMOOTH not in self.made:
            self.made[SMOOTH] = Trend(*_blocks(self.steps, self.values, SMOOTH), self.noise)
        return self.made[SMOOTH]

    def tremble(self) -> float:
        """Standard deviation of a point about the curve, from third differences, which bends hardly touch.

        Of white noise they have the variance 20, and their mean size is sqrt(2/pi) of their deviation. NaN below four
        points.
        """
        import numpy as np

        if len(self) < 4:
            return float("nan")
        return float(np.abs(np.diff(self.values, 3)).mean() / np.sqrt(40 / np.pi))

    def fall(self, first: float, last: float) -> Level:
        """How far a straight line through the window falls from its first to its last step."""
        import numpy as np

        part = self.window(first, last)
        if len(part) < 3:
            return Level(0.0, float("inf"))
        x, y = _blocks(part.steps, part.values, BLOCKS)
        centred = x - x.mean()
        spread = float(np.sum(centred**2))
        if not spread > 0:
            return Level(0.0, float("inf"))
        slope = float(np.sum(centred * y) / spread)
        left = y - y.mean() - slope * centred
        free = max(x.size - 2, 1)
        error = float(np.sqrt(np.sum(left**2) / free / spread))
        if x.size < 8:  # too few blocks for their own scatter to be trusted alone
            error = max(error, self.noise / float(np.sqrt(spread)))
        return Level(-slope * (last - first), error * (last - first))


@dataclass(frozen=True, slots=True)
class Level:
    """A number with its standard error."""

    value: float
    error: float

    def minus(self, other: Level) -> Level:
        """The difference of two independent numbers."""
        return Level(self.value - other.value, math.hypot(self.error, other.error))

    @property
    def sigmas(self) -> float:
        """The number in units of its own error; infinite for an exact number other than 0."""
        if self.error == 0.0:
            return 0.0 if self.value == 0.0 else float("inf") if self.value > 0 else float("-inf")
        return self.value / self.error


def trend(steps: Sequence[float], values: Sequence[float]) -> Trend:
    """A curve made ready: non-finite points dropped, sorted by step, its noise measured.

    >>> trend([0, 1, 2, 3], [4.0, 3.0, float("nan"), 1.0]).values.tolist()
    [4.0, 3.0, 1.0]
    """
    import numpy as np

    x: Any = np.asarray(steps, dtype=np.float64)
    y: Any = np.asarray(values, dtype=np.float64)
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    return Trend(x, y, noise(y))


def noise(values: Floats) -> float:
    """Noise of one point, from second differences, so that a trend does not count as noise.

    sigma = 1.4826 * median|y[i-1] - 2*y[i] + y[i+1]| / sqrt(6)

    The median is taken over the second half: at the start a loss falls so fast that even its
    second differences are mostly curvature.
    """
    import numpy as np

    part = values[values.size // 2 :] if values.size >= 12 else values
    if part.size < 3:
        return 0.0
    bends = np.abs(part[:-2] - 2 * part[1:-1] + part[2:])
    return float(1.4826 * median(bends) / np.sqrt(6.0))


def _blocks(x: Floats, y: Floats, count: int) -> tuple[Floats, Floats]:
    import numpy as np

    if x.size <= count:
        return x, y
    steps, values = np.empty(count), np.empty(count)
    for rows, cells in _cut(x.size, count):
        steps[rows] = x[cells].mean(axis=1)
        values[rows] = medians(y[cells])
    return steps, values


@lru_cache(maxsize=256)
def _cut(size: int, count: int) -> tuple[tuple[Any, Any], ...]:
    """Which blocks of so many points hold which: two sizes of block at the most, each one array.

    Kept, as runs of a study are as long as each other.
    """
    import numpy as np

    edges = np.linspace(0, size, count + 1).astype(int)
    starts, sizes = edges[:-1], np.diff(edges)
    found = []
    for one in sorted(set(sizes.tolist())):
        rows = sizes == one
        found.append((rows, starts[rows][:, None] + np.arange(one)))
    return tuple(found)


def median(values: Floats) -> float:
    """The middle of at least one finite value; what `np.median` gives, without what that costs on short arrays."""
    return float(medians(values))


def medians(rows: Floats) -> Floats:
    """The median of every row of finite values."""
    import numpy as np

    ordered = np.array(rows)
    ordered.sort(axis=-1)
    half, odd = divmod(ordered.shape[-1], 2)
    found: Floats = ordered[..., half] if odd else (ordered[..., half - 1] + ordered[..., half]) / 2.0
    return found
