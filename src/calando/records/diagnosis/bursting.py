"""Bursts that come while the rate is high and cease as it falls: the rate throws the model, no broken batch does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calando.records.diagnosis.calm import trembling
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.rhythm import by_chance
from calando.records.diagnosis.spiky import usual
from calando.records.diagnosis.waves import returns

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["WHILE_HOT", "bursts_while_hot"]

HIGH = "LR too high"
WHILE_HOT = "bursts while hot"
"""The evidence by which such a finding is known."""


@dataclass(frozen=True, slots=True)
class _Counted:
    """Bursts and steps while the rate was high, and after it had come down."""

    hot: int
    hot_steps: int
    cold: int
    cold_steps: int

    def chance(self) -> float:
        """The logarithm of a bound on the chance of so many while hot, if bursts came at any rate alike."""
        every = self.hot + self.cold
        share = self.hot_steps / (self.hot_steps + self.cold_steps)
        return by_chance(self.hot, every, share) if self.hot / every > share else 0.0


def bursts_while_hot(run: Judged) -> Diagnosis | None:
    """Single losses as high as before anything was learned, again and again, that cease when the rate comes down.

    A broken batch comes at any rate. A model that usually tells a batch well and now and then knows less of one than
    at its very start was thrown there by its last steps; its evaluations, where there are any, tremble as well.
    """
    counted = _counted(run)
    if counted is None or counted.hot < limit(HIGH, "bursts"):
        return None
    density, later = counted.hot / counted.hot_steps, counted.cold / counted.cold_steps
    if density < limit(HIGH, "dense") or later > density / 3:
        return None
    quiet = trembling(run)
    restless = quiet is not None and quiet.tremble >= limit(HIGH, "restless")
    chance = counted.chance()
    likely = limit(HIGH, "even") if restless else limit("spikes", "chance")
    if (quiet is not None and not restless) or chance > math.log(likely):
        return None
    words = (
        f"While the rate was high, {counted.hot} single training losses, {100 * density:.0f} % of them, burst above "
        f"where the loss began, though the usual one was far below; after it had fallen to half of its peak "
        f"{'none' if not counted.cold else counted.cold} did. Broken batches come at any rate: these come from the "
        "rate itself."
    )
    if quiet is not None:
        words += f" The evaluations trembled meanwhile by {100 * quiet.tremble:.0f} % of the gain."
    return Diagnosis(
        HIGH, "warning", f"learning rate too high (peak {short(run.peak)}): bursts while it was high", words,
        (f"Try a peak of {short(run.peak / 4)}, a quarter of this one.", "Clip the norm of the gradient."),
        (Evidence("peak", run.peak, short(run.peak)),
         Evidence(WHILE_HOT, float(counted.hot), f"{counted.hot} in {counted.hot_steps:,} steps"),
         Evidence("bursts after", float(counted.cold), f"{counted.cold} in {counted.cold_steps:,} steps")),
        sure(4 - chance / 2), (Change("peak", 0.25, "scale 0.25"), Change("clip", 1.0)),
    )  # fmt: skip


def _counted(run: Judged) -> _Counted | None:
    """How many bursts there were at a high rate and after it; None where the rate never came down, or comes back."""
    curve = run.train
    if len(curve) < 60 or run.signed or run.seen.train_higher or not len(run.lr) or not run.peak > 0:
        return None
    if len(returns(run)) >= 2:
        return None
    values: Floats = curve.values
    start = float(values[:5].max())
    last = float(run.lr.steps[run.lr.values >= 0.5 * run.peak][-1])
    late = curve.steps > 0.1 * run.end
    burst = late & (values > start) & (usual(values) < 0.25 * start)
    hot, cold = late & (curve.steps <= last), late & (curve.steps > last)
    if hot.sum() < 20 or cold.sum() < 20:
        return None
    return _Counted(int((burst & hot).sum()), int(hot.sum()), int((burst & cold).sum()), int(cold.sum()))
