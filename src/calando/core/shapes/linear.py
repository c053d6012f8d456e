"""A straight line."""

from calando.core.clock import Clock
from calando.core.formula import Formula
from calando.core.kinds import Factor, OptionalSpan, Switch
from calando.core.plan import Smooth
from calando.core.transition import inclusive_span, transition

__all__ = ["linear_decay"]


class linear_decay(Smooth):
    """A straight line from `start` to `end`.

    Formula: start + (end-start)*t/n; with `inclusive` n-1 in place of n, so that the last update has `end`.

    Args:
        end: the factor at the end of the piece, >= 0.
        start: the factor at its beginning, >= 0 (below `end` it rises).
        inclusive: reach `end` with the last update instead of just after it.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for a factor that is negative or not finite.

    Example:
        >>> import calando
        >>> line = calando.linear_decay().bind(4)
        >>> [line(t) for t in range(5)]
        [1.0, 0.75, 0.5, 0.25, 0.0]

    Source: torch.optim.lr_scheduler.LinearLR; Defazio et al. 2023 on why it is hard to beat.
    """

    kind = "shape"
    sources = ("defazio2023",)

    end: Factor = 0.0
    start: Factor = 1.0
    inclusive: Switch = False
    length: OptionalSpan = None

    def formula(self, steps: int, clock: Clock) -> Formula:
        return inclusive_span(lambda span: transition("linear", self.start, self.end, span), steps, self.inclusive)
