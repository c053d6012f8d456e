"""A plan entered some steps after its beginning."""

from collections.abc import Callable
from typing import Any

from calando.core.algebra import clip, product, scale, then
from calando.core.clock import Length
from calando.core.plan import Plan
from calando.core.plans.waves import warm_restarts
from calando.core.shapes.anneal import anneal
from calando.core.shapes.exponential import exponential_decay
from calando.core.shapes.function import function
from calando.errors import Unconvertible
from calando.peers.legs import chain, drops, leg, level, scaled

__all__ = ["ahead"]

WAYS = {"linear_decay": "linear", "cosine": "cosine", "polynomial_decay": "power"}


def ahead(plan: Plan, by: int) -> Plan:
    """The plan from its step `by` on.

    Raises:
        Unconvertible: for a plan that has no other way to say so.

    >>> import calando
    >>> str(ahead(calando.warmup(4) | calando.step_decay(10), 5))
    'constant(length=9) | scale(step_decay(every=10), by=0.1)'
    >>> ahead(calando.exponential_decay(factor=0.5), 2).bind(10)(1)
    0.125
    """
    if by == 0:
        return plan
    if isinstance(plan, then):
        return _pieces(plan, by)
    if isinstance(plan, product):
        return product(*(ahead(child, by) for child in plan.children))
    if isinstance(plan, scale):
        return scaled(ahead(plan.plan, by), plan.by)
    if isinstance(plan, clip):
        return clip(ahead(plan.plan, by), plan.low, plan.high)
    return _LEAVES.get(type(plan).__name__, _no_way)(plan, by)


def _steps(plan: Any) -> int | None:
    length: Length | None = getattr(plan, "length", None)
    return None if length is None else int(length.amount)


def _left(plan: Any, by: int) -> int | None:
    length = _steps(plan)
    return None if length is None else max(length - by, 0)


def _pieces(plan: Plan, by: int) -> Plan:
    pieces = list(plan.children)
    while len(pieces) > 1 and (length := _steps(pieces[0])) is not None and length <= by:
        by -= length
        pieces.pop(0)
    return chain(ahead(pieces[0], by), *pieces[1:])


def _no_way(plan: Any, by: int) -> Plan:
    raise Unconvertible(
        given=f"{type(plan).__name__} entered {by} steps after its beginning", allowed="plans that can be entered late",
        where="from_ignite", fix="let the scheduler begin at its own step 0",
    )  # fmt: skip


def _constant(plan: Any, by: int) -> Plan:
    return level(plan.value, _left(plan, by))


def _way(plan: Any, by: int) -> Plan:
    length = _steps(plan)
    if length is None:
        return _no_way(plan, by)
    if type(plan).__name__ == "warmup":
        return leg(plan.shape, plan.start, 1.0, length, offset=by, length=length - by)
    power = getattr(plan, "power", 1.0)
    return leg(WAYS[type(plan).__name__], plan.start, plan.end, length, offset=by, length=length - by, power=power)


def _anneal(plan: Any, by: int) -> Plan:
    values = {p.name: value for p, value in zip(plan.parameters, plan.arguments, strict=True)}
    offset = Length(plan.offset.amount + by) if isinstance(plan.offset, Length) else plan.offset + by
    return anneal(**{**values, "offset": offset, "length": _left(plan, by)})


def _exponential(plan: Any, by: int) -> Plan:
    return scaled(exponential_decay(factor=plan.factor, length=_left(plan, by)), plan.factor**by)


def _stairs(plan: Any, by: int) -> Plan:
    every, left = int(plan.every.amount), _left(plan, by)
    done, inside = divmod(by, every)
    first = 0 if not inside else every - inside if left is None else min(every - inside, left)
    if left is not None:
        left -= first
    if left == 0:
        return level(plan.factor**done, first)
    rest = type(plan)(every, plan.factor, length=left)
    if not first:
        return scaled(rest, plan.factor**done)
    return chain(level(plan.factor**done, first), scaled(rest, plan.factor ** (done + 1)))


def _milestones(plan: Any, by: int) -> Plan:
    marks = [int(mark.amount) for mark in plan.milestones]
    return drops([(mark - by, plan.factor ** (i + 1)) for i, mark in enumerate(marks)], 1.0, _left(plan, by))


def _points(plan: Any, by: int) -> Plan:
    if plan.between != "step":
        return _no_way(plan, by)
    changes = [(int(at.amount) - by, value) for at, value in zip(plan.at, plan.values, strict=True)]
    is_cut = len(changes) > 1 and changes[-1][1] == changes[-2][1]  # its last point says only how long it is
    return drops(changes[: len(changes) - is_cut], changes[0][1], changes[-1][0] if is_cut else None)


def _function(plan: Any, by: int) -> Plan:
    return function(_Later(plan.call.call, by), length=_left(plan, by))


class _Later:
    """A function of the step, asked for later ones."""

    def __init__(self, call: Callable[[int], float], by: int) -> None:
        self._call, self._by = call, by

    def __call__(self, step: int) -> float:
        return self._call(step + self._by)


def _restarts(plan: Any, by: int) -> Plan:
    first, growth, left = int(plan.first.amount), plan.growth, _left(plan, by)
    while by >= first:
        by, first = by - first, int(first * growth)
    if not by:
        return warm_restarts(first, float(growth), end=plan.end, length=left)
    here = first - by if left is None else min(first - by, left)
    begun = leg("cosine", 1.0, plan.end, first, offset=by, length=here)
    if left == here:
        return begun
    rest = None if left is None else left - here
    return chain(begun, warm_restarts(int(first * growth), float(growth), end=plan.end, length=rest))


_LEAVES: dict[str, Callable[[Any, int], Plan]] = {
    "constant": _constant,
    "warmup": _way,
    "linear_decay": _way,
    "cosine": _way,
    "polynomial_decay": _way,
    "anneal": _anneal,
    "exponential_decay": _exponential,
    "step_decay": _stairs,
    "multistep": _milestones,
    "points": _points,
    "function": _function,
    "warm_restarts": _restarts,
}
