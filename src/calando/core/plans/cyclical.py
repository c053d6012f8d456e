"""Cyclical learning rates."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from calando.core.algebra import ordered
from calando.core.clock import Clock, LengthLike, length_of
from calando.core.curve import Curve, Smooth
from calando.core.formula import Array, Ops
from calando.core.kinds import Choice, Factor, Lengths, Number, Optional, OptionalSpan, PositiveSpan, Switch
from calando.core.plan import Leaf
from calando.errors import BadValue

if TYPE_CHECKING:
    from calando.core.bundle import bundle

__all__ = ["cyclical"]

Mode = Literal["triangular", "triangular2", "exp_range"]


class cyclical(Leaf):
    """A triangle wave between `low` and `high`, level, halving with every cycle, or decaying with every step.

    Formula, with w rising 0 to 1 over `half` steps and falling back over `down` steps, i the cycle:
    low + (high-low)*w*s, s = 1 (triangular), 2^-i (triangular2) or gamma^t (exp_range); inverse: high - (high-low)*w*s.

    Args:
        low: the lowest factor, >= 0.
        half: steps of a rise, a length > 0.
        down: steps of a fall, a length > 0; left out it equals `half`.
        high: the highest factor, >= low.
        mode: triangular, triangular2 or exp_range.
        gamma: decay per step of exp_range, above 0 to 1; given for that mode alone.
        inverse: start high and dip, as momentum does.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: when low is above high, or gamma and the mode do not go together.

    Example:
        >>> import calando
        >>> wave = calando.cyclical(low=0.1, half=10).bind(100)
        >>> wave(0), wave(10), wave(20)
        (0.1, 1.0, 0.1)

    Source: Smith 2017 (cyclical learning rates); torch.optim.lr_scheduler.CyclicLR.
    """

    sources = ("smith2017",)

    low: Factor
    half: PositiveSpan
    down: Annotated[LengthLike | None, Optional(Lengths(least=1))] = None
    high: Factor = 1.0
    mode: Annotated[Mode, Choice("triangular", "triangular2", "exp_range")] = "triangular"
    gamma: Annotated[float | None, Optional(Number(above=True, high=1.0))] = None
    inverse: Switch = False
    length: OptionalSpan = None

    def check(self) -> None:
        ordered("cyclical", low=self.low, high=self.high)
        if (self.gamma is not None) != (self.mode == "exp_range"):
            raise BadValue(
                given=f"mode={self.mode} " + ("without gamma" if self.gamma is None else f"with gamma={self.gamma:g}"),
                allowed="gamma with exp_range, and only with it",
                where="cyclical.gamma",
                fix="write mode='exp_range', gamma=0.999, or leave gamma out",
            )

    def with_momentum(self, low: float = 0.8, high: float = 0.9) -> "bundle":
        """The wave together with its counter-cycled momentum.

        Args:
            low: the momentum where the wave is highest, 0 to 1.
            high: the momentum where it is lowest, low to 1.

        Example:
            >>> import calando
            >>> both = calando.cyclical(low=0.1, half=10).with_momentum().bind(100)
            >>> both.at(10)
            {'lr': 1.0, 'momentum': 0.8}
        """
        from calando.core.bundle import bundle

        ordered("cyclical.with_momentum", low=low, high=high)
        ordered("cyclical.with_momentum", low=high, high=1.0)
        momentum = cyclical(
            low=low, high=high, half=self.half, down=self.down, mode=self.mode, gamma=self.gamma,
            inverse=not self.inverse, length=self.length,
        )  # fmt: skip
        return bundle(self, momentum=momentum)

    def lower(self, steps: int, clock: Clock) -> Curve:
        up = clock.whole(length_of(self.half), "cyclical.half", least=1)
        down = up if self.down is None else clock.whole(length_of(self.down), "cyclical.down", least=1)
        low, high, inverse, period = self.low, self.high, self.inverse, up + down
        last = (steps - 1) // period
        base = {"triangular": 1.0, "triangular2": 0.5, "exp_range": self.gamma or 1.0}[self.mode]
        by_step = self.mode == "exp_range"
        pace = float(1 / clock.stretched)

        def formula(step: Array, ops: Ops) -> Array:
            cycle = ops.minimum(step // period, last)
            here = step - cycle * period
            w = ops.where(here < up, ops.ratio(here, up), ops.ratio(period - here, down))
            if base != 1.0:
                w = w * ops.power(base, ops.real(step) * pace if by_step else ops.real(cycle))
            return high * (1.0 - w) + low * w if inverse else low * (1.0 - w) + high * w

        return Smooth(steps, formula, turns=_Turns(up, period, steps))


class _Turns:
    """The tops and bottoms of the wave, in order."""

    def __init__(self, up: int, period: int, steps: int) -> None:
        self._up, self._period, self._steps = up, period, steps

    def __iter__(self) -> Iterator[int]:
        for bottom in range(0, self._steps + 1, self._period):
            if bottom:
                yield bottom
            if bottom + self._up <= self._steps:
                yield bottom + self._up
