"""Whether losses drift up after their lowest stretch: told from many of them, where each wobbles."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["FIFTH", "QUARTER", "Drift", "drift"]

FIFTH, QUARTER = 5, 4  # of the losses: how long a stretch is
LEAST = 12  # fewer losses show no trend


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the last stretch lies above the lowest one, and how sure that is.

    `rise` is a difference of logarithms, `errors` the same in standard errors of the two stretches' own wobble, `trend`
    Kendall's statistic of the losses from the lowest stretch on, in standard deviations; `begins` and `middle` are the
    places of the first loss of the lowest stretch and of its middle one, `size` the losses of a stretch.

    >>> Drift(0.02, 4.0, 3.0, 10, 14, 8).rise
    0.02
    """

    rise: float
    errors: float
    trend: float
    begins: int
    middle: int
    size: int


def drift(logs: "FloatArray", part: int = FIFTH) -> Drift | None:
    """The drift of logarithms of losses over stretches of that part of them; None for too few of them.

    >>> drift(np.zeros(5)) is None, round(drift(np.abs(np.arange(40.0) - 20)).rise, 1)
    (True, 13.5)

    Source: Mann 1945, Kendall 1975 (a trend told by the signs of all differences).
    """
    n = len(logs)
    if n < LEAST:
        return None
    size = max(3, n // part)
    sums = np.cumsum(np.concatenate([[0.0], logs]))
    levels = (sums[size:] - sums[:-size]) / size
    begins = int(np.argmin(levels))
    rise = float(levels[-1] - levels[begins])
    error = np.sqrt((_wobble(logs[begins : begins + size]) + _wobble(logs[-size:])) / size)
    return Drift(rise, rise / max(float(error), 1e-9), _kendall(logs[begins:]), begins, begins + size // 2, size)


def _wobble(logs: "FloatArray") -> float:
    """The variance around a straight line."""
    at = np.arange(len(logs))
    left = logs - np.polyval(np.polyfit(at, logs, 1), at)
    return float(left @ left) / (len(logs) - 2)


def _kendall(logs: "FloatArray") -> float:
    n = len(logs)
    signs = sum(float(np.sign(logs[place + 1 :] - logs[place]).sum()) for place in range(n - 1))
    return signs / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
