"""What theory says of a shape before anything is trained: its best peak and its price, next to a linear decay."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["POINTS", "bound", "prior"]

POINTS = 400


def bound(factors: "Sequence[float] | NDArray[np.float64]") -> tuple[float, float]:
    """Best peak and value of the last-iterate bound of convex optimisation, both times the root of the steps.

    Formula: B/gamma + gamma V with S = sum of factors, B = 1/(2S), V = (sum f^2 / S + sum_k f_k / (sum_{t>k} f_t)
    * (sum_{t>=k} f_t^2) / (sum_{t>=k} f_t)) / 2; gamma = sqrt(B/V), value 2 sqrt(B V).

    Args:
        factors: of every step, >= 0, one above 0; zeros at the end are left out.

    Example:
        >>> gamma, value = bound([1 - t / 2000 for t in range(2000)])
        >>> abs(gamma - 1) < 0.02, abs(value - 2) < 0.02
        (True, True)

    Source: Defazio, Cutkosky, Mehta, Mishchenko, "Optimal linear decay learning rate schedules and further
    refinements" (2023), theorem 10; Schaipp, Haegele, Taylor, Simsekli, Bach (ICML 2025) for the ratios on real models.
    """
    eta = np.asarray(factors, dtype=np.float64)
    eta = eta[: int(np.flatnonzero(eta > 0)[-1]) + 1]
    total = eta[::-1].cumsum()[::-1]
    square = (eta**2)[::-1].cumsum()[::-1]
    later = np.append(total[1:], 0.0)[:-1]
    terms = eta[:-1] / later * square[:-1] / total[:-1] if len(eta) > 1 else np.zeros(0)
    b, v = 1 / (2 * total[0]), (square[0] / total[0] + float(terms.sum())) / 2
    root = math.sqrt(len(factors))
    return math.sqrt(b / v) * root, 2 * math.sqrt(b * v) * root


def prior(factors: "Sequence[float] | NDArray[np.float64]") -> tuple[float, float]:
    """Octaves between a shape's best peak and a linear decay's, and the logarithm of their prices' ratio.

    A floor above zero breaks the theory (the ratios of real models are near those of the same shape without its
    decay's end), so there the shift is halved; data correct the rest.

    >>> shift, price = prior([1.0] * POINTS)
    >>> shift < -1, price > 0.3
    (True, True)
    """
    given = np.asarray(factors, dtype=np.float64)
    if not (given > 0).any():
        return 0.0, 0.0
    linear = bound(1 - np.arange(len(given)) / len(given))
    mine = bound(np.maximum(given, 0.0))
    return math.log2(mine[0] / linear[0]), math.log(mine[1] / linear[1])
