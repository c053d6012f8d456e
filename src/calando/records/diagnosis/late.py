"""Logs that begin when the run was well under way: of a run gone on with, or of which the first file is lost.

How high the loss was, how fast it fell and whether it was thrown up at first is not in them, so nothing is said that
rests on it: no rate too low or too high for how a run began, no warm-up, nothing about having learned nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import CLEAR, Change, Diagnosis, Evidence, Judged, short, sure, times

__all__ = ["begins_late", "climbing", "since"]

HIGH = "LR too high"
GAPS = 3.0
"""Distances of two logged points, by which a first one that is further from the start is no first one."""


def begins_late(run: Judged) -> bool:
    """Whether the first logged loss is from well after the start, further than points are apart."""
    return bool(run.once("begins late", lambda: _begins_late(run)))


def _begins_late(run: Judged) -> bool:
    import numpy as np

    curve = min((one for one in (run.train, run.val) if len(one) > 1), key=lambda one: one.steps[0], default=None)
    if curve is None:
        return False
    first, gap = float(curve.steps[0]), float(np.median(np.diff(curve.steps)))
    return first > limit("healthy", "late") * run.end and first > GAPS * gap


def climbing(run: Judged) -> Diagnosis | None:
    """The training loss climbs clearly within what was logged.

    Large enough: by a tenth of itself, as what was gained before the log is not known.
    """
    curve, end = run.train, run.end
    if len(curve) < 20:
        return None
    smooth = curve.smooth()
    low = int(smooth.values.argmin())
    at, last = float(smooth.steps[low]), curve.level(end - 0.1 * (end - float(curve.steps[0])), end, least=3)
    best = curve.level(at - 0.05 * end, at + 0.05 * end, least=3)
    lost = last.minus(best)
    if lost.sigmas < CLEAR or lost.value < 0.1 * run.size(best.value):
        return None
    rate = f" (LR {short(run.lr_at(at))})" if math.isfinite(run.lr_at(at)) else ""
    return Diagnosis(
        HIGH, "warning", f"training loss rises after step {at:,.0f}",
        f"The training loss was {short(best.value)} near step {at:,.0f}{rate} and ends at {short(last.value)}. Since "
        "the training loss itself rises, this is instability, not overfitting.",
        (f"Lower the rate to about {times(run.peak, 0.5, 'half of this one')}, or go on from a checkpoint of before "
         f"step {at:,.0f}.",
         "Clip the gradient norm."),
        (Evidence("best level", best.value, short(best.value)), Evidence("end", last.value, short(last.value))),
        sure(lost.sigmas), (Change("peak", 0.5, "scale 0.5"), Change("clip", 1.0)),
    )  # fmt: skip


def since(found: Diagnosis, run: Judged) -> Diagnosis:
    """The word that nothing stands out, with the step from which on that was seen."""
    first = min(float(one.steps[0]) for one in (run.train, run.val) if len(one))
    words = (
        f"{found.words} The log begins at step {first:,.0f}: how the run began, and so whether its peak was too low "
        "or too high, cannot be told from it."
    )
    return replace(found, title="healthy, as far as it was logged", words=words, confidence=min(found.confidence, 0.6))
