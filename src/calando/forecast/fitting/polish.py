"""From a start to the nearest best parameters: Levenberg and Marquardt's steps inside bounds, with exact gradients."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calando.forecast.fitting.robust import huber, weights
from calando.forecast.laws.base import Law

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Polished", "Problem", "polish"]

TINY = 1e-300
TOLERANCE = 1e-7
MOST_DAMPING = 1e8


@dataclass(frozen=True, slots=True)
class Problem:
    """A law, what was prepared of the curves, and the logarithms of their losses."""

    law: Law
    prepared: Any
    logs: "FloatArray"

    def residuals(self, theta: "FloatArray") -> "FloatArray":
        """Logarithm of the law's loss over the recorded one; infinite where the law has none."""
        losses = self.law.losses(theta, self.prepared)
        good = (losses > 0) & np.isfinite(losses)
        return np.where(good, np.log(np.where(good, losses, 1.0)) - self.logs, np.inf)


@dataclass(frozen=True, slots=True)
class Polished:
    """Parameters, Huber's loss at them, its turning point, and whether the steps had come to rest."""

    theta: "FloatArray"
    cost: float
    rested: bool


def polish(problem: Problem, start: "FloatArray", delta: float, most: int = 60) -> Polished:
    """The best parameters near a start.

    Linear parameters move on their own scale, at 0 or above; the others on a logarithmic one between their bounds. A
    parameter at a bound that the gradient would push through rests there for that step.
    """
    law = problem.law
    logarithmic = np.array([not parameter.linear for parameter in law.parameters])
    low = np.array([np.log(p.low) if not p.linear else 0.0 for p in law.parameters])
    high = np.array([np.log(p.high) if not p.linear else np.inf for p in law.parameters])
    z = np.clip(np.where(logarithmic, np.log(np.maximum(start, TINY)), start), low, high)
    theta = np.where(logarithmic, np.exp(np.where(logarithmic, z, 0.0)), z)
    residuals = problem.residuals(theta)
    cost, damping, rested = huber(residuals, delta), 1e-3, False
    if not np.isfinite(cost):
        return Polished(theta, np.inf, False)
    for _ in range(most):
        slopes = law.gradient(theta, problem.prepared) / np.exp(residuals + problem.logs)[:, None]
        slopes *= np.where(logarithmic, theta, 1.0)
        weighted = slopes * weights(residuals, delta)[:, None]
        gradient, hessian = weighted.T @ residuals, weighted.T @ slopes
        free = ~(((z <= low) & (gradient > 0)) | ((z >= high) & (gradient < 0)))
        size = np.sqrt(np.maximum(np.diag(hessian), TINY))
        moved = False
        while damping < MOST_DAMPING:
            step = _step(hessian, gradient, size, free, damping)
            there = np.clip(z + step, low, high)
            trial = np.where(logarithmic, np.exp(np.where(logarithmic, there, 0.0)), there)
            rest = problem.residuals(trial)
            least = huber(rest, delta)
            if least < cost:
                moved = True
                break
            damping *= 6.0
        if not moved:
            rested = True
            break
        gain = (cost - least) / cost if cost > 0 else 0.0
        z, theta, residuals, cost = there, trial, rest, least
        damping = max(damping / 6.0, 1e-12)
        if gain < TOLERANCE:
            rested = True
            break
    return Polished(theta, cost, rested)


def _step(hessian: "FloatArray", gradient: "FloatArray", size: "FloatArray", free: Any, damping: float) -> "FloatArray":
    step = np.zeros(len(size))
    if not free.any():
        return step
    scaled = hessian[np.ix_(free, free)] / np.outer(size[free], size[free])
    inside = scaled + damping * np.eye(int(free.sum()))
    step[free] = -np.linalg.solve(inside, gradient[free] / size[free]) / size[free]
    return step
