"""A plan as the theory sees it: its bound at a horizon, and what the theory is known to get wrong about it."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.text import parse
from calando.errors import BadValue, shown
from calando.forecast.bounds import Bound, bound
from calando.forecast.curve import kept_numbers
from calando.forecast.spelling import spelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.core.clock import LengthLike

    FloatArray = NDArray[np.float64]

__all__ = ["ASSUMED", "Reading", "bound_of", "exponents_of", "factors_of", "peak_of", "read", "sizes_of"]

ASSUMED: Final = 10_000
"""Updates of a run whose horizon nobody gave."""

MOST: Final = 200_000
"""Updates that are summed one by one; of a longer run so many, evenly spread."""

FLOOR: Final = 1e-3
"""Of the peak: a schedule that ends below it comes down to zero."""

EXPONENT: Final = -0.3
EXPONENTS: Final = (-0.5, -0.2)
"""How the best peak moves with the horizon: theory says -1/2; measured under AdamW with weight decay -0.24 to -0.27."""

TAIL: Final = 1e-6
"""Of the area: the last updates that carry less than it move nothing, but may blow the bound up."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A bound schedule with its bound, and what stands against using it.

    `best` is the best peak times the root of the steps, `level` what the schedule falls to over its highest factor,
    `reasons` why no best guess is promised, `remarks` what else is to be said; `mute` tells that nothing can be said.
    """

    text: str
    schedule: Schedule
    bound: Bound
    best: float
    level: float
    mute: bool = False
    cycles: int = 0
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    factors: "FloatArray" = field(default_factory=lambda: np.ones(1), repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", kept_numbers(self.factors))

    @property
    def horizon(self) -> int:
        """Updates of the run."""
        return self.schedule.horizon


def read(plan: "Plan | Schedule | str", horizon: "LengthLike | None", where: str, **sizes: float | None) -> Reading:
    """A plan, bound where it is not yet, as the theory sees it.

    Raises:
        BadValue: for what is no plan, or for a schedule whose factors are all 0.
        DoesNotFit: where the plan does not fit the horizon.
    """
    schedule = _bound(plan, horizon, where, sizes)
    text = spelled(schedule.plan)
    factors = factors_of(schedule)
    if not (factors > 0).any():
        raise BadValue(
            given=f"{text}, which is 0 at every update", allowed="a plan that trains", where=where, fix="give another"
        )
    facts = schedule.facts
    whole = bound_of(factors, schedule.horizon)
    level = schedule.limit(schedule.horizon) / facts.peak
    reasons, remarks = [], []
    mute = schedule.rule is not None
    if mute:
        reasons.append("it listens to a metric: what it does is not known before it is trained")
    if level > FLOOR and not mute:
        reasons.append(f"it ends at {_percent(level)} of its peak: above a floor the theory is known to fail")
    directions = [piece.direction for piece in facts.pieces if piece.direction != "level"]
    cycles = sum(a == "falls" and b == "rises" for a, b in zip(directions, directions[1:], strict=False))
    if cycles and not mute:
        reasons.append(f"it rises again {_times(cycles)}: there is no evidence for cycles and restarts")
    short = _without_tail(factors)
    each = schedule.horizon / len(factors)
    if len(short) < len(factors):
        cut = bound_of(short, max(1, round(each * len(short))))
        if whole.v > 2.0 * cut.v:
            left = _updates(len(factors) - len(short), each)
            remarks.append(f"its last {left} have next to no rate, where the bound is endless: left out")
            whole = cut
    pauses = int((factors[int(np.argmax(factors > 0)) : round(whole.steps / each)] == 0).sum())
    if pauses:
        remarks.append(f"{_updates(pauses, each)} in between have a rate of 0: they train nothing and count as steps")
    if abs(facts.peak - 1.0) > 1e-9:
        remarks.append(f"its highest factor is {facts.peak:.4g}: a peak is the rate of factor 1")
    best = whole.best_peak * math.sqrt(schedule.horizon)
    return Reading(text, schedule, whole, best, level, mute, cycles, tuple(reasons), tuple(remarks), factors)


def bound_of(factors: "FloatArray", steps: int) -> Bound:
    """The bound of a run of so many steps, of which fewer may be given, evenly spread.

    >>> close = bound_of(1 - np.arange(10_000) / 10_000, 1_000_000)
    >>> round(close.best_peak * 1e3, 2), close.steps
    (1.0, 1000000)
    """
    found = bound(factors)
    if len(factors) == steps:
        return found
    each = steps / len(factors)
    last = float(factors[factors > 0][-1])
    # Within the stretch that the last factor stands for, the harmonic sum goes on.
    return Bound(found.b / each, found.v + last * math.log(each) / 2.0, round(found.steps * each))


def factors_of(schedule: Schedule, most: int = MOST) -> "FloatArray":
    """The factors of all updates, or of so many evenly spread ones."""
    steps = np.arange(min(schedule.horizon, most), dtype=np.int64)
    if schedule.horizon > most:
        steps = ((steps + 0.5) * (schedule.horizon / most)).astype(np.int64)
    return np.asarray(schedule(steps), dtype=np.float64)


def peak_of(peak: float | None, where: str) -> float | None:
    """A peak as given, or None.

    Raises:
        BadValue: for anything but a finite number above 0.
    """
    from calando.core.kinds import ABOVE_ZERO

    return None if peak is None else float(ABOVE_ZERO.check(peak, where))


def exponents_of(exponent: float | None) -> tuple[float, tuple[float, float]]:
    """The exponent of the best peak over the horizon, and its range; one that is given has none.

    Raises:
        BadValue: for anything but a number from -1 to 0.5.

    >>> exponents_of(None), exponents_of(-0.5)
    ((-0.3, (-0.5, -0.2)), (-0.5, (-0.5, -0.5)))
    """
    if exponent is None:
        return EXPONENT, EXPONENTS
    if isinstance(exponent, bool) or not isinstance(exponent, int | float) or not -1.0 <= exponent <= 0.5:
        raise BadValue(given=f"exponent={shown(exponent)}", allowed="a number from -1 to 0.5", where="exponent",
                       fix="give -0.5 for theory's rule, 0 where the best peak does not move")  # fmt: skip
    return float(exponent), (float(exponent), float(exponent))


def sizes_of(schedule: Schedule) -> dict[str, Any]:
    """What an update consumes, as a schedule was bound with.

    >>> from calando.core.shapes.constant import constant
    >>> sizes_of(constant().bind("2ep", steps_per_epoch=5))["steps_per_epoch"]
    5
    """
    return {name: getattr(schedule, name) for name in ("steps_per_epoch", "tokens_per_step", "samples_per_step")}


def _bound(
    plan: "Plan | Schedule | str", horizon: "LengthLike | None", where: str, sizes: dict[str, float | None]
) -> Schedule:
    if isinstance(plan, str):
        plan = parse(plan)
    if isinstance(plan, Schedule):
        if horizon is None:
            return plan
        asked = {name: value for name, value in sizes.items() if value is not None}
        return plan.plan.bind(horizon, **{**sizes_of(plan), **asked})
    if not isinstance(plan, Plan):
        raise BadValue(given=f"{shown(plan)} ({type(plan).__name__})", allowed="a plan, its text or a schedule",
                       where=where, fix="give a text such as 'wsd(cooldown=20%)'")  # fmt: skip
    return plan.bind(ASSUMED if horizon is None else horizon, **sizes)  # type: ignore[arg-type]


def _without_tail(factors: "FloatArray") -> "FloatArray":
    left = np.cumsum(factors[::-1])[::-1]
    return factors[: int(np.flatnonzero(left >= TAIL * left[0])[-1]) + 1]


def _updates(looked_at: int, each: float) -> str:
    """So many of the updates that were looked at, each of which stands for others in a long run."""
    return f"{looked_at:,} updates" if each == 1 else f"about {round(looked_at * each):,} updates"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
