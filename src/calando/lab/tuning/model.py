"""The surrogate: final loss over shape, peak, horizon, seed and declared knobs, with its uncertainty.

A Gaussian process on few numbers. What one run teaches about others is in its covariance: a response to the peak that
all shapes share once their peaks are aligned (the shift between shapes begins at what theory says, the shift with the
horizon is fitted), what a shape adds, and how much of both carries over from one horizon to another. A seed moves all
runs of a horizon alike (pairing), and like runs more alike than others: one lucky seed at three neighbouring peaks is
one piece of luck. Losses are taken on a logarithmic scale above the best of their horizon, so that a peak far too high
does not drown the differences that decide.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from calando.lab.tuning.kernel import Guess, Pairs, guess_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.lab.tuning.kernel import Cells

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["Belief", "Runs", "believe"]

DRAWS, KEPT = 128, 12
LARGE, FEWER = 500, 5  # beyond so many rows fewer sets of parameters are averaged over
LOST = 0.6  # how far beyond the worst finished run a lost one is put, in spreads


@dataclass(frozen=True)
class Runs:
    """Runs as arrays: the row of each, its seed's index, and its loss (lower is better; NaN: lost or not made yet)."""

    row: "Whole"
    seed: "Whole"
    loss: "Floats"


@dataclass(frozen=True)
class Belief:
    """What is believed of some rows' losses and of some runs' results, on the surrogate's own scale.

    `mean` and `cov` are joint: first the losses of the `rows` asked for (over all seeds), then the results of the runs
    asked for, each under its own seed; `noise` is added to those, one variance for each. `plain` is the variance of
    each asked run's row, without its seed. `slope` is the fitted exponent of the best peak over the horizon, as mean
    and standard deviation. `scale`, `best` and `unit` lead back to losses.
    """

    mean: "Floats"
    cov: "Floats"
    rows: int
    noise: "Floats"
    plain: "Floats"
    slope: tuple[float, float]
    scale: float
    best: "Floats"
    unit: float

    def loss(self, value: float, level: int) -> float:
        """A value of the surrogate's scale as a loss of a level."""
        return float(self.best[level] + self.scale * math.expm1(max(-0.7, value * self.unit)))


@dataclass(frozen=True)
class _Scaled:
    value: "Floats"
    scale: float
    best: "Floats"
    unit: float


def _scaled(levels: "Whole", loss: "Floats", count: int) -> _Scaled:
    """Losses on the surrogate's scale: log(1 + (loss - best of the level) / scale), in units of their spread."""
    good = np.isfinite(loss)
    best, over = np.zeros(count), []
    for level in range(count):
        mine = loss[good & (levels == level)]
        if len(mine):
            best[level] = mine.min()
            over += list(mine[mine > mine.min()] - mine.min())
    scale = float(np.median(over)) if over else 1.0
    scale = scale if scale > 0 else 1.0
    value = np.log1p(np.where(good, np.maximum(loss - best[levels], 0.0), 0.0) / scale)
    unit = float(value[good].std()) if good.sum() > 2 else 1.0
    unit = unit if unit > 0 else 1.0
    for level in range(count):
        mine = value[good & (levels == level)]
        worst = float(mine.max()) if len(mine) else float(value.max())
        value[~good & (levels == level)] = worst + LOST * unit
    return _Scaled(value / unit, scale, best, unit)


@cache
def _guesses(several: bool) -> tuple[Guess, ...]:
    """Sets of parameters drawn from what is plausible, always the same ones."""
    return tuple(guess_of(u, several) for u in np.random.default_rng(20).random((DRAWS, 11)))


def believe(cells: "Cells", seen: Runs, rows: "Whole", asked: Runs) -> Belief:
    """What the finished runs say about rows and about runs that could be made.

    The surrogate's own parameters are averaged over, each set weighed by how well it explains the finished runs.

    Args:
        cells: everything that could run.
        seen: finished runs, one at least.
        rows: of which the loss is asked.
        asked: runs of which the result is asked.
    """
    levels = cells.level[seen.row]
    told = _scaled(levels, seen.loss, int(cells.level.max()) + 1)
    fits = _fits(cells, seen, told.value, len(np.unique(levels)) > 1)
    weights = np.exp(np.array([fit[0] for fit in fits]) - fits[0][0])
    weights /= weights.sum()
    many = FEWER if len(rows) + len(asked.row) > LARGE else KEPT
    fits, weights = fits[:many], weights[:many] / weights[:many].sum()
    past = Pairs(cells, seen.row, seen.seed, seen.row, seen.seed)
    every = np.concatenate([rows, asked.row])
    none = np.full(len(rows), -1, dtype=np.int64)  # a row's loss belongs to no seed
    seeds = np.concatenate([none, asked.seed])
    link, own = Pairs(cells, seen.row, seen.seed, every, seeds), Pairs(cells, every, seeds, every, seeds)
    size = len(every)
    mean, second = np.zeros(size), np.zeros((size, size))
    noise, plain = np.zeros(len(asked.row)), np.zeros(len(asked.row))
    for weight, (_, guess) in zip(weights, fits, strict=True):
        if weight < 1e-3:
            continue
        root = np.linalg.cholesky(past.cov(guess) + np.diag(guess.noise_at(cells.height[seen.row])))
        half = np.linalg.solve(root, link.cov(guess))
        m = half.T @ np.linalg.solve(root, told.value)
        c = own.cov(guess) - half.T @ half
        mean += weight * m
        second += weight * (c + np.outer(m, m))
        noise += weight * guess.noise_at(cells.height[asked.row])
        plain += weight * np.maximum(np.diag(c)[len(rows) :] - guess.seed_at(cells.height[asked.row]), 0.0)
    slopes = np.array([guess.slope for _, guess in fits])
    center = float(weights @ slopes)
    spread = math.sqrt(max(0.0, float(weights @ (slopes - center) ** 2)))
    cov = second - np.outer(mean, mean)
    return Belief(mean, cov, len(rows), noise, plain, (center, spread), told.scale, told.best, told.unit)


def _fits(cells: "Cells", seen: Runs, value: "Floats", several: bool) -> list[tuple[float, Guess]]:
    """Sets of parameters with the logarithm of how well each explains the values, best first."""
    pairs = Pairs(cells, seen.row, seen.seed, seen.row, seen.seed)
    found = []
    for guess in _guesses(several):
        try:
            root = np.linalg.cholesky(pairs.cov(guess) + np.diag(guess.noise_at(cells.height[seen.row])))
        except np.linalg.LinAlgError:
            continue
        half = np.linalg.solve(root, value)
        likelihood = -0.5 * float(half @ half) - float(np.log(np.diag(root)).sum())
        found.append((likelihood + guess.taste, guess))
    found.sort(key=lambda fit: -fit[0])
    return found
