"""Evaluations on another scale than the training losses beside them: sums over batches or micro-batches on one side, a
loss that is shared out over them, a perplexity."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import TOO_FEW, Judged
from calando.records.diagnosis.noisy import median, trend

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Floats

__all__ = ["on_its_own", "together"]

BESIDE = 0.02
"""Share of the run, on either side of an evaluation, whose training losses are laid beside it."""


def together(run: Judged) -> Judged:
    """The run with its evaluations brought to the scale of the training losses, or as it is where they are on it."""
    factor = _factor(run)
    if factor == 1.0:
        return run
    values = run.val.values / factor if factor > 0 else _logarithms(run.val.values)
    return replace(run, val=trend(run.val.steps.tolist(), values.tolist()), made={})


def on_its_own(run: Judged) -> Judged:
    """The run with its evaluations as they are, which begin at their own first value if they are on another scale."""
    return run if _factor(run) == 1.0 else replace(run, apart=True, made={})


def _factor(run: Judged) -> float:
    return float(run.once("scale", lambda: _how_many_times(run)))


def _how_many_times(run: Judged) -> float:
    """How many times as high as training losses evaluations are; 1 where they may be alike, 0 for perplexities.

    Findings are told in the numbers that were logged: of evaluations that are denser than training losses rules tell
    the level, so those stay as they are.
    """
    few = min(len(run.train), len(run.val)) < TOO_FEW or len(run.train) < max(20, len(run.val))
    if few or run.seen.higher_is_better:
        return 1.0
    if min(float(run.train.values.min()), float(run.val.values.min())) <= 0:
        return 1.0
    if not _begins_above(run) and float(_ratios(run, run.val.values, 1)[0]) >= limit("healthy", "lower"):
        return 1.0  # as nearly all do; the rest costs
    ratios = _ratios(run, run.val.values)
    first = median(ratios[:3])
    if not 0 < first < math.inf:
        return 1.0
    if _above(run, ratios):
        if first <= limit("healthy", "steady") * float(ratios.min()):
            return first
        return 0.0 if _perplexities(run) else 1.0
    return first if _below(ratios) else 1.0


def _above(run: Judged, ratios: Floats) -> bool:
    """Whether evaluations are too high from the first on.

    What is learned by heart drives them apart, too, but not at once, and a first evaluation above all that the training
    loss ever was is none of a model that has begun to learn.
    """
    return _begins_above(run) and float(ratios.min()) > limit("healthy", "scales")


def _begins_above(run: Judged) -> bool:
    return float(run.val.values[0]) > max(run.begin(run.train), float(run.train.smooth().values.max()))


def _below(ratios: Floats) -> bool:
    """Whether evaluations are too low: dropout and mixed examples make them lower, too, but not so much, so early."""
    least = limit("healthy", "lower")
    return max(float(ratios[0]), median(ratios[:3]), median(ratios)) < least


def _perplexities(run: Judged) -> bool:
    """Whether the logarithms of the evaluations lie about the training losses, at first and in the middle."""
    if float(run.val.values.min()) <= 1:
        return False
    ratios, most = _ratios(run, _logarithms(run.val.values)), limit("healthy", "scales")
    return all(1 / most < part < most for part in (float(ratios[0]), median(ratios[:3]), median(ratios)))


def _logarithms(values: Floats) -> Floats:
    import numpy as np

    found: Floats = np.log(values)
    return found


def _ratios(run: Judged, values: Floats, count: int | None = None) -> Floats:
    import numpy as np

    width = BESIDE * run.end
    near = [run.train.level(at - width, at + width, least=5).value for at in run.val.steps[:count].tolist()]
    found: Floats = values[:count] / np.maximum(near, 1e-300)
    return found
