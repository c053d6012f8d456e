"""A classifier that died in its first steps: its loss is what guessing costs, batch after batch."""

from __future__ import annotations

import math

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, times
from calando.records.diagnosis.noisy import median, noise

__all__ = ["only_guesses"]

KIND = "not converging"
FEWEST = 60
"""Training losses below which nothing is said of their scatter at the end."""


def only_guesses(run: Judged) -> Diagnosis | None:
    """The loss ends at the logarithm of a number of classes, was never below it and hardly differs between batches.

    Such a loss may have come down a little from where it began: only because a model that is new guesses worse than
    evenly. One that has learned anything tells some batches better than others; one that gives every example the same
    answer does not.
    """
    curve = run.train
    if len(curve) < FEWEST or run.seen.train_higher or run.signed:
        return None
    last = curve.window(0.9 * run.end, run.end).values
    if last.size < 6 or not 0.5 < (level := median(last)) < 3.2:
        return None
    classes = round(math.exp(level))
    even = math.log(classes)
    levels = [level]
    if len(run.val) >= 3 and not run.seen.higher_is_better:
        levels.append(median(run.val.values[-3:]))
    if classes > limit(KIND, "classes") or any(abs(one / even - 1) > limit(KIND, "even") for one in levels):
        return None
    if noise(last) > limit(KIND, "scatter") * even:
        return None
    if not 0.95 * even <= run.begin(curve) <= limit(KIND, "untaught") * even:
        return None
    smooth = curve.smooth()
    middle = smooth.window(0.3 * run.end, 0.7 * run.end).values
    if float(smooth.values.min()) < limit(KIND, "below") * even or median(middle) > limit(KIND, "flat") * even:
        return None
    return Diagnosis(
        KIND, "failure", "not converging: it only guesses",
        f"The training loss ends at {short(level)} and was never clearly below: that is what even guessing among "
        f"{classes} classes costs, and single batches hardly differ in it. Every example gets the same answer: the "
        "first steps at a high rate have left a model that no longer learns.",
        (f"Try a peak of {times(run.peak, 0.1, 'a tenth of this one')}, then a hundredth.",
         "If it guesses at any peak, it is not the schedule: check that the labels match the inputs, and that a single "
         "batch can be overfitted."),
        (Evidence("at the end", level, short(level)),
         Evidence("even guessing", even, f"{short(even)}, of {classes} classes"),
         Evidence("highest learning rate", run.peak, short(run.peak))),
        0.75, (Change("peak", 0.1, "scale 0.1"), Change("peak", 0.01)),
    )  # fmt: skip
