"""A run whose rate is still high and whose evaluations still go down, further than they tremble."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR
from calando.records.diagnosis.noisy import Level, Trend, median

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged
    from calando.records.diagnosis.noisy import Floats

__all__ = ["Glide", "descent", "glide"]

SHORT = "horizon too short"
FEWEST = 12
"""Evaluations below which nothing is said of how smoothly they fall."""
POINTS = 24
"""Evaluations that are looked at: neighbours of a dense log tremble together, and would make any run look smooth."""


@dataclass(frozen=True, slots=True)
class Glide:
    """How far and how smoothly the evaluations of a run fell, as shares of its whole gain."""

    whole: Level
    """What an e-fold of the summed rate brought, from its first quarter on."""
    late: Level
    """The same of its second half alone."""
    tremble: float
    """Standard deviation of one evaluation about the curve."""
    deep: Level
    """What the last two fifths of the steps brought of all that the logarithm of the loss fell."""

    @property
    def smooth(self) -> bool:
        """Whether it fell further than it trembles, and did not slacken."""
        if self.whole.sigmas < CLEAR or self.whole.value < limit(SHORT, "smooth") * self.tremble:
            return False
        return self.doubling >= limit(SHORT, "doubling") and self.late.value >= limit(SHORT, "slack") * self.whole.value

    @property
    def doubling(self) -> float:
        """What the last doubling of the way brought: as many steps again bring a good part of that once more."""
        return math.log(2) * self.late.value

    @property
    def on(self) -> bool:
        """Whether it is still on its way down.

        Where the noise of the steps balances their progress, evaluations tremble by a good part of what they gain: such
        a run stands still, or will. A smooth fall that did not slacken is one that was cut off; so is one that is a
        small share of the gain alone because the loss nears zero, and large in its logarithm.
        """
        steady = self.whole.value >= limit(SHORT, "steady") * self.tremble
        return self.smooth or (steady and self.deep.sigmas >= CLEAR and self.deep.value >= limit(SHORT, "deep"))


def glide(run: Judged) -> Glide | None:
    """How the evaluations of a run fell whose rate is still high at its end; None where that cannot be said."""
    import numpy as np

    curve = run.val
    if len(curve) < FEWEST or run.seen.higher_is_better or len(run.lr) < 2 or not run.peak > 0:
        return None
    if run.lr_at(run.end) < 0.6 * run.peak:
        return None
    every, _, walked = run.walked()
    share = np.interp(curve.steps, every, walked)
    at = np.flatnonzero(share >= 0.25)
    if at.size < 8:
        return None
    at = at[np.unique(np.linspace(0, at.size - 1, min(POINTS, at.size)).round().astype(int))]
    far, loss = np.log(share[at]), curve.values[at]
    gain = _begun(run) - median(loss[-3:])
    late = far >= math.log(0.5)
    begun = float(curve.values[0]) - median(loss[-3:]) >= limit(SHORT, "begun") * run.size(float(curve.values[0]))
    if not gain > 0 or not begun or late.sum() < 4:
        return None
    tremble = Trend(far, loss, 0.0).tremble()
    return Glide(_pace(far, loss / gain), _pace(far[late], loss[late] / gain), tremble / gain, _deep(run))


def descent(run: Judged) -> Level | None:
    """What the end brought of the gain by both curves together; None where that is not surely a good part.

    The end: the second half of the steps, or the last e-fold of the summed rate. Batches scatter and evaluations
    tremble, each for a reason of its own: where a short run leaves either of them in doubt, both together may tell.
    """
    middle = 0.5 * run.end
    if run.seen.higher_is_better or len(run.lr) < 2 or not run.peak > 0 or run.lr_at(run.end) < 0.6 * run.peak:
        return None
    if float(run.lr.window(middle, run.end).values.min(initial=math.inf)) < 0.6 * run.peak:
        return None  # cyclic or restarted: its returns make it fall
    begin = _begun(run) if len(run.val) else math.nan
    gain = begin - run.val.level(0.93 * run.end, run.end, least=3).value if len(run.val) else math.nan
    if not gain > limit(SHORT, "begun") * run.size(begin):
        return None
    if min(len(curve.window(middle, run.end)) for curve in (run.train, run.val)) < FEWEST // 2:
        return None
    half = _together(run.train.fall(middle, run.end), run.val.fall(middle, run.end), gain)
    if half.value >= limit(SHORT, "half") and half.sigmas >= limit(SHORT, "surely"):
        return half
    last = _together(_last(run, run.train), _last(run, run.val), gain)
    return last if last.value >= limit(SHORT, "fold") and last.sigmas >= CLEAR else None


def _together(train: Level, val: Level, gain: float) -> Level:
    """Two falls as one, each by its own certainty, as a share of a gain; none where they do not agree.

    Evaluations have a say of their own, as a training loss may fall on what is being learned by heart.
    """
    if not (train.value > 0 and val.sigmas >= 2 and min(train.error, val.error) > 0):
        return Level(0.0, math.inf)
    known = (train.error**-2, val.error**-2)
    both = (train.value * known[0] + val.value * known[1]) / sum(known)
    return Level(both / gain, sum(known) ** -0.5 / gain)


def _begun(run: Judged) -> float:
    """Where the evaluations of a run began: at the first of them at least, where it is no further from the first
    training losses than those of single batches scatter."""
    begin, first = run.begin(run.val), float(run.val.values[0])
    return max(begin, first) if first - begin <= 6 * run.train.noise else begin


def _last(run: Judged, curve: Trend) -> Level:
    """How far a curve fell over the last e-fold of the summed rate."""
    import numpy as np

    every, _, walked = run.walked()
    share = np.interp(curve.steps, every, walked)
    late = share >= math.exp(-1)
    return _pace(np.log(share[late]), curve.values[late]) if late.sum() >= FEWEST // 2 else Level(0.0, math.inf)


def _deep(run: Judged) -> Level:
    """What the last two fifths brought of all that the logarithm of the evaluations fell."""
    import numpy as np

    curve, begin = run.val, _begun(run)
    if run.signed or not float(curve.values.min()) > 0:
        return Level(0.0, math.inf)
    whole = math.log(begin / median(curve.values[-3:]))
    fall = Trend(curve.steps, np.log(curve.values), 0.0).fall(0.6 * run.end, run.end)
    return Level(fall.value / whole, fall.error / whole)


def _pace(far: Floats, loss: Floats) -> Level:
    """How fast a straight line falls."""
    import numpy as np

    centred = far - far.mean()
    spread = float(centred @ centred)
    if not spread > 0:
        return Level(0.0, math.inf)
    slope = float(centred @ loss) / spread
    rest = loss - loss.mean() - slope * centred
    return Level(-slope, float(np.sqrt(rest @ rest / max(far.size - 2, 1) / spread)))
