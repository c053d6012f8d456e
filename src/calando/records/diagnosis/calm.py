"""A run whose steps are too short to make any noise: nothing trembles, and a falling rate brings nothing of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged
    from calando.records.diagnosis.noisy import Floats

__all__ = ["Calm", "trembling"]

LOW = "LR too low"
FEWEST = 12
"""Evaluations below which nothing is said of their trembling."""


@dataclass(frozen=True, slots=True)
class Calm:
    """How quiet a run was, as shares of its whole gain."""

    slope: float
    """What an e-fold of the summed rate brought, from its first quarter on."""
    tremble: float
    """Standard deviation of one evaluation about the curve, while the rate was high, by fourth differences: of a smooth
    descent they keep next to nothing."""
    coarse: float
    """The same by third differences, to which a steep descent adds its bend."""
    eased: float
    """What an e-fold brought once the rate had fallen to half, over what it had brought before."""
    after: float
    """The trembling once the rate was low: what is left of it comes from the evaluations themselves."""
    half: float
    """Share of the summed rate that half of the gain took."""

    @property
    def ratio(self) -> float:
        """How many times the trembling, bends and all, an e-fold brought."""
        return self.slope / max(self.coarse, 1e-300)

    @property
    def too_quiet(self) -> bool:
        """Whether evaluations were far quieter than a rate worth its name makes them.

        Where half of the gain was not there at once, less will do; more must be there where the descent had slackened
        by much before the rate came down, which may have been its end.
        """
        crept = self.slope > limit(LOW, "slope") and self.eased < limit(LOW, "eased")
        slow = self.half >= limit(LOW, "at once")
        least = limit(LOW, "still") if slow else limit(LOW, "calm")
        if self.eased < limit(LOW, "slackened"):
            least = limit(LOW, "silent")
        return crept and self.slope > least * self.tremble

    @property
    def shaken(self) -> bool:
        """Whether its rate shakes a run by so much that it is slow for another reason.

        What shakes evaluations at every rate alike is a held-out set drawn anew, and no sign of the rate.
        """
        if self.ratio >= limit(LOW, "shakes"):
            return False
        return self.coarse > (2.0 if self.ratio < 0.25 * limit(LOW, "shakes") else 2.5) * self.after


def trembling(run: Judged) -> Calm | None:
    """How quiet the evaluations were; None where there are too few, or the rate never came down.

    At a sound peak the noise of the steps balances their progress, whatever the task: evaluations tremble by a good
    part of what doubling the summed rate would bring, and when the rate falls, the noise that it takes away shows as a
    descent of its own. A rate far too low shows neither. Training losses of single batches say nothing here.
    """
    import numpy as np

    curve = run.val
    if len(curve) < FEWEST or len(run.lr) < 2 or not run.peak > 0:
        return None
    begin, end = run.outset(curve), float(curve.values.min())
    if not begin - end > 1e-3 * abs(begin):
        return None
    gone = (begin - curve.values) / (begin - end)
    every, rates, walked = run.walked()
    if not walked[-1] > 0:
        return None
    share, rate = np.interp(curve.steps, every, walked), np.interp(curve.steps, every, rates)
    high = rate >= 0.5 * run.peak
    hot, cold = high & (share > 0.2), np.flatnonzero(~high & (share > 0.5))
    bends, finer = np.abs(np.diff(gone, 3))[hot[1:-2]], np.abs(np.diff(gone, 4))[hot[2:-2]]
    late = (share > 0.25) & (share < 0.98)
    if min(bends.size, finer.size + 1) < 4 or cold.size < 2 or hot.sum() < 4 or late.sum() < 4:
        return None
    before = max(int(cold[0]) - 1, 0)
    if share[before] > 0.995:
        return None
    coarse = float(bends.mean() / np.sqrt(40 / np.pi))  # as `Trend.tremble`, of the points at a high rate
    tremble = float(finer.mean() / np.sqrt(140 / np.pi))  # white noise has the variance 70 there
    warm, fall = _slope(share[hot], gone[hot]), float(np.median(gone[-2:]) - gone[before])
    eased = fall / float(np.log(share[-2:].mean() / share[before])) / warm if warm > 0 else float("inf")
    turns = np.abs(np.diff(gone, 2))
    ends = turns[(rate[2:] < 0.3 * run.peak) & (share[2:] > 0.5)]
    if ends.size < 3:
        ends = turns[-3:]
    after = float(ends.mean() / np.sqrt(12 / np.pi))
    half = float(share[int(np.argmax(gone >= 0.5))])
    return Calm(_slope(share[late], gone[late]), tremble, coarse, eased, after, half)


def _slope(share: Floats, gone: Floats) -> float:
    """What an e-fold of the summed rate brings, by a straight line."""
    import numpy as np

    x = np.log(share) - np.log(share).mean()
    return float(np.sum(x * gone) / np.sum(x * x))
