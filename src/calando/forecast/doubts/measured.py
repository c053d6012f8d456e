"""What is measured of one loss curve before it is judged: noise, levels, rises."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.curve import LossCurve

    FloatArray = NDArray[np.float64]

__all__ = ["Measured", "measured", "noise", "risen_again"]

ROBUST = 1.4826 / 6**0.5  # median of absolute second differences -> standard deviation
WINDOW = 10  # a level is the mean of a tenth of the losses
DENSE = 100  # losses beyond so many are noise that averaging takes away


@dataclass(frozen=True, slots=True)
class Measured:
    """A curve without its warm-up, in logarithms.

    `logs` and `rates` at the losses, `levels` their running means over `window` losses; `noise` the standard deviation
    of one loss around its neighbours, `scatter` the same once dense losses are averaged.
    """

    curve: "LossCurve"
    logs: "FloatArray"
    rates: "FloatArray"
    levels: "FloatArray"
    window: int
    noise: float
    scatter: float

    @property
    def doubt(self) -> float:
        """Standard deviation of the difference of two levels."""
        return float(self.noise * (2.0 / self.window) ** 0.5)

    @property
    def lowest(self) -> int:
        """Where the running mean is lowest."""
        return int(np.argmin(self.levels))


def noise(logs: "FloatArray") -> float:
    """The standard deviation of one number around a smooth curve: robust, 0 for a straight line.

    >>> noise(np.array([3.0, 2.0, 1.0, 0.0]))
    0.0
    """
    return float(ROBUST * np.median(np.abs(np.diff(logs, 2)))) if len(logs) > 2 else 0.0


def risen_again(rates: "FloatArray") -> float:
    """By how much rates rise after their first fall, all rises together, as a share of the largest.

    A warm-up that stands still for a while, as one by epochs does, is no second rise.

    >>> risen_again(np.array([0.5, 0.5, 1.0, 0.0, 1.0])), risen_again(np.array([1.0, 0.5, 0.0]))
    (1.0, 0.0)
    """
    changes = np.diff(rates)
    falls = np.flatnonzero(changes < 0)
    return float(np.clip(changes[falls[0] :], 0.0, None).sum() / rates.max()) if len(falls) else 0.0


def measured(curve: "LossCurve") -> Measured:
    """The curve's measures."""
    part = curve.fitted_part()
    logs = np.log(part.losses)
    window = max(1, len(logs) // WINDOW)
    sums = np.cumsum(np.concatenate([[0.0], logs]))
    levels = (sums[window:] - sums[:-window]) / window
    scatter = noise(np.log(part.thinned(DENSE).losses))
    return Measured(curve, logs, part.rates[part.steps - 1], levels, window, noise(logs), scatter)
