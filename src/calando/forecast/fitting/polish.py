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
    """A law, what was prepared of the curves, the logarithms of their losses, and what is believed beforehand.

    `belief` is how many of the losses tell as much as one belief; `center` are the beliefs' logarithms, where they are
    not the law's own.
    """

    law: Law
    prepared: Any
    logs: "FloatArray"
    belief: float = 0.0
    center: "FloatArray | None" = None

    def residuals(self, theta: "FloatArray") -> "FloatArray":
        """Logarithm of the law's loss over the recorded one; infinite where the law has none."""
        losses = self.law.losses(theta, self.prepared)
        good = (losses > 0) & np.isfinite(losses)
        return np.where(good, np.log(np.where(good, losses, 1.0)) - self.logs, np.inf)

    @property
    def middle(self) -> "FloatArray":
        """The beliefs' logarithms."""
        own = np.array([0.0 if p.linear else np.log(p.likely) for p in self.law.parameters])
        return own if self.center is None else self.center

    @property
    def pull(self) -> "FloatArray":
        """One over the beliefs' standard deviations; 0 where nothing is believed."""
        return np.array([0.0 if p.linear else 1.0 / p.spread for p in self.law.parameters])


@dataclass(frozen=True, slots=True)
class Polished:
    """Parameters, what they cost (Huber's loss and the strain of the beliefs), and whether the steps came to rest."""

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
    low = np.array([0.0 if p.linear else np.log(p.low) for p in law.parameters])
    high = np.array([np.inf if p.linear else np.log(p.high) for p in law.parameters])
    believed = problem.belief * delta**2
    middle, pull = problem.middle, problem.pull

    def values(place: "FloatArray") -> "FloatArray":
        return np.where(logarithmic, np.exp(np.where(logarithmic, place, 0.0)), place)

    def cost_at(place: "FloatArray", errors: "FloatArray") -> float:
        return huber(errors, delta) + 0.5 * believed * float(((place - middle) * pull) @ ((place - middle) * pull))

    z = np.clip(np.where(logarithmic, np.log(np.maximum(start, TINY)), start), low, high)
    theta = values(z)
    residuals = problem.residuals(theta)
    cost, damping = cost_at(z, residuals), 1e-3
    if not np.isfinite(cost):
        return Polished(theta, np.inf, False)
    for _ in range(most):
        slopes = law.gradient(theta, problem.prepared) / np.exp(residuals + problem.logs)[:, None]
        slopes *= np.where(logarithmic, theta, 1.0)
        weighted = slopes * weights(residuals, delta)[:, None]
        gradient = weighted.T @ residuals + believed * pull**2 * (z - middle)
        hessian = weighted.T @ slopes + np.diag(believed * pull**2)
        free = ~(((z <= low) & (gradient > 0)) | ((z >= high) & (gradient < 0)))
        before = cost
        while damping < MOST_DAMPING:
            there = np.clip(z + _step(hessian, gradient, free, damping), low, high)
            trial = values(there)
            errors = problem.residuals(trial)
            least = cost_at(there, errors)
            if least < cost:
                z, theta, residuals, cost = there, trial, errors, least
                break
            damping *= 6.0
        if before - cost <= TOLERANCE * before:
            return Polished(theta, cost, True)
        damping = max(damping / 6.0, 1e-12)
    return Polished(theta, cost, False)


def _step(hessian: "FloatArray", gradient: "FloatArray", free: "NDArray[np.bool_]", damping: float) -> "FloatArray":
    step = np.zeros(len(gradient))
    if free.any():
        size = np.sqrt(np.maximum(np.diag(hessian), TINY))[free]
        scaled = hessian[np.ix_(free, free)] / np.outer(size, size) + damping * np.eye(len(size))
        step[free] = -np.linalg.solve(scaled, gradient[free] / size) / size
    return step
