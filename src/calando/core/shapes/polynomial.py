"""A power of the remaining share."""

from calando.core.clock import Clock
from calando.core.curve import Curve, Stairs
from calando.core.formula import Array, Formula, Ops
from calando.core.kinds import Factor, OptionalSpan, Positive, Switch
from calando.core.plan import Smooth
from calando.core.transition import inclusive_span, transition
from calando.errors import BadValue

__all__ = ["polynomial_decay"]


class polynomial_decay(Smooth):
    """A power of the remaining share, from `start` to `end`, once or in ever longer cycles.

    Formula: end + (start-end)*(1-t/n)^power going down, start + (end-start)*(t/n)^power going up. With `cycle`, n is
    replaced by n*max(1, ceil(t/n)): the curve touches `end` at every multiple of n and jumps back up after it, to a
    height that shrinks.

    Args:
        power: the exponent, > 0; 1 is a straight line.
        end: the factor at the end, >= 0.
        start: the factor at the beginning, >= 0 (below `end` it rises, the mirror image in time).
        cycle: start again with a longer n whenever the end is reached; then `length` is the first n, and the piece
            takes the rest of the horizon.
        inclusive: reach `end` with the last update instead of just after it.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for cycles without a length, cycles that rise, or cycles asked to be inclusive.

    Example:
        >>> import calando
        >>> calando.polynomial_decay(power=2).bind(10)(5)
        0.25

    Source: keras.optimizers.schedules.PolynomialDecay (the cycles are its own); Chen et al. 2018 (DeepLab, "poly").
    """

    kind = "shape"
    sources = ("chen2018",)

    power: Positive = 1.0
    end: Factor = 0.0
    start: Factor = 1.0
    cycle: Switch = False
    inclusive: Switch = False
    length: OptionalSpan = None

    def check(self) -> None:
        if not self.cycle:
            return
        own = self.own_length()
        if own is None or own.amount == 0 or self.inclusive or self.start < self.end:
            raise BadValue(
                given="cycle=True" + (" without a length" if own is None else ""),
                allowed="cycles with a length above 0, start >= end, and not inclusive",
                where="polynomial_decay.cycle",
                fix="give the first cycle's length, such as length='10%'",
            )

    def is_flexible(self) -> bool:
        return self.cycle or super().is_flexible()

    def formula(self, steps: int, clock: Clock) -> Formula:
        def once(span: int) -> Formula:
            return transition("power", self.start, self.end, span, self.power)

        return inclusive_span(once, steps, self.inclusive)

    def lower(self, steps: int, clock: Clock) -> Curve:
        own = self.own_length()
        if not self.cycle or own is None:
            return super().lower(steps, clock)
        n = clock.whole(own, "polynomial_decay.length", least=1)
        start, end, power = self.start, self.end, self.power

        def cycles(step: Array, ops: Ops) -> Array:
            span = ops.maximum((step + (n - 1)) // n, 1) * n
            w = ops.ratio(span - step, span) ** power
            return start * w + end * (1.0 - w)

        return Stairs(steps, cycles, range(n + 1, steps + 1, n))
