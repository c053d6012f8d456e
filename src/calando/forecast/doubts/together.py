"""Doubts that only several curves, or a law fitted to them, raise."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.doubts.alone import share
from calando.forecast.doubts.measured import Measured, noise
from calando.forecast.doubts.value import Doubt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.fitting import Fit

    FloatArray = NDArray[np.float64]

__all__ = ["among", "left_over", "too_few"]

EARLY = 0.3  # of the updates that two runs have in common
HIGHER = 1.4  # peaks at least so far apart are compared
ABOVE, FAR_ABOVE = 0.1, 0.25  # of the loss; at the best peaks of recorded runs it was 0.1 at most
WANDERS = 0.6  # correlation of neighbouring residuals
MANY_NOISES, STRAYS, STRAYS_FAR = 3.0, 0.01, 0.03
LEAST = 8
FEW = 3  # losses a parameter


def among(seen: Sequence[Measured]) -> Iterator[Doubt]:
    """Rates so large that early losses lie above those at a lower one; one doubt a peak, beside the worst."""
    for peak in sorted({one.curve.peak for one in seen}):
        found = []
        for high in (one for one in seen if one.curve.peak == peak):
            pairs = [(_above(high, low), low) for low in seen if peak >= HIGHER * low.curve.peak]
            above, low = max(pairs, key=lambda pair: pair[0], default=(0.0, high))
            if above > ABOVE:
                found.append((above, high.curve, low.curve))
        if not found:
            continue
        above, _, lower = max(found, key=lambda told: told[0])
        yield Doubt(
            "rate too large", "refuse" if above > FAR_ABOVE else "widen",
            f"early on the loss at the peak {peak:g} lies up to {share(above)} above that at {lower.peak:g}: laws"
            " have no word for rates that undo what was learned; leave such runs out",
            {"above": above, "peak": peak, "lower": lower.peak}, tuple(high.name for _, high, _ in found),
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


def left_over(fits: Sequence["Fit"]) -> Iterator[Doubt]:
    """What fitted laws leave of the curves is no noise: it wanders, far beyond what neighbouring losses differ by.

    One doubt a law; it refuses only where no law does better.
    """
    found = [(fit, _unexplained(fit)) for fit in fits]
    least = min((max((left for _, left, _, _ in some), default=0.0) for _, some in found), default=0.0)
    for fit, some in found:
        if not some:
            continue
        name, left, own, wander = max(some, key=lambda told: told[1])
        yield Doubt(
            "left over", "refuse" if least >= STRAYS_FAR else "widen",
            f"{fit.law.name} leaves {share(left)} of the loss of {name} unexplained, {left / max(own, 1e-9):.0f} times"
            f" the noise, and neighbours agree (correlation {wander:.2f}): it does not describe {len(some)} of"
            f" {len(fit.curves)} curves",
            {"left": left, "noise": own, "correlation": wander}, tuple(one for one, _, _, _ in some),
        )  # fmt: skip


def too_few(fits: Sequence["Fit"]) -> Iterator[Doubt]:
    """Fewer losses than a law needs to settle its parameters; the law that has the most of them tells."""
    if not fits:
        return
    fit = max(fits, key=lambda one: len(one.theta))
    losses, parameters = sum(len(curve.losses) for curve in fit.curves), len(fit.theta)
    if losses < FEW * parameters:
        yield Doubt(
            "few losses", "widen",
            f"{losses} losses for the {parameters} parameters of {fit.law.name}: fewer than {FEW} a parameter settle"
            " little; log more often",
            {"losses": float(losses), "parameters": float(parameters)}, tuple(curve.name for curve in fit.curves),
        )  # fmt: skip


def _unexplained(fit: "Fit") -> list[tuple[str, float, float, float]]:
    """Curves that a law does not describe: name, what is left, the noise, how neighbours agree."""
    ends = np.cumsum([len(curve.steps) for curve in fit.curves])[:-1]
    found = []
    for curve, left in zip(fit.curves, np.split(fit.residuals, ends), strict=True):
        if len(left) < LEAST:
            continue
        size, own = float(np.sqrt(np.mean(left**2))), noise(np.log(curve.losses))
        wander = float(left[:-1] @ left[1:] / max(float(left @ left), 1e-300))
        if size >= max(STRAYS, MANY_NOISES * own) and wander >= WANDERS:
            found.append((curve.name, size, own, wander))
    return found
