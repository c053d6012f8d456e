"""Ways from one value to another, shared by every shape that rises or falls.

Each way has a weight w from 1 (at x = 0) to 0 (at x = 1), in a form without cancellation near its end, so that a
factor of 1e-12 is as exact as one of 0.5. Falling: start*w + end*(1 - w). Rising is the same way run backwards.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final, TypeAlias

from calando.core.formula import Array, Formula, Ops
from calando.errors import BadValue

__all__ = [
    "HALF_PI",
    "WAYS",
    "Weight",
    "check_way",
    "cosine_weight",
    "inclusive_span",
    "level",
    "quarter_turn",
    "squared_sine",
    "transition",
]

HALF_PI: Final = Fraction("1.57079632679489661923132169163975144209858469968755291048747229615390820314310449931")

WAYS: Final = ("linear", "cosine", "1-sqrt", "exponential", "power")


Weight: TypeAlias = Callable[[Array, Ops], Array]
"""w(left, ops) for `left` steps still to go of the n that the weight was made for."""


def quarter_turn(n: int | Fraction) -> tuple[float, float]:
    """pi/2/n as high + low, where high is so short that its product with any whole step up to n is exact.

    Formula: high keeps 53 - bits(n) bits, low the rest; left*high + left*low is then pi/2*left/n to an ulp.

    >>> high, low = quarter_turn(3)
    >>> abs(3 * high + 3 * low - math.pi / 2) < 3e-16
    True
    """
    exact = HALF_PI / n
    keep = max(53 - math.ceil(n).bit_length(), 1)
    fraction, exponent = math.frexp(float(exact))
    high = math.ldexp(round(math.ldexp(fraction, keep)), exponent - keep)
    return high, float(exact - Fraction(high))


def squared_sine(left: Array, high: Array, low: Array, ops: Ops) -> Array:
    """(1 + cos(pi*t/n))/2 as the squared sine of the remaining quarter turn, `quarter_turn(n)` being high and low."""
    x = ops.real(left)
    s = ops.sin(x * high + x * low)
    return s * s


def cosine_weight(n: int) -> Weight:
    """w = (1 + cos(pi*t/n))/2."""
    high, low = quarter_turn(n)
    return lambda left, ops: squared_sine(left, high, low, ops)


def linear_weight(n: int) -> Weight:
    """w = 1 - t/n."""
    return lambda left, ops: ops.ratio(left, n)


def root_weight(n: int) -> Weight:
    """w = 1 - sqrt(t/n), as (left/n) / (1 + sqrt(t/n))."""
    return lambda left, ops: ops.ratio(left, n) / (1.0 + ops.sqrt(ops.ratio(n - left, n)))


def power_weight(n: int, power: float) -> Weight:
    """w = (1 - t/n)^power."""
    return lambda left, ops: ops.ratio(left, n) ** power


_WEIGHTS: Final = {"linear": linear_weight, "cosine": cosine_weight, "1-sqrt": root_weight}


def level(value: float) -> Formula:
    """The same value at every step."""
    return lambda step, ops: value if ops.scalar else ops.real(step * 0) + value


def transition(way: str, start: float, end: float, steps: int, power: float = 1.0) -> Formula:
    """value(step, ops) from `start` at step 0 to `end` at step `steps`, both hit exactly.

    Falling follows the way; rising follows its mirror image in time, which is what a warm-up of that shape means.
    """
    if way == "exponential":
        if end > start:
            return lambda step, ops: end * ops.power(start / end, ops.ratio(steps - step, steps))
        return lambda step, ops: start * ops.power(end / start, ops.ratio(step, steps))
    weight = power_weight(steps, power) if way == "power" else _WEIGHTS[way](steps)
    if end > start:

        def rising(step: Array, ops: Ops) -> Array:
            w = weight(step, ops)
            return start * (1.0 - w) + end * w if start else end * w

        return rising
    if end == 0.0:
        return lambda step, ops: start * weight(steps - step, ops)

    def falling(step: Array, ops: Ops) -> Array:
        w = weight(steps - step, ops)
        return start * w + end * (1.0 - w)

    return falling


def check_way(where: str, way: str, start: float, end: float) -> None:
    """An exponential way needs both ends above zero.

    Raises:
        BadValue: when one end is zero.
    """
    if way == "exponential" and min(start, end) <= 0.0:
        raise BadValue(
            given=f"an exponential way from {start:g} to {end:g}",
            allowed="both ends above 0, since an exponential never reaches 0",
            where=where,
            fix="give the end that is 0 a small value, such as 0.01",
        )


def inclusive_span(formula_of_span: Callable[[int], Formula], steps: int, inclusive: bool) -> Formula:
    """A formula that reaches its end with the last step of the piece (`inclusive`) or just after it."""
    if not inclusive:
        return formula_of_span(steps)
    span = max(steps - 1, 1)
    formula = formula_of_span(span)
    if steps == 1:
        return lambda step, ops: formula(step * 0 + 1, ops)
    return lambda step, ops: formula(ops.minimum(step, span), ops)
