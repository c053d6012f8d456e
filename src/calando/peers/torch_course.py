"""What one of torch's schedulers does to one parameter group: a curve that can be cut to any length."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from calando.core.algebra import product, then
from calando.core.bundle import bundle
from calando.core.clock import Clock, round_half_up
from calando.core.plan import Plan
from calando.core.shapes.anneal import anneal
from calando.errors import Unconvertible
from calando.peers.base import own_length
from calando.peers.finish import number
from calando.peers.legs import leg, level, scaled

__all__ = ["Course", "Maker", "Reading", "groups_of", "product_of", "rate_of", "refuse", "segments", "value_of"]

WHERE: Final = "from_torch(scheduler)"

Maker: TypeAlias = Callable[[int | None], Plan]
"""The plan of a piece of so many steps; None for one that takes the rest."""


class Course(NamedTuple):
    """One group: its base, the curve that equals torch, the one that was probably meant, and the momentum's.

    `begun` is the same course begun at another rate than its base, where that is not the same curve times a number.
    """

    base: float
    exact: Maker
    meant: Maker | None = None
    momentum: Maker | None = None
    begun: "Callable[[float], Course] | None" = None

    def plan(self, quirks: bool, length: int | None = None) -> Plan:
        """The plan, a bundle where the momentum moves too."""
        plan = (self.exact if quirks or self.meant is None else self.meant)(length)
        return plan if self.momentum is None else bundle(plan, momentum=self.momentum(length))


class Reading(NamedTuple):
    """A scheduler of torch, read.

    Args:
        courses: one for each group.
        horizon: where it ends by itself, or None.
        own: the step from which it stands still, or None.
        reasons: why the meant curve is another one.
        past: what it does past its end.
        sets: whether it writes the rate anew at every step, whatever stood there; else it multiplies what stands there.
        follows: whether, inside a sequence, it goes on from the rate that it finds.
        notes: differences that no curve shows.
    """

    courses: tuple[Course, ...]
    horizon: int | None = None
    own: int | None = None
    reasons: tuple[str, ...] = ()
    past: str = ""
    sets: bool = False
    follows: bool = False
    notes: tuple[str, ...] = ()


def refuse(given: str, allowed: str, fix: str) -> Unconvertible:
    """The error for what no plan of ours can say."""
    return Unconvertible(given=given, allowed=allowed, where=WHERE, fix=fix)


def groups_of(scheduler: Any) -> Sequence[dict[str, Any]]:
    """The parameter groups that a scheduler drives."""
    groups: Sequence[dict[str, Any]] = scheduler.optimizer.param_groups
    return groups


def rate_of(value: Any, name: str) -> float:
    """A learning rate, a float or a tensor of one, >= 0.

    Raises:
        BadValue: for anything else.
    """
    return number(value, f"{WHERE}.{name}", 0.0)


def segments(*parts: tuple[int | None, Maker]) -> Maker:
    """Curves one after the other, each for so many steps (None for the rest), as one that can be cut.

    >>> str(segments((3, lambda n: level(1.0, n)), (None, lambda n: level(1.0, n)))(5))
    'constant(length=3) | constant(length=2)'
    """

    def make(length: int | None) -> Plan:
        plans, left = [], length
        for steps, maker in parts:
            here = steps if left is None else left if steps is None else min(steps, left)
            if here == 0:
                continue
            plans.append(maker(here))
            if left is not None and here is not None:
                left -= here
        return plans[0] if len(plans) == 1 else then(*plans)

    return make


def way(shape: str, start: float, end: float, over: float, *, offset: float = 0.0, power: float = 1.0) -> Maker:
    """One way from `start` to `end`, held at its end."""
    if start == end:
        return lambda length: level(start, length)

    def make(length: int | None) -> Plan:
        if length is not None and length <= over:
            return leg(shape, start, end, over, offset=offset, length=length, power=power)
        if offset == 0 and over == int(over):
            return segments((int(over), make), (None, lambda n: level(end, n)))(length)
        return leg(shape, start, end, over, offset=offset, length=length, power=power)

    return make


def swing(low: float, over: float) -> Maker:
    """A cosine from 1 to `low` over so many steps, and back, for ever."""

    def make(length: int | None) -> Plan:
        if low == 1.0:
            return level(1.0, length)
        if length is not None and length <= over:
            return leg("cosine", 1.0, low, over, length=length)
        exact = int(over) if over == int(over) else over
        return anneal(over=exact, end=low, shape="cosine", cycle="mirror", length=length)

    return make


def times(maker: Maker, by: float) -> Maker:
    """A curve times a number."""
    return lambda length: scaled(maker(length), by)


def product_of(makers: Sequence[Maker]) -> Maker:
    """The product of curves, those that stay at 1 left out."""

    def make(length: int | None) -> Plan:
        plans = [maker(length) for maker in makers]
        moving = [plan for plan in plans if plan != level(1.0, length)]
        return product(*moving) if len(moving) > 1 else moving[0] if moving else level(1.0, length)

    return make


def value_of(maker: Maker, step: int) -> float:
    """The value of a curve at a step."""
    plan = maker(None)
    longest = round_half_up(own_length(plan, Clock(1)))
    value: float = plan.bind(max(step + 1, longest))(step)
    return value


def share(part: float, base: float) -> float:
    """A rate as a factor of a base; where the base is 0 only 0 has one.

    Raises:
        Unconvertible: for a rate above a base of 0.
    """
    if base > 0.0:
        return part / base
    if part == 0.0:
        return 0.0
    raise refuse(
        f"a group whose learning rate is 0, on the way to {part:g}", "groups with a learning rate above 0",
        "give the group the rate that the schedule's peak stands for",
    )  # fmt: skip


def whole_steps(value: Any, name: str) -> int:
    """The last whole step that is not past a number of steps."""
    return math.floor(number(value, f"{WHERE}.{name}"))
