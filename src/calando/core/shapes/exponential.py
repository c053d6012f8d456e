"""Exponential decay."""

from typing import Annotated

from calando.core.clock import Clock, length_of
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.formula import Array, Ops
from calando.core.kinds import ABOVE_ZERO, FACTOR, Optional, OptionalSpan, PositiveSpan, Span, Switch
from calando.core.plan import Leaf
from calando.errors import BadValue, DoesNotFit

__all__ = ["exponential_decay"]


class exponential_decay(Leaf):
    """Exponential decay, by a rate, by a factor per interval, or to a wanted end.

    Formula, with u = max(t - delay, 0)/every, in whole intervals when staircase:
    rate: exp(-rate*u); factor: factor^u; end: end^(u*every/(n - delay)).

    Args:
        rate: decay per `every`, >= 0 (exactly one of rate, factor and end is given).
        factor: what an interval of `every` multiplies by, > 0.
        end: the factor wanted at the end of the piece, > 0.
        every: the interval, a length > 0; 1 step unless given ("1ep" for a gamma per epoch).
        staircase: change only at whole intervals.
        delay: how long the value stays 1 first, a length >= 0.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: unless exactly one of rate, factor and end is given.
        DoesNotFit: when the delay leaves nothing of the piece for `end` to be reached in.

    Example:
        >>> import calando
        >>> calando.exponential_decay(factor=0.5, every=10).bind(100)(20)
        0.25
        >>> calando.exponential_decay(end=0.01).bind(100)(50)
        0.1

    Source: torch.optim.lr_scheduler.ExponentialLR (factor per step), keras ExponentialDecay (factor per interval,
    staircase), optax.exponential_decay (delayed start).
    """

    kind = "shape"

    rate: Annotated[float | None, Optional(FACTOR)] = None
    factor: Annotated[float | None, Optional(ABOVE_ZERO)] = None
    end: Annotated[float | None, Optional(ABOVE_ZERO)] = None
    every: PositiveSpan = 1
    staircase: Switch = False
    delay: Span = 0
    length: OptionalSpan = None

    def check(self) -> None:
        given = [name for name in ("rate", "factor", "end") if getattr(self, name) is not None]
        if len(given) != 1:
            raise BadValue(
                given=" and ".join(given) if given else "none of rate, factor, end",
                allowed="exactly one of rate, factor and end",
                where="exponential_decay",
                fix="write exponential_decay(factor=0.99), (rate=0.01) or (end=0.01)",
            )

    def lower(self, steps: int, clock: Clock) -> Curve:
        delay = clock.whole(length_of(self.delay), "exponential_decay.delay")
        every = clock.interval(length_of(self.every), "exponential_decay.every", whole=self.staircase)
        if self.rate is not None:
            return self._by_rate(-self.rate, steps, delay, every)
        base, span = self._base(steps, delay, every)
        if not self.staircase:
            return Smooth(steps, lambda t, ops: ops.power(base, ops.ratio(ops.maximum(t - delay, 0), span)))
        width = int(every)

        def stairs(step: Array, ops: Ops) -> Array:
            u = ops.maximum(step - delay, 0) // width
            return ops.power(base, ops.ratio(u * width, span))

        return Stairs(steps, stairs, range(delay + width, steps + 1, width), level=True)

    def _by_rate(self, rate: float, steps: int, delay: int, every: float) -> Curve:
        if not self.staircase:
            return Smooth(steps, lambda t, ops: ops.growth(rate, ops.ratio(ops.maximum(t - delay, 0), every)))
        width = int(every)

        def stairs(step: Array, ops: Ops) -> Array:
            return ops.growth(rate, ops.real(ops.maximum(step - delay, 0) // width))

        return Stairs(steps, stairs, range(delay + width, steps + 1, width), level=True)

    def _base(self, steps: int, delay: int, every: float) -> tuple[float, float]:
        """base and span of base^(t/span)."""
        if self.factor is not None:
            return self.factor, every
        if delay >= steps:
            raise DoesNotFit(
                given=f"a delay of {delay} in a piece of {steps} steps",
                allowed="a delay shorter than the piece, so that the end can be reached",
                where="exponential_decay.delay",
                fix="shorten the delay or lengthen the piece",
            )
        return self.end or 1.0, steps - delay
