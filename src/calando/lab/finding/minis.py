"""Which mini-runs the search wants next: whole decayed schedules on short horizons, narrowing in log-rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calando.lab.finding.fit import Belief, Posterior, posterior
from calando.records.finding import Mini, RangeReading

__all__ = ["MiniSearch", "believed", "tidy"]

Wish = tuple[int, float]
BELOW_EDGE = 3.0  # octaves from where a range test breaks down to the usual best peak of a decayed run
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
    """

    horizon: int
    reading: RangeReading
    budget: int
    shorts: tuple[int, int]
    seed: int = 0
    mode: str = "min"
    first: int = 4
    apart: float = 2.0
    around: tuple[float, float] = (-1.2, 0.8)

    @property
    def belief(self) -> Belief:
        """What the range tests let expect."""
        return believed(self.reading, self.shorts[0])

    def wanted(self, minis: Sequence[Mini]) -> list[Wish]:
        """What to run next, as (horizon, peak); nothing when the search is over or the budget is spent."""
        left = self.budget - sum(mini.steps for mini in minis)
        wishes = self._wishes(minis)
        done = {(mini.horizon, mini.peak) for mini in minis}
        kept: list[Wish] = []
        for wish in wishes:
            if wish in done or wish in kept:
                continue
            left -= wish[0]
            if left < 0:
                break
            kept.append(wish)
        return kept

    def known(self, minis: Sequence[Mini]) -> Posterior | None:
        """The posterior after these runs; None when none gave a result."""
        if not any(mini.value is not None for mini in minis):
            return None
        return posterior(minis, self.horizon, self.belief, self.mode)

    def side(self, minis: Sequence[Mini]) -> str:
        """Where the best of the shorter runs lies: "low" or "high" end of what was tried, or "" for inside."""
        mine = sorted((m for m in minis if m.horizon == self.shorts[0]), key=lambda m: m.peak)
        good = [m for m in mine if m.value is not None]
        if not good:
            return "low"
        best = min(good, key=lambda m: (m.value or 0.0) * (1 if self.mode == "min" else -1))
        return "low" if best is mine[0] else "high" if best is mine[-1] else ""

    def _wishes(self, minis: Sequence[Mini]) -> list[Wish]:
        short, long = self.shorts
        start = self.belief.middle
        grid = [start + self.apart * (i - (self.first - 1) / 2) for i in range(self.first)]
        coarse = [(short, tidy(2**x)) for x in grid]
        if not set(coarse) <= {(m.horizon, m.peak) for m in minis}:
            return coarse
        mine = [m.peak for m in minis if m.horizon == short]
        side = self.side(minis)
        if side and len(mine) < self.first + 2:
            step = 2**self.apart
            return [(short, tidy(min(mine) / step if side == "low" else max(mine) * step))]
        known = self.known(minis)
        if known is None:
            return []
        here = dict(known.tops).get(long) or 2 ** (known.best + known.slope.exponent * math.log2(long / self.horizon))
        longs = [m for m in minis if m.horizon == long]
        if len(longs) < 2:
            if longs:  # the second of a pair that did not fit together
                return [(long, tidy(here * 2 ** self.around[0]))]
            return [(long, tidy(here * 2**offset)) for offset in self.around]
        fill = [(short, tidy(known.tops[0][1] * 2**offset)) for offset in (0.0, -1.0, 0.7)]
        return [wish for wish in fill if wish[1] not in mine][:1]
