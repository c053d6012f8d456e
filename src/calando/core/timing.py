"""Composition in time: shift, stretch, reverse, repeat, hold."""

from fractions import Fraction
from typing import Annotated

from calando.core.algebra import Wrapper, fit
from calando.core.clock import Clock, length_of, round_half_up
from calando.core.curve import Chain, Curve, Held, Mapped, Periodic, Reversed, Shifted, decayed
from calando.core.formula import Array, Ops
from calando.core.kinds import Factor, Growth, Optional, PositiveSpan, Rational, Span, Whole
from calando.core.plan import Nested, Plan
from calando.errors import BadValue, DoesNotFit

__all__ = ["hold", "repeat", "reverse", "shift", "stretch"]

MOST_CYCLES = 20_000


class shift(Wrapper):
    """A plan that starts later; its first value stands before.

    Formula: a(max(t - by, 0)).

    Args:
        plan: any closed-form plan.
        by: the delay, a length >= 0.

    Raises:
        DoesNotFit: when the delay leaves no step for the plan.

    Example:
        >>> import calando
        >>> calando.shift(calando.linear_decay(), by=10).bind(20)(15)
        0.5
    """

    plan: Annotated[Plan, Nested()]
    by: Span

    def extent(self, clock: Clock) -> Fraction:
        return self.plan.extent(clock) + clock.steps(length_of(self.by), "shift.by")

    def lower(self, steps: int, clock: Clock) -> Curve:
        by = clock.whole(length_of(self.by), "shift.by")
        if by >= steps:
            raise DoesNotFit(
                given=f"a shift by {by} of a piece of {steps} steps",
                allowed=f"at most {steps - 1} steps here",
                where="shift.by",
                fix="shift by less, or bind to a longer horizon",
            )
        left = clock.inside(clock.piece - clock.steps(length_of(self.by), "shift.by"))
        return Shifted(fit(self.plan, steps - by, left, "shift"), by)


class stretch(Wrapper):
    """A plan whose every length is multiplied by a number; a piece that takes the rest goes on doing so.

    Formula: a(t / by), with all lengths inside multiplied before they are rounded to whole steps.

    Args:
        plan: any closed-form plan.
        by: the multiplier, > 0.

    Raises:
        BadValue: for a number that is not above 0, or when the plan is a listener or a bundle.

    Example:
        >>> import calando
        >>> calando.stretch(calando.warmup(10), by=2).bind(100)(10)
        0.5
    """

    plan: Annotated[Plan, Nested()]
    by: Growth

    def extent(self, clock: Clock) -> Fraction:
        return self.plan.extent(clock.stretch(Fraction(self.by)))

    def lower(self, steps: int, clock: Clock) -> Curve:
        return fit(self.plan, steps, clock.stretch(Fraction(self.by)), "stretch")


class reverse(Wrapper):
    """A plan run backwards.

    Formula: a(n - t), n being the length of the piece.

    Args:
        plan: any closed-form plan.

    Raises:
        BadValue: when a plan is none, or is a listener or a bundle, which stand outside all others.

    Example:
        >>> import calando
        >>> calando.reverse(calando.linear_decay()).bind(10)(4)
        0.4
    """

    plan: Annotated[Plan, Nested()]

    def lower(self, steps: int, clock: Clock) -> Curve:
        return Reversed(fit(self.plan, steps, clock, "reverse"))


class repeat(Wrapper):
    """A plan again and again, each cycle longer and lower than the one before if wanted.

    Formula: floor + decay^i * (a_i(t - b_i) - floor) in cycle i, whose lengths are those of the plan times growth^i;
    cycle boundaries b are rounded half up. Without `times` it goes on to the end of its piece, where the last
    cycle is cut; with `times` and a plan that takes the rest, the cycles share the piece.

    Args:
        plan: any closed-form plan; it needs a length of its own unless `times` is given.
        times: number of cycles, 1 to 20000 (2000 where they grow), or left out.
        growth: the ratio of a cycle's length to the one before, > 0.
        decay: the ratio of a cycle's height above the floor to the one before, >= 0.
        floor: the factor that heights are counted from, >= 0.

    Raises:
        BadValue: when neither `times` nor the plan says how long a cycle is.
        DoesNotFit: when cycles do not fit, or shrink to nothing before the piece ends.

    Example:
        >>> import calando
        >>> waves = calando.repeat(calando.cosine(length=10), growth=2, decay=0.5).bind(70)
        >>> waves(0), waves(10), waves(30)
        (1.0, 0.5, 0.25)
    """

    plan: Annotated[Plan, Nested()]
    times: Annotated[int | None, Optional(Whole(low=1, high=MOST_CYCLES))] = None
    growth: Annotated[float | Fraction, Rational()] = 1
    decay: Factor = 1.0
    floor: Factor = 0.0

    def check(self) -> None:
        if self.times is None and self.plan.is_flexible():
            raise BadValue(
                given=f"repeat of {type(self.plan).__name__} without `times`, and no length inside",
                allowed="a plan with a length, or a number of times",
                where="repeat",
                fix="write repeat(cosine(length='10%')) or repeat(cosine(), times=3)",
            )

    def is_flexible(self) -> bool:
        return self.times is None or self.plan.is_flexible()

    def extent(self, clock: Clock) -> Fraction:
        growth = Fraction(self.growth)
        return self.plan.extent(clock) * _sum(growth, self.times or 1)

    def lower(self, steps: int, clock: Clock) -> Curve:
        growth, times = Fraction(self.growth), self.times
        if self.plan.is_flexible():
            first = steps / _sum(growth, times or 1)
        else:
            first = self.plan.extent(clock)
        if growth == 1 and first.denominator == 1 and first >= 1:
            inner = fit(self.plan, int(first), clock.inside(first), "repeat")
            cycles = steps if times is None else min(times * int(first), steps)
            return Periodic(cycles, inner, self.decay, self.floor)
        marks = cycle_marks(first, growth, steps, times, "repeat")
        if len(marks) - 1 == times and marks[-2] < steps:
            marks[-1] = steps  # the piece was itself rounded, and the last cycle ends with it
        curves, grown = [], Fraction(1)
        for i, (a, b) in enumerate(zip(marks, marks[1:], strict=False)):
            curve = fit(self.plan, b - a, clock.stretch(grown).inside(first * grown), f"repeat, cycle {i}")
            curves.append(Mapped(curve, _Decay(self.decay**i, self.floor)) if self.decay != 1 and i else curve)
            grown = rounded(grown * growth)
        return Chain(steps, marks[:-1], curves)


class _Decay:
    def __init__(self, share: float, floor: float) -> None:
        self._share, self._floor = share, floor

    def __call__(self, value: Array, ops: Ops) -> Array:
        return decayed(value, self._share, self._floor)


def _sum(growth: Fraction, times: int) -> Fraction:
    """1 + growth + ... + growth^(times - 1)."""
    if growth == 1:
        return Fraction(times)
    if times > 2000:
        raise BadValue(
            given=f"times={times} with growth={float(growth):g}",
            allowed="at most 2000 cycles that grow or shrink",
            where="repeat.times",
            fix="use growth=1 or fewer cycles",
        )
    total, grown = Fraction(0), Fraction(1)
    for _ in range(times):
        total += grown
        grown = rounded(grown * growth)
    return total


def cycle_marks(first: Fraction, growth: Fraction, steps: int, times: int | None, where: str) -> list[int]:
    """Where each cycle starts, and where the last one would end, cut or not.

    Formula: round_half_up(first * (1 + growth + ... + growth^(i-1))), up to the first mark >= steps.

    Raises:
        DoesNotFit: when a cycle would have no step, or there would be more than 20000 cycles.

    >>> cycle_marks(Fraction(10), Fraction(2), 100, None, "here")
    [0, 10, 30, 70, 150]
    """
    marks, position, length = [0], Fraction(0), first
    while marks[-1] < steps and (times is None or len(marks) <= times):
        position = rounded(position + length)
        length = rounded(length * growth)
        mark = round_half_up(position)
        if mark <= marks[-1] or len(marks) > MOST_CYCLES:
            raise DoesNotFit(
                given=f"cycle {len(marks)} ending at step {mark}, after one ending at step {marks[-1]} of {steps}",
                allowed=f"cycles of at least one step, at most {MOST_CYCLES} of them",
                where=where,
                fix="make the first cycle longer or the growth larger",
            )
        marks.append(mark)
    return marks


def rounded(value: Fraction) -> Fraction:
    """The value to 2^-80, which keeps many growing cycles exact to far below a step and quick to add."""
    return value if value.denominator < 2**80 else Fraction(round(value * 2**80), 2**80)


class hold(Wrapper):
    """A plan that changes only at every `every`-th step, as in a loop that steps once an epoch.

    Formula: a(every * floor(t / every)).

    Args:
        plan: any closed-form plan.
        every: the length between changes, >= 1 step.

    Raises:
        BadValue: when a plan is none, or is a listener or a bundle, which stand outside all others.
        DoesNotFit: when `every` is less than half a step of the run.

    Example:
        >>> import calando
        >>> calando.hold(calando.linear_decay(), every="1ep").bind(100, steps_per_epoch=10)(19)
        0.9
    """

    plan: Annotated[Plan, Nested()]
    every: PositiveSpan = "1ep"

    def lower(self, steps: int, clock: Clock) -> Curve:
        return Held(fit(self.plan, steps, clock, "hold"), clock.whole(length_of(self.every), "hold.every", least=1))
