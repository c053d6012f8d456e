"""The loss that a run ends with, and the warm-up it began with, as its log tells them."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve

__all__ = ["NEAR_PEAK", "ending", "warmup_of"]

LAST = 0.03  # of the run: where a dense loss is averaged, short against any cooldown
DENSE = 8  # losses in there: fewer are no batch losses, each stands for itself
NEAR_PEAK = 0.98
"""Of the peak: where a warm-up has ended, and a cooldown begins."""
STRAIGHT = 0.02  # of the peak, on average: how far a straight rise may lie from the rates that were logged


def ending(curve: "LossCurve") -> float:
    """The loss at a run's end: of a dense log, whose last batch is chance, the mean over its last 3 %.

    >>> from calando.forecast import LossCurve
    >>> noisy = [2.0 + 0.1 * (-1) ** t for t in range(400)]
    >>> dense = LossCurve.from_plan("a", range(1, 401), noisy, "cosine()", 1e-3, 400)
    >>> sparse = LossCurve.from_plan("b", [200, 400], [3.0, 1.9], "cosine()", 1e-3, 400)
    >>> round(ending(dense), 6), ending(sparse)
    (2.0, 1.9)
    """
    late = curve.losses[curve.steps > curve.steps[-1] - LAST * curve.horizon]
    return float(late.mean()) if len(late) >= DENSE else curve.final


def warmup_of(curve: "LossCurve") -> int:
    """Updates of the warm-up: of a straight rise that was logged now and then, drawn on to the peak.

    Between two logged rates the reader draws a line, which seems to rise until the first one that was logged at the
    peak.

    >>> from calando.forecast import LossCurve
    >>> rates = np.interp(range(100), [0, 9, 19, 29, 99], [0, 0.45, 0.95, 1.0, 1.0])
    >>> read = LossCurve("a", range(10, 101, 10), [2.0] * 10, rates)
    >>> read.warmup, warmup_of(read)
    (29, 20)
    """
    top = float(curve.rates.max())
    logged = curve.steps[curve.steps <= curve.warmup] - 1
    rising = logged[(logged > 0) & (curve.rates[logged] < NEAR_PEAK * top)]
    if curve.plan or not len(rising):
        return curve.warmup
    last, first = int(rising[-1]), float(curve.rates[0])
    slope = (float(curve.rates[last]) - first) / last
    line = first + slope * np.arange(last + 1)
    if slope <= 0 or np.abs(line - curve.rates[: last + 1]).mean() > STRAIGHT * top:
        return curve.warmup
    return min(round((top - first) / slope), curve.warmup)
