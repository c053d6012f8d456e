"""How sure a fit is: the same search on curves whose residuals were dealt anew, in blocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, shown
from calando.forecast.curve import LossCurve
from calando.forecast.fitting.fitted import Fit
from calando.forecast.fitting.polish import Problem, polish
from calando.forecast.fitting.searching import COARSE_POINTS, COARSE_WIDTH, PIECES, problem_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["resample"]

STEPS = 12


def resample(fit: Fit, n: int = 100, seed: int = 0) -> "FloatArray":
    """Parameters that the same law might as well have got: one row a draw.

    Each draw deals every curve's residuals anew in blocks of a fifth of its length and moves every belief by its own
    standard deviation, then searches from the fit's parameters on. So the spread of a prediction over the draws holds
    what noise and wandering residuals leave open, and where the curves say nothing, what was believed; it does not
    hold that the law itself may be wrong beyond the curves.

    Args:
        fit: what `fit` gave, as an object.
        n: draws, >= 1.
        seed: of the draws, a number >= 0.

    Raises:
        BadValue: for fewer than one draw.

    Example:
        >>> from calando.forecast.fitting import fit
        >>> steps = list(range(100, 4001, 100))
        >>> curve = LossCurve.from_plan("a", steps, [3 + 20 * t**-0.5 for t in steps], "constant()", 1e-3, 4000)
        >>> resample(fit(curve, "momentum"), n=3).shape
        (3, 4)
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise BadValue(given=f"n={shown(n)}", allowed="a whole number >= 1", where="resample, n", fix="use 100")
    chance = np.random.default_rng(seed)
    few = [curve.picked(COARSE_POINTS) for curve in fit.curves]
    count = sum(len(curve.steps) for curve in few)
    belief = fit.belief * count / len(fit.residuals)
    base = problem_of(fit.law, few, fit.unit, COARSE_WIDTH, belief)
    start = polish(base, fit.theta, fit.delta, STEPS)
    residuals = base.residuals(start.theta)
    told = base.logs + residuals
    pull = base.pull
    spread = np.divide(1.0, pull, out=np.zeros_like(pull), where=pull > 0)
    draws = np.empty((n, len(fit.theta)))
    for row in range(n):
        logs = told - _dealt(residuals, few, chance)
        center = base.middle + spread * chance.standard_normal(len(spread))
        problem = Problem(fit.law, base.prepared, logs, belief, center)
        draws[row] = polish(problem, start.theta, fit.delta, STEPS).theta
    return draws


def _dealt(residuals: "FloatArray", curves: "Sequence[LossCurve]", chance: np.random.Generator) -> "FloatArray":
    """Every curve's residuals in blocks from anywhere in it, round its end; each block with either sign."""
    parts, begin = [], 0
    for curve in curves:
        count = len(curve.steps)
        own = residuals[begin : begin + count]
        length = max(1, round(count / PIECES))
        blocks = -(-count // length)
        first = chance.integers(0, count, blocks)
        sign = chance.choice([-1.0, 1.0], blocks)
        places = (first[:, None] + np.arange(length)) % count
        parts.append((own[places] * sign[:, None]).ravel()[:count])
        begin += count
    return np.concatenate(parts)
