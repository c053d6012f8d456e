"""One level value."""

from calando.core.clock import Clock
from calando.core.formula import Formula
from calando.core.kinds import Factor, OptionalSpan
from calando.core.plan import Smooth
from calando.core.transition import level

__all__ = ["constant"]


class constant(Smooth):
    """The same factor at every step.

    Formula: value.

    Args:
        value: the factor, >= 0 (1 is the peak).
        length: how long, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for a value that is negative or not finite.

    Example:
        >>> import calando
        >>> calando.constant(0.5).bind(10)(3)
        0.5

    Source: torch.optim.lr_scheduler.ConstantLR; here the value is the factor itself and lasts for the piece.
    """

    kind = "shape"

    value: Factor = 1.0
    length: OptionalSpan = None

    def formula(self, steps: int, clock: Clock) -> Formula:
        return level(self.value)
