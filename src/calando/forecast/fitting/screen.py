"""Many starts at once: the nonlinear parameters spread over where they are likely, the linear ones solved for."""

from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.fitting.linear import nonnegative
from calando.forecast.fitting.polish import Problem
from calando.forecast.laws.base import Law, linear, nonlinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["screen", "spread"]

REACH = 1.7  # standard deviations to both sides
APART = 0.35  # in logarithms: starts that lie nearer lead to the same end


def spread(count: int, dimensions: int, seed: int) -> "FloatArray":
    """Points that fill the unit cube evenly: an additive recurrence on the roots of x^(d+1) = x + 1, shifted by chance.

    >>> spread(100, 2, 0).shape, bool(abs(spread(100, 2, 0).mean() - 0.5) < 0.02)
    ((100, 2), True)
    """
    root = 1.5
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1)
    shift = np.random.default_rng(seed).random(dimensions)
    points: FloatArray = (shift + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points


def screen(problem: Problem, count: int, seed: int, keep: int) -> "list[FloatArray]":
    """The best starts of `count`, best first, at most `keep`, none near another."""
    law = problem.law
    straight, curved = linear(law), nonlinear(law)
    middle, reach = problem.middle[curved], REACH / problem.pull[curved]
    points = middle + reach * (2.0 * spread(count, len(curved), seed) - 1.0)
    points[0] = middle  # what is believed is a start, too
    losses = np.exp(problem.logs)
    found: list[tuple[float, int, FloatArray]] = []
    for index, point in enumerate(points):
        theta = np.zeros(len(law.parameters))
        theta[curved] = np.clip(np.exp(point), *_bounds(law, curved))
        columns = law.basis(theta, problem.prepared) / losses[:, None]
        if not np.isfinite(columns).all():
            continue
        theta[straight], cost = nonnegative(columns, np.ones(len(losses)))
        found.append((cost, index, theta))
    found.sort(key=lambda start: start[:2])
    kept: list[FloatArray] = []
    for _, _, theta in found:
        if all(np.abs(np.log(theta[curved] / other[curved])).max() > APART for other in kept):
            kept.append(theta)
        if len(kept) == keep:
            break
    return kept


def _bounds(law: Law, places: list[int]) -> "tuple[FloatArray, FloatArray]":
    chosen = [law.parameters[place] for place in places]
    return np.array([p.low for p in chosen]), np.array([p.high for p in chosen])
