"""A run that goes on with more or fewer tokens (or samples) in each update than it began with."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from calando.core.clock import round_half_up
from calando.core.schedule import Schedule
from calando.errors import BadState

__all__ = ["misbound"]


def misbound(
    was: Mapping[str, Any], left: Fraction, made: int, now: Schedule, horizon: int, where: str
) -> BadState | None:
    """The error for a horizon that counts the updates made as if they had been of the new size; None where all is well.

    Formula: the run takes made + left * old size / new size updates in all, which the new horizon should be.

    Args:
        was: the sizes that the run was bound with, by name.
        left: the steps of the old schedule that were left.
        made: the updates that were made.
        now: the schedule to go on with.
        horizon: the updates that it is meant to take, those made included.
        where: the place to name.
    """
    if left <= 0:
        return None  # the run is over
    for name in ("tokens_per_step", "samples_per_step"):
        old, new = was.get(name), getattr(now, name)
        if new is None or old == new or not isinstance(old, int | float) or not math.isfinite(old) or old <= 0:
            continue
        rest = left * Fraction(old) / Fraction(new)
        if abs(horizon - made - rest) < 1:
            continue
        whole = round_half_up(rest)
        return BadState(
            given=f"{name} {old:.16g} -> {new:.16g} with a horizon of {horizon} updates, {made} of them made",
            allowed=f"a horizon of {made + whole} = {made} made + {whole} left, since those made were of the old size",
            where=where,
            fix=f"plan.bind({made + whole}, {name}={new:.16g}) with resume='extend' goes on at the very "
            f"{name.split('s_')[0]}; for another number of updates in all bind with {name}={old:.16g}, as saved",
        )
    return None
