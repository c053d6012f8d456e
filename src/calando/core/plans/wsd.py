"""Warm-up, stable, decay."""

from functools import partial
from typing import Annotated, Literal

from calando.core.algebra import boundaries, ordered
from calando.core.clock import Clock, LengthLike, length_of
from calando.core.curve import Curve, formulas_in_turn
from calando.core.formula import SCALAR, Formula
from calando.core.kinds import ABOVE_ZERO, Choice, Factor, Lengths, Optional, OptionalSpan, Positive, Span
from calando.core.plan import Leaf
from calando.core.plans.inverse_sqrt import inverse_power, timescale_of
from calando.core.transition import WAYS, check_way, level, transition
from calando.errors import DoesNotFit

__all__ = ["wsd"]

Stable = Literal["constant", "inverse_sqrt", "power"]
Cooldown = Literal["linear", "cosine", "1-sqrt", "exponential", "power"]


class wsd(Leaf):
    """Warm-up, a stable stage, and a cooldown: the schedule that can be lengthened.

    Formula, with W, S and D the three stages and v the value that the stable stage has reached:
    start + (1-start)*t/W; then 1 (constant), 1/sqrt(1+(t-W)/tau) (inverse_sqrt) or (1+(t-W)/tau)^-stable_power
    (power); then, with x = (t-W-S)/D, end + (v-end)*w: w = 1-x (linear), (1+cos(pi*x))/2 (cosine), 1-sqrt(x),
    (1-x)^power (power), or v*(end/v)^x (exponential).

    Args:
        warmup: W, a length >= 0.
        cooldown: D, a length >= 0; a share is of the whole run.
        stable: constant, inverse_sqrt or power.
        cooldown_shape: linear, cosine, 1-sqrt, exponential or power.
        end: the factor at the end of the cooldown, 0 to 1 (above 0 for exponential).
        start: the factor that the warm-up starts from, 0 to 1.
        power: exponent of the power cooldown, > 0.
        stable_power: exponent of the power stable stage, > 0.
        timescale: tau of the decaying stable stages, a length > 0; left out it is W, or 10000 steps without one.
        length: n, all three stages, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for an end of 0 with the exponential cooldown, or a start or end above 1.
        DoesNotFit: when warm-up and cooldown are longer than the piece, or the stable stage falls below `end`.

    Example:
        >>> import calando
        >>> stages = calando.wsd(warmup=10, cooldown="20%").bind(100)
        >>> stages(5), stages(10), stages(80), stages(90), stages(100)
        (0.5, 1.0, 1.0, 0.5, 0.0)

    Source: Hu et al. 2024 (MiniCPM); Haegele et al. 2024 (1-sqrt cooldown, shares); timm and transformers for names.
    """

    sources = ("hu2024", "hagele2024")

    warmup: Span = 0
    cooldown: Span = "20%"
    stable: Annotated[Stable, Choice("constant", "inverse_sqrt", "power")] = "constant"
    cooldown_shape: Annotated[Cooldown, Choice(*WAYS)] = "linear"
    end: Factor = 0.0
    start: Factor = 0.0
    power: Positive = 2.0
    stable_power: Annotated[float, ABOVE_ZERO] = 1.0
    timescale: Annotated[LengthLike | None, Optional(Lengths(least=1))] = None
    length: OptionalSpan = None

    def check(self) -> None:
        ordered("wsd.start", low=self.start, high=1.0)
        ordered("wsd.end", low=self.end, high=1.0)
        if length_of(self.cooldown).amount:
            check_way("wsd.end", self.cooldown_shape, 1.0, self.end)

    def lower(self, steps: int, clock: Clock) -> Curve:
        rise = clock.steps(length_of(self.warmup), "wsd.warmup")
        fall = clock.steps(length_of(self.cooldown), "wsd.cooldown")
        _, warm, cool, stop = boundaries([rise, None, fall], steps, clock.piece, "wsd")
        stable = self._stable(warm, clock)
        top = float(stable(max(cool - warm, 0), SCALAR))
        if stop > cool and top < self.end:
            raise DoesNotFit(
                given=f"a stable stage that has fallen to {top:g}, below end={self.end:g}",
                allowed="a cooldown that goes down",
                where="wsd.end",
                fix="lower the end or lengthen the timescale",
            )
        return formulas_in_turn(
            [0, warm, cool, stop],
            [
                partial(transition, "linear", self.start, 1.0),
                lambda _: stable,
                partial(transition, self.cooldown_shape, top, self.end, power=self.power),
            ],
        )

    def _stable(self, warm: int, clock: Clock) -> Formula:
        if self.stable == "constant":
            return level(1.0)
        tau = timescale_of(clock, self.timescale, warm, "wsd.timescale")
        return inverse_power(tau, 0.5 if self.stable == "inverse_sqrt" else self.stable_power)
