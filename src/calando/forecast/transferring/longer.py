"""Making a run longer: as it is, with a longer cooldown, with a second stage, or anew at another peak."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calando.core.algebra import scale, then
from calando.core.clock import length_of
from calando.core.plan import Plan
from calando.core.plans.wsd import wsd
from calando.core.schedule import Schedule
from calando.core.shapes.constant import constant
from calando.core.shapes.warmup import warmup
from calando.errors import BadValue, shown
from calando.forecast.bounds import Bound, linear_bound, price
from calando.forecast.transferring.answers import Extension, Way
from calando.forecast.transferring.between import octaves_off
from calando.forecast.transferring.reading import Reading, bound_of, exponents_of, factors_of, peak_of, read, sizes_of
from calando.forecast.transferring.stages import (
    COARSE,
    Trunk,
    alike,
    coarse,
    lowest,
    percent,
    share_for,
    staged,
    trunk_of,
)

if TYPE_CHECKING:
    from calando.core.clock import LengthLike

__all__ = ["MOST", "extend"]

MOST: Final = 1000.0
"""Times the horizon that a run can be made longer."""

STAYS: Final = 0.05
"""Of the run: what has to be shared with it for a way to count as going on from it."""

SAME: Final = 1e-6
"""Of the peak: schedules that differ by less are one."""

AS_IT_IS, MATCHED, LOWEST = "as it is", "cooldown, matched", "cooldown, lowest"
SECOND, RETUNED, LINEAR = "second stage", "anew, peak retuned", "anew, linear decay"


def extend(
    plan: Plan | Schedule | str,
    by: float,
    *,
    peak: float | None = None,
    horizon: "LengthLike | None" = None,
    exponent: float | None = None,
    steps_per_epoch: int | None = None,
    tokens_per_step: float | None = None,
    samples_per_step: float | None = None,
) -> Extension:
    """Ways to a longer run than the one whose peak was tuned, side by side, by theory: nothing is trained.

    Formula: with r = `by`, m = (g sqrt(T)) r^(-exponent) / (g' sqrt(T')) is the old peak over the best one of a way,
    and (m + 1/m)/2 times its lowest bound what it gives; cooldown and second stage are chosen by that. Where
    the theory is known to fail (floors, cycles) there are ranges alone.

    Args:
        plan: of the run, with its best peak: a plan, its text, or a schedule that brings its horizon.
        by: how many times as long it is to be, 1 to 1000.
        peak: the run's peak, a learning rate > 0; without it only ratios are told.
        horizon: updates of the run as it is, >= 1, or text such as "90ep". Without it lengths are told as shares.
        exponent: of the best peak over the horizon, a number from -1 to 0.5; -0.3, between -0.5 and -0.2, unless given.
        steps_per_epoch: updates in an epoch, >= 1.
        tokens_per_step: tokens an update consumes, > 0.
        samples_per_step: samples an update consumes, > 0.

    Raises:
        BadValue: for a number outside its range.
        DoesNotFit: where the plan does not fit its horizon.

    Example:
        >>> from calando.forecast import extend
        >>> answer = extend("wsd(cooldown=20%)", 2, peak=1e-3, exponent=-0.5)
        >>> {way.name: way.plan for way in answer.ways}["cooldown, matched"]
        'wsd(cooldown=63.4%)'

    Source: Schaipp et al. (ICML 2025), section 5.1.
    """
    sizes = {
        "steps_per_epoch": steps_per_epoch, "tokens_per_step": tokens_per_step, "samples_per_step": samples_per_step,
    }  # fmt: skip
    factor = _times(by)
    known = peak_of(peak, "extend.peak")
    best, band = exponents_of(exponent)
    source = read(plan, horizon, "extend.plan", **sizes)
    assumed = horizon is None and not isinstance(plan, Schedule)
    longer = round(source.horizon * factor)
    told = Extension(
        source.text, known, source.horizon, longer, assumed, best, band, "none", "", (),
        (*source.reasons, *source.remarks), **sizes_of(source.schedule),
    )  # fmt: skip
    if source.mute:
        return told
    search = _Search(source, trunk_of(source, assumed), longer, known, best, band)
    ways = search.ways()
    stable = search.trunk.stable > 0
    staying = [way for way in ways if stable and way.leaves >= STAYS * source.horizon]
    least = min(staying or ways, key=lambda way: way.bound)
    notes = [*told.notes, "the peak given is taken for the best one of the plan at its horizon"]
    if not stable:
        shared = max(way.leaves for way in ways[1:])
        same = f"no more than the first {shared:,} updates are" if shared > 1 else "nothing is"
        notes.append(f"the run has no stable stage to go on from: of another schedule {same} trained already")
    if factor > 1 and exponent is None:
        notes.append("the best peak is taken to move as the horizon to the power -0.3, between -0.5 (theory) and -0.2")
    return replace(
        told,
        promise="range" if source.reasons else "best guess",
        advice="" if source.reasons or factor == 1 else least.name,
        ways=tuple(ways),
        notes=tuple(notes),
    )


class _Search:
    """The ways to one longer horizon; every number at an exponent is computed by the same few lines."""

    def __init__(
        self,
        source: Reading,
        trunk: Trunk,
        longer: int,
        peak: float | None,
        exponent: float,
        band: tuple[float, float],
    ) -> None:
        self.source, self.trunk, self.longer, self.peak = source, trunk, longer, peak
        self.exponent, self.band = exponent, band
        self.wider = band
        if source.reasons and longer > source.horizon:  # an octave is so much of the exponent
            off = octaves_off(1.0, source) / math.log2(longer / source.horizon)
            self.wider = (band[0] - off, band[1] + off)
        self.least = linear_bound(longer).best_value

    def ways(self) -> list[Way]:
        """All of them, the run as it is first."""
        same = self._same()
        found = [self._way(AS_IT_IS, same)]
        if self.longer > self.source.horizon:
            for name, choose in ((MATCHED, self._matched), (LOWEST, self._lowest)):
                one = self._cooldown(name, choose, same)
                found += [one] if one is not None and one.plan != found[-1].plan else []
            if self.trunk.stable:
                found.append(self._second())
        straight = staged(replace(self.trunk, fall=()), 1.0, self.longer)
        return [*found, self._anew(RETUNED, same), self._anew(LINEAR, straight)]

    def _wanted(self, exponent: float) -> float:
        """The run's peak at the longer horizon, in units in which a plan's best peak is its `best`."""
        return float(self.source.best * (self.longer / self.source.horizon) ** -exponent)

    def _same(self) -> Reading:
        """The run's own plan at the longer horizon; where it has stages, with the warm-up as it was."""
        horizon = self.source.horizon
        if 0 < self.trunk.stable < horizon:
            share = 1.0 - self.trunk.stable / horizon
            if alike(staged(self.trunk, share, horizon), self.source):
                return staged(self.trunk, share, self.longer)
        held = self.source.schedule
        return read(held.plan.bind(self.longer, **sizes_of(held)), None, "extend.plan")

    def _way(self, name: str, reading: Reading, **chosen: Any) -> Way:
        multiple = self._wanted(self.exponent) / reading.best
        value = price(multiple) * reading.bound.best_value / self.least
        return Way(name, reading.text, self.peak, multiple, value, _leaves(self.source, reading), **chosen)

    def _cooldown(self, name: str, choose: Any, same: Reading) -> Way | None:
        """None where the run as it is has that cooldown already."""
        share = choose(self.exponent)
        reading = staged(self.trunk, share, self.longer)
        if len(same.factors) == len(reading.factors) and np.abs(same.factors - reading.factors).max() < SAME:
            return None
        low, high = sorted(choose(e) for e in self.wider)
        return self._way(name, reading, chosen="cooldown", value=self._best(share), low=low, high=high)

    def _best(self, value: float | None) -> float | None:
        """A best guess, where theory is not known to fail."""
        return None if self.source.reasons else value

    def _matched(self, exponent: float) -> float:
        found = share_for(self.trunk, self._wanted(exponent), self.longer, nearest=True)
        return 1.0 if found is None else found

    def _lowest(self, exponent: float) -> float:
        def cost(share: float) -> float:
            return self._cost(bound_of(coarse(self.trunk, share, self.longer), self.longer), exponent)

        return lowest(cost, 0.01, 1.0 - self.trunk.rise / self.longer)

    def _cost(self, found: Bound, exponent: float) -> float:
        return found.at(self._wanted(exponent) / math.sqrt(self.longer))

    def _second(self) -> Way:
        choose = self._stage
        share = float(f"{choose(self.exponent):.3g}")
        low, high = sorted(choose(e) for e in self.wider)
        reading = read(self._two_stages(share), self.longer, "second stage")
        return self._way(SECOND, reading, chosen="second stage", value=self._best(share), low=low, high=high)

    def _stage(self, exponent: float) -> float:
        factors = factors_of(self._two_stages(1.0).bind(self.longer), COARSE)
        begins = round(self.trunk.stable / self.longer * len(factors))

        def cost(by: float) -> float:
            lowered = factors.copy()
            lowered[begins:] *= by
            return self._cost(bound_of(lowered, self.longer), exponent)

        return lowest(cost, 0.02, 1.0)

    def _two_stages(self, by: float) -> Plan:
        """The trunk until the old cooldown began, then a lower stage with a cooldown of the old share."""
        trunk, whole = self.trunk, self.longer
        head: list[Plan] = []
        if trunk.rise:
            head.append(warmup(trunk.told(trunk.rise, whole), start=trunk.start))
        head.append(constant(length=trunk.told(trunk.stable - trunk.rise, whole)))
        fall = percent(1.0 - trunk.stable / trunk.horizon) if trunk.stable < trunk.horizon else length_of(0)
        return then(*head, scale(wsd(cooldown=fall, **dict(trunk.fall)), by=by))

    def _anew(self, name: str, reading: Reading) -> Way:
        ratio = reading.best / self._wanted(self.exponent)
        off = octaves_off(reading.best / self.source.best, reading, self.source) if name == LINEAR else 0.0
        moved = sorted(reading.best / self._wanted(e) for e in self.band)
        return Way(
            name,
            reading.text,
            None if self.peak is None else self._best(self.peak * ratio),
            1.0,
            reading.bound.best_value / self.least,
            0,
            "peak",
            self._best(ratio),
            moved[0] * 2.0**-off,
            moved[1] * 2.0**off,
        )


def _times(by: float) -> float:
    if isinstance(by, bool) or not isinstance(by, int | float) or not 1.0 <= by <= MOST:
        raise BadValue(given=f"by={shown(by)}", allowed=f"1 to {MOST:g} times as long", where="extend.by",
                       fix="give 2 for twice as long; a shorter run needs no extension: transfer it")  # fmt: skip
    return float(by)


def _leaves(source: Reading, other: Reading) -> int:
    """The first update at which another schedule has another factor."""
    first, last = 0, source.horizon - 1
    while True:
        steps = np.linspace(first, last, min(last - first + 1, len(source.factors))).astype(np.int64)
        apart = np.abs(source.schedule(steps) - other.schedule(steps)) > 1e-9
        if not apart.any():
            return source.horizon
        found = int(np.argmax(apart))
        if found == 0 or steps[found] - steps[found - 1] == 1:
            return int(steps[found])
        first, last = int(steps[found - 1]), int(steps[found])
