"""Virtual cooldown: what a run would give if it decayed now, told by the loss of its averaged weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from calando.errors import BadValue, shown

if TYPE_CHECKING:
    from calando.watch.watched import Watched

__all__ = ["LENGTH", "MEASURED", "Virtual", "virtual_cooldown"]

LENGTH: Final = 0.1
"""The cooldown that is spoken of, as a share of the updates made."""

MEASURED: Final[Mapping[float, tuple[float, float]]] = {0.01: (0.747, 1.063), 0.05: (0.918, 1.201), 0.2: (0.955, 1.335)}
"""By window: how a real cooldown's loss stood to the average's on our own runs, lowest and highest of the middle 95 %.

Of cooldowns on a task that a band was not made from, 89 to 92 % lie in it, so that it is told as one of 80 %.

Source: bench/results/watch/virtual.md.
"""


@dataclass(frozen=True, slots=True)
class Virtual:
    """The loss of the weights averaged over one window, and where a real cooldown of so many steps would end.

    `low` and `high` are None for what is no loss above 0: the band is one of ratios.

    >>> Virtual(0.05, 2.5, 2.4, 2.6, 100).source
    'average of the last 5 %'
    """

    window: float
    value: float
    low: float | None
    high: float | None
    steps: int

    @property
    def source(self) -> str:
        """Where the value comes from, in words."""
        return f"average of the last {100 * self.window:g} %"


def virtual_cooldown(watched: "Watched", losses: Mapping[float, float]) -> tuple[Virtual, ...]:
    """Write down what averaged weights are worth, with the band that a real cooldown from here would end in.

    Formula: the band is the average's loss times the ratios of real to virtual within which the cooldowns of our own
    runs ended, by window: linear to 0, over a tenth of the updates made.

    Args:
        watched: object that `calando.watch` gave.
        losses: mapping of windows (shares of the updates so far, above 0 and at most 0.5) to losses, as `evaluate` of
            `calando.torch.averages` or `calando.optax.averages` gives it; those that are not finite are left out.

    Raises:
        BadValue: for windows or losses that are none.

    Example:
        >>> import calando, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> watched = calando.watch("first", folder=folder.name)
        >>> watched.log(train_loss=2.5, step=999)
        >>> found = calando.watch.virtual_cooldown(watched, {0.05: 2.0})
        >>> watched.close()
        >>> found[0].source, found[0].steps, found[0].low < found[0].value < found[0].high
        ('average of the last 5 %', 100, True)
        >>> folder.cleanup()

    Source: Hägele et al., arXiv 2405.18392, for averages in place of cooldowns; bench/results/watch/virtual.md.
    """
    if not isinstance(losses, Mapping) or not losses or not all(_fits(*pair) for pair in losses.items()):
        raise BadValue(
            given=f"losses={shown(losses)}",
            allowed="a mapping of windows above 0, at most 0.5, to numbers",
            where="virtual_cooldown(losses)",
            fix="give what averages.evaluate(...) returned",
        )
    steps = max(round(LENGTH * (watched.step + 1)), 1)
    whole = {window: loss for window, loss in losses.items() if math.isfinite(loss)}
    if len(whole) < len(losses):
        watched._once("virtual", "a loss of averaged weights is not finite, and left out: the run may have diverged")
    found = tuple(_told(float(window), float(loss), steps) for window, loss in sorted(whole.items()))
    for one in found:
        ends = {} if one.low is None else {"low": one.low, "high": one.high}
        watched.event("virtual", value=one.value, **ends, source=one.source, steps=one.steps)
    return found


def _fits(window: object, loss: object) -> bool:
    real = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (window, loss))
    return real and 0 < window <= 0.5  # type: ignore[operator]


def _told(window: float, loss: float, steps: int) -> Virtual:
    nearest = min(MEASURED, key=lambda known: abs(math.log(known / window)))
    low, high = MEASURED[nearest]
    if not loss > 0:
        return Virtual(window, loss, None, None, steps)
    return Virtual(window, loss, low * loss, high * loss, steps)
