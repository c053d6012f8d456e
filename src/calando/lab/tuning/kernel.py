"""What runs have in common: the surrogate's covariance and its parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["Cells", "Guess", "Pairs", "guess_of", "halton"]

LEVEL = 4.0  # variance of each horizon's own level
FADE = 0.7  # octaves of horizon over which what does not carry over is forgotten
LOCAL = 1.5  # octaves of peak over which a shape's own response, and a seed's, varies
KNOBS = 0.35  # part of a knob's range over which its response varies


@dataclass(frozen=True)
class Cells:
    """Everything that could run: one row for each pair of a cell (shape, peak, settings) and a horizon.

    `shape`, `level` and `setting` are indices, `peak` is log2 of the peak, `height` log2 of horizon / full horizon.
    `shift` and `price` are theory's by shape, `near` the likeness of shapes in [0, 1], `knobs` the settings in the unit
    cube.
    """

    shape: "Whole"
    peak: "Floats"
    level: "Whole"
    setting: "Whole"
    height: "Floats"
    shift: "Floats"
    price: "Floats"
    near: "Floats"
    knobs: "Floats"


@dataclass(frozen=True)
class Guess:
    """One set of the surrogate's own parameters: amplitudes in units of the spread, lengths in octaves.

    `slope`: exponent of the best peak over the horizon; `trust`: how much of theory's shift between shapes holds;
    `common`, `width`: of the response to the peak; `offset`, `own`: what a shape adds, as a whole and along peaks;
    `carry`: the part that carries over to any other horizon; `seed`, `luck`: what a seed does to all runs, and to like
    runs; `noise`: what is left, at the full horizon; `rough`: by how much the last three grow per octave of a shorter
    horizon.
    """

    slope: float
    trust: float
    common: float
    width: float
    offset: float
    own: float
    carry: float
    seed: float
    luck: float
    noise: float
    rough: float

    @property
    def taste(self) -> float:
        """Log of how plausible it is beforehand: published exponents of the best peak lie about -0.35."""
        return -0.5 * (((self.slope + 0.35) / 0.35) ** 2 + ((self.trust - 0.85) / 0.4) ** 2)

    def noise_at(self, height: "Floats") -> "Floats":
        """Variance of one run about everything else."""
        return np.asarray((self.noise * 2.0 ** (-self.rough * height)) ** 2)

    def seed_at(self, height: "Floats") -> "Floats":
        """Variance of what a seed does."""
        return np.asarray((self.seed**2 + self.luck**2) * 4.0 ** (-self.rough * height))


def guess_of(u: "Floats", several: bool) -> Guess:
    """The parameters at a point of the unit cube of eleven dimensions.

    Args:
        several: whether several horizons were run; with one the exponent of the best peak cannot be fitted.
    """

    def log(x: float, low: float, high: float) -> float:
        return float(low * (high / low) ** x)

    return Guess(
        slope=0.15 - 1.15 * float(u[0]) if several else -0.35,
        trust=1.1 * float(u[1]),
        common=log(u[2], 0.5, 2.0),
        width=log(u[3], 1.2, 3.5),
        offset=log(u[4], 0.1, 0.8),
        own=log(u[5], 0.05, 0.5),
        carry=0.2 + 0.75 * float(u[6]),
        seed=log(u[7], 0.02, 0.8),
        luck=log(u[8], 0.05, 1.0),
        noise=log(u[9], 0.05, 0.7),
        rough=0.4 * float(u[10]),
    )


class Pairs:
    """Covariances between two lists of runs; what does not depend on parameters is worked out once.

    A seed of -1 stands for a row's loss over all seeds.
    """

    def __init__(self, cells: Cells, left: "Whole", left_seed: "Whole", right: "Whole", right_seed: "Whole") -> None:
        self._cells, self._left, self._right = cells, left, right
        high, low = cells.height[left], cells.height[right]
        self._fade = np.exp(-0.5 * ((high[:, None] - low[None, :]) / FADE) ** 2)
        self._level = cells.level[left][:, None] == cells.level[right][None, :]
        a, b = cells.shape[left], cells.shape[right]
        self._near = cells.near[a[:, None], b[None, :]]
        self._offset = self._near + 2.0 * np.outer(cells.price[a], cells.price[b])
        paired = (left_seed[:, None] == right_seed[None, :]) & (left_seed[:, None] >= 0) & self._level
        self._one = paired
        self._mean = (high[:, None] + low[None, :]) / 2
        self._alike: Floats | None = None
        if cells.knobs.shape[1]:
            w, v = cells.knobs[cells.setting[left]], cells.knobs[cells.setting[right]]
            self._alike = np.exp(-0.5 * ((w[:, None, :] - v[None, :, :]) ** 2).sum(-1) / KNOBS**2)
        self._middle = float(cells.peak.mean())

    def _aligned(self, rows: "Whole", guess: Guess) -> "Floats":
        cells = self._cells
        return cells.peak[rows] - guess.trust * cells.shift[cells.shape[rows]] - guess.slope * cells.height[rows]

    def cov(self, guess: Guess) -> "Floats":
        """The covariances, chance left out."""
        a, b = self._aligned(self._left, guess), self._aligned(self._right, guess)
        gap = (a[:, None] - b[None, :]) ** 2
        across = guess.carry + (1 - guess.carry) * self._fade
        local = np.exp(-0.5 / LOCAL**2 * gap)
        c, d = a - self._middle, b - self._middle
        bowl = np.outer(c**2, d**2) / 16 + np.outer(c, d) / 4
        found = guess.common**2 * (np.exp(-0.5 / guess.width**2 * gap) + 0.3 * bowl) * (0.5 + 0.5 * across)
        found += (guess.offset**2 * self._offset + guess.own**2 * self._near * local) * across
        found += LEVEL * self._level
        if self._one.any():
            rough = 4.0 ** (-guess.rough * self._mean)
            found += self._one * rough * (guess.seed**2 + guess.luck**2 * self._near * local)
        if self._alike is not None:
            found += 0.5 * guess.common**2 * self._alike * across * (0.7 + 0.3 * local)
        return np.asarray(found)


def halton(count: int, dimensions: int) -> "Floats":
    """Points that fill the unit cube evenly, always the same; up to nine dimensions.

    >>> halton(3, 1).tolist()
    [[0.5], [0.25], [0.75]]
    """
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23)[:dimensions]
    found = np.zeros((count, dimensions))
    for column, base in enumerate(primes):
        for index in range(count):
            part, rest, value = 1.0, index + 1, 0.0
            while rest:
                part /= base
                value += part * (rest % base)
                rest //= base
            found[index, column] = value
    return found
