"""How much wider bands have to be where the runs are less than what they were calibrated on."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.bands.table import ALONE, OTHERWISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.curve import LossCurve

    FloatArray = NDArray[np.float64]

__all__ = ["alone", "wider"]

LIKE = 0.05  # of the larger peak, on average: rates that differ by less are one run's


def alone(curves: "Sequence[LossCurve]") -> bool:
    """Whether runs tell no more than one does: their rates are alike as far as both were seen.

    >>> from calando.forecast import LossCurve
    >>> short, long = (
    ...     LossCurve.from_plan("a", [50, 100], [2.5, 2.1], f"wsd(cooldown={share}%)", 1e-3, 100) for share in (20, 60)
    ... )
    >>> alone([short]), alone([short, short]), alone([short, long])
    (True, True, False)
    """
    return all(_alike(one, other) for one, other in combinations(curves, 2))


def _alike(one: "LossCurve", other: "LossCurve") -> bool:
    both = min(one.reached, other.reached)
    first, second = one.rates[:both], other.rates[:both]
    return float(np.abs(first - second).mean()) < LIKE * max(float(first.max()), float(second.max()))


def wider(ends: "FloatArray", lowest: float, down: float) -> "FloatArray":
    """By what the bands from one run are multiplied.

    Args:
        ends: where each candidate's rate ends, a share of its peak.
        lowest: where the run's came down to, the same.
        down: the share below which a rate has come down.

    Example:
        >>> wider(np.array([0.0, 1.0]), 0.1, 0.3).tolist(), wider(np.array([0.8, 1.0]), 1.0, 0.3).tolist()
        ([2.0, 3.8], [2.0, 2.0])
    """
    return np.where((ends > down) & (lowest <= down), OTHERWISE, ALONE)
