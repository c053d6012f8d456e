"""Why not to believe a fit: what the curves cannot show, and what the law cannot follow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.doubts.cooled import COMES_DOWN, comes_down
from calando.forecast.laws.base import Path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.fitting.fitted import Fit

    FloatArray = NDArray[np.float64]

__all__ = ["reasons"]

FEW = 3  # losses a parameter
STRAY = 0.02
FALLS = 0.01
AT_BOUND = 1.001
APART = 0.005  # of the loss: what two sets of parameters that fit alike may differ by in a forecast


def reasons(fit: "Fit", rested: bool, others: "Sequence[FloatArray]") -> tuple[str, ...]:
    """Sentences, the gravest first; `others` are parameters that fit the curves as well."""
    found = []
    losses = np.concatenate([curve.losses for curve in fit.curves])
    if not any(_falls(curve.losses) for curve in fit.curves):
        found.append("no loss falls by even 1 %: there is nothing to learn from")
    if len(fit.curves) == 1:
        found.append("one curve alone: what its rates and its length each do cannot be told apart")
    lowest = comes_down(fit.curves)
    if lowest > COMES_DOWN:
        found.append(f"no curve comes down below {100 * lowest:.0f} % of its peak: what a cooldown gives is a guess")
    if len(losses) < FEW * len(fit.law.parameters):
        found.append(f"{len(losses)} losses for {len(fit.law.parameters)} parameters")
    if fit.scatter > STRAY:
        found.append(f"the losses stray from the law by {100 * fit.scatter:.1f} %")
    for parameter, value in zip(fit.law.parameters, fit.theta, strict=True):
        if not parameter.linear and not parameter.low * AT_BOUND < value < parameter.high / AT_BOUND:
            found.append(f"{parameter.name} ({parameter.about}) rests at its bound {value:g}")
    if not rested:
        found.append("the search had not come to rest")
    apart = _apart(fit, others)
    if apart > APART:
        found.append(f"parameters that fit as well differ by {100 * apart:.1f} % at twice the length")
    return tuple(found)


def _falls(losses: "FloatArray") -> bool:
    tenth = max(1, len(losses) // 10)
    return bool(np.median(losses[-tenth:]) < (1.0 - FALLS) * np.median(losses[:tenth]))


def _apart(fit: "Fit", others: "Sequence[FloatArray]") -> float:
    """How far forecasts of a linear decay and a late cooldown, at twice the longest length, lie apart; a share."""
    length = min(2 * max(curve.horizon for curve in fit.curves), 200_000)
    left = 1.0 - np.arange(length) / length
    paths = [Path(rates, np.array([length]), fit.unit) for rates in (left, np.minimum(1.0, 5.0 * left))]
    prepared = fit.law.prepare(paths)
    told = np.stack([fit.law.losses(theta, prepared) for theta in (fit.theta, *others)])
    return float(np.max(np.ptp(told, axis=0) / told.mean(axis=0)))
