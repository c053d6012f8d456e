"""Ways from one value to another, shared by every shape that rises or falls.

Each way has a weight w from 1 (at x = 0) to 0 (at x = 1), in a form without cancellation near its end, so that a
factor of 1e-12 is as exact as one of 0.5. Falling: start*w + end*(1 - w). Rising is the same way run backwards.
"""

import math
from collections.abc import Callable
from typing import Final

from calando.core.formula import Array, Formula, Ops
from calando.errors import BadValue

__all__ = ["WAYS", "Weight", "check_way", "inclusive_span", "transition"]

_QUARTER_TURN: Final = math.pi / 2

WAYS: Final = ("linear", "cosine", "1-sqrt", "exponential", "power")


class Weight:
    """The weights: each is w(left, n) for `left` of `n` steps still to go."""

    @staticmethod
    def linear(left: Array, n: int, ops: Ops) -> Array:
        """x = left / n."""
        return ops.ratio(left, n)

    @staticmethod
    def cosine(left: Array, n: int, ops: Ops) -> Array:
        """(1 + cos(pi*t/n))/2 as the squared sine of the remaining share."""
        return ops.sin(_QUARTER_TURN * ops.ratio(left, n)) ** 2

    @staticmethod
    def root(left: Array, n: int, ops: Ops) -> Array:
        """1 - sqrt(t/n) as (left/n) / (1 + sqrt(t/n))."""
        return ops.ratio(left, n) / (1.0 + ops.sqrt(ops.ratio(n - left, n)))


def transition(way: str, start: float, end: float, steps: int, power: float = 1.0) -> Formula:
    """value(step, ops) from `start` at step 0 to `end` at step `steps`, both hit exactly.

    Falling follows the way; rising follows its mirror image in time, which is what a warm-up of that shape means.
    """
    if way == "exponential":
        ratio = end / start

        def geometric(step: Array, ops: Ops) -> Array:
            return start * ratio ** ops.ratio(step, steps)

        return geometric
    if way == "power":

        def weight(left: Array, n: int, ops: Ops) -> Array:
            return ops.ratio(left, n) ** power

    else:
        weight = {"linear": Weight.linear, "cosine": Weight.cosine, "1-sqrt": Weight.root}[way]
    if end > start:

        def rising(step: Array, ops: Ops) -> Array:
            w = weight(step, steps, ops)
            return start * (1.0 - w) + end * w if start else end * w

        return rising
    if end == 0.0:
        return lambda step, ops: start * weight(steps - step, steps, ops)

    def falling(step: Array, ops: Ops) -> Array:
        w = weight(steps - step, steps, ops)
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
