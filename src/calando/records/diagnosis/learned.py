"""What says that something was learned, or where a run began, although single losses scatter widely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, NINE, TOO_FEW
from calando.records.diagnosis.noisy import Level, median

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Judged
    from calando.records.diagnosis.noisy import Trend

__all__ = ["both_fell", "fell_alone", "gone_far", "mostly_learned", "plainly_learned", "set_out"]


def plainly_learned(run: Judged) -> bool:
    """Whether the last fifth of the training losses lies below half of the very first, every one below it.

    Where losses are logged seldom, the second is no start any more: much was learned by then.
    """
    curve = run.train
    if len(curve) < TOO_FEW or run.signed or run.seen.higher_is_better or float(curve.steps[0]) > 1:
        return False
    last, first = curve.window(0.8 * run.end, run.end).values, float(curve.values[0])
    return last.size >= 3 and median(last) < 0.5 * first and float(last.max()) < first


def both_fell(run: Judged) -> bool:
    """Whether training losses and evaluations both fell, in a run too short for either to show it alone.

    A rate far too low moves hardly anything: evaluations then come down by little and as smooth as glass.
    """
    train, val = run.train, run.val
    if min(len(train), len(val)) < TOO_FEW or run.seen.higher_is_better:
        return False
    learned, seen = train.fall(0, run.end), val.fall(0, run.end)
    least = limit("not converging", "agreed") * run.size(run.begin(train))
    shaken = val.tremble() >= limit("not converging", "glass") * seen.value
    enough = learned.value >= least and seen.value >= 0.4 * least
    return enough and shaken and learned.sigmas >= 3 and seen.sigmas >= CLEAR


def mostly_learned(run: Judged) -> bool:
    """Whether most single losses came to next to nothing, whatever the others are."""
    curve = run.train
    if len(curve) < 60 or run.signed or run.seen.train_higher:
        return False
    first, last = curve.level(0, 0.05 * run.end, least=NINE), curve.level(0.8 * run.end, run.end)
    return last.value < limit("not converging", "nothing") * first.value


def gone_far(run: Judged, curve: Trend, start: Level, share: float) -> bool:
    """Whether a curve ends clearly below where it began, and by such a share of that."""
    gain = start.minus(curve.level(0.8 * run.end, run.end, least=3))
    return gain.sigmas >= CLEAR and gain.value >= share * run.size(start.value)


def fell_alone(run: Judged) -> bool:
    """Whether evaluations fell by enough from their own first, where that is no further above the first training
    losses than these scatter."""
    curve = run.val
    first = float(curve.values[0])
    if run.outset(curve) < first:
        return False
    return gone_far(run, curve, run.start(curve), limit("not converging", "alone"))


def set_out(run: Judged) -> Level:
    """Where training losses began: by the first evaluation, where none of the later ones rose and the first few losses
    lie below it by luck alone."""
    import numpy as np

    began, val = run.began(run.train), run.val
    if len(val) < TOO_FEW or run.seen.higher_is_better or run.signed:
        return began
    rose = float((val.values - np.minimum.accumulate(val.values)).max())
    known = run.outset(val)
    quiet = rose < limit("diverged", "quiet") * known
    return Level(known, run.head().error) if quiet and known > began.value else began
