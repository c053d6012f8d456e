"""The one-cycle policy."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from calando.core.clock import Clock, length_of
from calando.core.curve import Curve, formulas_in_turn
from calando.core.kinds import FACTOR, Choice, Factor, OptionalSpan, Span
from calando.core.plan import Leaf
from calando.core.transition import transition
from calando.errors import DoesNotFit

if TYPE_CHECKING:
    from calando.core.bundle import bundle

__all__ = ["one_cycle"]


class one_cycle(Leaf):
    """Up to the peak, down to (nearly) nothing, in two or three phases of whole steps.

    Formula, with u = peak_at rounded half up: from `start` to `peak` over steps 0 to u; with three phases back to
    `start` over u to 2u; then to `end` at n. A cosine way is b + (a-b)*(1+cos(pi*x))/2, a linear one a + (b-a)*x.

    Args:
        peak_at: u, a length; here "%" is of the piece, not of the whole run.
        start: the factor at step 0, >= 0.
        peak: the factor at step u, >= 0; always reached exactly.
        end: the factor at the end of the piece, >= 0.
        phases: 2, or 3 to come back to `start` before the last fall.
        anneal: cosine or linear.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        DoesNotFit: when the phases do not fit the piece.

    Example:
        >>> import calando
        >>> cycle = calando.one_cycle(peak_at="30%").bind(100)
        >>> cycle(0), cycle(30), cycle(100)
        (0.04, 1.0, 4e-06)

    Source: Smith and Topin 2018 (super-convergence); torch.optim.lr_scheduler.OneCycleLR, whose phases may end
    between steps, so that it can miss its peak.
    """

    sources = ("smith2018",)

    peak_at: Span = "30%"
    start: Factor = 0.04
    peak: Annotated[float, FACTOR] = 1.0
    end: Factor = 4e-6
    phases: Annotated[Literal[2, 3], Choice(2, 3)] = 2
    anneal: Annotated[Literal["cosine", "linear"], Choice("cosine", "linear")] = "cosine"
    length: OptionalSpan = None

    def with_momentum(self, low: float = 0.85, high: float = 0.95) -> "bundle":
        """The cycle together with its counter-cycled momentum: high, low at the peak, high again.

        Args:
            low: the momentum at the peak, 0 to 1.
            high: the momentum at both ends, low to 1.

        Example:
            >>> import calando
            >>> both = calando.one_cycle(peak_at=10).with_momentum().bind(100)
            >>> both.at(10)
            {'lr': 1.0, 'momentum': 0.85}
        """
        from calando.core.algebra import ordered
        from calando.core.bundle import bundle

        ordered("one_cycle.with_momentum", low=low, high=high)
        ordered("one_cycle.with_momentum", low=high, high=1.0)
        momentum = one_cycle(
            peak_at=self.peak_at, start=high, peak=low, end=high, phases=self.phases, anneal=self.anneal,
            length=self.length,
        )  # fmt: skip
        return bundle(self, momentum=momentum)

    def lower(self, steps: int, clock: Clock) -> Curve:
        length = length_of(self.peak_at)
        here = clock.within(steps) if length.unit == "%" else clock
        up = here.whole(length, "one_cycle.peak_at")
        marks = [0, up, 2 * up, steps] if self.phases == 3 else [0, up, steps]
        if up >= steps or marks[-2] > steps:
            raise DoesNotFit(
                given=f"{self.phases - 1} phase{'s' * (self.phases - 2)} of {up} steps in a piece of {steps}",
                allowed="a peak before the last update, and phases that fit the piece",
                where="one_cycle.peak_at",
                fix="reach the peak earlier",
            )
        levels = (
            [self.start, self.peak, self.end] if self.phases == 2 else [self.start, self.peak, self.start, self.end]
        )
        ways = [partial(transition, self.anneal, a, b) for a, b in zip(levels, levels[1:], strict=False)]
        return formulas_in_turn(marks, ways)
