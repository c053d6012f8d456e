"""The rise to the peak."""

from typing import Annotated, Literal

from calando.core.clock import Clock
from calando.core.formula import Formula
from calando.core.kinds import Choice, Factor, Span
from calando.core.plan import Smooth
from calando.core.transition import check_way, transition
from calando.errors import BadValue

__all__ = ["warmup"]

Shape = Literal["linear", "exponential", "cosine", "1-sqrt"]
First = Literal["start", "step"]


class warmup(Smooth):
    """A rise from `start` to the peak, in front of anything.

    Formula, with x = t/W (first=start) or x = (t+1)/W (first=step):
    linear start + (1-start)*x; cosine start + (1-start)*sin(pi*x/2)^2; 1-sqrt start + (1-start)*(1-sqrt(1-x));
    exponential start^(1-x).

    Args:
        length: W, a length >= 0; a share such as "5%" is of the whole run.
        start: the factor that the rise starts from, 0 to 1 (above 0 for the exponential shape).
        shape: linear, exponential, cosine or 1-sqrt.
        first: "start" gives the first update the factor `start` and reaches the peak at step W; "step" gives it one
            step of the rise already and reaches the peak at step W-1.

    Raises:
        BadValue: for a start above 1, or of 0 with the exponential shape.

    Example:
        >>> import calando
        >>> rise = (calando.warmup(5) | calando.constant()).bind(10)
        >>> [rise(t) for t in range(6)]
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        >>> (calando.warmup(5, first="step") | calando.constant()).bind(10)(0)
        0.2

    Source: Goyal et al. 2017 (gradual warm-up); transformers.get_scheduler for t/W, timm and others for (t+1)/W.
    """

    kind = "shape"
    sources = ("goyal2017",)
    leading = ("length",)

    length: Span
    start: Factor = 0.0
    shape: Annotated[Shape, Choice("linear", "exponential", "cosine", "1-sqrt")] = "linear"
    first: Annotated[First, Choice("start", "step")] = "start"

    def check(self) -> None:
        if self.start > 1.0:
            raise BadValue(
                given=f"start={self.start:g}",
                allowed="0 to 1, since a warm-up rises to the peak, which is 1",
                where="warmup.start",
                fix="use linear_decay(start=..., end=1) for a way down to the peak",
            )
        check_way("warmup.start", self.shape, self.start, 1.0)

    def formula(self, steps: int, clock: Clock) -> Formula:
        rise = transition(self.shape, self.start, 1.0, steps)
        if self.first == "start":
            return rise
        return lambda step, ops: rise(ops.minimum(step + 1, steps), ops)
