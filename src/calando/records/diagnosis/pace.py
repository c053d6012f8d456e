"""How fast the run got on: learning rate too low, horizon too short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from calando.records.diagnosis.calm import trembling
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import (
    CLEAR,
    LUCK,
    TOO_FEW,
    Change,
    Diagnosis,
    Evidence,
    Judged,
    main_curve,
    short,
    sure,
    whole,
)
from calando.records.diagnosis.gliding import descent, glide
from calando.records.diagnosis.noisy import Trend, median
from calando.records.diagnosis.plateau import held_up

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["horizon_too_short", "lr_too_low", "spent", "steady"]

LOW = "LR too low"
SHORT = "horizon too short"


def spent(run: Judged, curve: Trend, start: float | None = None) -> tuple[Floats, Floats] | None:
    """At every point of the smoothed curve, the share of the summed learning rate and the share of the gain so far."""
    import numpy as np

    if len(curve) < 12 or len(run.lr) < 2 or not run.peak > 0:
        return None
    smooth = curve.smooth()
    every, _, walked = run.walked()
    share = np.interp(smooth.steps, every, walked)
    last = median(smooth.values[-3:])
    start = run.begin(curve) if start is None else start
    return share, (start - smooth.values) / max(start - last, 1e-300)


def steady(run: Judged) -> Trend:
    """The curve whose noise is smaller against what it gained: evaluations, as a rule, where there are enough."""
    curves = [curve for curve in (run.val, run.train) if len(curve) >= 12]
    if len(curves) < 2:
        return curves[0] if curves else run.train
    return min(curves, key=lambda curve: curve.noise / len(curve) ** 0.25)


def _hurled(run: Judged) -> bool:
    """Whether the training loss rose clearly above where it began, or evaluations rose on the way: no crawling."""
    import numpy as np

    if len(run.val) >= 12:
        values = run.val.values
        gain, rose = run.outset(run.val) - float(values.min()), float((values - np.minimum.accumulate(values)).max())
        if rose > limit(LOW, "rose") * gain > 0:
            return True
    if len(run.train) < 40 or run.seen.higher_is_better:
        return False
    smooth, head = run.train.smooth(), run.head()
    start = max(run.ceiling(run.train), head.value, run.outset(run.val) if len(run.val) else head.value)
    height, low = float(smooth.values.max()) - start, float(smooth.values.min())
    return height > LUCK * max(run.rise_error(), head.error) and height > 0.15 * abs(start - low) + 0.02 * run.size(
        start
    )


def _came_far(run: Judged) -> bool:
    """Whether single losses say that a model did not crawl, where evaluations do not tell.

    A model that crawls stays about as unsure of every batch as it was at first. Where losses have come to scatter far
    more than they did, or much of the start is gone in a curve that is not smooth, it went far or was thrown: what it
    gained late, the fall of the rate brought.
    """
    import numpy as np

    curve = run.train
    gain = run.begin(curve) - median(curve.values[-3:])
    if len(curve) >= 120:
        early = 1.4826 * median(np.abs(np.diff(curve.values[:60], 2))) / 6**0.5  # as `noise`, of all of them
        if curve.noise > limit(LOW, "grown") * early:
            return True
    return gain > limit(LOW, "gone") * run.size(run.begin(curve)) and curve.noise > limit(LOW, "smooth") * gain


def _even(run: Judged) -> bool:
    """Whether losses of single batches, logged at every step, differ by next to nothing: then no rate makes noise."""
    if len(run.train) < max(60, 0.9 * run.end) or run.seen.train_higher:
        return False
    gain = run.begin(run.train) - float(run.train.smooth().values.min())
    return run.train.noise < limit(LOW, "even") * gain


def lr_too_low(run: Judged) -> Diagnosis | None:
    """The loss is still limited by the distance travelled, the sum of learning rates so far.

    Large enough: half of the gain took a good part of the summed learning rate, little was gained in its first quarter
    and much in its last. A run with a sound peak is through half of its gain in the first few percent of that sum, one
    that crawls shows a nearly straight line. Progress is counted in summed learning rate, not in steps, so that a long
    warm-up or a short cooldown does not look like crawling. A run that gained almost nothing in all crawls, too, when
    it is not flat.
    """
    import numpy as np

    curve = steady(run)
    found = spent(run, curve, run.outset(curve))
    if _hurled(run):
        return None
    if found is None or run.start(curve).minus(curve.level(0.9 * run.end, run.end, least=3)).sigmas < CLEAR:
        return None
    share, done = found
    half = float(share[int(np.argmax(done >= 0.5))])
    first, late = float(np.interp(0.25, share, done)), 1.0 - float(np.interp(0.75, share, done))
    late_log = len(run.train) < 20 and float(curve.steps[0]) > 0.06 * run.end  # how fast it began is not in the log
    unseen = run.unseen or late_log
    told = trembling(run)
    far = run.outset(curve) - median(curve.values[-3:]) > limit(LOW, "gone") * run.size(run.outset(curve))
    loud = told is not None and (
        (told.ratio < limit(LOW, "din") and far)
        or (told.ratio < limit(LOW, "loud") and told.eased > limit(LOW, "eased"))
    )
    crawls = not (unseen or loud or (told is not None and told.shaken)) and (
        half >= limit(LOW, "half") and late >= limit(LOW, "late") and first <= limit(LOW, "first")
    )
    if crawls and told is None and curve is run.train:
        crawls = not _came_far(run)
    if crawls and (going := glide(run)) is not None:  # it never saw a decay
        crawls = going.whole.value >= limit(LOW, "loud") * going.tremble
    start = run.outset(curve)
    fall = curve.fall(0.4 * run.end, run.end)
    gain = start - median(curve.values[-3:])
    little = not run.signed and 0 < gain < limit(LOW, "barely") * abs(start)
    if little and len(run.train) >= 20:  # where much of the start is a constant, that is little of it, too
        little = gain < limit(LOW, "scatter") * run.train.noise
    barely = little and fall.sigmas > 2 * CLEAR and fall.value > 0.08 * gain
    quiet = told if not crawls and not barely and told is not None and told.too_quiet else None
    if _even(run):
        quiet = None
    if not crawls and not barely and quiet is None:
        return None
    words = (
        f"Half of the gain took {100 * half:.0f} % of the summed learning rate, and its last quarter still brought "
        f"{100 * late:.0f} %: the loss is held back by how far the steps carry it."
    )
    if quiet is not None:
        words = (
            f"While the rate was high, evaluations trembled by {100 * quiet.tremble:.2g} % of the gain, and doubling "
            f"the summed rate still brought {70 * quiet.slope:.2g} %; the fall of the rate brought no descent of its "
            "own. Steps of a sound length make more noise than that."
        )
    elif not crawls:
        words = (f"In all the loss came down by {100 * gain / abs(start):.0f} % of where it began, and it was "
                 f"falling to the "
                 "end: the steps are too short to get anywhere.")  # fmt: skip
    title = f"learning rate too low (peak {short(run.peak)})" + (" or run too short" if crawls else "")
    evidence = [
        Evidence("half of the gain at", half, f"{100 * half:.0f} % of summed LR"),
        Evidence("gain of the last quarter", late, f"{100 * late:.0f} %"),
        Evidence("peak", run.peak, short(run.peak)),
    ]
    if quiet is not None:
        evidence.append(Evidence("trembling while hot", quiet.tremble, f"{100 * quiet.tremble:.2g} % of the gain"))
    return Diagnosis(
        LOW, "warning", title, words,
        (f"Try peaks of {short(run.peak * 5)} and {short(run.peak * 20)}.",
         "If the peak cannot rise because it diverges, lengthen the warm-up or the run."),
        tuple(evidence), 0.7, (Change("peak", 5.0, "scale 2"), Change("peak", 20.0)),
    )  # fmt: skip


def horizon_too_short(run: Judged) -> Diagnosis | None:
    """The loss is still falling steeply in the last steps, or smoothly at a rate that is still high.

    Large enough: the last tenth of the steps brought 5 % of the whole gain. A loss that falls like
    any power law brings below 1 % there; a straight line brings 10 %. A cooldown is steep by nature,
    so the fifth of the run before it must have gone at half of that pace, and the last fifth may not
    have brought much more than its share of the summed rate.
    """
    if (left := _left_off(run)) is not None:
        return left
    if run.seen.status == "running" and run.end < 0.95 * run.seen.horizon:
        return None
    return _falling(run) or _gliding(run)


def _falling(run: Judged) -> Diagnosis | None:
    """A run whose last steps brought a good part of all that it gained."""
    curve, name = main_curve(run)
    if len(curve.window(0.9 * run.end, run.end)) < 3:
        curve, name = run.train, "training loss"
    ends_hot = len(run.lr) > 0 and run.lr_at(run.end) >= 0.6 * run.peak
    if run.val.fall(0.5 * run.end, run.end).sigmas < -2:
        return None  # evaluations rise: what the training loss still gains is learned by heart
    if ends_hot and (cut := _cut(run)) is not None:
        return cut
    if len(curve) < 20:
        return None
    # The line is laid through the last fifth, which is steadier, and read over a tenth.
    fall, gained = curve.fall(0.8 * run.end, run.end), run.gained(curve)
    share = 0.5 * fall.value / max(gained.value, 1e-300)
    newest = curve.fall(0.9 * run.end, run.end)
    if not math.isfinite(share) or fall.sigmas < CLEAR or share < limit(SHORT, "share"):
        return None
    if newest.value < 0.25 * fall.value or gained.value < limit(SHORT, "begun") * run.size(run.begin(curve)):
        return None
    if len(run.lr) and run.peak > 0:
        hot = run.lr.steps[run.lr.values >= 0.7 * run.peak]
        cooled = min(float(hot[-1]), 0.8 * run.end)
        before = curve.fall(max(0.0, cooled - 0.2 * run.end), cooled)
        if before.value < 0.05 * gained.value:
            return None
        if not ends_hot and fall.value > limit(SHORT, "own") * _left(run, 0.8 * run.end) * gained.value:
            return None  # more than the way that was gone: the fall of the rate brought it
    return _steep(run, share, name, sure(fall.sigmas))


def _left_off(run: Judged) -> Diagnosis | None:
    """A run that ended, by its own account, long before its horizon and at a high rate."""
    seen, rates = run.seen, run.lr
    done = run.end + 1
    if seen.status == "running" or not len(rates) or done > limit(SHORT, "left") * seen.horizon:
        return None
    if not run.peak > 0 or run.lr_at(run.end) < 0.6 * run.peak or max(len(run.train), len(run.val)) < TOO_FEW:
        return None
    return Diagnosis(
        SHORT, "warning", f"ended at step {done:,.0f} of {seen.horizon:,}",
        f"The run was to take {seen.horizon:,} steps and ended after {done:,.0f}, at "
        f"{100 * run.lr_at(run.end) / run.peak:.0f} % of its highest rate: the decay, which brings much "
        "of what a schedule gives, never came. Where the run still goes on, its log does not say so.",
        ("Go on from its last checkpoint to its horizon.",
         f"If no more steps can be had: bind the plan to {whole(done):,} steps, so that the decay ends there."),
        (Evidence("steps made", done, f"{done:,.0f} of {seen.horizon:,}"),
         Evidence("rate at the end", run.lr_at(run.end), short(run.lr_at(run.end)))),
        0.9, (Change("horizon", float(seen.horizon)),),
    )  # fmt: skip


def _left(run: Judged, step: float) -> float:
    """The share of the summed rate that is spent after a step."""
    import numpy as np

    every, _, walked = run.walked()
    return 1.0 - float(np.interp(step, every, walked))


def _gliding(run: Judged) -> Diagnosis | None:
    """A run that ends at a high rate while its evaluations go down smoothly, however little of the gain that is."""
    seen = glide(run)
    if seen is None or not seen.on:
        return _descending(run)
    if not seen.smooth:
        share = f"{100 * seen.deep.value:.2g} %"
        return _short(
            run, "still falling at a high rate",
            f"The rate is still high, and the last two fifths of the run brought {share} of all that the logarithm of "
            f"the {run.seen.metric} fell: near zero that is little of the gain, and much of what is left.",
            Evidence("of the logarithm's fall", seen.deep.value, share), sure(seen.deep.sigmas),
        )  # fmt: skip
    return _short(
        run, "still falling at a high rate",
        f"The rate is still high, and the {run.seen.metric} falls more smoothly than it would at a standstill: the "
        f"last doubling of the way brought {100 * seen.doubling:.2g} % of all that it gained, and a decay of the rate "
        "would bring its own part.",
        Evidence("gain of the last doubling", seen.doubling, f"{100 * seen.doubling:.2g} %"), sure(seen.whole.sigmas),
    )  # fmt: skip


def _descending(run: Judged) -> Diagnosis | None:
    """A run that ends at a high rate and whose two losses together leave no doubt that they fall."""
    if (end := descent(run)) is None:
        return None
    share = f"{100 * end.value:.2g} %"
    return _short(
        run, "still falling at a high rate",
        f"The rate is still high, and by training losses and evaluations together the later part of the run brought "
        f"{share} of all that was gained: a standstill does not bring so much, and a decay of the rate would bring "
        "its own part.",
        Evidence("gain of the later part", end.value, share), sure(end.sigmas),
    )  # fmt: skip


def _cut(run: Judged) -> Diagnosis | None:
    """A run that ends at a high rate in the middle of its descent: its last two fifths brought much of the gain."""
    curve = steady(run)
    if len(curve) < 12:
        curve = max((run.train, run.val), key=len)
    if len(curve) < TOO_FEW:
        return None
    gain = run.begin(curve) - curve.level(0.93 * run.end, run.end, least=3).value
    wide, last = curve.fall(0.6 * run.end, run.end), curve.fall(0.75 * run.end, run.end)
    far = wide.value / max(limit("horizon too short", "cut") * gain, 1e-300)
    clear = wide.sigmas >= CLEAR or (wide.sigmas >= 2.5 and far >= 3) or (wide.sigmas >= 3 and far >= 2)
    if gain <= 0 or not clear or wide.value < limit("horizon too short", "cut") * gain:
        return None
    steep = wide.sigmas >= 3 and far >= 2
    if not steep and (last.value < 0.012 * gain or last.sigmas < 1.5):
        return None
    return _steep(run, 0.4 * last.value / gain, "loss", sure(wide.sigmas))


def _steep(run: Judged, share: float, name: str, confidence: float) -> Diagnosis:
    words = (
        f"The last tenth of the run brought {100 * share:.0f} % of all that the {name} gained; a run that is done "
        "shows below 1 %."
    )
    shown = Evidence("gain of the last tenth", share, f"{100 * share:.1f} %")
    return _short(run, "still falling steeply at the end", words, shown, confidence)


def _short(run: Judged, title: str, words: str, shown: Evidence, confidence: float) -> Diagnosis:
    longer = 2 * run.seen.horizon
    advice = [f"Bind the same plan to a longer horizon, such as {longer:,} steps: lengths in percent stretch with it."]
    if held_up(run) is None:  # what the noise of the steps holds up gains nothing by longer ones
        advice.append("If the budget is fixed, a higher peak buys some of the same.")
    return Diagnosis(
        SHORT, "warning", title, words, tuple(advice),
        (shown,), confidence, (Change("horizon", float(longer), f"extend {run.seen.horizon}"),),
    )  # fmt: skip
