"""What is compared when nothing is named, and what one would do without any law: plans that fit the long run."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.core.text import parse
from calando.errors import DoesNotFit
from calando.forecast.asked import Candidate, plan_text
from calando.forecast.choosing.ending import ending
from calando.forecast.choosing.evidence import Evidence, cooldown_plan, wsd_text

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve

__all__ = ["KEEP", "LINEAR", "humble", "in_room", "usual_plans"]

KEEP, LINEAR = "keep the better short run", "linear cooldown 60 %"
SHARES = (10, 20, 40, 60, 80)


def in_room(plan: str, horizon: int) -> bool:
    """Whether a plan's pieces fit a horizon.

    >>> in_room("wsd(warmup=300, cooldown=80%)", 1500), in_room("wsd(warmup=300, cooldown=80%)", 1400)
    (True, False)
    """
    try:
        parse(plan).bind(horizon)
    except DoesNotFit:
        return False
    return True


def usual_plans(warmup: int, horizon: int) -> tuple[str, ...]:
    """The plans that are compared when none are given, as text: those whose cooldown fits behind the warm-up.

    >>> usual_plans(300, 15_000)[0], len(usual_plans(300, 15_000)), len(usual_plans(300, 1400))
    ('wsd(warmup=300, cooldown=10%)', 8, 7)
    """
    rise = f"warmup({warmup}) | " if warmup else ""
    texts = [wsd_text(warmup, share / 100) for share in SHARES]
    texts += [f"wsd(warmup={warmup}, cooldown=20%, cooldown_shape=1-sqrt)", f"{rise}linear_decay()", f"{rise}cosine()"]
    return tuple(plan_text(text) for text in texts if in_room(text, horizon))


def humble(curves: "Sequence[LossCurve]", seen: Evidence, horizon: int) -> tuple[dict[str, Candidate], tuple[str, ...]]:
    """What one would do without a law, by name, and why one of them cannot be told.

    The better short run's plan and peak, and a linear cooldown of 60 % there. A run without a plan's text is kept as
    the warm-up and linear cooldown that its rates are, if they are.
    """
    whole = [curve for curve in curves if curve.finished]
    longest = max((curve.horizon for curve in whole), default=0)
    alike: dict[Hashable, list[LossCurve]] = {}
    for curve in whole:
        if curve.horizon == longest:
            setting = curve.plan or cooldown_plan(curve) or curve.rates.tobytes()
            alike.setdefault((setting, curve.peak), []).append(curve)
    if not alike:
        return {}, ()
    best = min(alike.values(), key=lambda same: float(np.mean([ending(curve) for curve in same])))[0]
    kept = best.plan or cooldown_plan(best)
    found: dict[str, Candidate] = {}
    notes: list[str] = []
    for name, plan in ((KEEP, kept), (LINEAR, wsd_text(seen.warmup, 0.6))):
        if not plan:
            notes.append(
                f"the baseline {name!r} could not be told: the log of {best.name} names no plan, and its rates are not "
                "a warm-up, a peak and a linear cooldown"
            )
        elif not in_room(plan, horizon):
            notes.append(f"the baseline {name!r} could not be told: {plan} does not fit {horizon:,} updates")
        else:
            found[name] = Candidate(plan_text(plan), best.peak, horizon)
    return found, tuple(notes)
