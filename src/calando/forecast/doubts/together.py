"""Doubts that only several curves, or a law fitted to them, raise."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.doubts.alone import share
from calando.forecast.doubts.measured import Measured, noise
from calando.forecast.doubts.value import Doubt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.fitting import Fit

    FloatArray = NDArray[np.float64]

__all__ = ["among", "left_over"]

EARLY = 0.3  # of the updates that two runs have in common
HIGHER = 1.4  # peaks at least so far apart are compared
ABOVE, FAR_ABOVE = 0.1, 0.25  # of the loss; at the best peaks of recorded runs it was 0.1 at most
WANDERS = 0.6  # correlation of neighbouring residuals
MANY_NOISES, STRAYS, STRAYS_FAR = 3.0, 0.01, 0.03
LEAST = 8


def among(seen: Sequence[Measured]) -> Iterator[Doubt]:
    """Rates so large that early losses lie above those at a lower one; each curve is named once, beside the worst."""
    worst: dict[int, tuple[float, Measured]] = {}
    for one, other in permutations(range(len(seen)), 2):
        if seen[one].curve.peak >= HIGHER * seen[other].curve.peak:
            above = _above(seen[one], seen[other])
            if above > (worst[one][0] if one in worst else ABOVE):
                worst[one] = (above, seen[other])
    for one, (above, low) in worst.items():
        curve = seen[one].curve
        yield Doubt(
            "rate too large", "refuse" if above > FAR_ABOVE else "widen",
            f"early on the loss at the peak {curve.peak:g} lies {share(above)} above that at {low.curve.peak:g}: laws"
            " have no word for rates that undo what was learned; leave such runs out",
            {"above": above, "peak": curve.peak, "lower": low.curve.peak}, (curve.name, low.curve.name),
        )  # fmt: skip


def _above(high: Measured, low: Measured) -> float:
    """How far one curve lies above another early on (median); 0 where they do not meet."""
    first, second = high.curve.fitted_part(), low.curve.fitted_part()
    end = EARLY * min(first.horizon, second.horizon)
    at = first.steps[(first.steps >= second.steps[0]) & (first.steps <= min(end, second.steps[-1]))]
    if not len(at):
        return 0.0
    apart = np.log(np.interp(at, first.steps, first.losses)) - np.log(np.interp(at, second.steps, second.losses))
    return float(np.median(apart))


def left_over(fit: "Fit") -> Iterator[Doubt]:
    """What a fitted law leaves of each curve is no noise: it wanders, far beyond what neighbouring losses differ by."""
    ends = np.cumsum([len(curve.steps) for curve in fit.curves])[:-1]
    for curve, left in zip(fit.curves, np.split(fit.residuals, ends), strict=True):
        if len(left) < LEAST:
            continue
        size, own = float(np.sqrt(np.mean(left**2))), noise(np.log(curve.losses))
        wander = float(left[:-1] @ left[1:] / max(float(left @ left), 1e-300))
        if size < max(STRAYS, MANY_NOISES * own) or wander < WANDERS:
            continue
        yield Doubt(
            "left over", "refuse" if size >= STRAYS_FAR else "widen",
            f"{fit.law.name} leaves {share(size)} of the loss unexplained, {size / max(own, 1e-9):.0f} times the noise,"
            f" and neighbours agree (correlation {wander:.2f}): the law does not describe this curve",
            {"left": size, "noise": own, "correlation": wander}, (curve.name,),
        )  # fmt: skip
