"""How far the curves of a run look like those of runs whose rate was too high: points, summed up.

Each number of `traces` is worth some points, read off a step function; their sum is a log-odds. The step functions were
fitted to runs whose controls say whether a lower peak was better (`python -m bench.watch.heat`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.noisy import median
from calando.records.diagnosis.traces import EVALUATED, traces

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged

__all__ = ["Card", "Score", "chance", "scattered", "scored", "unharmed"]

HIGH = "LR too high"
FEWEST = 60
"""Training losses below which signs so small say nothing."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a run scores, and which numbers speak most for it."""

    chance: float
    """Share of runs with such points whose rate was too high, where half of all are."""
    traces: Mapping[str, float]
    points: Mapping[str, float]
    """Of the numbers that count: none of training losses where single ones scatter by much of the gain, none of
    evaluations where there are too few."""


@dataclass(frozen=True, slots=True)
class Card:
    """The points of every number: edges, the points between them, and those of a number that is not known."""

    base: float
    steps: Mapping[str, tuple[tuple[float, ...], tuple[float, ...], float]]

    @classmethod
    def read(cls, made: Mapping[str, Any]) -> Card:
        """A card from plain data."""
        steps = {
            name: (tuple(one["edges"]), tuple(one["points"]), float(one["unknown"]))
            for name, one in made["card"].items()
        }
        return cls(float(made["base"]), steps)

    def told(self, numbers: Mapping[str, float], most: float) -> dict[str, float]:
        """The points of each number that counts, where single losses may scatter by so much of the gain.

        Noise of single batches leaves the signs that are worth points in training losses, not in evaluations.
        """
        from bisect import bisect_left

        wild, few = scattered(numbers, most), not math.isfinite(numbers["evaluated late"])
        found = {}
        for name, value in numbers.items():
            if name in self.steps and not (few if name in EVALUATED else wild):
                edges, points, unknown = self.steps[name]
                found[name] = points[bisect_left(edges, value)] if math.isfinite(value) else unknown
        return found

    def chance(self, numbers: Mapping[str, float], most: float) -> float:
        """What these points come to."""
        return chance(self.base + sum(self.told(numbers, most).values()))


def scattered(numbers: Mapping[str, float], most: float) -> bool:
    """Whether single losses scatter by more than a share of the gain, early on by more than twice that."""
    return numbers["noise"] > most or numbers["early noise"] > 2 * most


def chance(odds: float) -> float:
    """A log-odds as a share.

    >>> chance(0.0), round(chance(2.0), 3)
    (0.5, 0.881)
    """
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))


@cache
def _card() -> Card:
    from importlib.resources import files

    return Card.read(json.loads((files("calando.records.diagnosis") / "heat.json").read_text("utf-8")))


def scored(run: Judged) -> Score | None:
    """The score of a run; None where its rate never came down, too little was logged, or noise hides all.

    Noise does so where single losses scatter by much of the gain and no evaluations tell, or where little of the loss
    can be learned and the rate keeps much even of that away: noise of what cannot be learned does so at a sound rate.
    """
    found: Score | None = run.once("score", lambda: _scored(run))
    return found


def _scored(run: Judged) -> Score | None:
    numbers = None if run.unseen or len(run.train) < FEWEST else traces(run)
    if numbers is None:
        return None
    most = limit(HIGH, "noise")
    points = _card().told(numbers, most)
    if not points or (scattered(numbers, most) and _drowned(run)):
        return None
    return Score(chance(_card().base + sum(points.values())), numbers, points)


def _drowned(run: Judged) -> bool:
    """Whether evaluations lost little of their start, and stood far from their lowest while the rate was high."""
    begin = run.begin(run.val)
    gain = begin - float(run.val.values.min())
    if gain >= limit(HIGH, "learned") * run.size(begin):
        return False
    return not _kept(run) >= limit(HIGH, "kept")


def _kept(run: Judged) -> float:
    """Share of their gain that evaluations had while the rate was high, by their middle; NaN where there were none."""
    import numpy as np

    curve, begin = run.val, run.begin(run.val)
    gain = begin - float(curve.values.min())
    hot = curve.values[np.interp(curve.steps, run.lr.steps, run.lr.values) >= 0.5 * run.peak]
    return (begin - median(hot)) / gain if gain > 0 and hot.size else math.nan


def unharmed(run: Judged) -> bool:
    """Whether evaluations had most of their gain while the rate was high, where single losses scatter by much of it.

    Batches of a few examples make a model tremble at a sound rate, too; a rate that is too high keeps the gain away,
    or leaves the model where its first updates brought it: there evaluations lose little after the first one.
    """
    numbers = None if len(run.train) < FEWEST else traces(run)
    if numbers is None or not scattered(numbers, limit(HIGH, "noise")):
        return False
    return numbers["evaluated depth"] >= limit(HIGH, "deep") and _kept(run) >= limit(HIGH, "held")
