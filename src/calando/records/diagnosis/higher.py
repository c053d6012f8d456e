"""Metrics that are better when higher: what they say where no loss was logged, and when their fall is overfitting.

A score is coarse, saturates and is logged from the first evaluation on, by when most may be learned: of what the rules
for losses say only that is asked here which holds whatever the task. What a score may have gained before the first
evaluation counts as gained, so a share of the gain is never taken for larger than it is.
"""

from __future__ import annotations

import math
from dataclasses import replace

from calando.records.diagnosis import endings, fit
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import (
    CLEAR,
    TOO_FEW,
    Change,
    Diagnosis,
    Evidence,
    Judged,
    short,
    sure,
    times,
    whole,
)
from calando.records.diagnosis.noisy import Level, Trend

__all__ = ["LOOKS", "after_a_drop", "alone", "diverged", "overfitting"]

FULL = 0.9
"""Share of a scale that ends: above it a standstill may be all there is to have."""


def alone(run: Judged) -> bool:
    """Whether scores are all that was logged."""
    return run.seen.train_higher or (run.seen.higher_is_better and len(run.train) < TOO_FEW)


def diverged(run: Judged) -> Diagnosis:
    """As of a loss, where a score that was a number is none any more."""
    found, (curve, name), at = endings.diverged(run), _judged(run), run.seen.ended_at
    logged = (run.seen.val if curve is run.val else run.seen.train)[1]
    if at is None or not alone(run) or not len(curve) or math.isfinite(logged[-1]):
        return found
    last, since = short(-float(curve.values[-1])), f"{curve.steps[-1]:,.0f}"
    words = (f"The {name} was {last} at step {since} and is not a number from step {at:,} on: that comes of weights, "
             "or a loss, that are none either.")  # fmt: skip
    return replace(
        found, words=words, advice=(*found.advice, "Log the training loss: it tells when it broke."), confidence=0.8
    )


def overfitting(run: Judged) -> Diagnosis | None:
    """As of a loss, where the fall is steady and larger than the scatter of one evaluation and half a percent point."""
    if not run.seen.higher_is_better:
        return fit.overfitting(run)
    found = fit.overfitting(run)
    if found is None or (alone(run) and _sudden(run.val) is not None):
        return None
    at = float(run.val.steps[int(run.val.values.argmin())])
    drift = run.val.fall(at + 0.5, run.end)
    least = max(0.005 * _scale(run.val), run.val.tremble())
    if drift.sigmas > -3 or -drift.value < least:
        return None
    if not run.seen.unsure:
        return found
    words = f"{found.words} Should the {run.seen.metric} be one of training data, then the rate is too high instead."
    return Diagnosis(found.kind, found.severity, found.title, words, found.advice, found.evidence, 0.5, found.changes)


def after_a_drop(run: Judged) -> Diagnosis | None:
    """As of a loss, where the whole of the fall is overfitting."""
    found = fit.after_a_drop(run)
    return found if found is None or not run.seen.higher_is_better or overfitting(run) is not None else None


def collapsed(run: Judged) -> Diagnosis | None:
    """A score that fell at once by much of what it was, and stayed there."""
    curve, name = _judged(run)
    lost = _sudden(curve)
    if lost is None:
        return None
    best, last, at = lost
    return Diagnosis(
        "LR too high", "failure", "learned, then lost it",
        f"The {name} was {short(best)} and fell to {short(last)} near step {at:,.0f}, within few evaluations, and "
        "stayed there: that is no overfitting, which comes slowly. The learning rate is too high.",
        (f"Try a peak of {times(run.peak, 0.25, 'a quarter of this one')}.",
         "Clip the norm of the gradient; in half precision, look at the loss scale.",
         "Log the training loss: it tells when it broke."),
        (Evidence("best level", best, short(best)), Evidence("end", last, short(last)),
         Evidence("fell at", at, f"step {at:,.0f}")), 0.75, (Change("peak", 0.25, "scale 0.25"), Change("clip", 1.0)),
    )  # fmt: skip


def slid(run: Judged) -> Diagnosis | None:
    """A score of training data that falls slowly: that is no overfitting."""
    curve, name = run.train, run.seen.train_metric
    if not run.seen.train_higher or len(curve) < 12 or _sudden(curve) is not None:
        return None
    smooth = curve.smooth()
    at = float(smooth.steps[int(smooth.values.argmin())])
    drift, end = curve.fall(at + 0.5, run.end), curve.level(0.9 * run.end, run.end, least=3)
    best = curve.level(at - 0.05 * run.end, at + 0.05 * run.end, least=3)
    lost = end.minus(best)
    if at > 0.85 * run.end or drift.sigmas > -3 or lost.sigmas < CLEAR or lost.value < 0.02 * _scale(curve):
        return None
    return Diagnosis(
        "LR too high", "warning", f"{name} falls after step {at:,.0f}",
        f"The {name} was {short(-best.value)} near step {at:,.0f} and ends at {short(-end.value)}: what is measured on "
        "training data falls by instability, not by overfitting.",
        (f"Lower the peak to about {times(run.peak, 0.5, 'half of this one')}, or begin the decay before step "
         f"{at:,.0f}.",
         "Clip the norm of the gradient."),
        (Evidence("best level", -best.value, short(-best.value)), Evidence("end", -end.value, short(-end.value))),
        min(0.7, sure(lost.sigmas)), (Change("peak", 0.5, "scale 0.5"), Change("clip", 1.0)),
    )  # fmt: skip


def stood(run: Judged) -> Diagnosis | None:
    """A score that is within its noise the same from the first evaluation to the last.

    Nothing was learned only where the first evaluation is from before training, or not one example ever changed.
    """
    curve, name = _judged(run)
    scale, end = _scale(curve), run.end
    first, last = curve.level(0, 0.05 * end, least=3), curve.level(0.8 * end, end, least=3)
    same = float(curve.values.max() - curve.values.min()) <= 1e-9 * scale
    smooth = curve.smooth().values
    noise = max(curve.tremble(), curve.noise)
    still = abs(curve.fall(0, end).sigmas) < CLEAR and abs(first.minus(last).sigmas) < CLEAR
    if not same and (not still or float(smooth.max() - smooth.min()) > 8 * noise):
        return None
    level, seen = -last.value, not run.unseen
    if level >= FULL * scale:
        return None
    began = -first.value
    evidence = (Evidence("at the start", began, short(began)), Evidence("at the end", level, short(level)))
    if same or seen:
        what = "the same to the last digit at every evaluation" if same else "within the noise where it began"
        return Diagnosis(
            "not converging", "failure", "not converging",
            f"The {name} ends at {short(level)}, {what}: nothing was learned.",
            (f"Try a peak of {times(run.peak, 0.1, 'a tenth of this one')}, then one of "
             f"{times(run.peak, 10.0, 'ten times this one')}.",
             "If neither does, it is not the schedule: check that the labels match the inputs, that the optimizer "
             "holds the model's parameters, and that a single batch can be overfitted."),
            evidence, 0.9 if same else 0.75, (Change("peak", 0.1), Change("peak", 10.0)),
        )  # fmt: skip
    return Diagnosis(
        "too little data", "note", f"the {name} stood still from the first evaluation on",
        f"The {name} is {short(level)} from the first evaluation to the last, within its noise: it was all learned "
        "before the first one, or nothing was. The log does not say which.",
        ("Evaluate once before the first update, and log the training loss.",), evidence, 0.9,
    )  # fmt: skip


def still_rising(run: Judged) -> Diagnosis | None:
    """A score that rises steadily and clearly to the end.

    Large enough: the last tenth brought as much of all that may have been gained as it must of a loss, and so did the
    tenth before the rate came down; where no rate is known, which may have come down, more.
    """
    curve, name = _judged(run)
    end = run.end
    if len(curve) < 20 or (run.seen.status == "running" and end < 0.95 * run.seen.horizon):
        return None
    whole_, early, late = curve.fall(0.7 * end, end), curve.fall(0.7 * end, 0.85 * end), curve.fall(0.85 * end, end)
    gained, least = _gained(run, curve), limit("horizon too short", "share") * (1.0 if len(run.lr) else 1.4)
    share = whole_.value / 3 / gained
    if whole_.sigmas < CLEAR or share < least:
        return None
    if min(early.value, late.value) < 0.25 * whole_.value:
        return None  # a jump, as a drop of the rate brings one
    if len(run.lr) and run.peak > 0 and run.lr_at(end) < 0.6 * run.peak:
        hot = min(float(run.lr.steps[run.lr.values >= 0.7 * run.peak][-1]), 0.7 * end)
        if curve.fall(max(0.0, hot - 0.3 * end), hot).value / 3 < least * gained:
            return None
    longer = 2 * run.seen.horizon
    return Diagnosis(
        "horizon too short", "warning", "still rising steeply at the end",
        f"The last tenth of the run brought {100 * share:.0f} % of all that the {name} can have gained.",
        (f"Bind the same plan to a longer horizon, such as {longer:,} steps: lengths in percent stretch with it.",
         "If the budget is fixed, a higher peak buys some of the same."),
        (Evidence("gain of the last tenth", share, f"{100 * share:.1f} %"),),
        min(0.75, sure(whole_.sigmas)), (Change("horizon", float(longer), f"extend {run.seen.horizon}"),),
    )  # fmt: skip


def spent(run: Judged) -> Diagnosis | None:
    """A score that stands still for a long time at the end, at a learning rate that is nearly spent."""
    if not len(run.lr) or not run.peak > 0 or run.end <= 0:
        return None
    import numpy as np

    curve, name = _judged(run)
    above = np.flatnonzero(run.lr.values > 0.0999 * run.peak)
    first = float(run.lr.steps[above[-1]]) if above.size else 0.0
    if run.end - first < limit("plateau at low LR", "stretch") * run.end:
        return None
    if not _flat(run, curve, first + 0.1 * run.end):
        return None
    return Diagnosis(
        "plateau at low LR", "note", f"plateau at low learning rate from step {first:,.0f}",
        f"The last {100 * (1 - first / run.end):.0f} % of the run went by below a tenth of the peak, and the {name} "
        "stood still.",
        (f"A horizon of about {whole(first * 1.1):,} steps would have ended at the same place.",
         "Or keep the rate higher for longer: a later first milestone, a gentler factor."),
        (Evidence("since", first, f"step {first:,.0f}"),), 0.7,
        (Change("plan", "warmup(5%) | cosine()"), Change("horizon", float(whole(first * 1.1)), "stop")),
    )  # fmt: skip


def hot(run: Judged) -> Diagnosis | None:
    """A score that stands still for the second half of a run whose rate never comes down, with much left to have."""
    curve, name = _judged(run)
    if not len(run.lr) or not run.peak > 0 or len(curve) < 20:
        return None
    high = run.lr.window(0.3 * run.end, run.end).values
    level = -curve.level(0.5 * run.end, run.end).value
    if not high.size or float(high.min()) < 0.5 * run.peak or level >= FULL * _scale(curve):
        return None
    if not _flat(run, curve, 0.5 * run.end):
        return None
    return Diagnosis(
        "plateau at high LR", "warning", "plateau at high learning rate",
        f"The {name} stood still at {short(level)} for the second half of the run, while the learning rate stayed "
        "above half of its peak.",
        ("End with a cooldown to zero over the last 20 %: `wsd(cooldown=20%)` or `linear_decay()`.",
         f"Or try a peak of {short(run.peak / 3)}: this one may be held up by its own noise."),
        (Evidence("level", level, short(level)),), 0.7,
        (Change("cooldown", float(max(1, round(0.3 * run.seen.horizon))), "cooldown 20%"),
         Change("peak", 1 / 3, "scale 0.33")),
    )  # fmt: skip


LOOKS = (collapsed, slid, stood, overfitting, after_a_drop, still_rising, spent, hot)
"""What is asked of a run that logged no loss."""


def _judged(run: Judged) -> tuple[Trend, str]:
    """The score to judge by: of validation, where there is one."""
    if len(run.val) >= TOO_FEW or len(run.val) >= len(run.train):
        return run.val, run.seen.metric
    return run.train, run.seen.train_metric


def _scale(curve: Trend) -> float:
    """The length of the scale: 1 or 100 where the values keep to one that ends there, else what they cover."""
    low, high = -float(curve.values.max()), -float(curve.values.min())
    if high <= 1 and low >= -1:
        return 1.0
    return 100.0 if low >= 0 and high <= 100 else max(high - low, 1e-300)


def _gained(run: Judged, curve: Trend) -> float:
    """All that may have been gained: since the first evaluation, or from nothing where learning began before it."""
    least = max(run.begin(curve) - float(curve.values.min()), 1e-300)
    return max(least, -float(curve.values.min())) if run.unseen else least


def _flat(run: Judged, curve: Trend, first: float) -> bool:
    """Whether what was gained from a step on is surely next to nothing."""
    if len(curve.window(first, run.end)) < 5:
        return False
    fall = curve.fall(first, run.end)
    return fall.value + 2 * fall.error <= limit("plateau at high LR", "gain") * _gained(run, curve)


def _sudden(curve: Trend) -> tuple[float, float, float] | None:
    """The best level, the last one and the step of the fall, where most of a large loss came within few evaluations."""
    import numpy as np

    if len(curve) < TOO_FEW:
        return None
    score = -curve.values
    levels = np.median(np.lib.stride_tricks.sliding_window_view(score, 3), axis=1)
    best, last = float(levels.max()), float(np.median(score[-max(3, len(score) // 10) :]))
    lost = Level(best - last, 1.25 * curve.noise)
    falls = levels[:-2] - levels[2:]
    place = int(np.argmax(falls))
    if lost.value <= 0 or lost.sigmas < CLEAR or lost.value < 0.25 * abs(best) or place < int(levels.argmax()) - 2:
        return None
    if float(falls[place]) < 0.5 * lost.value or float(levels[place + 2 :].max()) > best - 0.5 * lost.value:
        return None
    return best, last, float(curve.steps[place + 2])
