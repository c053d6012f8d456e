"""A way from one value to another over a real number of steps, once or again and again."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from calando.core.clock import LONGEST, Clock, Length, length_of
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.formula import Array, Formula, Ops
from calando.core.kinds import Choice, Factor, OptionalSpan, Positive, RealOffset, RealSpan
from calando.core.plan import Leaf
from calando.core.transition import HALF_PI, check_way, quarter_turn
from calando.errors import DoesNotFit

__all__ = ["anneal"]

MOST_CYCLES: Final = 20_000

Shape = Literal["linear", "cosine", "1-sqrt", "exponential", "power"]
Cycle = Literal["none", "restart", "mirror"]


class anneal(Leaf):
    """A way from `start` to `end` over a real number of steps, which may end between two steps.

    Formula, with u = (t+offset)/over: end + (start-end)*w, where w is 1-x (linear), (1+cos(pi*x))/2 (cosine),
    1-sqrt(x) (1-sqrt) or (1-x)^power (power); start*(end/start)^x for exponential. Going up is going down read
    backwards. x is min(max(u, 0), 1) (cycle=none), u mod 1 (restart) or how far u is from an even number (mirror).

    Args:
        over: how long the way takes, in steps that need not be whole (29.5, taken as the decimal that is written), or
            text such as "2.5ep"; >= 0.000001 as a number, and at least a billionth of a step when it is bound.
        end: the factor at x = 1, >= 0.
        start: the factor at x = 0, >= 0 (below `end` it rises).
        shape: linear, cosine, 1-sqrt, exponential or power.
        offset: how many steps, whole or not, the way is ahead of the piece; below 0 it starts later (as a number:
            text has no sign).
        cycle: none holds `end` once it is reached, restart jumps back to `start`, mirror goes there and back.
        power: the exponent of shape=power, > 0.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for an exponential way from or to 0.
        DoesNotFit: for more than 20000 cycles whose ends never meet a step again.

    Example:
        >>> import calando
        >>> way = calando.anneal(over=2.5).bind(4)
        >>> way(0), way(1), way(2), way(3)
        (1.0, 0.6, 0.2, 0.0)

    Source: torch.optim.lr_scheduler.OneCycleLR, whose phases end between steps; Loshchilov and Hutter 2017 (SGDR).
    """

    kind = "shape"
    sources = ("loshchilov2017",)

    over: RealSpan
    end: Factor = 0.0
    start: Factor = 1.0
    shape: Annotated[Shape, Choice("linear", "cosine", "1-sqrt", "exponential", "power")] = "linear"
    offset: RealOffset = 0
    cycle: Annotated[Cycle, Choice("none", "restart", "mirror")] = "none"
    power: Positive = 1.0
    length: OptionalSpan = None

    def check(self) -> None:
        check_way("anneal", self.shape, self.start, self.end)

    def lower(self, steps: int, clock: Clock) -> Curve:
        over = clock.steps(_length(self.over), "anneal.over")
        offset = clock.steps(_length(self.offset), "anneal.offset")
        if over < Fraction(1, 10**9):
            raise DoesNotFit(
                given=f"a way over {float(over):g} steps",
                allowed="at least a billionth of a step",
                where="anneal.over",
                fix="make it longer",
            )
        scale = _Scale(over, offset, steps)
        way = _way(self.shape, self.start, self.end, self.power, scale)
        if self.cycle == "none":
            return _once(steps, over, offset, scale, way)
        cycles = _Cycles(over, offset, steps, mirrored=self.cycle == "mirror")
        if self.cycle == "mirror":
            return Smooth(steps, cycles.formula(scale, way), turns=cycles)
        return Stairs(steps, cycles.formula(scale, way), cycles, heading=self.end)


def _length(value: object) -> Length:
    return value if isinstance(value, Length) else length_of(value)


class _Part(NamedTuple):
    """A real number of steps: whole ones and a rest, which is told in common denominators and as an angle."""

    whole: Array
    rest: Array
    angle: Array


class _Scale:
    """Turns parts of the way into shares of it, exactly where its denominators are small.

    Formula: share = (whole*d + rest*d) / (over*d), d the common denominator: products and sums below 2^53 are exact.
    The angle pi/2*share is whole*high + (whole*low + rest*pi/2/over), its first product exact.
    """

    def __init__(self, over: Fraction, offset: Fraction, steps: int) -> None:
        common = math.lcm(over.denominator, offset.denominator)
        self._common = common if common * (steps + over + abs(offset)) < LONGEST else 1
        self._over = float(over * self._common)
        self._quarter = HALF_PI / over
        self._high, self._low = quarter_turn(over)

    def part(self, rest: Fraction) -> tuple[float, float]:
        """A rest below one step as the two numbers of a part."""
        return float(rest * self._common), float(rest * self._quarter)

    def share(self, part: _Part, ops: Ops) -> Array:
        """The share of the way, 0 to 1."""
        real = ops.ratio(ops.real(part.whole) * self._common + part.rest, self._over)
        return ops.minimum(ops.maximum(real, 0.0), 1.0)

    def squared_sine(self, part: _Part, ops: Ops) -> Array:
        """sin(pi/2*share)^2."""
        x = ops.real(part.whole)
        angle = x * self._high + (x * self._low + part.angle)
        s = ops.sin(ops.minimum(ops.maximum(angle, 0.0), math.pi / 2))
        return s * s


_Way: TypeAlias = Callable[[_Part, _Part, Ops], Array]
"""value(done, left, ops) of the part that lies behind and the part that lies ahead."""


def _weight(shape: str, power: float, scale: _Scale) -> _Way:
    """w(done, left) from 1 to 0, in forms without cancellation near 0."""
    if shape == "cosine":
        return lambda _, left, ops: scale.squared_sine(left, ops)
    if shape == "1-sqrt":
        return lambda done, left, ops: scale.share(left, ops) / (1.0 + ops.sqrt(scale.share(done, ops)))
    if shape == "power":
        return lambda _, left, ops: scale.share(left, ops) ** power
    return lambda _, left, ops: scale.share(left, ops)


def _way(shape: str, start: float, end: float, power: float, scale: _Scale) -> _Way:
    """The value; a way up is the way down from `end` to `start`, read backwards."""
    if shape == "exponential":
        if end > start:
            return lambda _, left, ops: end * ops.power(start / end, scale.share(left, ops))
        return lambda done, _, ops: start * ops.power(end / start, scale.share(done, ops))
    weight = _weight(shape, power, scale)
    if end > start:

        def rising(done: _Part, left: _Part, ops: Ops) -> Array:
            w = weight(left, done, ops)
            return start * (1.0 - w) + end * w if start else end * w

        return rising
    if end == 0.0:
        return lambda done, left, ops: start * weight(done, left, ops)

    def falling(done: _Part, left: _Part, ops: Ops) -> Array:
        w = weight(done, left, ops)
        return start * w + end * (1.0 - w)

    return falling


def _split(value: Fraction) -> tuple[int, Fraction]:
    """The whole steps and the rest."""
    whole = math.floor(value)
    return whole, value - whole


def _once(steps: int, over: Fraction, offset: Fraction, scale: _Scale, way: _Way) -> Curve:
    """One way, held before its start and after its end."""
    ahead, rest = _split(offset)
    behind = scale.part(rest)
    finish, rest = _split(over - offset)
    before = scale.part(rest)

    def formula(step: Array, ops: Ops) -> Array:
        return way(_Part(step + ahead, *behind), _Part(finish - step, *before), ops)

    corners = sorted({math.ceil(-offset), math.ceil(over - offset)})
    return Smooth(steps, formula, turns=[corner for corner in corners if 0 < corner <= steps])


class _Cycles(Sequence[int]):
    """Ways again and again: where each starts, as steps after 0 in order, and the formula that tells them apart.

    Formula: cycle k covers the steps t with k*over <= t + offset < (k+1)*over. Cycle ends meet whole steps again after
    a period of over*q steps, q being the denominator of `over` (made even where every other cycle runs back).
    """

    def __init__(self, over: Fraction, offset: Fraction, steps: int, mirrored: bool) -> None:
        self._over, self._steps, self._mirrored = over, steps, mirrored
        self._offset = offset % (over * 2 if mirrored else over)
        self._first = math.floor(self._offset / over)
        in_period = math.lcm(over.denominator, 2) if mirrored else over.denominator
        in_piece = math.ceil((steps + self._offset) / over) + 1
        self._count, self._period = min((in_period, int(over * in_period)), (in_piece, steps + 1))
        if self._count > MOST_CYCLES:
            raise DoesNotFit(
                given=f"{in_piece} cycles of {float(over)!r} steps",
                allowed=f"at most {MOST_CYCLES} cycles whose ends never meet a step again",
                where="anneal.over",
                fix="give `over` with fewer decimals, or more steps",
            )

    def formula(self, scale: _Scale, way: _Way) -> Formula:
        """The value of the cycle in force; where cycles jump back, the last one is over at the end of the piece."""
        rows = [self._row(k, scale) for k in range(self._first, self._first + self._count + 1)]
        starts, *columns = zip(*rows, strict=True)
        last, period, mirrored = self._steps - (not self._mirrored), self._period, self._mirrored

        def formula(step: Array, ops: Ops) -> Array:
            seen = ops.minimum(step, last)
            turned = seen // period * period
            begin, finish, back, *rests = ops.table(seen - turned, starts, *columns)
            here = step - turned
            done, left = here - begin, finish - here
            if mirrored:
                done, left = ops.where(back > 0.5, left, done), ops.where(back > 0.5, done, left)
            return way(_Part(done, rests[0], rests[1]), _Part(left, rests[2], rests[3]), ops)

        return formula

    def _row(self, k: int, scale: _Scale) -> tuple[float, ...]:
        """Start in the table, begin, finish, whether it runs back, and the rests of what is done and what is left."""
        begin = k * self._over - self._offset
        step, finish = math.ceil(begin), begin + self._over
        end, rest = _split(finish)
        done, left = scale.part(step - begin), scale.part(rest)
        back = self._mirrored and k % 2
        return (max(step, 0), step, end, float(back), *((left + done) if back else (done + left)))

    def __len__(self) -> int:
        if self._over <= 1:
            return self._steps
        return math.ceil((self._steps + self._offset) / self._over) - 1 - self._first

    def __getitem__(self, i: int) -> int:  # type: ignore[override]  # asked one by one
        if not 0 <= i < len(self):
            raise IndexError(i)
        return i + 1 if self._over <= 1 else math.ceil((self._first + 1 + i) * self._over - self._offset)
