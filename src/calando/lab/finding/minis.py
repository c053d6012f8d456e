"""Which mini-runs the search wants next: whole decayed schedules on short horizons, narrowing in log-rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calando.lab.finding.fit import Belief, Posterior, posterior
from calando.lab.finding.overfit import overfitting
from calando.records.finding import Mini, RangeReading

__all__ = ["MiniSearch", "believed", "tidy"]

Wish = tuple[int, float]
BELOW_EDGE = 3.0  # octaves from where a range test breaks down to the usual best peak of a decayed run
APART = 0.4  # octaves: nearer than this two mini-runs tell the same
DOUBT = 1.5  # octaves of standard deviation of that


def tidy(peak: float) -> float:
    """A peak with three digits, so that it reads well.

    >>> tidy(0.0123456)
    0.0123
    """
    return float(f"{peak:.3g}")


def believed(reading: RangeReading, horizon: int) -> Belief:
    """Where a decayed run of that length is expected to be best, by the range tests alone."""
    low, high = reading.low or 1e-3, reading.high or 1e-1
    if reading.edge is not None:
        return Belief(math.log2(reading.edge) - BELOW_EDGE, DOUBT, horizon)
    return Belief((math.log2(low) + math.log2(high)) / 2, max(DOUBT, math.log2(high / low) / 4), horizon)


@dataclass(frozen=True, slots=True)
class Stage:
    """Mini-runs that are asked for together, and those that they were chosen by."""

    wishes: tuple[Wish, ...]
    seen: tuple[Mini, ...]


@dataclass(frozen=True, slots=True)
class MiniSearch:
    """The mini-runs of a search: a pure function of what the range tests said and of the results so far.

    Args:
        horizon: T, of the whole run.
        reading: of the range tests, with a signal.
        budget: updates that all mini-runs together may take.
        shorts: the two lengths, shorter first.
        seed: of every mini-run, so that all are paired.
        first: how many peaks are tried at the shorter length.
        apart: octaves between them.
        around: octaves from what is expected at the longer length to the two peaks tried there.
        comparable: whether the metric is a loss of the training loss's kind, so that overfitting can be seen.
    """

    horizon: int
    reading: RangeReading
    budget: int
    shorts: tuple[int, int]
    seed: int = 0
    mode: str = "min"
    first: int = 4
    apart: float = 2.0
    around: tuple[float, float] = (-1.0, 1.0)
    comparable: bool = False

    @property
    def belief(self) -> Belief:
        """What the range tests let expect."""
        return believed(self.reading, self.shorts[0])

    def wanted(self, minis: Sequence[Mini]) -> list[Wish]:
        """What to run next, as (horizon, peak); nothing when the search is over or the budget is spent."""
        stages = self.stages(minis)
        done = {(mini.horizon, mini.peak) for mini in minis}
        return [wish for wish in stages[-1].wishes if wish not in done] if stages else []

    def known(self, minis: Sequence[Mini]) -> Posterior | None:
        """The posterior after these runs; None when none gave a result."""
        if not any(mini.value is not None for mini in minis):
            return None
        return posterior(minis, self.horizon, self.belief, self.mode, bool(self.overfit(minis)))

    def overfit(self, minis: Sequence[Mini]) -> str:
        """Why these runs are said to overfit; "" when nothing shows it, or the training loss is of another kind."""
        return overfitting(minis) if self.comparable else ""

    def side(self, minis: Sequence[Mini]) -> str:
        """Where the best of the shorter runs lies: "low" or "high" end of what was tried, or "" for inside."""
        mine = sorted((m for m in minis if m.horizon == self.shorts[0]), key=lambda m: m.peak)
        good = [m for m in mine if m.value is not None]
        if not good:
            return "low"
        best = min(good, key=lambda m: (m.value or 0.0) * (1 if self.mode == "min" else -1))
        return "low" if best is mine[0] else "high" if best is mine[-1] else ""

    def stages(self, minis: Sequence[Mini]) -> list["Stage"]:
        """Every stage so far, the last of them perhaps unfinished; each is worked out from those before it alone.

        So it does not matter in which order the runs of one stage finish, nor how many go at a time.
        """
        there = {(mini.horizon, mini.peak): mini for mini in minis}
        seen: list[Mini] = []
        found: list[Stage] = []
        for ask in (self._wide, self._beyond, self._beyond, self._pair, self._fill, self._fill):
            known = {(mini.horizon, mini.peak) for mini in seen}
            asked = [wish for wish in dict.fromkeys(ask(seen)) if wish not in known]
            left = self.budget - sum(mini.steps for mini in seen)
            wishes = [wish for i, wish in enumerate(asked) if sum(h for h, _ in asked[: i + 1]) <= left]
            if wishes:
                found.append(Stage(tuple(wishes), tuple(seen)))
            if len(wishes) < len(asked) or not all(wish in there for wish in wishes):
                break
            seen.extend(there[wish] for wish in wishes)
        return found

    def _wide(self, seen: Sequence[Mini]) -> list[Wish]:
        places = [self.belief.middle + self.apart * (i - (self.first - 1) / 2) for i in range(self.first)]
        return [(self.shorts[0], tidy(2**x)) for x in places]

    def _beyond(self, seen: Sequence[Mini]) -> list[Wish]:
        tried, step = [mini.peak for mini in seen], 2**self.apart
        side = self.side(seen)
        return [(self.shorts[0], tidy(min(tried) / step if side == "low" else max(tried) * step))] if side else []

    def _pair(self, seen: Sequence[Mini]) -> list[Wish]:
        if (known := self.known(seen)) is None:
            return []
        long = self.shorts[1]
        here = known.tops[0][1] * known.early.factor(long / self.shorts[0])
        return [(long, tidy(here * 2**offset)) for offset in self.around]

    def _fill(self, seen: Sequence[Mini]) -> list[Wish]:
        """What is left of the budget goes near the best of the shorter length, where nothing was tried yet."""
        if (known := self.known(seen)) is None:
            return []
        short, top = known.tops[0]
        near = [top * 2**offset for offset in (0.0, -1.0, 0.7)]
        mine = [mini.peak for mini in seen if mini.horizon == short]
        free = [peak for peak in near if all(abs(math.log2(peak / other)) > APART for other in mine)]
        return [(short, tidy(peak)) for peak in free[:1]]
