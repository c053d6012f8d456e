"""Plans on one clock: another plan from a step on, and a plan whose rest is spread over a longer run."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Annotated, Any, Final

from calando.core.algebra import Wrapper, fit, lay_out, then
from calando.core.clock import LONGEST, Clock, LengthLike
from calando.core.curve import Chain, Curve
from calando.core.formula import SCALAR, Array, Ops
from calando.core.kinds import Items, Lengths, Optional, PositiveSpan
from calando.core.plan import Nested, Plan
from calando.core.shapes.stairs import check_rising
from calando.errors import BadValue, DoesNotFit

__all__ = ["FINEST", "SLOWEST", "extend", "splice"]

FINEST: Final = 2**15
"""The largest denominator of a ratio of lengths: a product of two such numbers fits an int32."""

SLOWEST: Final = 10_000
"""A rest is spread over so many times its steps at the most."""

MOST_JUMPS: Final = 1_000
MOST_BREAKS: Final = 20_000


class splice(Plan):
    """Plans that take turns on one clock: each is in force from its step on, as if it always had been.

    Formula: a_i(t) for at_i <= t < at_(i+1), with at_0 = 0; t counts from the start of the piece, not from at_i.

    Args:
        plans: two or more closed-form plans, in the order of their turns.
        at: the step from which each but the first is in force, lengths > 0, rising.

    Raises:
        BadValue: when `at` does not rise, or is not one shorter than `plans`.
        DoesNotFit: when a turn would come after the end.

    Example:
        >>> import calando
        >>> both = calando.splice([calando.cosine(), calando.linear_decay()], at=[50]).bind(100)
        >>> both(0), both(75)
        (1.0, 0.25)
    """

    kind = "combinator"

    plans: Annotated[Any, Items(Nested(), least=2, most=10_000)]
    at: Annotated[Any, Items(Lengths(least=1))]

    def check(self) -> None:
        if len(self.at) != len(self.plans) - 1:
            raise BadValue(
                given=f"{len(self.plans)} plans and {len(self.at)} steps",
                allowed="a step for each plan but the first",
                where="splice",
                fix="make `at` one shorter than `plans`",
            )
        check_rising("splice.at", self.at)

    def is_flexible(self) -> bool:
        return True

    def lower(self, steps: int, clock: Clock) -> Curve:
        starts = [0, *(clock.whole(at, f"splice.at[{i}]", least=1) for i, at in enumerate(self.at))]
        for before, start in zip(starts, starts[1:], strict=False):
            if not before < start < steps:
                raise DoesNotFit(
                    given=f"a turn at step {start} after one at step {before} of {steps}",
                    allowed="turns at steps that rise, before the end",
                    where="splice.at",
                    fix="drop the turn, or bind to a longer horizon",
                )
        curves = [_whole(plan, steps, clock, "splice") for plan in self.plans]
        return Chain(steps, starts, curves, origins=[0] * len(starts))


class extend(Wrapper):
    """A plan made for a run of another length; its rest is spread over what is left of this one.

    Formula: a(t) for t < at, then a(m - r*(n - t)), where m is the plan's own horizon, n this one's, and r the fraction
    nearest to (m - at)/(n - at) with a denominator of 2^15 at the most (whole steps of `a` are met exactly, between two
    the value goes straight to what `a` was heading for). Without `at` it is a(t), and the last value is held.

    Args:
        plan: any closed-form plan.
        horizon: m, the length that it was made for, > 0.
        at: the step from which on the rest is spread, a length below both horizons, or left out.

    Raises:
        DoesNotFit: when nothing is left to spread, or it would go more than 10000 times slower or faster.

    Example:
        >>> import calando
        >>> longer = calando.extend(calando.linear_decay(), horizon=100, at=50).bind(150)
        >>> longer(50), longer(100), longer(150)
        (0.5, 0.25, 0.0)
    """

    plan: Annotated[Plan, Nested()]
    horizon: PositiveSpan
    at: Annotated[LengthLike | None, Optional(Lengths())] = None

    def is_flexible(self) -> bool:
        return True

    def lower(self, steps: int, clock: Clock) -> Curve:
        own = clock.whole(self.horizon, "extend.horizon", least=1)  # type: ignore[arg-type]  # checked: a Length
        alone = clock._replace(stretched=Fraction(1)).whole(self.horizon, "extend.horizon", least=1)  # type: ignore[arg-type]
        whole_run = own + Fraction(1, 2) - Fraction(1, 2**100)  # the longest that rounds to it
        inner = clock._replace(horizon=alone, piece=whole_run)
        curve = _whole(self.plan, own, inner, "extend")
        if self.at is None:
            return Chain(steps, [0], [curve])
        at = clock.whole(self.at, "extend.at")  # type: ignore[arg-type]  # checked: a Length
        return _spread(curve, own, steps, at)


def _whole(plan: Plan, steps: int, clock: Clock, where: str) -> Curve:
    """The curve of a plan that is a run's only one: the very same as where it is bound alone."""
    if isinstance(plan, then):
        return lay_out(plan.children, steps, clock, where)
    return fit(plan, steps, clock, where)


def _spread(curve: Curve, own: int, steps: int, at: int) -> Curve:
    """The curve up to `at`, and what is left of it over the steps from there on."""
    if at >= steps:
        return Chain(steps, [0], [curve])
    ratio = Fraction(own - at, steps - at)
    if own <= at or not Fraction(1, SLOWEST) <= ratio <= SLOWEST or steps > LONGEST:
        raise DoesNotFit(
            given=f"{own - at} steps to spread over {steps - at}",
            allowed=f"at least one step, and neither more than {SLOWEST} times slower nor faster",
            where="extend",
            fix="extend by less, or give the rest a plan of its own: splice([plan, ...], at=[...])",
        )
    near = ratio.limit_denominator(FINEST) if ratio <= 1 else 1 / (1 / ratio).limit_denominator(FINEST)
    marks, headings = _jumps(curve, own, at)
    between = len(marks) <= MOST_JUMPS
    if not between:
        marks, headings = [], []
    starts, pieces = ([0], [curve]) if at else ([], [])
    start = at
    for mark, heading in zip([*marks, own + 1], [*headings, 0.0], strict=True):
        stop = steps + 1 if mark > own else steps - (own - mark) * near.denominator // near.numerator
        if stop > start:
            length = min(stop, steps) - start
            piece = _Stretched(curve, max(length, 1), near, steps - start, own, at, (mark, heading), between)
            starts.append(start)
            pieces.append(piece)
            start = stop
    return Chain(steps, starts, pieces)


def _jumps(curve: Curve, own: int, at: int) -> tuple[list[int], list[float]]:
    marks, headings = [], []
    for mark in islice(curve.breaks(), MOST_BREAKS):
        if at < mark <= own:
            heading, value = curve.limit(mark), float(curve.at(mark, SCALAR))
            if abs(heading - value) > 1e-12 * max(heading, value):
                marks.append(mark)
                headings.append(heading)
    return marks, headings


class _Stretched:
    """Steps of a curve up to its next jump, gone through at another pace, in whole numbers."""

    def __init__(
        self,
        curve: Curve,
        steps: int,
        ratio: Fraction,
        left: int,
        own: int,
        first: int,
        jump: tuple[int, float],
        between: bool,
    ) -> None:
        self.steps = steps
        self._curve, self._left, self._own, self._first = curve, left, own, first
        self._up, self._down = ratio.numerator, ratio.denominator
        self._mark, self._heading = jump
        self._between = between

    def at(self, step: Array, ops: Ops) -> Array:
        left = self._left - step
        whole = left // self._down
        rest = (left - whole * self._down) * self._up
        back = rest // self._down
        share = ops.ratio(rest - back * self._down, self._down)
        after = ops.maximum(self._own - (whole * self._up + back), self._first)
        before = ops.maximum(after - 1, self._first)
        if not self._between:
            return self._curve.at(before, ops)
        value = self._value(after, ops)
        return value * (1.0 - share) + self._value(before, ops) * share

    def _value(self, place: Array, ops: Ops) -> Array:
        value = self._curve.at(ops.minimum(place, self._own), ops)
        return value if self._mark > self._own else ops.where(place >= self._mark, self._heading, value)

    def breaks(self) -> Iterator[int]:
        for inner in islice(self._curve.breaks(), MOST_BREAKS):
            step = self._left - (self._own - inner) * self._down // self._up
            if 0 < step <= self.steps and inner < self._mark and inner <= self._own:
                yield step

    def limit(self, step: int) -> float:
        if step >= self.steps and self._mark <= self._own:
            return self._heading
        return float(self.at(step, SCALAR))
