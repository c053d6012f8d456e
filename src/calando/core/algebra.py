"""Composition: plans one after the other, and plans joined value by value."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from typing import Annotated, Any, ClassVar

from calando.core.clock import Clock, round_half_up
from calando.core.curve import Chain, Curve, Mapped, Pointwise
from calando.core.formula import SCALAR, Array, Ops
from calando.core.kinds import FACTOR, Factor, Items, Optional
from calando.core.plan import Nested, Plan
from calando.errors import BadName, BadValue, DoesNotFit, shown

__all__ = ["boundaries", "clip", "fit", "lay_out", "maximum", "minimum", "product", "scale", "then"]


def boundaries(extents: Sequence[Fraction | None], steps: int, longest: Fraction, where: str) -> list[int]:
    """Where pieces of the given exact lengths start and end; the one that is None takes the rest.

    Formula: floor(cumulative + 1/2), counted from the front before the rest and from the end after it.

    Args:
        extents: exact lengths in steps.
        steps: the whole steps to share out.
        longest: the exact length that `steps` is the rounding of; lengths may add up to it.
        where: the place to name in an error.

    Raises:
        DoesNotFit: when the lengths add up to more than `longest`.

    >>> boundaries([Fraction(5, 2), None, Fraction(5)], 20, Fraction(20), "here")
    [0, 3, 15, 20]
    """
    total = sum((extent for extent in extents if extent is not None), Fraction(0))
    if total > longest:
        raise DoesNotFit(
            given=f"pieces of {float(total):g} steps in all",
            allowed=f"at most the {steps} steps that there are",
            where=where,
            fix="shorten a piece or bind to a longer horizon",
        )
    marks, position = [0], Fraction(0)
    for extent in extents:
        if extent is None:
            position = steps - (total - position)
        else:
            position += extent
        marks.append(min(max(round_half_up(position), marks[-1]), steps))
    return marks


def extent_of(plan: Plan, clock: Clock) -> Fraction | None:
    """The exact length of a plan, or None when it takes the rest."""
    return None if plan.is_flexible() else plan.extent(clock)


def lay_out(plans: Sequence[Plan], steps: int, clock: Clock, where: str) -> Curve:
    """The curve of plans one after the other over `steps` steps; a piece of no steps is no piece."""
    extents = [extent_of(plan, clock) for plan in plans]
    marks = boundaries(extents, steps, clock.piece, where)
    rest = clock.piece - sum((extent for extent in extents if extent is not None), Fraction(0))
    starts, curves = [], []
    for plan, extent, start, stop in zip(plans, extents, marks, marks[1:], strict=False):
        if stop > start:
            starts.append(start)
            curve = plan.lower(stop - start, clock.inside(rest if extent is None else extent))
            curves.append(_finite(curve, type(plan).__name__))
    if not curves:
        raise DoesNotFit(
            given="a plan without a single step",
            allowed="at least one piece of one step or more",
            where=where,
            fix="give a piece a length, or leave its length out so that it takes the rest",
        )
    if len(curves) == 1 and curves[0].steps == steps:
        return curves[0]
    return Chain(steps, starts, curves)


def fit(plan: Plan, steps: int, clock: Clock, where: str) -> Curve:
    """The curve of one plan over a piece: its own rounding is the piece's; a shorter plan holds its last value."""
    if extent_of(plan, clock) == clock.piece:
        return _finite(plan.lower(steps, clock), type(plan).__name__)
    return lay_out([plan], steps, clock, where)


def _finite(curve: Curve, where: str) -> Curve:
    """The law that values are finite, checked where they can be largest: at both ends and around the first joins."""
    marks = list(islice(curve.breaks(), 64))
    for step in (0, *(mark - 1 for mark in marks), *marks, curve.steps - 1, curve.steps):
        try:
            value = float(curve.at(min(step, curve.steps), SCALAR))
        except OverflowError:
            value = math.inf
        if not (math.isfinite(value) and value >= 0.0):
            raise DoesNotFit(
                given=f"{value} at step {step} of its piece",
                allowed="finite values >= 0 everywhere",
                where=where,
                fix="use a smaller factor, growth or decay, or a shorter horizon",
            )
    return curve


PLANS = Items(Nested(), least=1, most=10_000)


class Variadic(Plan):
    """A plan of several plans, given one after the other."""

    variadic: ClassVar[str | None] = "plans"
    kind: ClassVar[str] = "combinator"
    least: ClassVar[int] = 2

    def __init__(self, /, *plans: Plan, **unknown: object) -> None:
        name = type(self).__name__
        if unknown:
            raise BadName(
                given=f"the argument {shown(next(iter(unknown)))}",
                allowed="plans alone, one after the other",
                where=name,
                fix=f"write {name}(plan, plan)",
            )
        checked = PLANS.check(plans if len(plans) != 1 or isinstance(plans[0], Plan) else plans[0], f"{name}.plans")
        flat = self.flatten(checked)
        if len(flat) < self.least:
            raise BadValue(
                given=f"{len(flat)} plan", allowed=f"at least {self.least} plans", where=name, fix="add another plan"
            )
        object.__setattr__(self, "plans", flat)
        self.check()

    def flatten(self, plans: tuple[Any, ...]) -> tuple[Plan, ...]:
        """The plans, with those of the same combinator inside taken apart, since it is associative."""
        inside: list[Plan] = []
        for plan in plans:
            inside.extend(plan.children if type(plan) is type(self) else (plan,))
        return tuple(inside)

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (self.__dict__["plans"],)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), self.children)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(plan) for plan in self.children)})"


class then(Variadic):
    """Plans one after the other: `then(a, b)` is `a | b`.

    Formula: f_i(t - b_i) for b_i <= t < b_(i+1), the boundaries b as `boundaries` gives them.

    Args:
        plans: two or more plans; at most one may leave its length out and takes the rest of the horizon.

    Raises:
        BadValue: when two plans would both take the rest.

    Example:
        >>> import calando
        >>> str(calando.warmup(100) | calando.constant())
        'warmup(100) | constant()'
    """

    def check(self) -> None:
        rest = [plan for plan in self.children if plan.is_flexible()]
        if len(rest) > 1:
            raise BadValue(
                given=f"{len(rest)} pieces without a length: " + ", ".join(type(plan).__name__ for plan in rest[:4]),
                allowed="at most one piece may take the rest of the horizon",
                where="then",
                fix=f"give all but one a length, such as {type(rest[0]).__name__}(..., length='50%')",
            )

    def is_flexible(self) -> bool:
        return any(plan.is_flexible() for plan in self.children)

    def extent(self, clock: Clock) -> Fraction:
        return sum((plan.extent(clock) for plan in self.children), Fraction(0))

    def lower(self, steps: int, clock: Clock) -> Curve:
        return lay_out(self.children, steps, clock, "then")

    def __repr__(self) -> str:
        return " | ".join(repr(plan) for plan in self.children)


class Joined(Variadic):
    """Plans joined value by value."""

    def is_flexible(self) -> bool:
        return any(plan.is_flexible() for plan in self.children)

    def extent(self, clock: Clock) -> Fraction:
        return max(plan.extent(clock) for plan in self.children)

    def lower(self, steps: int, clock: Clock) -> Curve:
        curves = [fit(plan, steps, clock, type(self).__name__) for plan in self.children]
        return Pointwise(steps, curves, self.fold)

    @staticmethod
    def fold(a: Array, b: Array, ops: Ops) -> Array:
        """Two values into one."""
        raise NotImplementedError


class product(Joined):
    """The product of plans on one clock: `product(a, b)` is `a * b`.

    Formula: a(t) * b(t); a plan that is shorter than the piece holds its last value.

    Args:
        plans: two or more plans.

    Raises:
        BadValue: when a plan is none, or is a listener or a bundle, which stand outside all others.

    Example:
        >>> import calando
        >>> (calando.warmup(10) * calando.exponential_decay(factor=0.5, every=10)).bind(100)(20)
        0.25
    """

    @staticmethod
    def fold(a: Array, b: Array, _ops: Ops) -> Array:
        return a * b


class minimum(Joined):
    """The smallest of plans at every step.

    Formula: min(a(t), b(t), ...).

    Args:
        plans: two or more plans.

    Raises:
        BadValue: when a plan is none, or is a listener or a bundle, which stand outside all others.

    Example:
        >>> import calando
        >>> calando.minimum(calando.constant(0.5), calando.linear_decay()).bind(10)(2)
        0.5
    """

    @staticmethod
    def fold(a: Array, b: Array, ops: Ops) -> Array:
        return ops.minimum(a, b)


class maximum(Joined):
    """The largest of plans at every step.

    Formula: max(a(t), b(t), ...).

    Args:
        plans: two or more plans.

    Raises:
        BadValue: when a plan is none, or is a listener or a bundle, which stand outside all others.

    Example:
        >>> import calando
        >>> calando.maximum(calando.constant(0.5), calando.linear_decay()).bind(10)(9)
        0.5
    """

    @staticmethod
    def fold(a: Array, b: Array, ops: Ops) -> Array:
        return ops.maximum(a, b)


class Wrapper(Plan):
    """A plan around another one, of the same length."""

    kind: ClassVar[str] = "combinator"

    @property
    def inner(self) -> Plan:
        """The plan inside."""
        return self.children[0]

    def is_flexible(self) -> bool:
        return self.inner.is_flexible()

    def extent(self, clock: Clock) -> Fraction:
        return self.inner.extent(clock)


class scale(Wrapper):
    """A plan with every value multiplied by a number: `scale(a, by=0.5)` is `a * 0.5`.

    Formula: by * a(t).

    Args:
        plan: any closed-form plan.
        by: the multiplier, a finite number >= 0.

    Raises:
        BadValue: for a negative or non-finite number, or when the plan is a listener or a bundle.

    Example:
        >>> import calando
        >>> (calando.constant() * 0.5).bind(10)(3)
        0.5
    """

    plan: Annotated[Plan, Nested()]
    by: Factor

    def lower(self, steps: int, clock: Clock) -> Curve:
        by = self.by
        return Mapped(fit(self.plan, steps, clock, "scale"), lambda value, _ops: by * value)


class clip(Wrapper):
    """A plan kept between two values.

    Formula: min(max(a(t), low), high).

    Args:
        plan: any closed-form plan.
        low: the least value, a factor >= 0.
        high: the largest value, a factor >= low, or left out for none.

    Raises:
        BadValue: when low is above high.

    Example:
        >>> import calando
        >>> calando.clip(calando.linear_decay(), low=0.2).bind(10)(9)
        0.2
    """

    plan: Annotated[Plan, Nested()]
    low: Factor = 0.0
    high: Annotated[float | None, Optional(FACTOR)] = None

    def check(self) -> None:
        ordered("clip", low=self.low, high=self.high)

    def lower(self, steps: int, clock: Clock) -> Curve:
        low, high = self.low, self.high

        def change(value: Array, ops: Ops) -> Array:
            value = ops.maximum(value, low)
            return value if high is None else ops.minimum(value, high)

        return Mapped(fit(self.plan, steps, clock, "clip"), change)


def ordered(where: str, low: float, high: float | None) -> None:
    """The law that a minimum is not above its maximum."""
    if high is not None and low > high:
        raise BadValue(given=f"low={low:g} above high={high:g}", allowed="low <= high", where=where, fix="swap the two")
