"""Loss that goes up and down with a cyclic learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.fold import FEWEST, folded
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
    found: list[tuple[float, float]] = run.once("returns", lambda: _returns(run))
    return found


def _returns(run: Judged) -> list[tuple[float, float]]:
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
    """The rate came back at least twice, and the loss went up and down with it by a good part of what had been gained.

    Large enough: by a share of the whole gain, a larger one where the run ends in a trough, whose descent it keeps.
    """
    cycles = returns(run)
    if len(cycles) < 2:
        return None
    found = _rises(run, cycles) if len(cycles) < FEWEST else _swings(run, cycles)
    if found is None:
        return None
    share, said = found
    ends_at = run.lr_at(run.end) / run.peak
    if ends_at < limit(KIND, "trough") and share.value < limit(KIND, "kept"):
        return None
    much = f"{100 * share.value:.0f} % of all that was gained" if share.value < 1 else "more than all that was gained"
    words = f"The learning rate came back {len(cycles)} times, and {said}, {much}."
    if ends_at > 0.3:
        words += f" The run ends at {100 * ends_at:.0f} % of the peak, so it keeps none of a trough."
    return Diagnosis(
        KIND, "warning", f"the loss swings with the {len(cycles) + 1} cycles of the learning rate", words,
        ("One descent instead of many: `warmup(5%) | cosine()` at the same peak.",
         "Where cycles are wanted: peaks that decay (`peak_decay=0.5`, `mode=triangular2`) and an end in a trough.",
         "A run under way: `cooldown 20%` from a trough."),
        (Evidence("returns", float(len(cycles)), str(len(cycles))),
         Evidence("swing", share.value, f"{100 * share.value:.0f} % of the gain")),
        sure(share.sigmas), (Change("plan", "warmup(5%) | cosine()", "cooldown 20%"),),
    )  # fmt: skip


def _swings(run: Judged, cycles: list[tuple[float, float]]) -> tuple[Level, str] | None:
    """By all cycles laid upon each other."""
    share = folded(run, [low for low, _ in cycles])
    if share is None or share.value < limit(KIND, "share") or share.sigmas < limit(KIND, "clear"):
        return None
    return share, "on the average the loss rose and fell with it"


def _rises(run: Judged, cycles: list[tuple[float, float]]) -> tuple[Level, str] | None:
    """By what each return did: too few of them for more."""
    curves = ((run.train, "training loss"), (run.val, run.seen.metric))
    swings = [(*_swing(run, curve, cycles), name) for curve, name in curves if len(curve) >= 12]
    seen = [one for one in swings if one[1] >= limit(KIND, "rise")]
    if not seen:
        return None
    mean, share, name = max(seen, key=lambda one: one[0].sigmas)
    if mean.sigmas < 3:
        return None
    return Level(share, share / mean.sigmas), f"the {name} rose by {short(mean.value)} each time"
