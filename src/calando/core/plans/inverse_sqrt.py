"""Warm-up, then the inverse square root."""

from functools import partial
from typing import Annotated

from calando.core.algebra import boundaries, ordered
from calando.core.clock import Clock, LengthLike, length_of, round_half_up
from calando.core.curve import Curve, formulas_in_turn
from calando.core.formula import Array, Formula, Ops
from calando.core.kinds import Factor, Lengths, Optional, OptionalSpan, Span
from calando.core.plan import Leaf
from calando.core.transition import transition

__all__ = ["inverse_power", "inverse_sqrt", "timescale_of"]

TIMESCALE = 10_000


def timescale_of(clock: Clock, timescale: LengthLike | None, warmup: int, where: str) -> int:
    """The time constant in whole steps: as given, else the warm-up, else 10000."""
    if timescale is None:
        return warmup or max(round_half_up(TIMESCALE * clock.stretched), 1)
    return clock.whole(length_of(timescale), where, least=1)


def inverse_power(timescale: int, power: float) -> Formula:
    """(1 + t/timescale)^-power."""

    def formula(step: Array, ops: Ops) -> Array:
        share = ops.ratio(timescale, timescale + step)
        return ops.sqrt(share) if power == 0.5 else share**power

    return formula


class inverse_sqrt(Leaf):
    """A linear warm-up, then decay with the inverse square root of time.

    Formula, with W the warm-up and tau the timescale: start + (1-start)*t/W for t < W; 1/sqrt(1 + (t-W)/tau) after.

    Args:
        warmup: W, a length >= 0.
        timescale: tau, a length > 0; left out it is W, or 10000 steps without a warm-up.
        start: the factor that the warm-up starts from, 0 to 1.
        length: n, warm-up included, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        DoesNotFit: when the warm-up is longer than the piece.

    Example:
        >>> import calando
        >>> calando.inverse_sqrt(warmup=100).bind(1000)(400)
        0.5

    Source: Vaswani et al. 2017 (with tau = W, up to a constant); transformers get_inverse_sqrt_schedule.
    """

    sources = ("vaswani2017",)

    warmup: Span = 0
    timescale: Annotated[LengthLike | None, Optional(Lengths(least=1))] = None
    start: Factor = 0.0
    length: OptionalSpan = None

    def check(self) -> None:
        ordered("inverse_sqrt.start", low=self.start, high=1.0)

    def lower(self, steps: int, clock: Clock) -> Curve:
        exact = clock.steps(length_of(self.warmup), "inverse_sqrt.warmup")
        warmup = boundaries([exact, None], steps, clock.piece, "inverse_sqrt.warmup")[1]
        tau = timescale_of(clock, self.timescale, warmup, "inverse_sqrt.timescale")
        rise = partial(transition, "linear", self.start, 1.0)
        return formulas_in_turn([0, warmup, steps], [rise, lambda _: inverse_power(tau, 0.5)])
