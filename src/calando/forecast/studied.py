"""The runs of a study as loss curves: those that a law may be fitted to."""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve
    from calando.records.run import RunRecord
    from calando.records.study import StudySpec

__all__ = ["LOSSES", "curve_of_run", "usable_runs"]

LOSSES: Final = 8
"""Of a run, for its curve to be told from noise."""
WITHIN: Final = 4.0
"""Runs that end above so many times the best are failures that no law is made for."""


def usable_runs(spec: "StudySpec", runs: "Iterable[RunRecord]", params: str = "") -> "list[RunRecord]":
    """The full runs that a law may be fitted to, those of different schedules in turn; none where higher is better.

    Args:
        spec: the study's question.
        runs: its finished runs.
        params: declared values as JSON text that the runs must have.

    Example:
        >>> from calando.records import Candidate, StudySpec
        >>> usable_runs(StudySpec("?", "t.py:train", 10, (Candidate("c", "cosine()"),)), [])
        []
    """
    if spec.mode != "min":
        return []
    whole = [
        run for run in runs
        if run.sound and run.spec.peak is not None and run.spec.horizon == spec.horizon
        and run.spec.params == params and "plateau" not in run.spec.plan
    ]  # fmt: skip
    whole = [run for run in whole if (run.final or 0.0) > 0 and len(_points(run, spec.metric)) >= LOSSES]
    best = min((run.final or math.inf for run in whole), default=0.0)
    turn: dict[str, int] = defaultdict(int)
    order = []
    for run in whole:
        if (run.final or math.inf) <= WITHIN * best:
            order.append((turn[run.spec.plan], run.spec.key, run))
            turn[run.spec.plan] += 1
    return [run for _, _, run in sorted(order, key=lambda one: one[:2])]


def curve_of_run(run: "RunRecord", metric: str, steps_per_epoch: int | None = None) -> "LossCurve":
    """A run's metric with the learning rates of its plan.

    Raises:
        CalandoError: where the plan cannot be bound, or the metric is not made of losses.
    """
    import numpy as np

    from calando.core.text import parse
    from calando.forecast.curve import LossCurve

    points, asked, peak = _points(run, metric), run.spec, run.spec.peak or 1.0
    schedule = parse(asked.plan).bind(asked.horizon, steps_per_epoch=steps_per_epoch)
    rates = peak * np.asarray(schedule(np.arange(asked.horizon)), dtype=np.float64)
    at, losses = np.array(list(points)), np.array(list(points.values()))
    name = f"{asked.candidate}, seed {asked.seed}"
    return LossCurve(name, at, losses, rates, peak, asked.plan, seed=asked.seed)


def _points(run: "RunRecord", metric: str) -> dict[int, float]:
    """The metric by the number of updates that were made."""
    curve = run.curve(metric)
    return {
        step + 1: value for step, value in zip(curve.steps, curve.values, strict=True)
        if math.isfinite(value) and value > 0 and step < run.spec.horizon
    }  # fmt: skip
