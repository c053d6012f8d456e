"""Legs of a peer's curve as plans: the plainest shape that says the same, else `anneal`."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from calando.core.algebra import scale, then
from calando.core.plan import Plan
from calando.core.shapes.anneal import anneal
from calando.core.shapes.constant import constant
from calando.core.shapes.cosine import cosine
from calando.core.shapes.linear import linear_decay
from calando.core.shapes.points import points
from calando.core.shapes.polynomial import polynomial_decay
from calando.core.shapes.stairs import multistep, step_decay
from calando.core.timing import repeat, shift
from calando.errors import Unconvertible

__all__ = [
    "MOST_LISTED",
    "Cycle",
    "chain",
    "cycles",
    "drops",
    "every_so_often",
    "leg",
    "level",
    "scaled",
    "share",
    "steps_of",
    "table",
    "whole",
]

MOST_LISTED: Final = 100_000


class Cycle(NamedTuple):
    """One of a peer's cycles: its number, where it begins and how long it is (real), and its first whole step."""

    number: int
    begin: float
    length: float
    first: int


def whole(value: float) -> int | None:
    """The integer that a number is, or None.

    >>> whole(3.0), whole(2.5)
    (3, None)
    """
    return int(value) if math.isfinite(value) and value == math.floor(value) else None


def steps_of(value: float) -> int:
    """The first whole step that is not before a real time."""
    return math.ceil(value)


def level(value: float, length: int | None = None) -> Plan:
    """The same factor for so many steps, or for the rest."""
    return constant(value, length=length)


def leg(
    shape: str,
    start: float,
    end: float,
    over: float,
    *,
    offset: float = 0.0,
    length: int | None = None,
    power: float = 1.0,
    **more: Any,
) -> Plan:
    """One way from `start` to `end` that takes `over` steps, entered `offset` steps after its beginning.

    Args:
        shape: a way of `anneal`.
        start: the factor at its beginning.
        end: the factor at its end, held after it.
        over: how long the way is, > 0 steps, whole or not.
        offset: how far in the first step is, >= 0 steps.
        length: the steps of the piece, or None for the rest.
        power: exponent of the way's weight.
        more: what else `anneal` takes.

    >>> leg("cosine", 1.0, 0.1, 10.0, length=10)
    cosine(end=0.1, length=10)
    >>> str(leg("linear", 1.0, 0.0, 9.5, length=10))
    'anneal(over=9.5, length=10)'
    """
    if start == end:
        return level(start, length)
    if offset == 0 and length is not None and length == whole(over) and not more:
        if shape == "linear" and power == 1:
            return linear_decay(end, start, length=length)
        if shape == "cosine" and power == 1:
            return cosine(end, start, length=length)
        if shape in ("linear", "power") and end < start:
            return polynomial_decay(power, end, start, length=length)
    if shape in ("linear", "power"):
        shape = "linear" if power == 1 else "power"
    if power != 1:
        more["power"] = power
    way: Any = shape
    return anneal(end=end, start=start, shape=way, over=_real(over), offset=_real(offset), length=length, **more)


def _real(value: float) -> float:
    exact = whole(value)
    return max(value, 0.0) if exact is None else exact


def chain(*plans: Plan | None) -> Plan:
    """Plans one after the other, those of no steps left out.

    >>> str(chain(level(0.5, 3), level(1.0, 0), level(1.0)))
    'constant(value=0.5, length=3) | constant()'
    """
    kept = [plan for plan in plans if plan is not None and not _is_empty(plan)]
    return kept[0] if len(kept) == 1 else then(*kept)


def _is_empty(plan: Plan) -> bool:
    length = getattr(plan, "length", None)
    return length is not None and length.amount == 0


def drops(changes: Iterable[tuple[int, float]], first: float, length: int | None = None) -> Plan:
    """Level stretches: `first` from step 0, and each (step, factor) from its step on; steps rise, below the length.

    >>> str(drops([(3, 0.5), (6, 0.25)], 1.0)), str(drops([(3, 0.5), (6, 0.1)], 1.0))
    ('multistep(milestones=[3, 6], factor=0.5)', 'points(at=[0, 3, 6], values=[1, 0.5, 0.1], between=step)')
    """
    kept: list[tuple[int, float]] = [(0, first)]
    for step, value in changes:
        if step <= 0:
            kept[0] = (0, value)
        elif value != kept[-1][1]:
            kept.append((step, value))
    if len(kept) == 1:
        return level(kept[0][1], length)
    steps, values = [step for step, _ in kept], [value for _, value in kept]
    ratio = _short(values[1]) if values[0] == 1.0 else 0.0
    if ratio > 0 and all(math.isclose(value, ratio**i, rel_tol=1e-14) for i, value in enumerate(values)):
        return multistep(steps[1:], ratio, length=length)
    if length is not None:
        steps, values = [*steps, length], [*values, values[-1]]
    return points(steps, values, between="step")


def _short(value: float) -> float:
    """The decimal of few places that a product such as 0.1*0.1/0.1 stands for, or the value itself."""
    near = float(f"{value:.12g}")
    return near if math.isclose(near, value, rel_tol=4e-16) else value


def every_so_often(every: float, factor: float, entered: int = 0) -> Plan | None:
    """factor^floor(t/every) from step `entered` on, for an interval that may end between steps; None if it cannot be.

    >>> str(every_so_often(30, 0.1)), str(every_so_often(2.5, 0.5))
    ('step_decay(every=30)', 'repeat(multistep(milestones=[3], factor=0.5, length=5), decay=0.25)')
    """
    if factor == 1.0:
        return level(1.0)
    if factor <= 0.0:
        first = math.ceil(every)
        return drops([(first - entered, 0.0)], 1.0)
    size = whole(every)
    if size is None:
        return _between_steps(every, factor) if entered == 0 else None
    done, inside = divmod(entered, size)
    if not inside:
        return scaled(step_decay(size, factor), factor**done)
    ahead = scaled(step_decay(size, factor), factor ** (done + 1))
    return chain(level(factor**done, size - inside), ahead)


def _between_steps(every: float, factor: float) -> Plan | None:
    """Drops at the whole steps after each multiple of a decimal interval: a pattern that comes again."""
    near = Fraction(every).limit_denominator(1000)
    if abs(Fraction(every) - near) > Fraction(every) / 10**13 or near < 1:
        return None
    period, times = near.numerator, near.denominator
    late = Fraction(every) > near  # each multiple is then a hair past a whole step, and the drop is one step later
    marks = [math.ceil(near * k) if not late else math.floor(near * k) for k in range(1, times)]
    inner = multistep(marks, factor, length=period) if marks else None
    if inner is None:
        return None
    plan = repeat(inner, decay=factor**times)
    return shift(plan, by=1) if late else plan


def scaled(plan: Plan, by: float) -> Plan:
    """A plan times a number, or the plan itself."""
    if isinstance(plan, constant):
        return constant(plan.value * by, length=plan.length)
    return plan if by == 1.0 else scale(plan, by)


def cycles(number: Callable[[int], int], begin: Callable[[int], float], length: Callable[[int], float],
           until: int, most: int = 5000) -> Iterable[Cycle]:  # fmt: skip
    """A peer's cycles up to the step `until`, each from the first step that the peer itself counts to it.

    Args:
        number: the peer's own number of the cycle at a step, errors of its logarithm included.
        begin: where a cycle begins, a real step.
        length: how long it is.
        until: the steps that are asked for.
        most: cycles, at most.
    """
    for i in range(most):
        at = begin(i)
        if at >= until:
            return
        first = max(math.floor(at) - 1, 0)
        while first < until and number(first) < i:
            first += 1
        if first < until and number(first) == i:
            yield Cycle(i, at, length(i), first)


def table(value: Callable[[int], float], steps: int, end: float) -> Plan:
    """A factor for each of so many steps, and one for after them, for curves that no shape of ours has.

    Raises:
        Unconvertible: for more steps than a plan may list.

    >>> str(table(lambda t: 1 / (1 + t), 2, 0.0))
    'points(at=[0, 1, 2], values=[1, 0.5, 0], between=step)'
    """
    if steps >= MOST_LISTED:
        raise Unconvertible(
            given=f"{steps:,} steps of a curve that has no shape of ours", allowed=f"fewer than {MOST_LISTED:,} steps",
            where="peers", fix="pass quirks=False for the nearest plan, or say it by calando.function",
        )  # fmt: skip
    values = [value(t) for t in range(steps)]
    return points(list(range(steps + 1)), [*values, end], between="step")


def share(value: float, base: float) -> float:
    """value/base of the decimals as they are written, so that 0.01 of 0.1 is 0.1.

    >>> share(0.01, 0.1), 0.01 / 0.1
    (0.1, 0.09999999999999999)
    """
    try:
        return float(Fraction(repr(float(value))) / Fraction(repr(float(base))))
    except OverflowError:
        return math.inf  # which no plan takes
