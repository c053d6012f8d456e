"""The curves of a study: learning rates, losses with bands over seeds, steps to the baseline's result."""

from __future__ import annotations

import math
from collections.abc import Sequence

from calando.records import RunRecord, Study
from calando.report.page import Band, Chart, Line, Reach, Row
from calando.report.thin import common, thin

__all__ = ["charts", "reach"]

RUN_UP = 0.1
"""The share of the horizon whose values a linear axis may cut off at the top."""

SPAN = 8
"""Largest over smallest value from which an axis is logarithmic: less than that, a linear one shows all."""

DENSE = 80
"""Points of a band: a training loss logged at every update is averaged in so many stretches, or its
noise would hide every difference."""


def charts(study: Study, rows: Sequence[Row]) -> tuple[Chart | None, tuple[Chart, ...]]:
    """The chart of learning rates, and one chart for every logged quantity, the metric first."""
    lines: list[Line] = []
    names: dict[str, None] = {study.spec.metric: None, "train_loss": None}
    shown: list[tuple[Row, list[RunRecord]]] = []
    for row in rows:
        runs = _evidence(study, row)
        shown.append((row, runs))
        for run in runs:
            names.update(dict.fromkeys(sorted(run.curves)))
        first = next((run.curve("lr") for run in runs if len(run.curve("lr"))), None)
        if first is not None:
            lines.append(Line(row.slot, row.label, *thin(first.steps, first.values)))
    rates = Chart("rates", "learning rate", lines=tuple(lines)) if lines else None
    losses = [_chart(name, shown, study.spec.horizon) for name in names if name != "lr"]
    return rates, tuple(chart for chart in losses if chart.bands)


def _evidence(study: Study, row: Row) -> list[RunRecord]:
    """The runs that stand for a candidate: its confirmation runs at its peak, else the best there is."""
    own = [run for run in study.of(row.label) if run.status == "done" and run.spec.horizon == study.spec.horizon]
    for phase in ("confirm", "final", "select"):
        kept = [run for run in own if run.spec.phase == phase and (row.peak is None or run.spec.peak == row.peak)]
        if kept:
            peak = kept[0].spec.peak
            return [run for run in kept if run.spec.peak == peak]
    return []


def _chart(name: str, shown: Sequence[tuple[Row, list[RunRecord]]], horizon: int) -> Chart:
    bands = []
    for row, runs in shown:
        curves = [run.curve(name) for run in runs if len(run.curve(name))]
        band = _band(row, [(c.steps, c.values) for c in curves])
        if band is not None:
            bands.append(band)
    late = [v for b in bands for s, v in zip(b.steps, b.high, strict=True) if s >= RUN_UP * horizon]
    high = [v for b in bands for v in b.high]
    low = [v for b in bands for v in b.low]
    falls = any(band.mean[-1] < band.mean[0] for band in bands)  # an accuracy rises: its top end matters
    log = falls and min(low) > 0 and max(high) / min(low) > SPAN
    top = None
    if late and not log and max(late) > min(low) and max(high) - min(low) > 1.6 * (max(late) - min(low)):
        top = max(late) + 0.05 * (max(late) - min(low))
    return Chart(f"curve {name}", name, bands=tuple(bands), log=log, top=top)


def _band(row: Row, curves: Sequence[tuple[Sequence[float], Sequence[float]]]) -> Band | None:
    steps, columns, per_point = common(curves, DENSE)
    kept = []
    for i, step in enumerate(steps):
        here = [column[i] for column in columns if math.isfinite(column[i])]
        if here:
            kept.append((step, sum(here) / len(here), min(here), max(here)))
    if not kept:
        return None
    at, mean, low, high = (tuple(part) for part in zip(*kept, strict=True))
    return Band(row.slot, row.label, len(curves), at, mean, low, high, per_point)


def reach(runs: Sequence[RunRecord], metric: str, mode: str, horizon: int, target: float | None) -> Reach | None:
    """When these runs first met the target at an evaluation, by seed."""
    kept = [run for run in runs if len(run.curve(metric))]
    if target is None or not kept:
        return None
    sign = 1.0 if mode == "min" else -1.0
    steps: list[tuple[int, int | None]] = []
    for run in kept:
        curve = run.curve(metric)
        met = (s + 1 for s, v in zip(curve.steps, curve.values, strict=True) if sign * v <= sign * target)
        steps.append((run.spec.seed, next(met, None)))
    # A seed that never met it counts as later than all: the median stands while at least half did.
    ordered = sorted(step if step is not None else math.inf for _, step in steps)
    n = len(ordered)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    median = round(middle) if math.isfinite(middle) else None
    return Reach(target, tuple(steps), median, None if median is None else median / horizon)
