"""ignite's cyclical and piecewise schedulers, read as curves of absolute values."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from calando.core.plan import Plan
from calando.core.shapes.anneal import anneal
from calando.core.shapes.points import points
from calando.core.timing import repeat
from calando.errors import Unconvertible
from calando.peers.finish import number
from calando.peers.legs import chain, leg, level
from calando.peers.torch_course import Maker, segments, way

__all__ = ["Values", "cyclical_values", "piecewise_values", "refuse"]

WHERE: Final = "from_ignite"
MOST: Final = 2000


def refuse(given: str, allowed: str, fix: str) -> Unconvertible:
    """The error for what no plan of ours can say."""
    return Unconvertible(given=given, allowed=allowed, where=f"{WHERE}(handler)", fix=fix)


class Values(NamedTuple):
    """A curve of absolute values.

    Args:
        top: its largest value.
        maker: the curve of the values as factors of a base.
        position: the events behind it.
        past: what ignite does where the curve was not written out any more.
    """

    top: float
    maker: Callable[[float], Maker]
    position: int
    past: str = ""


class Cycle(NamedTuple):
    """One cycle: from `start` to `end` over `size` events, and over `back` events to the next cycle's start."""

    start: float
    end: float
    size: int
    back: int
    next: float


def positive(value: Any, name: str) -> float:
    """A value >= 0."""
    found = number(value, f"{WHERE}.{name}")
    if found < 0.0:
        raise refuse(f"{name}={found:g}", "values >= 0", "schedule its size")
    return found


def cyclical_values(handler: Any, horizon: int) -> Values:
    """LinearCyclicalScheduler and CosineAnnealingScheduler, restored to their beginning."""
    cosine = type(handler).__name__ == "CosineAnnealingScheduler"
    shape = "cosine" if cosine else "linear"
    there_and_back = not cosine and not handler.monotonic
    cycles, rest, position = _cycles(handler, horizon)
    top = max(max(cycle.start, cycle.end, cycle.next) for cycle in cycles)
    grows = float(handler.cycle_mult) != 1.0
    scales = (float(handler.start_value_mult), float(handler.end_value_mult))
    first = cycles[0]
    over = first.size / 2
    half: float = int(over) if over == int(over) else over

    def one(cycle: Cycle, base: float) -> Maker:
        start, end = cycle.start / base, cycle.end / base
        if there_and_back:
            wide = cycle.size / 2
            exact: float = int(wide) if wide == int(wide) else wide
            if start == end:
                return lambda length: level(start, length)
            return lambda length: anneal(over=exact, end=end, start=start, cycle="mirror", length=length)
        return way(shape, start, end, cycle.size)

    def maker(base: float) -> Maker:
        parts: list[tuple[int | None, Maker]] = []
        for cycle in cycles:
            parts.append((cycle.size, one(cycle, base)))
            if cycle.back:
                parts.append((cycle.back, way("linear", cycle.end / base, cycle.next / base, cycle.back)))
        written = segments(*parts[:-1], (None, parts[-1][1]))

        def make(length: int | None) -> Plan:
            if length is not None or grows or scales[0] != scales[1]:
                return written(length)
            if there_and_back and scales == (1.0, 1.0) and first.start != first.end:
                return anneal(over=half, end=first.end / base, start=first.start / base, cycle="mirror")
            back = way("linear", first.end / base, first.next / base, first.back)
            inner = chain(one(first, base)(first.size), back(first.back) if first.back else None)
            return repeat(inner, decay=scales[0])

        return make

    return Values(top, maker, position, rest)


def _cycles(handler: Any, horizon: int) -> tuple[list[Cycle], str, int]:
    """The cycles up to the horizon from the very first one, what ends them, and the events behind the handler."""
    done, event = int(handler.cycle), int(handler.event_index)
    mult = float(handler.cycle_mult)
    size, back = _original(int(handler.cycle_size), mult, done), _original(int(handler.warmup_duration), mult, done)
    rise, fall = float(handler.start_value_mult), float(handler.end_value_mult)
    raised = done + (1 if handler.warmup_duration and event > handler.cycle_size else 0)
    if (raised and rise == 0.0) or (done and fall == 0.0):
        raise refuse("a cycle whose first values were multiplied by 0", "a handler before its second cycle",
                     "convert it before the run")  # fmt: skip
    start = positive(handler.start_value, "start_value") / rise**raised
    end = positive(handler.end_value, "end_value") / fall**done
    position, at = event, 0
    found: list[Cycle] = []
    while at < horizon and len(found) < MOST:
        if len(found) < done:
            position += size + back
        found.append(Cycle(start, end, size, back, start * rise))
        at += size + back
        start, end, size, back = start * rise, end * fall, int(size * mult), int(back * mult)
        if size < 1:
            return (
                found,
                f"at step {at} ignite divides by zero, its cycles having shrunk to nothing; ours holds",
                position,
            )
    plain = mult == 1.0 and rise == fall
    return found, "" if plain else f"the plan is written out for {at} steps and holds after them", position


def _original(size: int, mult: float, done: int) -> int:
    """The first cycle's size, which ignite has overwritten."""
    if mult == 1.0 or done == 0 or size == 0:
        return size
    middle = size / mult**done
    fits = []
    for guess in range(max(int(middle) - 2, 1), int(middle + (done + 1) / mult) + 3):
        grown = guess
        for _ in range(done):
            grown = int(grown * mult)
        if grown == size:
            fits.append(guess)
    if len(fits) != 1:
        raise refuse(
            f"a handler in its cycle {done}, of {size} events, whose first length cannot be told any more",
            "a handler in its first cycle", "convert it before the run",
        )  # fmt: skip
    return fits[0]


def piecewise_values(handler: Any, _horizon: int = 0) -> Values:
    """PiecewiseLinear and its kin: straight lines between milestones, level before and after."""
    at = [int(mark) for mark in handler.milestones]
    values = [positive(value, "milestones_values") for value in handler.values]
    return Values(max(values), lambda base: _lines(at, [value / base for value in values]), int(handler.event_index))


def _lines(at: Sequence[int], values: Sequence[float]) -> Maker:
    parts: list[tuple[int | None, Maker]] = [(max(at[0], 0), _flat(values[0]))]
    for a, b, start, end in zip(at, at[1:], values, values[1:], strict=False):
        if b > max(a, 0):
            parts.append((b - max(a, 0), _line(start, end, b - a, max(-a, 0))))
    pieces = segments(*parts, (None, _flat(values[-1])))
    rising = at[0] >= 0 and all(b > a for a, b in zip(at, at[1:], strict=False)) and len(at) > 1

    def make(length: int | None) -> Plan:
        return points(list(at), list(values)) if length is None and rising else pieces(length)

    return make


def _flat(value: float) -> Maker:
    return lambda length: level(value, length)


def _line(start: float, end: float, over: int, offset: int) -> Maker:
    return lambda length: leg("linear", start, end, over, offset=offset, length=length)
