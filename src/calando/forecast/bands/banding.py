"""The band around a predicted loss."""

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, shown
from calando.forecast.bands.calibrating import spread_of
from calando.forecast.bands.table import BEYOND, LAST_RATIO, NOMINAL, WIDTHS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["band", "checked_level", "factor_at"]


def factor_at(ratio: float) -> float:
    """The table's factor at a horizon ratio: linear in its logarithm between rows, growing beyond the last.

    Args:
        ratio: the horizon asked over the longest one fitted, > 0; below 1 it counts as 1.

    Example:
        >>> factor_at(1.0) == factor_at(0.5), factor_at(40.0) > factor_at(16.0)
        (True, True)
    """
    ratios, factors = zip(*WIDTHS, strict=True)
    inside = float(np.interp(np.log(max(ratio, 1.0)), np.log(ratios), factors))
    return inside * math.pow(max(1.0, ratio / LAST_RATIO), BEYOND)


def band(
    losses: "ArrayLike", apart: "ArrayLike", ratios: "ArrayLike", scatter: float, level: float = NOMINAL
) -> "tuple[FloatArray, FloatArray]":
    """The lowest and the highest loss of each band.

    Formula: loss * exp(-w) to loss * exp(w), w = factor(ratio) * spread * z(level)/z(0.8), the spread from `spread_of`

    Args:
        losses: predicted losses, numbers > 0.
        apart: half the distance between the outermost laws, numbers >= 0, as many.
        ratios: each candidate's horizon over the longest one fitted, numbers > 0, as many.
        scatter: the usual residual of the fits, a share of the loss >= 0.
        level: the nominal share, 0.5 to 0.99; the table is for 0.8, others are scaled as a normal error would be.

    Raises:
        BadValue: for a level outside its range.

    Example:
        >>> low, high = band([3.0], [0.01], [2.0], 0.001)
        >>> bool(low[0] < 3.0 < high[0]), bool(band([3.0], [0.01], [8.0], 0.001)[1][0] > high[0])
        (True, True)
    """
    checked_level(level)
    middle = np.asarray(losses, dtype=np.float64)
    factors = np.array([factor_at(ratio) for ratio in np.asarray(ratios, dtype=np.float64).tolist()])
    normal = NormalDist()
    wider = normal.inv_cdf((1.0 + level) / 2.0) / normal.inv_cdf((1.0 + NOMINAL) / 2.0)
    half = factors * spread_of(middle, apart, ratios, scatter) * wider
    with np.errstate(over="ignore"):  # where nothing is known the band has no upper end
        return middle * np.exp(-half), middle * np.exp(half)


def checked_level(level: float) -> float:
    """The level as it is, or BadValue."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.5 <= level <= 0.99:
        raise BadValue(given=f"level={shown(level)}", allowed="0.5 to 0.99", where="level", fix="use 0.8")
    return float(level)
