"""Logs that begin when the run was well under way: of a run gone on with, or of which the first file is lost.

How high the loss was, how fast it fell and whether it was thrown up at first is not in them, so nothing is said that
rests on it: no rate too low or too high for how a run began, no warm-up, nothing about having learned nothing. What is
in them is judged on a clock of their own, so that a tenth of the run is a tenth of what was seen.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import (
    CLEAR,
    TOO_FEW,
    Change,
    Diagnosis,
    Evidence,
    Judged,
    Observed,
    short,
    sure,
    times,
)
from calando.records.diagnosis.noisy import Level, Trend, median

__all__ = ["begins_late", "climbing", "on_its_own_clock", "put_back", "since"]

HIGH = "LR too high"
GAPS = 3.0
"""Distances of two logged points, by which a first one that is further from the start is no first one."""

NUMBER = r"\d{1,3}(?:,\d{3})*"
STEPS = re.compile(
    rf"(?:\bsteps? |\buntil |\bhorizon (?:of about|near) |\bplan to |\bhorizon, such as |\bended after |\bto take )"
    rf"{NUMBER}(?:(?:, | to | of ){NUMBER})*"
)
"""Where a finding names steps: each number that is found so is one."""


def begins_late(run: Judged) -> bool:
    """Whether the first logged loss is from well after the start, further than its first points are apart."""
    return bool(run.once("begins late", lambda: _begins_late(run)))


def _begins_late(run: Judged) -> bool:
    import numpy as np

    curve = _first(run)
    if curve is None:
        return False
    first, steps = float(curve.steps[0]), np.unique(curve.steps)[:4]  # a log may grow denser
    if first <= limit("healthy", "late") * run.end or steps.size < 2:
        return False
    return first > GAPS * float(np.median(np.diff(steps)))


def _first(run: Judged) -> Trend | None:
    return min((one for one in (run.train, run.val) if len(one)), key=lambda one: one.steps[0], default=None)


def offset(run: Judged) -> float:
    """The first logged step of a loss."""
    curve = _first(run)
    return 0.0 if curve is None else float(curve.steps[0])


def on_its_own_clock(run: Judged) -> Judged:
    """The run with its steps counted from the first logged loss."""
    first = offset(run)

    def moved(curve: Trend) -> Trend:
        return Trend(curve.steps - first, curve.values, curve.noise)

    lr = run.lr.window(first, math.inf)
    return replace(run, seen=_moved(run.seen, first), train=moved(run.train), val=moved(run.val), lr=moved(lr), made={})


def _moved(seen: Observed, first: float) -> Observed:
    return replace(seen, horizon=max(seen.horizon - int(first), 1))


def put_back(found: Diagnosis, run: Judged) -> Diagnosis:
    """A finding on the log's own clock, told in the steps that were logged."""
    first = int(offset(run))

    def told(text: str) -> str:
        return STEPS.sub(lambda part: re.sub(NUMBER, lambda one: _later(one[0], first), part[0]), text)

    changes = tuple(
        replace(one, value=one.value + first)
        if one.what in ("horizon", "stop") and isinstance(one.value, int | float)
        else one
        for one in found.changes
    )
    evidence = tuple(
        replace(one, text=told(one.text), value=one.value + first if one.text.startswith("step ") else one.value)
        for one in found.evidence
    )
    return replace(found, title=told(found.title), words=told(found.words), advice=tuple(map(told, found.advice)),
                   evidence=evidence, changes=changes)  # fmt: skip


def _later(number: str, first: int) -> str:
    return f"{int(number.replace(',', '')) + first:,}"


def climbing(run: Judged) -> Diagnosis | None:
    """The training loss climbs clearly within what was logged.

    Large enough: by a tenth of its lowest level, as what was gained before the log is not known, or by half of its
    first values, of which there are few.
    """
    curve, end = run.train, run.end
    if len(curve) < TOO_FEW:
        return None
    last, smooth = curve.level(0.9 * end, end, least=3), curve.smooth()
    low = int(smooth.values.argmin())
    lowest = Level(float(smooth.values[low]), curve.noise * (1.5 * len(smooth) / len(curve)) ** 0.5)
    first = Level(median(curve.values[:3]), curve.noise / 3**0.5)
    found = None
    lows = ((lowest, float(smooth.steps[low]), 0.1),) if smooth.steps[low] <= 0.85 * end else ()
    for best, at, least in (*lows, (first, float(curve.steps[1]), 0.5)):
        lost = last.minus(best)
        if lost.sigmas >= CLEAR and lost.value >= least * run.size(best.value):
            found = best, at, lost
            break
    if found is None:
        return None
    best, at, lost = found
    rate = f" (LR {short(run.lr_at(at))})" if math.isfinite(run.lr_at(at)) else ""
    name = run.seen.train_metric
    return Diagnosis(
        HIGH, "warning", f"{name} rises after step {at:,.0f}",
        f"The {name} was {short(best.value)} near step {at:,.0f}{rate} and ends at {short(last.value)}. Since the "
        f"{name} itself rises, this is instability, not overfitting.",
        (f"Lower the rate to about {times(run.peak, 0.5, 'half of this one')}, or go on from a checkpoint of before "
         f"step {at:,.0f}.",
         "Clip the gradient norm."),
        (Evidence("best level", best.value, short(best.value)), Evidence("end", last.value, short(last.value))),
        sure(lost.sigmas), (Change("peak", 0.5, "scale 0.5"), Change("clip", 1.0)),
    )  # fmt: skip


def since(found: Diagnosis, run: Judged) -> Diagnosis:
    """The word that nothing stands out, with the step from which on that was seen."""
    words = (
        f"{found.words} The log begins at step {offset(run):,.0f}: how the run began, and so whether its peak was too "
        "low or too high, cannot be told from it."
    )
    return replace(found, title="healthy, as far as it was logged", words=words, confidence=min(found.confidence, 0.6))
