"""Warm-up, stable stage and cooldown read off a schedule, and plans with another cooldown in its place."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calando.core.algebra import then
from calando.core.clock import Length, exact
from calando.core.plan import Plan
from calando.core.plans.wsd import wsd
from calando.forecast.transferring.reading import Reading, bound_of, factors_of, read

__all__ = ["COARSE", "Trunk", "alike", "coarse", "lowest", "percent", "share_for", "staged", "trunk_of"]

COARSE: Final = 20_000
"""Updates that a search looks at; what it finds is computed again over the whole horizon."""

LEAST: Final = 0.002
"""Of the run: the shortest cooldown that is looked for."""

STABLE: Final = 0.02
"""Of the run: a stage at the peak that is worth going on from."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """What a schedule does before its cooldown.

    `rise` updates of a linear warm-up from the factor `start`, then the highest factor until update `stable` (0: there
    is no such stage), over a run of `horizon`. `fall` are the cooldown's own arguments. `shares` tells that lengths are
    told as parts of the run, since nobody gave its horizon.
    """

    rise: int
    start: float
    stable: int
    horizon: int
    shares: bool
    fall: tuple[tuple[str, Any], ...] = ()

    def told(self, steps: int, horizon: int) -> Length | int:
        """A length of so many steps of a run, in steps or as its share of the run."""
        return percent(steps / horizon) if self.shares and steps else steps


def percent(share: float, digits: int = 4) -> Length:
    """A share of the run as a length, to so many digits.

    >>> str(percent(0.62894))
    '62.89%'
    """
    return Length(exact(f"{100 * share:.{digits}g}", None), "%")


def trunk_of(source: Reading, shares: bool = False) -> Trunk:
    """The stages of a schedule; a rise that is no straight line is none."""
    factors = source.factors / source.factors.max()
    scale = source.horizon / len(factors)
    top = int(np.argmax(factors >= 1.0 - 1e-12))
    line = factors[0] + (1.0 - factors[0]) * np.arange(top) / max(top, 1)
    straight = bool(np.abs(factors[:top] - line).max(initial=0.0) < 1e-6 + 2.0 * (scale > 1) / max(top, 1))
    rise = top if straight and factors[0] < 1.0 else 0
    below = np.flatnonzero(factors[top:] < 1.0 - 1e-12)
    stable = top + (int(below[0]) if len(below) else len(factors) - top)
    if len(below) and scale == 1 and not any(jump.step == stable for jump in source.schedule.facts.jumps):
        stable -= 1  # a fall without a jump begins at the update that still has the highest factor
    if not straight or stable - top < STABLE * len(factors):
        stable = 0
    plan = source.schedule.plan
    last = plan.children[-1] if isinstance(plan, then) else plan
    names = ("cooldown_shape", "end", "power")
    fall = tuple((name, getattr(last, name)) for name in names) if isinstance(last, wsd) else ()
    start = float(factors[0]) if rise else 0.0
    return Trunk(round(rise * scale), start, round(stable * scale), source.horizon, shares, fall)


def staged(trunk: Trunk, share: float, horizon: int) -> Reading:
    """The plan with that warm-up and a cooldown of such a share of a run."""
    return read(_plan(trunk, share, horizon), horizon, "cooldown")


def _plan(trunk: Trunk, share: float, horizon: int) -> Plan:
    warmup = trunk.told(trunk.rise, horizon)
    cooldown: Length | int = percent(share, 3)
    left = horizon - trunk.rise
    if share * horizon >= left - 0.001 * horizon:
        rise = warmup.amount if isinstance(warmup, Length) else exact("0", None)
        cooldown = left if trunk.rise and not trunk.shares else Length(100 - rise, "%")
    return wsd(warmup=warmup, cooldown=cooldown, start=trunk.start, **dict(trunk.fall))


def share_for(trunk: Trunk, best: float, horizon: int, *, nearest: bool = False) -> float | None:
    """The cooldown's share at which the best peak, times the root of the steps, is the one given.

    None where no share has it; or, when asked, the share that comes nearest.
    """
    steps = min(horizon, COARSE)
    longest = 1.0 - trunk.rise / horizon

    def at(share: float) -> float:
        factors = _factors(trunk, share, horizon, steps)
        return bound_of(factors, horizon).best_peak * math.sqrt(horizon)

    low, high = min(LEAST, longest), longest
    if best >= at(high):
        return longest if nearest or best < at(high) * 1.001 else None
    if best <= at(low):
        return low if nearest else None
    while high - low > 1.0 / (4 * steps) and high / low > 1.0002:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if at(middle) < best else (low, middle)
    return math.sqrt(low * high)


def _factors(trunk: Trunk, share: float, horizon: int, steps: int) -> Any:
    rise = round(trunk.rise * steps / horizon)
    fall = min(max(1, round(share * steps)), steps - rise)
    plan = wsd(warmup=rise, cooldown=fall, start=trunk.start, **dict(trunk.fall))
    return factors_of(plan.bind(steps))


def coarse(trunk: Trunk, share: float, horizon: int) -> Any:
    """The factors of the plan with such a cooldown, no more than a search looks at."""
    return _factors(trunk, share, horizon, min(horizon, COARSE))


def alike(one: Reading, other: Reading) -> bool:
    """Whether two schedules are one, apart from how their lengths were rounded."""
    if len(one.factors) != len(other.factors):
        return False
    return float(np.abs(one.factors - other.factors).mean()) < 1e-3 * float(other.factors.max())


def lowest(cost: Callable[[float], float], low: float, high: float, close: float = 5e-4) -> float:
    """Where a function with one valley is lowest, by golden sections.

    >>> round(lowest(lambda x: (x - 0.3) ** 2, 0.0, 1.0), 2)
    0.3
    """
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = cost(left), cost(right)
    while high - low > close:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = cost(right)
    return (low + high) / 2.0
