"""Curves that come back: warm restarts and the cyclic cosine."""

from fractions import Fraction
from typing import Annotated

from calando.core.algebra import ordered
from calando.core.clock import Clock, length_of
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.formula import Array, Ops
from calando.core.kinds import Factor, OptionalSpan, PositiveSpan, Rational
from calando.core.plan import Leaf
from calando.core.timing import cycle_marks
from calando.core.transition import cosine_weight, quarter_turn, squared_sine
from calando.errors import BadValue

__all__ = ["cyclic_cosine", "warm_restarts"]


class warm_restarts(Leaf):
    """Cosine cycles that start again at the peak (SGDR).

    Formula, in cycle i with start b_i, length n_i = first*growth^i and peak p_i = max(peak_decay^i, end):
    end + (p_i-end)*(1+cos(pi*(t-b_i)/n_i))/2. Starts are first*(1+growth+...+growth^(i-1)), rounded half up.

    Args:
        first: length of the first cycle, > 0.
        growth: ratio of a cycle's length to the one before, > 0.
        peak_decay: ratio of a cycle's peak to the one before, >= 0.
        end: the factor that every cycle falls to, 0 to 1.
        length: n, a length >= 0; left out it takes the rest of the horizon. The last cycle may be cut.

    Raises:
        BadValue: for an end above 1.
        DoesNotFit: when cycles shrink to nothing before the piece ends.

    Example:
        >>> import calando
        >>> restarts = calando.warm_restarts(first=10, growth=2, peak_decay=0.5).bind(70)
        >>> restarts(0), restarts(10), restarts(30), restarts(70)
        (1.0, 0.5, 0.25, 0.0)

    Source: Loshchilov and Hutter 2017 (SGDR); torch CosineAnnealingWarmRestarts, keras CosineDecayRestarts.
    """

    sources = ("loshchilov2017",)

    first: PositiveSpan
    growth: Annotated[float | Fraction, Rational()] = 1
    peak_decay: Factor = 1.0
    end: Factor = 0.0
    length: OptionalSpan = None

    def check(self) -> None:
        if self.end > 1.0:
            raise BadValue(
                given=f"end={self.end:g}",
                allowed="0 to 1, since a cycle falls from the peak, which is 1",
                where="warm_restarts.end",
                fix="use an end below the peak",
            )

    def lower(self, steps: int, clock: Clock) -> Curve:
        first = clock.steps(length_of(self.first), "warm_restarts.first")
        clock.whole(length_of(self.first), "warm_restarts.first", least=1)
        growth = Fraction(self.growth)
        if growth == 1 and first.denominator == 1:
            return self._equal(steps, int(first))
        marks = cycle_marks(first, growth, steps, None, "warm_restarts")
        starts, end = marks[:-1], self.end
        peaks = [max(self.peak_decay**i, end) for i in range(len(starts))]
        turns = [quarter_turn(b - a) for a, b in zip(marks, marks[1:], strict=False)]
        highs, lows = [high for high, _ in turns], [low for _, low in turns]

        def formula(step: Array, ops: Ops) -> Array:
            stop, peak, high, low = ops.table(step, starts, marks[1:], peaks, highs, lows)
            w = squared_sine(stop - step, high, low, ops)
            return peak * w + end * (1.0 - w)

        return Stairs(steps, formula, starts[1:], heading=end)

    def _equal(self, steps: int, n: int) -> Curve:
        last, end, decay = (steps - 1) // n, self.end, self.peak_decay
        weight = cosine_weight(n)

        def formula(step: Array, ops: Ops) -> Array:
            cycle = ops.minimum(step // n, last)
            w = weight(n - (step - cycle * n), ops)
            if decay == 1.0:
                return w if end == 0.0 else w + end * (1.0 - w)
            peak = ops.maximum(ops.power(decay, ops.real(cycle)), end)
            return peak * w + end * (1.0 - w)

        return Stairs(steps, formula, range(n, steps, n), heading=end)


class cyclic_cosine(Leaf):
    """A cosine that swings between the peak and `low` for ever, without jumps.

    Formula: low + (1-low)*(1+cos(2*pi*t/period))/2; it starts at the peak.

    Args:
        period: from peak to peak, a length > 0.
        low: the lowest factor, 0 to 1.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for a low above 1.

    Example:
        >>> import calando
        >>> calando.cyclic_cosine(period=10).bind(100)(5)
        0.0

    Source: torch CosineAnnealingLR past its T_max, where it swings with period 2*T_max.
    """

    period: PositiveSpan
    low: Factor = 0.0
    length: OptionalSpan = None

    def check(self) -> None:
        ordered("cyclic_cosine.low", low=self.low, high=1.0)

    def lower(self, steps: int, clock: Clock) -> Curve:
        period = clock.whole(length_of(self.period), "cyclic_cosine.period", least=1)
        low, weight = self.low, cosine_weight(period)

        def formula(step: Array, ops: Ops) -> Array:
            distance = step % period * 2 - period
            away = ops.maximum(distance, -distance)
            w = weight(away, ops)
            return w if low == 0.0 else w + low * (1.0 - w)

        return Smooth(steps, formula, turns=range(period, steps + 1, period))
