"""Forecast against actual: what a law says of each schedule of a study that saw the others alone."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from calando.errors import CalandoError
from calando.report.told import Foretold, Told

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve
    from calando.records import RunRecord, Study

__all__ = ["foretold"]

LAW: Final = "bound"
"""The quickest, and over the digits' studies the one that orders most pairs of schedules rightly."""
PLANS: Final = 3
LOSSES: Final = 8
"""Of a run, for its curve to be told from noise."""
WITHIN: Final = 4.0
"""Runs that end above so many times the best are failures that no law is made for."""
RUNS: Final = 24
MOST: Final = 12


def foretold(study: Study) -> Foretold | None:
    """Each schedule's final metric as the others foretell it, beside its own; None where there is nothing to tell.

    A law is fitted to the full runs of all other schedules, none of this one's. None with fewer than three schedules,
    where higher is better, where the train function declared parameters, or where the metric is logged too seldom.

    Example:
        >>> from calando.records import Candidate, Study, StudySpec
        >>> foretold(Study(StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),)))) is None
        True
    """
    runs = _usable(study)
    ranked = sorted((run.final or 0.0, run.spec.plan) for run in runs)
    plans = list(dict.fromkeys(plan for _, plan in ranked))[:MOST]  # the best, where there are many
    if len(plans) < PLANS:
        return None
    from calando.forecast import forecast

    rows: list[Told] = []
    doubts: dict[str, str] = {}
    level = 0.8
    for plan in plans:
        actual: dict[float, list[float]] = defaultdict(list)
        for run in runs:
            if run.spec.plan == plan:
                actual[run.spec.peak or 0.0].append(run.final or 0.0)
        others = [_curve(run, study.spec.metric) for run in [run for run in runs if run.spec.plan != plan][:RUNS]]
        try:
            found = forecast(others, [(plan, peak) for peak in actual], study.spec.horizon, laws=[LAW])
        except CalandoError as error:
            doubts[plan] = f"{plan}: {error.given}"
            continue
        level = found.level
        rows += [
            Told(plan, one.peak, one.loss, one.low, one.high, sum(ends) / len(ends), len(ends))
            for one in found.predictions
            if (ends := actual[one.peak])
        ]
        doubts = {doubt.name: doubt.words for doubt in found.doubts} | doubts  # one of each kind
    rows.sort(key=lambda row: row.loss)
    return Foretold(tuple(rows), len(runs), level, tuple(doubts.values())) if rows else None


def _usable(study: Study) -> list[RunRecord]:
    """The full runs that a law may be fitted to, those of different schedules in turn."""
    full, metric = study.spec.horizon, study.spec.metric
    if study.spec.mode != "min" or any(run.spec.params for run in study.runs):
        return []
    runs = [
        run for run in study.runs
        if run.sound and run.spec.peak is not None and run.spec.horizon == full and "plateau" not in run.spec.plan
    ]  # fmt: skip
    runs = [run for run in runs if (run.final or 0.0) > 0 and len(_points(run, metric)) >= LOSSES]
    best = min((run.final or math.inf for run in runs), default=0.0)
    turn: dict[str, int] = defaultdict(int)
    order = []
    for run in runs:
        if (run.final or math.inf) <= WITHIN * best:
            order.append((turn[run.spec.plan], run.spec.key, run))
            turn[run.spec.plan] += 1
    return [run for _, _, run in sorted(order, key=lambda one: one[:2])]


def _points(run: RunRecord, metric: str) -> dict[int, float]:
    """The metric by the number of updates that were made."""
    curve = run.curve(metric)
    return {
        step + 1: value for step, value in zip(curve.steps, curve.values, strict=True)
        if math.isfinite(value) and value > 0 and step < run.spec.horizon
    }  # fmt: skip


def _curve(run: RunRecord, metric: str) -> LossCurve:
    from calando.forecast.curve import LossCurve

    points, asked = _points(run, metric), run.spec
    name = f"{asked.candidate}, seed {asked.seed}"
    return LossCurve.from_plan(name, list(points), list(points.values()), asked.plan, asked.peak or 0.0, asked.horizon)
