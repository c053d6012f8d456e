"""A curve through given points."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, Literal

from calando.core.clock import Clock
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.formula import Array, Ops
from calando.core.kinds import FACTOR, Choice, Items, Lengths
from calando.core.plan import Plan
from calando.core.shapes.stairs import check_rising, whole_rising
from calando.errors import BadValue

__all__ = ["points"]

Between = Literal["linear", "step", "cubic"]


class points(Plan):
    """A curve through given points: straight, in steps, or smooth without overshoot.

    Formula, with h = t_(i+1) - t_i and s = (t - t_i)/h between two points:
    step: y_i; linear: y_i*(1-s) + y_(i+1)*s; cubic: the Hermite cubic
    y_i*(1+2s)(1-s)^2 + y_(i+1)*s^2*(3-2s) + h*d_i*s*(1-s)^2 - h*d_(i+1)*s^2*(1-s), whose slopes d keep it monotone
    between points: the weighted harmonic mean of the neighbouring slopes, or 0 where they differ in sign.

    Args:
        at: where the points are, lengths from the start of the piece, rising; before the first its value holds.
        values: the factor at each point, >= 0.
        between: linear, step (the new value is in force at its point) or cubic.

    Raises:
        BadValue: when `at` does not rise, or has another size than `values`.

    Example:
        >>> import calando
        >>> calando.points(at=[0, 10, 20], values=[0, 1, 0.5]).bind(20)(15)
        0.75

    Source: Fritsch and Butland 1984 (the slopes, as in scipy.interpolate.PchipInterpolator).
    """

    kind = "shape"
    sources = ("fritsch1984",)

    at: Annotated[Any, Items(Lengths())]
    values: Annotated[Any, Items(FACTOR)]
    between: Annotated[Between, Choice("linear", "step", "cubic")] = "linear"

    def check(self) -> None:
        if len(self.at) != len(self.values):
            raise BadValue(
                given=f"{len(self.at)} times and {len(self.values)} values",
                allowed="one value for each time",
                where="points",
                fix="make the two lists equally long",
            )
        check_rising("points.at", self.at)

    def is_flexible(self) -> bool:
        return False

    def extent(self, clock: Clock) -> Fraction:
        return clock.steps(self.at[-1], "points.at")

    def lower(self, steps: int, clock: Clock) -> Curve:
        marks, values = _within(whole_rising("points.at", self.at, clock), list(self.values), steps)
        if marks[0] > 0:
            marks, values = [0, *marks], [values[0], *values]
        if self.between == "step" or len(marks) == 1:
            return Stairs(steps, lambda t, ops: ops.table(t, marks, values)[0], marks[1:], level=True)
        formula = _straight(marks, values) if self.between == "linear" else _cubic(marks, values)
        return Smooth(steps, formula, turns=marks[1:-1])


def _within(marks: list[int], values: list[float], steps: int) -> tuple[list[int], list[float]]:
    """The points of a piece that was itself rounded: the last stands at its end, what is pushed onto it goes."""
    kept = [i for i, mark in enumerate(marks[:-1]) if mark < steps]
    return [*(marks[i] for i in kept), steps], [*(values[i] for i in kept), values[-1]]


def _straight(marks: Sequence[int], values: Sequence[float]) -> Any:
    columns = (marks[:-1], marks[1:], values[:-1], values[1:])

    def formula(step: Array, ops: Ops) -> Array:
        step = ops.minimum(step, marks[-1])
        t0, t1, y0, y1 = ops.table(step, marks[:-1], *columns)
        return y0 * ops.ratio(t1 - step, t1 - t0) + y1 * ops.ratio(step - t0, t1 - t0)

    return formula


def _cubic(marks: Sequence[int], values: Sequence[float]) -> Any:
    rises = monotone_slopes(marks, values)
    heights = [float(b - a) for a, b in zip(marks, marks[1:], strict=False)]
    out = [h * d for h, d in zip(heights, rises, strict=False)]
    into = [h * d for h, d in zip(heights, rises[1:], strict=True)]
    columns = (marks[:-1], marks[1:], values[:-1], values[1:], out, into)

    def formula(step: Array, ops: Ops) -> Array:
        step = ops.minimum(step, marks[-1])
        t0, t1, y0, y1, r0, r1 = ops.table(step, marks[:-1], *columns)
        s, left = ops.ratio(step - t0, t1 - t0), ops.ratio(t1 - step, t1 - t0)
        from_first = left * left * (y0 * (1.0 + 2.0 * s) + r0 * s)
        from_second = s * s * (y1 * (1.0 + 2.0 * left) - r1 * left)
        return ops.maximum(from_first + from_second, 0.0)

    return formula


def monotone_slopes(marks: Sequence[int], values: Sequence[float]) -> list[float]:
    """The slope at each point that keeps the Hermite cubic monotone between points.

    >>> monotone_slopes([0, 1, 2], [0.0, 1.0, 1.0])
    [1.5, 0.0, 0.0]
    """
    h = [float(b - a) for a, b in zip(marks, marks[1:], strict=False)]
    m = [(b - a) / width for a, b, width in zip(values, values[1:], h, strict=False)]
    if len(m) == 1:
        return [m[0], m[0]]
    inner = []
    for i in range(1, len(m)):
        if m[i - 1] * m[i] <= 0.0:
            inner.append(0.0)
        else:
            w1, w2 = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
            inner.append((w1 + w2) / (w1 / m[i - 1] + w2 / m[i]))
    return [_edge(h[0], h[1], m[0], m[1]), *inner, _edge(h[-1], h[-2], m[-1], m[-2])]


def _edge(h0: float, h1: float, m0: float, m1: float) -> float:
    """The one-sided three-point slope, cut back where it would overshoot."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    if d * m0 <= 0.0:
        return 0.0
    if m0 * m1 <= 0.0 and abs(d) > 3 * abs(m0):
        return 3 * m0
    return d
