"""Several laws where the curves do not decide between them: those that fit count alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.fitting import Fit

    FloatArray = NDArray[np.float64]

__all__ = ["ONE_PEAK", "SEVERAL_PEAKS", "averaged", "counted"]

ONE_PEAK = ("multi_power", "bound")
"""Laws for runs at one peak: on the recorded models one errs towards short cooldowns, the other towards long ones."""
SEVERAL_PEAKS = ("peak_bound", "bound")
"""Laws for runs at several peaks: only the bounds know that a rate can be too large."""
MUCH_WORSE = 2.2
"""A law whose usual residual is so many times the best one's does not count: set while looking at the recorded runs."""
LEAST_SCATTER = 1e-4  # of the loss: below it fits are alike


def counted(fits: "Sequence[Fit]") -> tuple["Fit", ...]:
    """The fits that count: those whose usual residual is at most 2.2 times the smallest.

    Formula: scatter <= 2.2 * max(smallest scatter, 1e-4)

    Args:
        fits: what `fit` gave for the same curves, >= 1 of them.

    Raises:
        BadValue: for none.

    Example:
        >>> from calando.forecast import LossCurve
        >>> from calando.forecast.fitting import fit
        >>> steps = list(range(100, 4001, 100))
        >>> curve = LossCurve.from_plan("a", steps, [3 + 20 * t**-0.5 for t in steps], "constant()", 1e-3, 4000)
        >>> [one.law.name for one in counted([fit(curve, "momentum"), fit(curve, "bound")])]
        ['momentum', 'bound']
    """
    if not fits:
        raise BadValue(given="no fits", allowed="at least one", where="averaging", fix="fit a law first")
    most = MUCH_WORSE * max(LEAST_SCATTER, min(fit.scatter for fit in fits))
    return tuple(fit for fit in fits if fit.scatter <= most)


def averaged(losses: "FloatArray") -> "tuple[FloatArray, FloatArray]":
    """The mean over laws, and half the distance between the outermost two: both for every candidate.

    Weights by how well a law fits are not used: the residuals of a curve wander, so that a small difference of cost
    would count for much more than it tells.

    Args:
        losses: one row a law, one column a candidate, numbers > 0.

    Example:
        >>> middle, apart = averaged(np.array([[3.0, 2.0], [3.2, 2.0]]))
        >>> middle.tolist(), apart.round(6).tolist()
        ([3.1, 2.0], [0.1, 0.0])
    """
    return losses.mean(axis=0), np.ptp(losses, axis=0) / 2.0
