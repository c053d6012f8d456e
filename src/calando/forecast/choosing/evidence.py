"""What some short runs can tell, and which two runs more would tell the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.asked import ALIKE, peaks_run, plan_text
from calando.forecast.choosing.answers import NextRun
from calando.forecast.choosing.ending import NEAR_PEAK, warmup_of
from calando.forecast.curve import plan_rates

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve

__all__ = [
    "CONTRAST",
    "Evidence",
    "cooldown_plan",
    "cooldown_share",
    "evidence_of",
    "peak_is_open",
    "seeds_of",
    "wsd_text",
]

COME_DOWN = 0.3  # of the peak: a run that ends above has not cooled down
CONTRAST = 0.15
"""Cooldowns whose shares of the run differ by less tell one thing only."""
SHORT, LONG = 0.2, 0.6
SAME_RATES = 0.01  # of the peak, on average: rates that differ by less are one plan's
FURTHER = 2.0  # how far beyond an edge the next peak is tried


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the finished runs span: `peaks`, `shares` of cooldowns by peak, the longest `horizon`, its `warmup`.

    >>> Evidence((1e-3,), {1e-3: (0.2,)}, 1000, 20).contrasting
    False
    """

    peaks: tuple[float, ...]
    shares: Mapping[float, tuple[float, ...]]
    horizon: int
    warmup: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", MappingProxyType(dict(self.shares)))

    @property
    def contrasting(self) -> bool:
        """Whether two cooldowns at one peak differ enough."""
        return any(max(shares) - min(shares) >= CONTRAST for shares in self.shares.values() if shares)

    def other_share(self, peak: float) -> float:
        """The cooldown that would contrast with those at a peak."""
        known = self.shares.get(peak, ())
        return SHORT if known and min(known) > (SHORT + LONG) / 2 else LONG

    def run(self, share: float, peak: float, why: str) -> NextRun:
        """A short run, as long as the longest; its cooldown shorter where it would not fit behind the warm-up."""
        room = int(20 * (1.0 - self.warmup / self.horizon)) / 20
        share = min(share, room) if room > 0 else share
        return NextRun(wsd_text(self.warmup, share), float(f"{peak:.3g}"), self.horizon, why)

    def second_cooldowns(self) -> tuple[NextRun, ...]:
        """Two runs that give a contrast: at the peaks that were run, or both cooldowns where none was finished."""
        ends = dict.fromkeys((self.peaks[0], self.peaks[-1]))
        runs = [self.run(self.other_share(p), p, "a contrasting cooldown") for p in ends]
        if len(runs) < 2:
            known = self.shares.get(self.peaks[0], ())
            middle = 0.5 * (SHORT + LONG) if known else SHORT
            why = "a cooldown between them" if known else "a first cooldown"
            runs.append(self.run(middle, self.peaks[0], why))
        return tuple(runs)

    def at_peak(self, peak: float, why: str) -> tuple[NextRun, ...]:
        """Both cooldowns at another peak."""
        return tuple(self.run(share, peak, why) for share in (SHORT, LONG))

    def beyond(self, wanted: float) -> tuple[NextRun, ...]:
        """Both cooldowns beyond the edge of the peaks that were run, on the side of `wanted`."""
        if wanted > self.peaks[-1]:
            return self.at_peak(min(wanted, FURTHER * self.peaks[-1]), "a peak above the largest that was run")
        return self.at_peak(max(wanted, self.peaks[0] / FURTHER), "a peak below the smallest that was run")


def evidence_of(curves: "Sequence[LossCurve]") -> Evidence:
    """What the runs span; unfinished ones show no cooldown."""
    peaks = peaks_run(curves)
    shares: dict[float, list[float]] = {peak: [] for peak in peaks}
    for curve in curves:
        share = cooldown_share(curve)
        if share is not None:
            shares[min(peaks, key=lambda peak: abs(peak - curve.peak))].append(share)
    return Evidence(
        peaks,
        {peak: tuple(sorted(found)) for peak, found in shares.items()},
        max(curve.horizon for curve in curves),
        int(median(warmup_of(curve) for curve in curves)),
    )


def cooldown_share(curve: "LossCurve") -> float | None:
    """The share of a finished run after its rate last stood near the peak; None where it did not come down.

    >>> from calando.forecast import LossCurve
    >>> cooldown_share(LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "wsd(cooldown=20%)", 1e-3, 100))
    0.2
    """
    if not curve.finished or float(curve.rates[curve.steps[-1] - 1]) > COME_DOWN * float(curve.rates.max()):
        return None
    last = int(np.flatnonzero(curve.rates >= NEAR_PEAK * curve.rates.max())[-1])
    return round(1.0 - last / curve.horizon, 4)


def cooldown_plan(curve: "LossCurve") -> str:
    """The warm-up, stable stage and linear cooldown that a run's rates are, as text; "" where they are something else.

    >>> from calando.forecast import LossCurve
    >>> cooldown_plan(LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "wsd(warmup=5, cooldown=20%)", 1e-3, 100))
    'wsd(warmup=5, cooldown=20%)'
    """
    share = cooldown_share(curve)
    if share is None:
        return ""
    whole = round(share / NEAR_PEAK, 2)  # a linear cooldown leaves the peak's neighbourhood a little after it began
    warmup = warmup_of(curve)
    if warmup + whole * curve.horizon > curve.horizon:
        return ""
    text = wsd_text(warmup, whole)
    return text if _same_rates(curve, text, float(curve.rates.max())) else ""


def _same_rates(curve: "LossCurve", plan: str, peak: float) -> bool:
    apart = float(np.abs(plan_rates(plan, peak, curve.horizon) - curve.rates).mean())
    return apart <= SAME_RATES * peak


def seeds_of(curves: "Sequence[LossCurve]", plan: str, peak: float, horizon: int) -> int:
    """How many finished runs of a plan at a peak over a horizon there are, by their plan's text or by their rates.

    >>> from calando.forecast import LossCurve
    >>> short = LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "linear_decay()", 1e-3, 100)
    >>> seeds_of([short], "linear_decay()", 1e-3, 100), seeds_of([short], "linear_decay()", 1e-3, 200)
    (1, 0)
    """
    return sum(
        curve.finished
        and curve.horizon == horizon
        and peak / ALIKE <= curve.peak <= peak * ALIKE
        and (plan_text(curve.plan) == plan if curve.plan else _same_rates(curve, plan, curve.peak))
        for curve in curves
    )


def peak_is_open(curves: "Sequence[LossCurve]", wanted: "Sequence[float]") -> bool:
    """Whether there is a peak to choose: several are asked for, or one that is unlike every peak that was run.

    >>> from calando.forecast import LossCurve
    >>> short = LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "linear_decay()", 1e-3, 100)
    >>> peak_is_open([short], [1.001e-3]), peak_is_open([short], [2e-3]), peak_is_open([short], [1e-3, 2e-3])
    (False, True, True)
    """
    low, high = min(wanted), max(wanted)
    return high > ALIKE * low or not any(low / ALIKE <= curve.peak <= high * ALIKE for curve in curves)


def wsd_text(warmup: int, share: float) -> str:
    """A warm-up, a stable stage and a linear cooldown of that share, as text.

    >>> wsd_text(300, 0.6), wsd_text(300, 0.2)
    ('wsd(warmup=300, cooldown=60%)', 'wsd(warmup=300, cooldown=20%)')
    """
    return plan_text(f"wsd(warmup={warmup}, cooldown={100 * share:.6g}%)")
