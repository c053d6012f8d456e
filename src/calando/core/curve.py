"""Curves: bound plans, ready to be evaluated. All lengths are whole steps here.

A curve covers the steps 0 to `steps`; `at(steps)` is its value at x = 1. Whoever holds a curve asks it only for
steps inside that range.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from calando.core.formula import SCALAR, Array, Formula, Ops

__all__ = [
    "Chain",
    "Curve",
    "Held",
    "Mapped",
    "Periodic",
    "Pointwise",
    "Reversed",
    "Shifted",
    "Smooth",
    "Stairs",
    "formulas_in_turn",
]


class Curve(Protocol):
    """A bound plan."""

    @property
    def steps(self) -> int:
        """How many steps it covers, >= 1."""

    def at(self, step: Array, ops: Ops) -> Array:
        """The factor at `step`, 0 <= step <= steps."""

    def breaks(self) -> Iterator[int]:
        """The steps after 0 where the value may jump or turn, in order; may be many."""

    def limit(self, step: int) -> float:
        """The value that the curve was heading for at `step` >= 1, seen from the step before."""


class Smooth:
    """One formula without jumps; `turns` are the steps where it may have a corner or a top."""

    def __init__(self, steps: int, formula: Formula, turns: Iterable[int] = ()) -> None:
        self.steps = steps
        self.at = formula
        self._turns = turns

    def breaks(self) -> Iterator[int]:
        return iter(self._turns)

    def limit(self, step: int) -> float:
        return float(self.at(step, SCALAR))


class Stairs:
    """One formula that jumps at its breaks, from the value before or from `heading`; level between them or not."""

    def __init__(
        self, steps: int, formula: Formula, breaks: Sequence[int], heading: float | None = None, level: bool = False
    ) -> None:
        self.steps = steps
        self.at = formula
        self.level = level
        self._breaks = breaks
        self._heading = heading

    def breaks(self) -> Iterator[int]:
        return iter(self._breaks)

    def limit(self, step: int) -> float:
        at = bisect_left(self._breaks, step)
        if at == len(self._breaks) or self._breaks[at] != step:
            return float(self.at(step, SCALAR))
        return float(self.at(step - 1, SCALAR)) if self._heading is None else self._heading


class Chain:
    """Curves that take turns, each in force from its start on; the last value of a curve is held until the next one's.

    Each counts its steps from its origin: its own start, where nothing else is said.
    """

    def __init__(
        self, steps: int, starts: Sequence[int], curves: Sequence[Curve], origins: Sequence[int] | None = None
    ) -> None:
        self.steps = steps
        self.starts = tuple(starts)
        self.curves = tuple(curves)
        self.origins = self.starts if origins is None else tuple(origins)

    def at(self, step: Array, ops: Ops) -> Array:
        if ops.scalar:
            i = bisect_right(self.starts, step) - 1
            curve = self.curves[i]
            local = step - self.origins[i]
            return curve.at(local if local < curve.steps else curve.steps, ops)

        def value(i: int, here: Array) -> Array:
            curve = self.curves[i]
            return curve.at(ops.minimum(here - self.origins[i], curve.steps), ops)

        return ops.pieces(step, self.starts, value)

    def breaks(self) -> Iterator[int]:
        for i, (start, origin, curve) in enumerate(zip(self.starts, self.origins, self.curves, strict=True)):
            stop = self.starts[i + 1] if i + 1 < len(self.starts) else self.steps + 1
            if start:
                yield start
            for inner in curve.breaks():
                if origin + inner >= stop:
                    break
                if origin + inner > start:
                    yield origin + inner

    def limit(self, step: int) -> float:
        i = bisect_left(self.starts, step) - 1
        curve, local = self.curves[i], step - self.origins[i]
        return curve.limit(local) if local <= curve.steps else float(curve.at(curve.steps, SCALAR))


def formulas_in_turn(marks: Sequence[int], makers: Sequence[Callable[[int], Formula]]) -> Chain:
    """Formulas between marks, each made for its number of steps; one without a step is left out."""
    made = [(a, Smooth(b - a, make(b - a))) for a, b, make in zip(marks, marks[1:], makers, strict=False) if b > a]
    return Chain(marks[-1], [start for start, _ in made], [curve for _, curve in made])


class Periodic:
    """One curve again and again, each time drawn towards `floor` by a further factor `decay`."""

    def __init__(self, steps: int, curve: Curve, decay: float, floor: float) -> None:
        self.steps = steps
        self.curve, self.decay, self.floor = curve, decay, floor
        self.last = (steps - 1) // curve.steps
        decay ** float(self.last)  # raises OverflowError where a growing height leaves the floats

    def at(self, step: Array, ops: Ops) -> Array:
        cycle = ops.minimum(step // self.curve.steps, self.last)
        value = self.curve.at(step - cycle * self.curve.steps, ops)
        if self.decay == 1.0:
            return value
        return decayed(value, ops.power(self.decay, ops.real(cycle)), self.floor)

    def breaks(self) -> Iterator[int]:
        for cycle in range(self.last + 1):
            start = cycle * self.curve.steps
            if cycle:
                yield start
            for inner in self.curve.breaks():
                if inner >= self.curve.steps or start + inner > self.steps:
                    break
                yield start + inner

    def limit(self, step: int) -> float:
        cycle = (step - 1) // self.curve.steps
        value = self.curve.limit(step - cycle * self.curve.steps)
        return float(decayed(value, self.decay ** float(cycle), self.floor))


def decayed(value: Array, share: Array, floor: float) -> Array:
    """floor + share * (value - floor), as a sum of parts that are never negative."""
    return floor * (1.0 - share) + share * value if floor else share * value


class Mapped:
    """A curve whose value goes through a function of the value alone."""

    def __init__(self, curve: Curve, change: Callable[[Array, Ops], Array]) -> None:
        self.steps = curve.steps
        self._curve, self._change = curve, change

    def at(self, step: Array, ops: Ops) -> Array:
        return self._change(self._curve.at(step, ops), ops)

    def breaks(self) -> Iterator[int]:
        return self._curve.breaks()

    def limit(self, step: int) -> float:
        return float(self._change(self._curve.limit(step), SCALAR))


class Pointwise:
    """Several curves folded into one, step by step; a shorter one holds its last value."""

    def __init__(self, steps: int, curves: Sequence[Curve], fold: Callable[[Array, Array, Ops], Array]) -> None:
        self.steps = steps
        self._curves, self._fold = tuple(curves), fold

    def at(self, step: Array, ops: Ops) -> Array:
        first, *rest = (curve.at(ops.minimum(step, curve.steps), ops) for curve in self._curves)
        for value in rest:
            first = self._fold(first, value, ops)
        return first

    def breaks(self) -> Iterator[int]:
        from heapq import merge

        last = 0
        for step in merge(*(islice(curve.breaks(), 100_000) for curve in self._curves)):
            if step > last:
                yield step
            last = step

    def limit(self, step: int) -> float:
        first, *rest = (
            curve.limit(step) if step <= curve.steps else float(curve.at(curve.steps, SCALAR)) for curve in self._curves
        )
        for value in rest:
            first = self._fold(first, value, SCALAR)
        return float(first)


class Shifted:
    """A curve that starts `by` steps later; its first value stands before."""

    def __init__(self, curve: Curve, by: int) -> None:
        self.steps = curve.steps + by
        self._curve, self._by = curve, by

    def at(self, step: Array, ops: Ops) -> Array:
        return self._curve.at(ops.maximum(step - self._by, 0), ops)

    def breaks(self) -> Iterator[int]:
        return (step + self._by for step in self._curve.breaks())

    def limit(self, step: int) -> float:
        local = step - self._by
        return self._curve.limit(local) if local >= 1 else float(self._curve.at(0, SCALAR))


class Reversed:
    """A curve run backwards: the value at x is the curve's at 1 - x."""

    def __init__(self, curve: Curve) -> None:
        self.steps = curve.steps
        self._curve = curve

    def at(self, step: Array, ops: Ops) -> Array:
        return self._curve.at(self.steps - step, ops)

    def breaks(self) -> Iterator[int]:
        inner = sorted(islice(self._curve.breaks(), 100_000), reverse=True)
        return (self.steps - step + 1 for step in inner if step >= 1)

    def limit(self, step: int) -> float:
        mirrored = self.steps - step + 1
        before, after = self._curve.limit(mirrored), float(self._curve.at(mirrored, SCALAR))
        leaps = abs(after - before) > 1e-12 * max(abs(after), abs(before))
        return float(self.at(step - 1 if leaps else step, SCALAR))


class Held:
    """A curve that changes only at every `every`-th step."""

    def __init__(self, curve: Curve, every: int) -> None:
        self.steps = curve.steps
        self._curve, self._every = curve, every

    def at(self, step: Array, ops: Ops) -> Array:
        return self._curve.at(step // self._every * self._every, ops)

    def breaks(self) -> Iterator[int]:
        return iter(range(self._every, self.steps + 1, self._every))

    def limit(self, step: int) -> float:
        return float(self.at(step - 1, SCALAR))
