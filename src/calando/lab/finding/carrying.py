"""What a found peak says of other plans' peaks: theory, for which nothing is trained."""

import math
from collections.abc import Sequence

from calando.lab.candidates import HUMBLE
from calando.records.finding import CarriedPeak, Finding

__all__ = ["carry", "told"]


def carry(found: Finding, steps_per_epoch: int | None = None, plans: Sequence[str] = HUMBLE) -> tuple[CarriedPeak, ...]:
    """Best peaks of the humble plans over the same horizon, from the one that was found.

    Formula: best = ratio * found; octaves to either end: the root of the squares of the found interval's and of how
    far recorded best peaks lie off the theory's ratio.

    What theory refuses (floors above zero, plans that listen, cycles) is left out, and so is the plan itself.

    Args:
        found: an answer with an interval; any other gives nothing.
        steps_per_epoch: updates per pass over the data, where the plan counts in epochs.
        plans: whose peaks are wanted.

    Example:
        >>> whole = Finding("found", "", "t.py:train", "linear_decay()", 640, 0.01, 0.005, 0.02)
        >>> [(one.plan, round(one.best, 4)) for one in carry(whole)]
        [('cosine()', 0.0097), ('wsd(cooldown=20%)', 0.0051)]
    """
    if found.outcome != "found" or found.best is None or found.low is None or found.high is None:
        return ()
    from calando.forecast import transfer
    from calando.forecast.spelling import spelled

    others = [plan for plan in plans if spelled(plan) != spelled(found.shape)]
    if not others:
        return ()
    answer = transfer(found.shape, others, peak=found.best, horizon=found.horizon, steps_per_epoch=steps_per_epoch)
    known = []
    for one in answer.targets:
        if one.promise != "best guess" or one.peak is None or one.peak_low is None or one.peak_high is None:
            continue
        down = math.hypot(math.log(found.best / found.low), math.log(one.peak / one.peak_low))
        up = math.hypot(math.log(found.high / found.best), math.log(one.peak_high / one.peak))
        known.append(CarriedPeak(one.plan, one.peak, one.peak * math.exp(-down), one.peak * math.exp(up)))
    return tuple(known)


def told(carried: Sequence[CarriedPeak]) -> str:
    """The same in one sentence; "" for none.

    >>> told([CarriedPeak("cosine()", 0.0097, 0.0049, 0.019)])
    'By theory, nothing trained, the best peak for cosine() is 0.0097, between 0.0049 and 0.019 ...'
    """
    if not carried:
        return ""
    each = [f"for {one.plan} is {one.best:.2g}, between {one.low:.2g} and {one.high:.2g}" for one in carried]
    return (
        f"By theory, nothing trained, the best peak {', '.join(each)} (the interval above, and how far recorded"
        " best peaks lie off the theory)."
    )
