"""Which runs the reference grids hold: four workloads, eight shapes, peaks a factor 2 apart, three seeds."""

from dataclasses import replace
from functools import lru_cache

import calando
from calando.records import RunSpec

__all__ = ["PEAKS", "SEEDS", "SHAPES", "WORKLOADS", "Workload", "budget", "cells", "evals", "label", "middle", "wanted"]

Workload = str
Cell = tuple[str, float]  # a plan's text and a peak

STEPS = {"images": 640, "text": 640, "characters": 640, "weather": 800}
MIDDLE = {"images": 0.1, "text": 0.016, "characters": 0.016, "weather": 0.002}
WORKLOADS: tuple[Workload, ...] = tuple(STEPS)
EVALS = 16  # at the full horizon; shorter ones are evaluated at the same spacing
SHAPES = {
    "constant": "constant()",
    "linear": "linear_decay()",
    "cosine": "cosine()",
    "wsd 20 %": "wsd(warmup=5%, cooldown=20%)",
    "wsd 50 % 1-sqrt": "wsd(warmup=5%, cooldown=50%, cooldown_shape=1-sqrt)",
    "one-cycle": "one_cycle()",
    "steps": "multistep(milestones=[50%, 75%], factor=0.1)",
    "inverse sqrt": "inverse_sqrt(warmup=5%)",
}
PEAKS, EDGE = 5, 2  # peaks of the reference grid; those above it that only short runs (and seed 0) have
SEEDS = (0, 1, 2)
SHORTER = (8, 4)  # compressed horizons that every study may ask for: T/8, T/4
HALF = 2  # recorded when asked for
LONG_RANGE = 100  # updates of a range test that takes its time


def middle(name: Workload, index: int) -> float:
    """The index-th peak of a workload's grid, 0 the lowest; the middle one is index 2."""
    return MIDDLE[name] * 2.0 ** (index - PEAKS // 2)


@lru_cache(maxsize=256)
def plan(text: str) -> str:
    """A plan's text as Calando itself writes it."""
    return str(calando.parse(text))


def label(text: str) -> str:
    """The name of a shape in the tables."""
    return next((name for name, written in SHAPES.items() if plan(written) == plan(text)), text)


def evals(name: Workload, horizon: int) -> int:
    """Evaluations of a run of that horizon."""
    return max(1, EVALS * horizon // STEPS[name])


def cells(name: Workload) -> list[Cell]:
    """The forty cells of the reference grid."""
    return [(plan(text), middle(name, index)) for text in SHAPES.values() for index in range(PEAKS)]


def budget(name: Workload, share: float) -> int:
    """Steps in that share of the reference grid."""
    return int(share * len(cells(name)) * len(SEEDS) * STEPS[name])


def run(cell: Cell, seed: int, horizon: int) -> RunSpec:
    """One run of a cell."""
    return RunSpec(label(cell[0]), cell[0], cell[1], seed, horizon)


def wanted(name: Workload, halves: bool = False) -> list[RunSpec]:
    """Every run that is recorded, short ones first; those of half the horizon only when they are asked for."""
    full = cells(name)
    wide = [(plan(text), middle(name, index)) for text in SHAPES.values() for index in range(PEAKS + EDGE)]
    horizons = [STEPS[name] // divisor for divisor in SHORTER]
    specs = [run(cell, seed, horizon) for horizon in horizons for seed in SEEDS for cell in wide]
    specs += [run(cell, seed, STEPS[name]) for seed in SEEDS for cell in full]
    specs += [run(cell, 0, STEPS[name]) for cell in wide if cell not in set(full)]
    specs += ranges(name)
    return specs + [run(cell, seed, STEPS[name] // HALF) for seed in SEEDS for cell in wide if halves]


def ranges(name: Workload) -> list[RunSpec]:
    """Range tests as `find` and `tune` make them, and longer ones; one per seed."""
    from calando.lab.finding.ranges import RangeTest, range_steps

    lengths = {range_steps(STEPS[name]), LONG_RANGE}
    return [replace(spec, phase="select") for steps in sorted(lengths) for spec in RangeTest(steps, SEEDS).runs()]
