"""Residuals of which a few may be far off: Huber's loss on log-losses."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["huber", "scale_of", "weights"]

LEAST_DELTA = 1e-3
"""As the multi-power law's authors fit: a thousandth of the loss is noise."""


def huber(residuals: "FloatArray", delta: float) -> float:
    """The sum of r^2/2 up to delta, and delta*(|r| - delta/2) beyond.

    >>> huber(np.array([0.5, 3.0]), 1.0)
    2.625
    """
    size = np.abs(residuals)
    return float(np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta)).sum())


def weights(residuals: "FloatArray", delta: float) -> "FloatArray":
    """The weight of each square at which least squares step as Huber's loss does: min(1, delta / |r|)."""
    return delta / np.maximum(np.abs(residuals), delta)


def scale_of(residuals: "FloatArray") -> float:
    """Where Huber's loss turns straight: two robust standard deviations, at least a thousandth.

    >>> scale_of(np.zeros(5))
    0.001
    """
    return max(LEAST_DELTA, 2.0 * 1.4826 * float(np.median(np.abs(residuals))))
