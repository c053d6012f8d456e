"""What the runs of a study say, run by run and for each candidate together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calando.records import RunRecord, Study
from calando.records.diagnosis import WORST_FIRST, Diagnosis, Observed, diagnose
from calando.records.diagnosis.beside import beside
from calando.report.page import Group, RunNote
from calando.report.thin import spark

__all__ = ["groups", "tally"]

Key = tuple[str, float | None, str, int, str]

FORERUNNERS = ("probe", "range", "short")
"""Phases whose runs measure something else than how good a schedule is: there is nothing to judge in them."""


def groups(study: Study, slots: Mapping[str, int]) -> tuple[Group, ...]:
    """The runs grouped by candidate, phase and peak: evidence before peak search, as the board stands."""
    held: dict[Key, list[RunRecord]] = {}
    judged = [run for run in study.runs if run.spec.phase not in FORERUNNERS]
    known = dict(zip((run.spec for run in judged), _beside(study, judged), strict=True))
    for run in judged:
        asked = run.spec
        key: Key = (asked.candidate, asked.peak, asked.phase, asked.horizon, asked.params)
        held.setdefault(key, []).append(run)
    place = {label: i for i, label in enumerate(slots)}
    order = sorted(held, key=lambda k: (place.get(k[0], len(place)), k[2], -k[3], k[1] is None, k[1] or 0.0, k[4]))
    made = []
    for key in order:
        label, peak, phase, horizon, params = key
        notes = [_note(run, known[run.spec]) for run in sorted(held[key], key=lambda r: r.spec.seed)]
        made.append(Group(slots.get(label, 0), label, peak, phase, tuple(notes), _common(notes), horizon, params))
    return tuple(made)


def tally(noted: Sequence[Group]) -> tuple[tuple[str, str, int], ...]:
    """How many runs show each kind of finding, worst first."""
    seen: dict[str, list[str]] = {}
    for group in noted:
        for note in group.runs:
            for finding in note.findings:
                seen.setdefault(finding.kind, []).append(finding.severity)
    return tuple((kind, seen[kind][0], len(seen[kind])) for kind in WORST_FIRST if kind in seen)


def _beside(study: Study, runs: Sequence[RunRecord]) -> tuple[Observed, ...]:
    """What is known of each run, with what those at other peaks say: they are all of one training."""
    named = [
        (run.spec.candidate + ("" if run.spec.peak is None else f" at {run.spec.peak:g}"), _observed(study, run))
        for run in runs
    ]
    if len({run.spec.peak for run in runs}) < 2:
        return tuple(seen for _, seen in named)  # a thousand runs at one peak have nothing to say of each other's
    return beside(named, one=True)


def _observed(study: Study, run: RunRecord) -> Observed:
    spec = study.spec
    train, metric, lr = run.curve("train_loss"), run.curve(spec.metric), run.curve("lr")
    if spec.metric == "train_loss":
        metric = run.curve("val_loss")
    return Observed(
        horizon=run.spec.horizon,
        train=(train.steps, train.values),
        val=(metric.steps, metric.values),
        lr=(lr.steps, lr.values),
        status=run.status,
        ended_at=_ended_at(run),
        error=run.traceback or run.reason,
        metric=spec.metric,
        higher_is_better=spec.mode == "max",
        settings={"params": run.spec.params},
    )


def _note(run: RunRecord, seen: Observed) -> RunNote:
    train, metric = seen.train, seen.val
    shown = train if len(train[0]) > 1 else metric
    return RunNote(
        seed=run.spec.seed,
        status=run.status,
        final=run.final,
        steps=run.steps,
        seconds=run.seconds,
        attempts=run.attempts,
        findings=diagnose(seen),
        notes=run.notes,
        traceback=run.traceback,
        spark=spark(*shown, run.spec.horizon),
    )


def _ended_at(run: RunRecord) -> int | None:
    """The update that ended a run early: the last one for which anything was recorded."""
    if run.status == "done":
        return None
    last = [curve.steps[-1] for curve in run.curves.values() if len(curve)]
    return max(last) if last else run.steps


def _common(notes: Sequence[RunNote]) -> tuple[tuple[Diagnosis, tuple[int, ...]], ...]:
    found: dict[str, list[tuple[Diagnosis, int]]] = {}
    for note in notes:
        for finding in note.findings:
            found.setdefault(finding.kind, []).append((finding, note.seed))
    return tuple(
        (max(found[kind], key=lambda pair: pair[0].confidence)[0], tuple(seed for _, seed in found[kind]))
        for kind in WORST_FIRST
        if kind in found
    )
