"""Regret, measured afresh: seeds that no choice was made by, paired, in units of the seed standard deviation."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance
from typing import Any

import numpy as np

from bench.tuning.grid import SEEDS, SHAPES, STEPS, Cell, cells, middle, plan, run
from bench.tuning.recorded import Recorded
from calando.records import RunSpec

__all__ = ["FRESH", "Regret", "Truth", "by_seed", "choices", "spread_of_shapes", "truth", "worth_training"]

FRESH = tuple(range(1000, 1010))
NEAR = 3.0  # seed standard deviations: cells of the grid at most so far from its best are trained afresh
NO_MATTER = 0.5  # seed standard deviations that a tied cell may lie above the best
DRAWS = 1000


def grid_means(recorded: Recorded) -> dict[Cell, float]:
    """Mean final loss over the grid's seeds; infinite where one diverged."""
    name, found = recorded.name, {}
    for cell in cells(name):
        finals = [recorded.final(cell, seed, STEPS[name]) for seed in SEEDS]
        found[cell] = fmean([math.inf if final is None else final for final in finals])
    return found


def grid_sd(recorded: Recorded, among: Sequence[Cell]) -> float:
    """Seed standard deviation of the grid's own three runs, pooled over cells."""
    name = recorded.name
    finals = [[recorded.final(cell, seed, STEPS[name]) or math.inf for seed in SEEDS] for cell in among]
    return math.sqrt(fmean(variance(values) for values in finals))


def worth_training(recorded: Recorded, chosen: Sequence[Cell]) -> list[Cell]:
    """The cells to train on fresh seeds: the grid's top five, all within NEAR seed SDs, and live choices."""
    means = grid_means(recorded)
    order = sorted(means, key=lambda cell: means[cell])
    limit = means[order[0]] + NEAR * grid_sd(recorded, order[:5])
    near = [cell for place, cell in enumerate(order) if place < 5 or means[cell] <= limit]
    return near + [cell for cell in dict.fromkeys(chosen) if cell not in near and cell not in means]


def fresh_specs(name: str, among: Sequence[Cell]) -> list[RunSpec]:
    """Ten new runs of each cell, by seed."""
    return [run(cell, seed, STEPS[name]) for seed in FRESH for cell in among]


@dataclass(frozen=True)
class Regret:
    """Mean regret in seed SDs with a 95 % interval, and the share of searches that chose inside the tie set."""

    mean: float
    low: float
    high: float
    inside: float
    searches: int


@dataclass(frozen=True)
class Truth:
    """What the fresh runs say: losses by cell and seed, the best cell, the tie set, the seed SD.

    `far` holds the distance from the best for cells that were not worth training: means of the grid's three seeds.
    """

    name: str
    losses: dict[Cell, np.ndarray]
    best: Cell
    tied: frozenset[Cell]
    sd: float
    far: dict[Cell, float]

    def regret(self, choices: Sequence[Cell | None]) -> Regret:
        """Over searches; seeds (paired) and searches are both resampled for the interval.

        A search that finished no run counts as having chosen the worst cell of the grid.
        """
        table, draws = self._draws(choices)
        low, high = np.quantile(draws, (0.025, 0.975))
        inside = fmean(cell in self.tied for cell in choices)
        return Regret(float(table.mean()), float(low), float(high), inside, len(choices))

    def apart(self, ours: Sequence[Cell | None], theirs: Sequence[Cell | None]) -> tuple[float, float, float]:
        """How much more theirs lose than ours, on the same fresh seeds: the mean and its 95 % interval."""
        (mine, my_draws), (other, other_draws) = self._draws(ours), self._draws(theirs)
        low, high = np.quantile(other_draws - my_draws, (0.025, 0.975))
        return float(other.mean() - mine.mean()), float(low), float(high)

    def _draws(self, choices: Sequence[Cell | None]) -> tuple[np.ndarray, np.ndarray]:
        """Regrets by search and seed, and means of them resampled; the seeds drawn are the same in every call."""
        worst = max(self.far.values(), default=0.0)
        table = np.stack([self._paired(cell, worst) for cell in choices]) / self.sd
        chance = np.random.default_rng(0)
        seeds = chance.integers(len(FRESH), size=(DRAWS, len(FRESH)))
        rows = chance.integers(len(table), size=(DRAWS, len(table)))
        kinds, of = np.unique(table, axis=0, return_inverse=True)
        weights = np.stack([np.bincount(of.reshape(-1)[draw], minlength=len(kinds)) for draw in rows]) / len(table)
        return table, np.einsum("dk,dks->ds", weights, kinds[:, seeds].transpose(1, 0, 2)).mean(1)

    def _paired(self, cell: Cell | None, worst: float) -> np.ndarray:
        if cell is not None and cell in self.losses:
            return self.losses[cell] - self.losses[self.best]
        return np.full(len(FRESH), worst if cell is None else self.far[cell])


def truth(recorded: Recorded, fresh: Recorded) -> Truth:
    """The best cell by fresh means, and everything measured against it."""
    name = recorded.name
    known = {(spec.plan, spec.peak or 0.0) for spec in (record.spec for record in fresh.runs.values())}
    losses: dict[Cell, np.ndarray] = {}
    ceiling = max(mean for mean in grid_means(recorded).values() if math.isfinite(mean))
    for cell in sorted(known):
        finals = [fresh.final(cell, seed, STEPS[name]) for seed in FRESH]
        if None not in finals:
            losses[cell] = np.array([min(final, ceiling) for final in finals if final is not None])
    best = min(losses, key=lambda cell: losses[cell].mean())
    good = sorted(losses, key=lambda cell: losses[cell].mean())[:8]
    sd = math.sqrt(fmean(variance(losses[cell].tolist()) for cell in good))
    tied = frozenset(cell for cell in losses if _tied((losses[cell] - losses[best]).tolist(), sd))
    means = grid_means(recorded)
    start = means.get(best, float(losses[best].mean()))
    far = {cell: min(mean, ceiling) - start for cell, mean in means.items() if cell not in losses}
    return Truth(name, losses, best, tied, sd, far)


def _tied(differences: Sequence[float], sd: float) -> bool:
    """Whether the 95 % interval of the mean paired difference reaches down to zero, and the mean is at most sd / 2."""
    if not any(differences):
        return True
    student = 2.262  # the 97.5 % point with 9 degrees of freedom: ten seeds
    least = student * stdev(differences) / math.sqrt(len(differences))
    return fmean(differences) <= min(least, NO_MATTER * sd)


def spread_of_shapes(recorded: Recorded) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Each shape's own best peak and mean loss in the grid; the gap from best to worst shape, and the seed SD there."""
    name, means = recorded.name, grid_means(recorded)
    found = {}
    for label, text in SHAPES.items():
        at = min((middle(name, index) for index in range(5)), key=lambda peak: means[(plan(text), peak)])
        found[label] = (at, means[(plan(text), at)])
    sd = grid_sd(recorded, [(plan(SHAPES[label]), peak) for label, (peak, _) in found.items()])
    losses = [loss for _, loss in found.values()]
    return found, max(losses) - min(losses), sd


def by_seed(found: Sequence[Cell | None]) -> dict[str, Any]:
    """What searches with the seeds 0, 1, 2 and so on chose, as the result files write it: cells, and their numbers."""
    written = ["none" if cell is None else f"{cell[0]} @ {cell[1]:.9g}" for cell in found]
    kinds = [cell for cell, _ in Counter(written).most_common()]
    return {"cells": kinds, "by_seed": " ".join(str(kinds.index(cell)) for cell in written)}


def choices(told: dict[str, Any]) -> list[Cell | None]:
    """The choices that `by_seed` wrote, by seed."""
    written = [told["cells"][int(number)] for number in told["by_seed"].split()]
    split = [(cell, cell.rpartition(" @ ")) for cell in written]
    return [None if cell == "none" else (shape, float(peak)) for cell, (shape, _, peak) in split]
