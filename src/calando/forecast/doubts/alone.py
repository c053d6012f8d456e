"""Doubts that one curve raises by itself."""

from collections.abc import Callable, Iterator

import numpy as np

from calando.forecast.doubts.measured import DENSE, Measured, noise, risen_again
from calando.forecast.doubts.trend import QUARTER, drift
from calando.forecast.doubts.value import Consequence, Doubt

__all__ = ["all_alone", "share"]

SURE = 5.0  # standard deviations
TURNS, TURNS_SLIGHTLY = 0.01, 0.003  # of the loss: above the lowest level, while the rate does not rise
DRIFTS, DRIFT_ERRORS, TREND = 0.005, 3.5, 2.5  # of the loss; standard errors; standard deviations
STAYS = 3.3  # standard errors of the difference of two quarters; recorded runs that fall as they should: at most 2.0
LEAST, FEW = 4, 8  # losses after the warm-up
SATURATED = 0.02  # of the first loss
STARTS_LOW, STARTS_NOWHERE = 0.12, 0.02  # of the loss: all that the run gains, seen from its beginning
EARLY = 0.1  # of the updates
RISES_AGAIN = 0.1  # of the peak
FOLLOWS, HEARD = 0.02, 3.0  # of the loss, and in standard deviations: that it rises with the rate
SPIKE, SPIKE_NOISE = 0.05, 8.0  # of the loss, and in standard deviations
SCATTERS, SCATTERS_FAR = 0.03, 0.1  # of the loss, once dense losses are averaged

TURNED = (
    "the loss is {} above its lowest level of about update {} although the rate does not rise: it is learned by heart"
    " (then stop there, or regularise), or the rate is too large"
)


def share(logarithm: float) -> str:
    """A difference of logarithms as per cent.

    >>> share(0.0953), share(2.0)
    ('10 %', '639 %')
    """
    value = 100 * float(np.expm1(logarithm))
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def few_losses(seen: Measured) -> Doubt | None:
    """Too little to tell a shape from noise."""
    count = len(seen.logs)
    if count >= FEW:
        return None
    return _doubt(
        seen, "few losses", "refuse" if count < LEAST else "widen",
        f"{count} losses after the warm-up; fewer than {FEW} tell no curve from noise: log more often",
        losses=count,
    )  # fmt: skip


def warming_up(seen: Measured) -> Doubt | None:
    """Nothing was recorded after the warm-up."""
    curve = seen.curve
    if not 0 < int(curve.steps[-1]) <= curve.warmup:
        return None
    return _doubt(
        seen, "still warming up", "refuse",
        f"the last loss is after {curve.steps[-1]} updates, the warm-up takes {curve.warmup}: let it go on",
        updates=float(curve.steps[-1]), warmup=float(curve.warmup),
    )  # fmt: skip


def turning_up(seen: Measured) -> Doubt | None:
    """The loss rises from its lowest level although the rate does not."""
    lowest = seen.lowest
    rise = float(seen.levels[-1] - seen.levels[lowest])
    later = seen.rates[lowest + seen.window - 1 :]
    own = max(seen.noise, noise(seen.logs[len(seen.logs) // 2 :]))
    if rise < max(TURNS_SLIGHTLY, SURE * own * (2 / seen.window) ** 0.5) or _climbs(later, float(seen.rates.max())):
        return _drifting_up(seen)
    at = int(seen.curve.fitted_part().steps[lowest + seen.window // 2])
    return _doubt(
        seen, "turns up", "refuse" if rise >= TURNS else "widen", TURNED.format(share(rise), at),
        rise=rise, update=at, noise=own,
    )  # fmt: skip


def _drifting_up(seen: Measured) -> Doubt | None:
    """The same told from many losses together, where they wobble too much for two short levels to tell."""
    part = seen.curve.fitted_part().thinned(DENSE)
    logs = np.log(part.losses)
    short, long = drift(logs), drift(logs, QUARTER)
    if short is None or long is None:
        return None
    trends = short.errors >= DRIFT_ERRORS and short.trend >= TREND
    own = max(noise(logs), noise(logs[len(logs) // 2 :]))
    stays = min(long.errors, long.rise / max(own * (2 / long.size) ** 0.5, 1e-9)) >= STAYS  # risen at once: no trend
    found = short if trends else long
    later = part.rates[part.steps - 1][found.begins :]
    if not (trends or stays) or found.rise < DRIFTS or _climbs(later, float(seen.rates.max())):
        return None
    at = int(part.steps[found.middle])
    return _doubt(
        seen, "turns up", "refuse" if trends and found.rise >= TURNS and found.errors >= SURE else "widen",
        TURNED.format(share(found.rise), at), rise=found.rise, update=at, errors=found.errors, trend=found.trend,
    )  # fmt: skip


def no_gain(seen: Measured) -> Doubt | None:
    """The run starts low, as fine-tuning does, or learns nothing."""
    curve = seen.curve
    if len(seen.logs) < LEAST or curve.steps[0] > max(EARLY * curve.horizon, curve.warmup):
        return None
    gain = float(np.log(curve.losses[0]) - seen.levels.min())
    if gain >= STARTS_LOW:
        return None
    return _doubt(
        seen, "starts low", "refuse" if gain < max(STARTS_NOWHERE, SURE * seen.doubt) else "widen",
        f"the whole run gains {share(max(gain, 0.0))} of its first loss (fine-tuning, or a rate that teaches nothing):"
        " laws of training from scratch say little about it",
        gain=gain, noise=seen.noise,
    )  # fmt: skip


def saturated(seen: Measured) -> Doubt | None:
    """The loss is nearly nothing: everything is fitted, and no noise is left that a cooldown could remove."""
    part = float(np.exp(seen.levels[-1]) / seen.curve.losses.max())
    if part >= SATURATED:
        return None
    return _doubt(
        seen, "saturated", "refuse",
        f"the loss has come down to {100 * part:.2g} % of its first: everything is fitted, and laws with a floor do not"
        " hold: forecast the held-out loss",
        part=part,
    )  # fmt: skip


def cycling(seen: Measured) -> Doubt | None:
    """The rate rises again after its first fall."""
    curve = seen.curve
    total = risen_again(curve.rates[: curve.steps[-1]])
    if total < RISES_AGAIN:
        return None
    lowest = np.minimum.accumulate(seen.logs)
    follows = float((seen.logs - lowest).max())
    heard = follows > max(FOLLOWS, HEARD * seen.noise)
    also = f", and the loss with it by up to {share(follows)}" if heard else ""
    return _doubt(
        seen, "cycles", "refuse" if heard else "widen",
        f"the rate rises again after its first fall, by {total:.1f} peaks in all{also}: laws are proven for rates that"
        " fall; forecast from runs whose rate does",
        rises=total, follows=follows,
    )  # fmt: skip


def spiking(seen: Measured) -> Doubt | None:
    """Single losses far above those around them, or losses that do not settle: too large a rate."""
    logs = seen.logs
    if len(logs) < FEW:
        return None
    jumps = logs[1:-1] - np.maximum(logs[:-2], logs[2:])
    spikes = int((jumps > max(SPIKE, SPIKE_NOISE * seen.noise)).sum())
    if not spikes and seen.scatter < SCATTERS:
        return None
    told = f"{spikes} spikes of up to {share(float(jumps.max()))}" if spikes else "losses that do not settle"
    return _doubt(
        seen, "unstable", "refuse" if seen.scatter >= SCATTERS_FAR else "widen",
        f"{told}, each differs from its neighbours by {share(seen.scatter)}: the rate is too large, its warm-up too"
        " short, or too little data is evaluated",
        spikes=spikes, highest=float(jumps.max()), scatter=seen.scatter,
    )  # fmt: skip


ALONE: tuple[Callable[[Measured], Doubt | None], ...] = (
    warming_up, few_losses, turning_up, no_gain, saturated, cycling, spiking,
)  # fmt: skip


def _doubt(seen: Measured, name: str, consequence: Consequence, words: str, **numbers: float) -> Doubt:
    return Doubt(name, consequence, words, {key: float(value) for key, value in numbers.items()}, (seen.curve.name,))


def _climbs(rates: "np.ndarray[tuple[int], np.dtype[np.float64]]", peak: float) -> bool:
    """Whether the rate at the losses rises by more than a little."""
    return bool(np.clip(np.diff(rates), 0.0, None).sum() > RISES_AGAIN * peak) if len(rates) > 1 else False


def all_alone(seen: Measured) -> Iterator[Doubt]:
    """Every doubt of one curve."""
    for asked in ALONE:
        found = asked(seen)
        if found is not None:
            yield found
