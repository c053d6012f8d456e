"""Loss that goes up and down with a cyclic learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.noisy import Level, Trend

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["oscillation", "returns"]

KIND = "oscillation"


def _turns(steps: Floats, rates: Floats) -> list[tuple[float, float]]:
    """The first and the last rate and every one at which the way turned: all that a look at troughs and tops needs."""
    import numpy as np

    way = np.sign(np.diff(rates))
    ways = way[way != 0]
    places = np.flatnonzero(way != 0)
    turned = places[1:][ways[1:] != ways[:-1]]
    kept = np.unique(np.concatenate([[0], turned, [rates.size - 1]]))
    return list(zip(steps[kept].tolist(), rates[kept].tolist(), strict=True))


def returns(run: Judged) -> list[tuple[float, float]]:
    """Where the rate came back: the steps of each trough and of the top after it, beyond the first top."""
    import numpy as np

    if len(run.lr) < 8 or not run.peak > 0:
        return []
    found = []
    low, low_at, risen = None, 0.0, False
    top, top_at = 0.0, 0.0
    for at, rate in _turns(run.lr.steps, run.lr.values / run.peak):
        if low is None:  # on the first way up, or at the top
            if rate >= top:
                top = rate
            elif rate < 0.5 * top and top > 0.4:
                low, low_at = rate, at
        elif not risen:
            if rate <= low:
                low, low_at = rate, at
            elif rate > 0.4 and rate > 2 * low:
                risen, top, top_at = True, rate, at
        elif rate >= top:
            top, top_at = rate, at
        elif rate < 0.5 * top:
            found.append((low_at, top_at))
            low, low_at, risen = rate, at, False
    if risen and not np.isnan(top_at):
        found.append((float(low_at), float(top_at)))
    return found


def _swing(run: Judged, curve: Trend, cycles: list[tuple[float, float]]) -> tuple[Level, float]:
    """By how much a curve rose at a return, on the average, and that as a share of what it gained in all."""
    spacing = (cycles[-1][0] - cycles[0][0]) / (len(cycles) - 1)
    width = max(0.15 * spacing, 0.01 * run.end)
    rises = []
    for low_at, top_at in cycles:
        above = curve.level(top_at, top_at + width, least=3)
        rises.append(above.minus(curve.level(low_at - width, low_at, least=3)))
    mean = Level(sum(r.value for r in rises) / len(rises), math.hypot(*(r.error for r in rises)) / len(rises))
    gained = run.start(curve).value - min(float(curve.smooth().values.min()), float(curve.values[-1]))
    return mean, mean.value / max(gained, 1e-300)


def oscillation(run: Judged) -> Diagnosis | None:
    """The rate came back at least twice, and each time the loss rose by a good part of what had been gained.

    Large enough: by a share of the whole gain, on the average of the returns.
    """
    cycles = returns(run)
    if len(cycles) < 2:
        return None
    curves = ((run.train, "training loss"), (run.val, run.seen.metric))
    swings = [(_swing(run, curve, cycles), name) for curve, name in curves if len(curve) >= 12]
    seen = [one for one in swings if one[0][1] >= limit(KIND, "share")]
    if not seen:
        return None
    (mean, share), name = max(seen, key=lambda one: one[0][0].sigmas)
    count = len(cycles)
    if mean.sigmas < 3:
        return None
    ends_high = run.lr_at(run.end) > 0.3 * run.peak
    words = (
        f"The learning rate came back {count} times, and the {name} rose by {short(mean.value)} each time, "
        f"{100 * share:.0f} % of all that was gained."
    )
    if ends_high:
        words += (
            f" The run ends at {100 * run.lr_at(run.end) / run.peak:.0f} % of the peak, so it keeps none of a trough."
        )
    return Diagnosis(
        KIND, "warning", f"the loss swings with the {count + 1} cycles of the learning rate", words,
        ("One descent instead of many: `warmup(5%) | cosine()` at the same peak.",
         "Where cycles are wanted: peaks that decay (`peak_decay=0.5`, `mode=triangular2`) and an end in a trough.",
         "A run under way: `cooldown 20%` from a trough."),
        (Evidence("returns", float(count), str(count)), Evidence("rise at "
                                                                 "each", share, f"{100 * share:.0f} % of the gain")),
        sure(mean.sigmas), (Change("plan", "warmup(5%) | cosine()", "cooldown 20%"),),
    )  # fmt: skip
