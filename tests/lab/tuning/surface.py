"""Loss surfaces made up for tests of the search: shapes x peaks x horizons x seeds, with what makes real ones hard.

A response to log2 of the peak whose best moves with the shape and the horizon, an offset of every shape that changes
with the horizon, an edge beyond which runs diverge, and noise that pairs by seed. Losses are in units of the noise.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calando.core.text import parse
from calando.lab.executors.replay import Replay, replay
from calando.lab.tuning.bound import prior
from calando.lab.tuning.compress import profile
from calando.lab.tuning.strategy import TuneStrategy
from calando.records import Candidate, RunRecord, RunSpec, StudySpec
from calando.records.tuning import TuneSpec

FULL = 640
LOWEST = 0.01
PEAKS = tuple(LOWEST * 2**i for i in range(5))
PLANS = (
    "constant()",
    "linear_decay()",
    "cosine()",
    "wsd()",
    "wsd(cooldown=60%)",
    "one_cycle()",
    "inverse_sqrt(warmup=5%)",
    "exponential_decay(end=0.01)",
)
KNOWN = [prior(profile(parse(plan).bind(FULL))) for plan in PLANS]


class Surface:
    """One made-up task.

    Args:
        task: its number.
        noise: standard deviation of one run.
    """

    def __init__(self, task: int, noise: float = 1.0) -> None:
        chance = np.random.default_rng(task)
        shifts, prices = np.array(KNOWN).T
        self.task, self.noise = task, noise
        self.paired = chance.uniform(0.3, 0.8)
        self.slope = chance.uniform(-0.9, 0.0)
        self.bend = chance.lognormal(-0.2, 0.4) * np.exp(chance.normal(0, 0.25, len(PLANS)))
        self.best = chance.uniform(0.8, 3.2) + chance.uniform(0.4, 1.1) * shifts + chance.normal(0, 0.35, len(PLANS))
        self.offset = chance.uniform(0, 4) * prices + chance.normal(0, 1.0, len(PLANS))
        self.drift = chance.normal(0, 0.3, len(PLANS))
        self.edge = self.best.mean() + chance.uniform(1.5, 4)

    def mean(self, shape: int, octave: float, height: float = 0.0) -> float:
        """Loss over all seeds, at a peak `octave` octaves above the lowest and 2^height of the full horizon."""
        away = octave - self.best[shape] - self.slope * height
        return float(self.offset[shape] + self.drift[shape] * height + self.bend[shape] * away**2 - 5 * height)

    def answer(self, run: RunSpec) -> RunRecord:
        """The record of a run."""
        shape, height = PLANS.index(run.plan), float(np.log2(run.horizon / FULL))
        octave = float(np.log2((run.peak or LOWEST) / LOWEST))
        if octave > self.edge + self.slope * height:
            return RunRecord(run, "diverged", steps=run.horizon, seconds=1.0)
        level = [self.task, run.seed, run.horizon]
        common = np.random.default_rng(level).normal()
        own = np.random.default_rng([*level, shape, round(100 * octave) + 1000]).normal()
        chance = self.noise * (self.paired**0.5 * common + (1 - self.paired) ** 0.5 * own)
        return RunRecord(run, "done", final=self.mean(shape, octave, height) + chance, steps=run.horizon, seconds=1.0)

    def regret(self, plan: str, peak: float) -> float:
        """How much worse than the best cell of the grid, over all seeds."""
        cells = [self.mean(s, o) for s in range(len(PLANS)) for o in range(5) if o < self.edge]
        octave = float(np.log2(peak / LOWEST))
        return self.mean(PLANS.index(plan), octave) - min(cells) + (20.0 if octave > self.edge else 0.0)

    def at_random(self, runs: int, seed: int) -> float:
        """The regret of the best of so many random full runs."""
        chance = np.random.default_rng(seed)
        cells = [(PLANS[c // 5], PEAKS[c % 5]) for c in chance.permutation(40)[:runs]]
        found = [self.answer(RunSpec(plan, plan, peak, 0, FULL)).final for plan, peak in cells]
        losses = [np.inf if value is None else value for value in found]
        return self.regret(*cells[int(np.argmin(losses))])


def question(budget: float = 12, **changes: Any) -> tuple[StudySpec, TuneSpec]:
    """The question of a search with so many full runs' worth of budget."""
    mine = {
        name: changes.pop(name) for name in ("prove", "batch", "seed", "share", "probe", "bracket") if name in changes
    }
    given: dict[str, Any] = {
        "question": "?",
        "train": "t.py:train",
        "horizon": FULL,
        "candidates": tuple(Candidate(plan, plan) for plan in PLANS),
        "peaks": PEAKS,
        "select_seeds": (0, 1, 2),
        "confirm_seeds": tuple(range(1000, 1006)),
        "baseline": "cosine()",
        "evals": 16,
        "extend": 0,
    }
    spec = StudySpec(**{**given, **changes})
    rest: dict[str, Any] = {"prove": 0.0, "probe": False, "share": False}
    return spec, TuneSpec(f"{budget}runs", int(budget * FULL), (80, 160, FULL), **{**rest, **mine})


def searched(
    budget: float = 12,
    answer: Callable[[RunSpec], RunRecord] | None = None,
    task: int = 0,
    workers: int = 1,
    **changes: Any,
) -> tuple[TuneStrategy, Replay]:
    """A search played to its end."""
    spec, tune = question(budget, **changes)
    strategy = TuneStrategy(spec, tune)
    made = replay(strategy, answer or Surface(task).answer, tune.steps, share=tune.share, workers=workers)
    return strategy, made


def keys(runs: Sequence[RunRecord]) -> list[str]:
    return [run.spec.key for run in runs]
