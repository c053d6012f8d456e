"""How far the curves of a run look like those of runs whose rate was too high: points, summed up.

Each number of `traces` is worth some points, read off a step function; their sum is a log-odds. The step functions were
fitted to runs whose controls say whether a lower peak was better (`python -m bench.watch.heat`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from calando.records.diagnosis.traces import TRACES, traces

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged

__all__ = ["Card", "Score", "chance", "scored"]


@dataclass(frozen=True, slots=True)
class Score:
    """What a run scores, and which numbers speak most for it."""

    chance: float
    """Share of runs with such points whose rate was too high, where half of all are."""
    traces: Mapping[str, float]
    points: Mapping[str, float]

    def wild(self, most: float) -> bool:
        """Whether single losses scatter by more than a share of the gain, early on by more than twice that.

        Then noise alone leaves the signs that are worth points.
        """
        return self.traces["noise"] > most or self.traces["early noise"] > 2 * most


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

    def told(self, numbers: Iterable[float]) -> list[tuple[str, float]]:
        """The points of each number that counts."""
        from bisect import bisect_left

        found = []
        for name, value in zip(TRACES, numbers, strict=True):
            if name in self.steps:
                edges, points, unknown = self.steps[name]
                found.append((name, points[bisect_left(edges, value)] if math.isfinite(value) else unknown))
        return found


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
    """The score of a run; None where its rate never came down, or too little was logged."""
    numbers = traces(run)
    if numbers is None:
        return None
    card = _card()
    points = dict(card.told(numbers.values()))
    return Score(chance(card.base + sum(points.values())), numbers, points)
