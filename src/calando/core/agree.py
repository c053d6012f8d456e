"""For how many steps two schedules ask for the very same values, bit for bit.

Pieces made by one formula from the same constants are the same without being asked; only where formulas differ
are values compared, as plain floats: what a training loop is given. Whoever is told too few steps loses nothing but
work, so a comparison that would take too long ends early.
"""

import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from calando.core.curve import Chain, Curve, Held, Mapped, Periodic, Pointwise, Shifted, Smooth, Stairs
from calando.core.formula import SCALAR
from calando.core.schedule import Schedule
from calando.core.transition import level

__all__ = ["agreement"]

PATIENCE = 1 << 20
"""Steps compared value by value before two schedules are taken to part."""

MANY = 10_000
"""Pieces that a curve is taken apart into at the most."""

_LEVEL = level(0.0).__code__

Piece = tuple[int, int, int, "float | Curve"]
"""From, to, where its clock starts, and its value or what gives its values."""


def agreement(a: Schedule, b: Schedule, patience: int = PATIENCE) -> int:
    """How many first updates have bit-equal values of every quantity under both; at most the shorter horizon.

    Formula: the smallest t with a.at(t) != b.at(t) in any bit; 0 for schedules of different quantities.

    Args:
        a: a schedule.
        b: another one; its horizon may differ.
        patience: steps that may be compared value by value, >= 0; then the answer is what is known so far.

    Example:
        >>> import calando
        >>> agreement(calando.wsd(cooldown=20).bind(100), calando.wsd(cooldown=40).bind(100))
        61
    """
    steps = min(a.horizon, b.horizon)
    if a.rule != b.rule or a.quantities != b.quantities:
        return 0
    ones, others = {"lr": a._curve, **a._others}, {"lr": b._curve, **b._others}
    for name in a.quantities:
        steps = _agree(ones[name], others[name], steps, patience)
    return steps


def _agree(a: Curve, b: Curve, steps: int, patience: int) -> int:
    if not steps or a is b or (_same_curve(a, b) and a.steps == b.steps):
        return steps
    ones, others = _pieces(a, 0, steps), _pieces(b, 0, steps)
    one, other = next(ones), next(others)
    step = 0
    while step < steps:
        stop = min(one[1], other[1])
        if not _alike(one, other):
            for t in range(step, min(stop, step + patience)):
                if _bits(a.at(t, SCALAR)) != _bits(b.at(t, SCALAR)):
                    return t
            if stop > step + patience:
                return step + patience
            patience -= stop - step
        step = stop
        if step < steps:
            one = next(ones) if one[1] == step else one
            other = next(others) if other[1] == step else other
    return steps


def _alike(one: Piece, other: Piece) -> bool:
    _, _, origin, left = one
    _, _, start, right = other
    if isinstance(left, float) or isinstance(right, float):
        return isinstance(left, float) and isinstance(right, float) and _bits(left) == _bits(right)
    return origin == start and _same_curve(left, right)


def _bits(value: float) -> str:
    return float(value).hex()


def _pieces(curve: Curve, start: int, stop: int) -> Iterator[Piece]:
    """The curve from `start` to `stop` on its own clock, taken apart as far as its pieces have one formula each."""
    match curve:
        case Chain():
            for i, (first, origin, inner) in enumerate(zip(curve.starts, curve.origins, curve.curves, strict=True)):
                last = curve.starts[i + 1] if i + 1 < len(curve.starts) else max(stop, first + 1)
                yield from _placed(inner, origin, max(first, start), min(last, stop))
        case Shifted():
            if start < curve._by:
                yield start, min(curve._by, stop), 0, float(curve.at(0, SCALAR))
            yield from _placed(curve._curve, curve._by, max(start, curve._by), stop)
        case Periodic() if curve.decay == 1.0 and (stop - start) // curve.curve.steps <= MANY:
            length = curve.curve.steps
            for cycle in range(start // length, curve.last + 1):
                first = cycle * length
                if first >= stop:
                    return
                last = first + length if cycle < curve.last else stop
                yield from _placed(curve.curve, first, max(first, start), min(last, stop))
        case Stairs() if curve.level and len(curve._breaks) <= MANY:
            marks = [mark for mark in (0, *curve._breaks) if mark < stop]
            for mark, end in zip(marks, (*marks[1:], stop), strict=True):
                if end > start:
                    yield max(mark, start), end, 0, float(curve.at(mark, SCALAR))
        case Smooth() if getattr(curve.at, "__code__", None) is _LEVEL:
            yield start, stop, 0, float(curve.at(0, SCALAR))
        case Mapped():
            yield from _mapped(curve, start, stop)
        case Held():
            yield from _held(curve, start, stop)
        case Pointwise():
            yield from _folded(curve, start, stop)
        case _:
            yield start, stop, 0, curve


def _placed(curve: Curve, origin: int, start: int, stop: int) -> Iterator[Piece]:
    """The pieces of a curve whose clock starts at `origin`; its last value is held past its end."""
    end = min(stop, origin + curve.steps)
    if start < end:
        for first, last, inner, what in _pieces(curve, start - origin, end - origin):
            yield first + origin, last + origin, inner + origin, what
    if max(start, end) < stop:
        yield max(start, end), stop, 0, float(curve.at(curve.steps, SCALAR))


def _mapped(curve: Mapped, start: int, stop: int) -> Iterator[Piece]:
    for first, last, origin, what in _pieces(curve._curve, start, stop):
        if isinstance(what, float):
            yield first, last, 0, float(curve._change(what, SCALAR))
        else:
            yield first, last, origin, Mapped(what, curve._change)


def _held(curve: Held, start: int, stop: int) -> Iterator[Piece]:
    every = curve._every
    for first, last, origin, what in _pieces(curve._curve, start // every * every, stop):
        first, last = max(-(-first // every) * every, start), min(-(-last // every) * every, stop)
        if first < last:
            held = what if isinstance(what, float) else Held(Shifted(what, origin), every)
            yield first, last, 0, held


def _folded(curve: Pointwise, start: int, stop: int) -> Iterator[Piece]:
    inside = [_placed(inner, 0, start, stop) for inner in curve._curves]
    heads = [next(pieces) for pieces in inside]
    while start < stop:
        end = min(head[1] for head in heads)
        values = [head[3] for head in heads]
        if all(isinstance(value, float) for value in values):
            yield start, end, 0, float(curve.at(start, SCALAR))
        else:
            yield start, end, 0, Pointwise(curve.steps, [_from_zero(head, curve) for head in heads], curve._fold)
        start = end
        if start < stop:
            heads = [next(pieces) if head[1] == start else head for head, pieces in zip(heads, inside, strict=True)]


def _from_zero(piece: Piece, whole: Curve) -> Curve:
    _, _, origin, what = piece
    return Smooth(whole.steps, level(what)) if isinstance(what, float) else Shifted(what, origin)


_INSIDE: dict[type, tuple[str, ...]] = {
    Smooth: ("at",),
    Stairs: ("at",),
    Mapped: ("_curve", "_change"),
    Shifted: ("_curve", "_by"),
    Held: ("_curve", "_every"),
    Pointwise: ("_curves", "_fold"),
}
"""What a curve's values below its end depend on; every other kind also depends on where its parts end."""


def _same_curve(a: Curve, b: Curve) -> bool:
    if type(a) is not type(b):
        return False
    names = _INSIDE.get(type(a))
    if names is None:
        return _same(a, b)
    return all(
        (_same_curve if name == "_curve" else _same_curves if name == "_curves" else _same)(
            getattr(a, name), getattr(b, name)
        )
        for name in names
    )


def _same_curves(a: Sequence[Curve], b: Sequence[Curve]) -> bool:
    return len(a) == len(b) and all(_same_curve(one, other) for one, other in zip(a, b, strict=True))


def _same(a: Any, b: Any) -> bool:
    """Whether two values that a formula holds on to are the same down to the last bit."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return _bits(a) == _bits(b)
    if isinstance(a, int | str | range):
        return bool(a == b)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(_same(one, other) for one, other in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, types.FunctionType):
        return _same_function(a, b)
    if isinstance(a, types.MethodType):
        return a.__func__ is b.__func__ and _same(a.__self__, b.__self__)
    if type(a).__module__.startswith("calando.core.") and hasattr(a, "__dict__"):
        return _same(vars(a), vars(b))
    return False


def _same_function(a: Callable[..., Any], b: Callable[..., Any]) -> bool:
    """Whether two functions run the same code on the same things."""
    if a.__code__ is not b.__code__ or a.__globals__ is not b.__globals__:
        return False
    cells = [tuple(cell.cell_contents for cell in function.__closure__ or ()) for function in (a, b)]
    return (
        _same(cells[0], cells[1])
        and _same(a.__defaults__, b.__defaults__)
        and _same(a.__kwdefaults__, b.__kwdefaults__)
    )
