"""Forecast against actual: what a law says of each schedule of a study that saw the others alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from calando.errors import CalandoError
from calando.report.told import Foretold, Told

if TYPE_CHECKING:
    from calando.records import Study

__all__ = ["foretold"]

LAW: Final = "bound"
"""The quickest, and over the digits' studies the one that orders most pairs of schedules rightly."""
PLANS: Final = 3
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
    if study.spec.mode != "min" or any(run.spec.params for run in study.runs):
        return None
    from calando.forecast.studied import curve_of_run, usable_runs

    spec = study.spec
    runs = usable_runs(spec, study.runs)
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
        some = [run for run in runs if run.spec.plan != plan][:RUNS]
        try:
            others = [curve_of_run(run, spec.metric, spec.steps_per_epoch) for run in some]
            found = forecast(others, [(plan, peak) for peak in actual], spec.horizon, laws=[LAW])
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
