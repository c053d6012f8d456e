"""The same schedule in fewer updates: whole, not cut."""

from fractions import Fraction
from typing import TYPE_CHECKING

from calando.errors import CalandoError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calando.core.plan import Plan
    from calando.core.schedule import Schedule

__all__ = ["compressed", "profile"]

ALIKE = 0.02
"""Mean difference of two schedules' factors, over relative time and as a part of the peak, that is none."""
COARSE = 0.75
"""The same, of a step: a short run takes a curve in coarser stairs."""
POINTS = 400


def profile(schedule: "Schedule") -> "NDArray[np.float64]":
    """The factors at evenly spread moments of a run."""
    import numpy as np

    steps = np.minimum((np.arange(POINTS) + 0.5) * schedule.horizon / POINTS, schedule.horizon - 1).astype(np.int64)
    return np.asarray(schedule(steps), dtype=np.float64)


def compressed(plan: str, full: int, horizon: int, steps_per_epoch: int | None = None) -> str | None:
    """The plan's text for a shorter horizon: itself where it is made of shares, else with its lengths as shares.

    A plan that cannot be told in shares (or that listens to a metric) has none: None.

    >>> compressed("cosine()", 1000, 250), compressed("warmup(400) | cosine()", 1000, 250)
    ('cosine()', 'warmup(40%) | cosine()')
    """
    from calando.core.text import parse

    whole = parse(plan)
    try:
        wanted = profile(whole.bind(full, steps_per_epoch=steps_per_epoch))
    except CalandoError:
        return None
    for shares in (False, True):
        try:
            told = _in_shares(whole, full, steps_per_epoch) if shares else whole
            got = profile(told.bind(horizon, steps_per_epoch=steps_per_epoch))
        except CalandoError:
            continue
        if float(abs(got - wanted).mean()) <= (ALIKE + COARSE / horizon) * max(float(wanted.max()), 1e-30):
            return str(told) if shares else plan
    return None


def _in_shares(plan: "Plan", full: int, steps_per_epoch: int | None) -> "Plan":
    """The plan with every length in updates or epochs as a share of the horizon."""
    from calando.core.clock import Length
    from calando.core.plan import Plan

    def told(value: object) -> object:
        if isinstance(value, Plan):
            return _in_shares(value, full, steps_per_epoch)
        if isinstance(value, Length):
            size = {"": 1, "ep": steps_per_epoch}.get(value.unit)
            if size is None:
                return value
            share = round(float(value.amount * size / full * 100), 6)
            return Length(Fraction(str(share)), "%")
        if isinstance(value, tuple):
            return tuple(told(one) for one in value)
        return value

    given = [told(value) for value in plan.arguments]
    if plan.variadic is not None:
        return type(plan)(*given[0]) if len(given) == 1 and isinstance(given[0], tuple) else type(plan)(*given)
    return type(plan)(**{p.name: value for p, value in zip(plan.parameters, given, strict=True)})
