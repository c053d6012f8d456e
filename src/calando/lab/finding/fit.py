"""The best peak at the full horizon from whole decayed schedules on short ones: a parabola in log-rate per length.

Model: a run of h updates at peak p ends at base_h + k*w(u)*u^2 with u = log2(p) - (m + s*log2(h/L)); w is 1 below
the best peak and a skewness above it, since too high a rate costs more than too low a one. The parabolas of all
lengths share k, so that two runs at a second length suffice to place its best peak. m (log2 of the best peak at the
longest length L that was run) and s (how it moves between the lengths) get a posterior on a grid, the rest is fitted
or averaged. From L to the full horizon T another exponent carries on: what is usual there, and a quarter of what s
is beside the usual. Where the runs overfit (`calando.lab.finding.overfit`) it is about -1: then the sum of the rates,
peak times horizon, is what counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from calando.records.finding import Mini, Slope

__all__ = ["EXPECTED", "Belief", "Posterior", "posterior"]

EXPECTED = (-0.4, 0.45)
"""Mean and standard deviation of the exponent between the short lengths beforehand; T^-1 and T^0 were seen."""
ONWARD = (-0.3, 0.3)
"""The same from the longest short run to the full horizon, where nothing overfits."""
KEPT = 0.25
"""Of what the exponent between the short lengths differs from what is expected: so much holds from there on."""
OVERFIT = (-1.1, 0.25)
"""The same where the runs overfit: the middle of eight small tasks that do (-0.6 to -1.2), from T/4 to T."""
NODES = tuple(-2.1 + 0.3 * i for i in range(15))
"""Standard deviations of the exponent from there on at which the belief is carried to the full horizon."""
TOLD = 0.8
"""Of the standard deviation beforehand: an exponent that runs narrow less than this is not called fitted."""
SKEWS = (1.0, 2.0, 4.0)
MISFIT = 0.15  # of a run's height above the best one: so far a parabola may be off
ROUGH = 0.05  # of the spread at one length: noise that is expected before any is seen
SPREAD = 0.1  # of the widest spread at any length: no length's spread counts for less
STEP = 0.25  # octaves between the grid's peaks
MODEL = 0.4  # octaves by which the model itself may be off: curves are no parabolas, and their shift is no power
SURE = 4.0  # degrees of freedom that the expected noise counts for


@dataclass(frozen=True, slots=True)
class Belief:
    """Where the best peak is expected before mini-runs: log2 of it at a length, and a standard deviation in octaves."""

    middle: float
    sd: float
    horizon: int


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known: log2 of the best peak at the full horizon as weighted points, the exponents, the parabolas.

    `early` is the exponent between the short lengths, `slope` the one from the longest of them to the full horizon.
    """

    places: tuple[float, ...]
    weights: tuple[float, ...]
    early: Slope
    slope: Slope
    curvature: float
    bases: tuple[tuple[int, float], ...]
    tops: tuple[tuple[int, float], ...]
    skew: float

    def quantile(self, share: float) -> float:
        """The log2-peak below which that share of the belief lies, straight between the grid's points."""
        total = 0.0
        for place, weight in zip(self.places, self.weights, strict=True):
            if total + weight >= share:
                return place + STEP * ((share - total) / weight - 0.5)
            total += weight
        return self.places[-1]

    def span(self, confidence: float) -> tuple[float, float]:
        """The log2-peaks between which the best one lies with that confidence, widened by what no parabola knows."""
        tail = (1 - confidence) / 2
        middle, floor = self.quantile(0.5), MODEL * NormalDist().inv_cdf(1 - tail)
        low, high = middle - self.quantile(tail), self.quantile(1 - tail) - middle
        return middle - math.hypot(low, floor), middle + math.hypot(high, floor)

    @property
    def best(self) -> float:
        """The log2-peak with the least expected loss; a little below the middle where too high costs more."""
        fine = [place + STEP * part / 4 for place in self.places for part in (-2, -1, 0, 1)]
        return min(fine, key=self._cost)

    def _cost(self, chosen: float) -> float:
        ways = zip(self.places, self.weights, strict=True)
        return math.fsum(w * min(9.0, _height(chosen - place, self.skew)) for place, w in ways)


def posterior(
    minis: Sequence[Mini], horizon: int, belief: Belief, mode: str = "min", overfits: bool = False
) -> Posterior:
    """What mini-runs say about the best peak at the full horizon.

    A run that gave no result says that the best peak of its length lies below its own.

    Args:
        minis: at least one run with a result.
        horizon: T, in updates.
        belief: what the range tests say.
        mode: "min" where a lower value is better.
        overfits: whether these runs overfit, so that the sum of the rates counts from there on.
    """
    import numpy as np

    sign = 1.0 if mode == "min" else -1.0
    good = [mini for mini in minis if mini.value is not None]
    lengths = sorted({mini.horizon for mini in good})
    last = lengths[-1]
    rows = [
        Row(math.log2(m.peak), math.log2(m.horizon / last), (m.horizon, m.seed), sign * (m.value or 0.0)) for m in good
    ]
    places, exponents, skews = (part.ravel() for part in np.meshgrid(*_axes(belief, last), indexing="ij"))
    early = places + exponents * math.log2(belief.horizon / last)
    prior = ((early - belief.middle) / belief.sd) ** 2 + ((exponents - EXPECTED[0]) / EXPECTED[1]) ** 2
    heights = [_heights(row.x - places - exponents * row.far, skews) for row in rows]
    curvature, misfit = _fit(heights, rows, _noises(rows))
    free = max(0.0, len(rows) - len({row.block for row in rows}) - 1.0)
    score = -0.5 * prior - 0.5 * (SURE + free) * np.log1p(misfit / SURE)
    for mini in minis:
        if mini.value is None:  # softly, or a run that was unlucky could leave nothing
            above = places + exponents * math.log2(mini.horizon / last) - math.log2(mini.peak)
            score -= 4.0 * np.clip(above + 0.5, 0.0, 5.0)
    shares = np.exp(score - score.max())
    shares /= shares.sum()
    middle, exponent = float(shares @ places), float(shares @ exponents)
    skew, bend = float(shares @ skews), float(shares @ curvature)
    spread = math.sqrt(float(shares @ (exponents - exponent) ** 2))
    tops = {h: middle + exponent * math.log2(h / last) for h in lengths}
    bases = tuple((h, sign * _base([row for row in rows if row.block[0] == h], tops[h], bend, skew)) for h in lengths)
    means = OVERFIT[0] + 0 * exponents if overfits else ONWARD[0] + KEPT * (exponents - EXPECTED[0])
    onward = Slope(float(shares @ means), OVERFIT[1] if overfits else ONWARD[1], fitted=False)
    axis, weights = _carried(places, means, shares, onward.sd, math.log2(horizon / last))
    return Posterior(
        axis,
        weights,
        Slope(exponent, spread, fitted=len(lengths) > 1 and spread < TOLD * EXPECTED[1]),
        onward,
        sign * bend,
        bases,
        tuple((h, 2**top) for h, top in tops.items()),
        skew,
    )


def _carried(
    places: Any, exponents: Any, shares: Any, sd: float, far: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points and weights of the belief at the full horizon, so many octaves further on."""
    import numpy as np

    density = np.exp(-0.5 * np.square(NODES))
    there = places + far * (exponents + sd * np.array(NODES)[:, None])
    cells = np.round(there / STEP).astype(int).ravel()
    mass = (shares * (density / density.sum())[:, None]).ravel()
    low = int(cells.min())
    weights = np.bincount(cells - low, weights=mass)
    return tuple((low + i) * STEP for i in range(len(weights))), tuple(float(w) for w in weights)


@dataclass(frozen=True, slots=True)
class Row:
    """One result: log2-peak, octaves of the length below the longest one, length and seed, value (lower is better)."""

    x: float
    far: float
    block: tuple[int, int]
    y: float


def _height(u: float, skew: float) -> float:
    return u * u * (skew if u > 0 else 1.0)


def _heights(u: Any, skew: Any) -> Any:
    return u * u * (1 + (skew - 1) * (u > 0))


def _axes(belief: Belief, length: int) -> tuple[list[float], list[float], list[float]]:
    """Places at that length and exponents within three standard deviations of what is expected, and skews."""
    far = math.log2(belief.horizon / length)
    first = round((belief.middle - EXPECTED[0] * far) / STEP)
    count = math.ceil((3.0 * belief.sd + 2.5 * EXPECTED[1] * abs(far)) / STEP)
    places = [(first + i) * STEP for i in range(-count, count + 1)]
    return places, [EXPECTED[0] + j * EXPECTED[1] / 4 for j in range(-12, 13)], list(SKEWS)


def _noises(rows: Sequence[Row]) -> list[float]:
    """The standard deviation that each result is given: noise, and what a parabola may be off far from its bottom.

    Two runs that happen to end alike are no sign of little noise: some of the widest spread at any length counts too.
    """
    alike = {row.block: [other.y for other in rows if other.block == row.block] for row in rows}
    spreads = {block: max(values) - min(values) for block, values in alike.items()}
    least = SPREAD * max(spreads.values(), default=0.0)
    found = [
        math.hypot(ROUGH * max(least, spreads[row.block]), MISFIT * (row.y - min(alike[row.block]))) for row in rows
    ]
    typical = max(found, default=0.0) or 1.0
    return [max(sd, 1e-3 * typical) for sd in found]


def _fit(heights: Sequence[Any], rows: Sequence[Row], noise: Sequence[float]) -> tuple[Any, Any]:
    """Curvature >= 0 by weighted least squares with one base per length and seed, and the misfit left; per cell."""
    import numpy as np

    cross: Any = 0.0
    square: Any = 0.0
    flat = 0.0
    for block in {row.block for row in rows}:
        own = [i for i, row in enumerate(rows) if row.block == block]
        weights = [noise[i] ** -2 for i in own]
        total = sum(weights)
        x = sum(w * heights[i] for w, i in zip(weights, own, strict=True)) / total
        y = sum(w * rows[i].y for w, i in zip(weights, own, strict=True)) / total
        for w, i in zip(weights, own, strict=True):
            cross = cross + w * (heights[i] - x) * (rows[i].y - y)
            square = square + w * (heights[i] - x) ** 2
            flat += w * (rows[i].y - y) ** 2
    curvature = np.maximum(0.0, cross / np.maximum(square, 1e-300))
    return curvature, np.maximum(0.0, flat - 2 * curvature * cross + curvature**2 * square)


def _base(rows: Sequence[Row], top: float, curvature: float, skew: float) -> float:
    """The lowest value of a length's parabola, from the runs near it."""
    near = [row for row in rows if abs(row.x - top) < 2] or rows
    return math.fsum(row.y - curvature * _height(row.x - top, skew) for row in near) / len(near)
