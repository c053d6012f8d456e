"""What theory says of a shape before anything is trained: its best peak and its price, next to a linear decay."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.bounds import bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["POINTS", "prior"]

POINTS = 400


def prior(factors: "Sequence[float] | NDArray[np.float64]") -> tuple[float, float]:
    """Octaves between a shape's best peak and a linear decay's, and the logarithm of their bounds' ratio.

    Formula: log2(sqrt(b/v) / sqrt(b'/v')) and log(sqrt(b v) / sqrt(b' v')), primes for the linear decay.

    Floors above zero, where the theory is known to fail, are taken like everything else: how far the shift is to be
    trusted is fitted to the runs, and the price only widens what is believed. A shape that is 0 throughout gives 0, 0.

    Args:
        factors: of every step, or of as many evenly spread ones; below zero they count as zero.

    Example:
        >>> shift, price = prior([1.0] * POINTS)
        >>> shift < -1, price > 0.3
        (True, True)

    Source: Defazio, Cutkosky, Mehta, Mishchenko (2023), theorem 10; Schaipp, Haegele, Taylor, Simsekli, Bach
    (ICML 2025) for the ratios on real models.
    """
    given = np.maximum(np.asarray(factors, dtype=np.float64), 0.0)
    if not given.any():
        return 0.0, 0.0
    linear, mine = bound(1 - np.arange(len(given)) / len(given)), bound(given)
    return math.log2(mine.best_peak / linear.best_peak), math.log(mine.best_value / linear.best_value)
