"""Half a cosine."""

from calando.core.clock import Clock
from calando.core.formula import Formula
from calando.core.kinds import Factor, OptionalSpan, Switch
from calando.core.plan import Smooth
from calando.core.transition import inclusive_span, transition

__all__ = ["cosine"]


class cosine(Smooth):
    """Half a cosine from `start` to `end`, held there afterwards.

    Formula: end + (start-end)*(1+cos(pi*t/n))/2; with `inclusive` n-1 in place of n.

    Args:
        end: the factor at the end of the piece, >= 0.
        start: the factor at its beginning, >= 0 (below `end` it rises).
        inclusive: reach `end` with the last update instead of just after it.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for a factor that is negative or not finite.

    Example:
        >>> import calando
        >>> calando.cosine(end=0.1).bind(100)(100)
        0.1

    Source: Loshchilov and Hutter 2017 (SGDR); torch.optim.lr_scheduler.CosineAnnealingLR, which climbs again past
    its end where this one holds.
    """

    kind = "shape"
    sources = ("loshchilov2017",)

    end: Factor = 0.0
    start: Factor = 1.0
    inclusive: Switch = False
    length: OptionalSpan = None

    def formula(self, steps: int, clock: Clock) -> Formula:
        return inclusive_span(lambda span: transition("cosine", self.start, self.end, span), steps, self.inclusive)
