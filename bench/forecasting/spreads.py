"""Other forms of what a prediction's error is measured in, on the rows that the shipped one was chosen on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from calando.forecast.bands import calibrated, covered_leaving_out, interval, spread_of

__all__ = ["FORMS", "SHIPPED", "Held", "bucket", "forms"]


@dataclass(frozen=True)
class Held:
    """One loss that was held out: its error as a share of the loss, and what was known when it was foretold.

    `apart` is half the distance between the laws and `scatter` the fits' usual residual, both shares of the loss.
    """

    ratio: float
    peak: float
    share: float
    apart: float
    scatter: float


def quadratic(floor: float, power: float, apart: bool = True) -> Callable[[Held], float]:
    """The root of squares: a floor, the laws' distance, and the scatter times a power of the ratio."""

    def form(one: Held) -> float:
        grown = one.scatter * max(one.ratio, 1.0) ** power
        return math.sqrt(floor**2 + (one.apart if apart else 0.0) ** 2 + grown**2)

    return form


def larger(floor: float) -> Callable[[Held], float]:
    """The larger of a floor and 1.75 times the scatter times log2(2 ratio)."""
    return lambda one: max(floor, 1.75 * one.scatter * math.log2(2.0 * max(one.ratio, 1.0)))


SHIPPED = "as shipped"
FORMS: dict[str, Callable[[Held], float]] = {
    SHIPPED: lambda one: float(spread_of([1.0], [one.apart], [one.ratio], one.scatter)[0]),
    "scatter times the ratio, floor 0.001": quadratic(0.001, 1.0),
    "scatter times the ratio, floor 0.002": quadratic(0.002, 1.0),
    "scatter times the ratio, floor 0.003": quadratic(0.003, 1.0),
    "scatter times the ratio, floor 0.004": quadratic(0.004, 1.0),
    "no distance of laws, ratio^0.75, floor 0.003": quadratic(0.003, 0.75, apart=False),
    "the larger, no distance of laws, floor 0.003": larger(0.003),
    "the larger, no distance of laws, floor 0.005": larger(0.005),
}


def bucket(ratio: float) -> float:
    """The ratio that stands for others near it: 1, 2 (1.4 to 2.4), 3.3, 4, 8, 16."""
    known = (1.0, 2.0, 3.3, 4.0, 8.0, 16.0)
    if 1.3 < ratio < 2.5:
        return 2.0
    return min(known, key=lambda one: abs(math.log(one / ratio)))


def forms(large: Sequence[Held], small: Sequence[Held]) -> list[dict[str, Any]]:
    """For every form: rows out of their interval, and what the wider of both models' bands holds of the large one."""
    found = []
    for name, form in FORMS.items():
        factors: dict[tuple[str, float], float] = {}
        outside = 0
        for model, every in (("large", large), ("small", small)):
            for ratio in sorted({bucket(one.ratio) for one in every}):
                some = [one for one in every if bucket(one.ratio) == ratio]
                errors = [one.share / form(one) for one in some]
                cover, _ = covered_leaving_out(errors, [one.peak for one in some])
                outside += not cover.low <= 0.8 <= cover.high
                factors[model, ratio] = calibrated(errors)
        row: dict[str, Any] = {"form": name, "outside": outside, "rows": len(factors)}
        for ratio, theirs in ((2.0, 2.0), (3.3, 4.0)):
            some = [one for one in large if bucket(one.ratio) == ratio]
            factor = max(factors["large", ratio], factors["small", theirs])
            inside = sum(abs(one.share) <= factor * form(one) for one in some)
            low, high = interval(inside, len(some))
            row[f"{ratio:g}"] = {"share": inside / len(some), "low": low, "high": high}
        found.append(row)
    return found
