"""Inverse time decay."""

from typing import Annotated

from calando.core.clock import Clock, length_of
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.kinds import FACTOR, OptionalSpan, PositiveSpan, Switch
from calando.core.plan import Leaf

__all__ = ["inverse_time"]


class inverse_time(Leaf):
    """Decay with the inverse of time.

    Formula: 1/(1 + rate*t/every), with t/every in whole intervals when staircase.

    Args:
        rate: decay per `every`, >= 0.
        every: the interval, a length > 0; 1 step unless given.
        staircase: change only at whole intervals.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for a rate that is negative or not finite.

    Example:
        >>> import calando
        >>> calando.inverse_time(rate=1, every=10).bind(100)(30)
        0.25

    Source: keras.optimizers.schedules.InverseTimeDecay; Robbins and Monro 1951.
    """

    kind = "shape"
    sources = ("robbins1951",)

    rate: Annotated[float, FACTOR]
    every: PositiveSpan = 1
    staircase: Switch = False
    length: OptionalSpan = None

    def lower(self, steps: int, clock: Clock) -> Curve:
        rate = self.rate
        every = clock.interval(length_of(self.every), "inverse_time.every", whole=self.staircase)
        if self.staircase:
            breaks = range(int(every), steps + 1, int(every))
            return Stairs(steps, lambda t, ops: 1.0 / (1.0 + rate * ops.real(t // every)), breaks, level=True)
        return Smooth(steps, lambda t, ops: 1.0 / (1.0 + rate * ops.ratio(t, every)))
