"""How the run fits the data: overfitting, fitted too early, or healthy."""

from __future__ import annotations

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, Change, Diagnosis, Evidence, Judged, main_curve, short, sure, whole
from calando.records.diagnosis.noisy import Level, Trend

__all__ = ["after_a_drop", "fitted_early", "healthy", "overfitting"]

AFTER = "overfitting after a drop"
EXPECTED = 1 / 3
"""Training over validation loss below which a model knows its data by heart."""


def overfitting(run: Judged) -> Diagnosis | None:
    """The validation curve turns up while the training loss goes on falling.

    Large enough: the rise is 2 % of the best value or of what was gained, whichever is less:
    below that, stopping earlier would not change a decision. Clear: `CLEAR` standard errors, or 3
    where the training loss has fallen to a third of the validation loss, so that overfitting is what
    one expects.
    """
    val, train, end = run.val, run.train, run.end
    if len(val) < 6:
        return None
    width = max(0.05 * end, 1.0)
    at = float(val.steps[int(val.values.argmin())])
    best, last = val.level(at - width, at + width, least=3), val.level(0.9 * end, end, least=3)
    rise, gained = last.minus(best), run.gained(val)
    drift = val.fall(at + 0.5, end)  # without the lowest point itself, which is low by choice
    if -drift.sigmas > rise.sigmas:  # a slow, steady rise is seen more surely by a line than by its two ends
        rise = Level(-drift.value, drift.error)
    scale = max(run.begin(val) - best.value, abs(gained.value) + abs(rise.value))
    scale = scale if run.signed else min(2.5 * abs(best.value), scale)
    fell, enough = None, CLEAR
    if len(train) >= 6:
        now = train.level(0.9 * end, end, least=3)
        fell = train.level(at - width, at + width, least=3).minus(now)
        if fell.sigmas < -CLEAR:
            return None  # both rise: `rising` tells that story
        if len(train) >= 20 and fell.sigmas < 2 and not run.seen.train_higher:  # which may be full
            return None  # the training loss stands still: nothing more is being learned by heart
        scored = run.seen.higher_is_better or run.seen.train_higher
        if not scored and now.value < EXPECTED * last.value and fell.sigmas > CLEAR:
            enough = 3.0
    if at > 0.85 * end or rise.sigmas < enough or rise.value < 0.02 * scale:
        return None
    sign = -1.0 if run.seen.higher_is_better else 1.0
    turned = "fell" if run.seen.higher_is_better else "rose"
    words = (
        f"The {run.seen.metric} was best near step {at:,.0f} ({short(sign * best.value)}) and {turned} to "
        f"{short(sign * last.value)} by the end"
    )
    if fell is not None and fell.sigmas > 2:
        went = "rising" if run.seen.train_higher else "falling"
        words += f", while the {run.seen.train_metric} went on {went} by {short(fell.value)}"
    words += (
        ". That is overfitting: examples are learned by heart. A lower peak may put it off; regularisation or an "
        "earlier stop cures it."
    )
    evidence = [
        Evidence("best", sign * best.value, f"{short(sign * best.value)} at step {at:,.0f}"),
        Evidence("end", sign * last.value, short(sign * last.value)),
    ]
    if fell is not None:
        went = "rose" if run.seen.train_higher else "fell"
        evidence.append(Evidence(f"{run.seen.train_metric} {went} since by", fell.value, short(fell.value)))
    stop = Change("horizon", float(whole(max(at * 1.1, 1))), "stop")
    cures = (stop, Change("weight decay", 3.0), Change("dropout", 0.3))
    clear = sure(rise.sigmas) if fell is not None and fell.sigmas > 2 else min(0.7, sure(rise.sigmas))
    return Diagnosis(
        "overfitting", "warning", f"overfitting since step {at:,.0f}", words,
        ("Weight decay: three times, then ten times what it is now (decoupled, as in AdamW).",
         "Dropout of 0.1 to 0.3 before the last layers; label smoothing of 0.1 for classification; more "
         "augmentation where the data allow it.",
         f"Or stop earlier: bind the same plan to a horizon near {whole(at * 1.1):,} steps, so that the decay "
         "ends there too."),
        tuple(evidence), clear, cures,
    )  # fmt: skip


def after_a_drop(run: Judged) -> Diagnosis | None:
    """The rate falls steeply, and the validation curve, which was not rising before, rises from there to the end.

    Large enough: a share of the whole gain. The training loss must have fallen with the drop. A curve that was lowest
    long before the drop, and higher ever since, is overfitting that no drop began: `overfitting` tells of that.
    """
    val, end = run.val, run.end
    if len(val) < 12:
        return None
    for when, factor in _drops(run):
        later = val.window(when, end)
        if len(later) < 5 or _begun(val, when):
            continue
        near = later.window(when, when + max(0.3 * (end - when), 0.05 * end))
        low = near.values.argmin() if len(near) else 0
        at, best = float(later.steps[low]), float(later.values[low])
        rise = Level(-val.fall(at, end).value, val.fall(at, end).error)
        last = val.level(0.92 * end, end, least=3)
        gain = max(run.begin(val) - best, 0.02 * run.size(best))
        lost = last.value - val.level(at, at + 0.04 * end, least=1).value
        if len(run.train) >= 20:
            learned = run.train.level(when - 0.08 * end, when, least=3).minus(run.train.level(0.9 * end, end, least=3))
            if learned.sigmas < CLEAR:
                continue
        if rise.sigmas < CLEAR or min(rise.value, lost) < limit(AFTER, "rise") * gain:
            continue
        sign = -1.0 if run.seen.higher_is_better else 1.0
        return Diagnosis(
            AFTER, "warning", f"overfitting after the rate dropped at step {when:,.0f}",
            f"The rate fell {short(factor)} times at step {when:,.0f}; the {run.seen.metric} was "
            f"{short(sign * best)} near "
            f"step {at:,.0f} and is {short(sign * last.value)} at the end, while the training loss went on falling. "
            f"Without "
            "the noise of a high rate the model learns its examples by heart.",
            (f"End soon after the drop: a horizon near {whole(at + 0.02 * end):,} steps keeps what it brought.",
             "More weight decay or dropout before the drop.",
             "A run under way: `stop`, and keep the weights of the best evaluation."),
            (Evidence("drop of the rate", factor, f"{short(factor)} times at step {when:,.0f}"),
             Evidence("best after it", sign * best, f"{short(sign * best)} at step {at:,.0f}"),
             Evidence("end", sign * last.value, short(sign * last.value))),
            sure(rise.sigmas), (Change("stop", float(whole(at + 0.02 * end)), "stop"), Change("weight decay", 3.0),
                                Change("dropout", 0.3)),
        )  # fmt: skip
    return None


def _begun(val: Trend, when: float) -> bool:
    """Whether a curve had turned before a step: lowest in the first half of the way there, or well on its way up.

    Three evaluations together: a single one is lowest by chance.
    """
    import numpy as np

    level = np.convolve(val.values, np.ones(3) / 3, "valid")
    low, there = int(level.argmin()), int(val.steps.searchsorted(when, "right")) - 3
    if val.steps[low + 1] < limit(AFTER, "begun") * when:
        return True
    return there > low and float(level[there] - level[low]) > limit(AFTER, "had") * float(level[-1] - level[low])


def _drops(run: Judged) -> list[tuple[float, float]]:
    """The steps at which the rate fell steeply for good, each with its factor, the largest first."""
    import numpy as np

    if len(run.lr) < 8 or not run.peak > 0:
        return []
    steps, rates = run.lr.steps, np.maximum(run.lr.values, 1e-9 * run.peak)
    later = np.minimum(np.searchsorted(steps, steps + 0.05 * run.end), len(steps) - 1)
    factors = rates / rates[later]
    found = []
    sure_ones = (factors >= limit(AFTER, "drop")) & (rates >= 0.05 * run.peak) & (steps < 0.85 * run.end)
    for group in np.split(np.flatnonzero(sure_ones), np.flatnonzero(np.diff(np.flatnonzero(sure_ones)) > 1) + 1):
        if group.size:
            top = rates[group[-1] : later[group[-1]] + 1]
            when = float(steps[group[-1] + int(np.flatnonzero(top >= 0.9 * top[0])[-1])])
            if float(rates[steps > when].max(initial=0.0)) < 0.5 * float(top[0]):
                found.append((when, float(factors[group].max())))
    return sorted(found, key=lambda one: -one[1])


def fitted_early(run: Judged) -> Diagnosis | None:
    """The training loss was at its floor long before the end: the rest had nothing to learn.

    Large enough: below 1 % of its starting level before 60 % of the run.
    """
    curve = run.train
    if len(curve) < 20:
        return None
    start = curve.level(0, 0.02 * run.end, least=3).value
    smooth = curve.smooth()
    over = smooth.steps[smooth.values > 0.01 * start]
    at = float(over[-1]) if over.size else 0.0
    if start <= 0 or run.signed or at > 0.6 * run.end:  # nothing is fitted at a loss that goes on below zero
        return None
    if len(run.val) >= 6:
        fall = run.val.fall(at, run.end)
        if fall.sigmas >= CLEAR and fall.value > 0.02 * max(run.gained(run.val).value, 0.0):
            return None  # the validation metric still gained: the time was not wasted
    return Diagnosis(
        "fitted early", "note", f"training data fitted by step {at:,.0f}",
        f"The training loss was below 1 % of its start from step {at:,.0f} of {run.seen.horizon:,} on.",
        (f"A horizon near {whole(max(at * 1.5, 1)):,} steps should reach the same result.",
         "To use the remaining time: more augmentation, dropout, label smoothing, or a larger data set."),
        (Evidence("fitted by", at, f"step {at:,.0f}"),), 0.85,
    )  # fmt: skip


def healthy(run: Judged) -> Diagnosis:
    """Nothing found: say what the run did."""
    curve, name = main_curve(run)
    end = run.end
    start, last = curve.level(0, 0.05 * end, least=3), curve.level(0.9 * end, end, least=3)
    sign = -1.0 if (run.seen.higher_is_better if curve is run.val else run.seen.train_higher) else 1.0
    return Diagnosis(
        "healthy", "good", "healthy",
        f"The {name} went from {short(sign * start.value)} to {short(sign * last.value)}; nothing stands out.",
        (), (Evidence("at the start", sign * start.value, short(sign * start.value)),
             Evidence("at the end", sign * last.value, short(sign * last.value))), 0.8,
    )  # fmt: skip
