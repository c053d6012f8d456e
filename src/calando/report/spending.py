"""What a study was to cost and what it cost, what was decided on the way, and what a search believes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from calando.records import RunRecord, Study
from calando.records.ahead import Ahead
from calando.records.finding import Finding
from calando.records.plain import decode
from calando.records.tuning import Tuned, TuneSpec
from calando.report.page import Belief, Bill, Decided, Peak, Peaks, Phase
from calando.report.words import count, megabytes, part_of, peak_text, times, were

__all__ = ["PHASES", "ahead", "asked", "beliefs", "bill", "decided", "finding", "tried", "tries", "tuned", "verb"]

T = TypeVar("T")

PHASES = {
    "probe": "probe",
    "range": "range test",
    "short": "short horizons",
    "select": "peak search",
    "final": "full horizon",
    "confirm": "confirmation",
}
"""Phases of runs in the order in which they happen, and what a reader calls them."""


def verb(study: Study) -> str:
    """Which verb made the study."""
    told = study.facts.get("verb")
    if told == "find" or "finding" in study.facts or "find" in study.facts:  # older ones told it so
        return "find"
    return "tune" if told == "tune" or "tune" in study.facts else "compare"


def finding(study: Study) -> Finding | None:
    """What `find` concluded; None in other studies and unfinished ones."""
    return _fact(study, "finding", Finding)


def tuned(study: Study) -> Tuned | None:
    """What `tune` concluded; None in other studies and unfinished ones."""
    return _fact(study, "tuned", Tuned)


def ahead(study: Study) -> Ahead | None:
    """What follows from the study; None while it has no verdict, and in studies of earlier days."""
    found = None if study.verdict is None else _fact(study, "ahead", Ahead)
    return found if found is not None and found.sentences else None


def asked(study: Study) -> TuneSpec | None:
    """What `tune` was asked."""
    return _fact(study, "tune", TuneSpec)


def _fact(study: Study, name: str, kind: type[T]) -> T | None:
    known = study.facts.get(name)
    return None if known is None else decode(kind, json.dumps(known), f"{study.path}: {name}")


def bill(study: Study) -> Bill | None:
    """Plan against cost, phase by phase, and what sharing saved."""
    spent = study.spent
    if not study.runs:
        return None
    search, answer = asked(study), tuned(study)
    phases = _phases(study)
    if answer is not None and answer.spending:
        phases = tuple(Phase(one.phase, one.planned, one.spent, one.runs) for one in answer.spending)
    limit = search.steps if search is not None else study.spec.horizon if verb(study) == "find" else None
    budget = search.budget if search is not None else "at most one full run" if verb(study) == "find" else ""
    lines = []
    if limit:
        lines.append(
            f"The budget was {budget} ({count(limit, 'update')}); {were(spent.trained, 'update', 'trained')}, "
            f"{part_of(spent.trained, limit)} of it."
        )
    if spent.shared:
        lines.append(
            f"Runs with the same past trained it once: {spent.trained:,} updates instead of {spent.alone:,}, "
            f"{times(spent.times)}."
        )
    if spent.lost:
        lines.append(f"{were(spent.lost, 'update', 'trained')} in vain: something was killed after its last snapshot.")
    again = spent.starts - len(study.runs)
    if again > 0:
        lines.append(f"{count(again, 'start')} left no finished run; what was finished was never made again.")
    if spent.snapshots:
        now = megabytes(spent.disk) if spent.disk else "nothing"
        lines.append(
            f"{were(spent.snapshots, 'snapshot', 'written')}; at most {megabytes(spent.disk_peak)} lay on the disk "
            f"at a time, {now} does now."
        )
    return Bill(phases, tuple(lines), budget, limit, spent.trained, spent.shared, spent.lost, spent.disk_peak)


def _phases(study: Study) -> tuple[Phase, ...]:
    held: dict[str, list[RunRecord]] = {}
    for run in study.runs:
        held.setdefault(run.spec.phase, []).append(run)
    return tuple(
        Phase(
            name,
            None,
            sum(run.steps - run.reused for run in held[phase]),
            len(held[phase]),
            sum(run.seconds for run in held[phase]),
        )
        for phase, name in PHASES.items()
        if phase in held
    )


def decided(study: Study) -> tuple[Decided, ...]:
    """The decisions in order, those of one phase together."""
    held: dict[str, list[tuple[str, str, int]]] = {}
    for decision in study.decisions:
        held.setdefault(decision.phase, []).append((decision.about, decision.text, decision.runs))
    return tuple(Decided(PHASES.get(phase, phase), tuple(lines)) for phase, lines in held.items())


def beliefs(study: Study, slots: Mapping[str, int]) -> tuple[Belief, ...]:
    """What a search believes of every schedule, the best first."""
    answer = tuned(study)
    return tuple(
        Belief(
            slots.get(one.label, 0),
            one.label,
            one.peak,
            one.loss,
            one.sd,
            one.chance,
            one.behind,
            one.runs,
            one.full,
            one.out,
        )
        for one in (answer.standpoints if answer is not None else ())
    )


def tries(study: Study, slots: Mapping[str, int]) -> tuple[tuple[int, tuple[Peaks, ...]], ...]:
    """The runs of a search by horizon, the shortest first: each schedule's metric over the peaks tried."""
    if verb(study) != "tune":
        return ()
    held: dict[int, dict[str, dict[float, list[RunRecord]]]] = {}
    for run in study.runs:
        if run.spec.phase in ("short", "final", "select") and run.spec.peak is not None:
            at = held.setdefault(run.spec.horizon, {}).setdefault(run.spec.candidate, {})
            at.setdefault(run.spec.peak, []).append(run)
    return tuple(
        (
            horizon,
            tuple(
                Peaks(slots.get(label, 0), label, None, "", tuple(_peak(peak, at[peak]) for peak in sorted(at)))
                for label, at in held[horizon].items()
            ),
        )
        for horizon in sorted(held)
    )


def tried(study: Study) -> str:
    """The span of peaks at which a search made runs."""
    peaks = [
        run.spec.peak for run in study.runs if run.spec.peak is not None and run.spec.phase not in ("range", "probe")
    ]
    return f"{peak_text(min(peaks))} to {peak_text(max(peaks))}, where the search looked" if peaks else "none yet"


def _peak(peak: float, runs: list[RunRecord]) -> Peak:
    values = tuple((run.spec.seed, run.final) for run in runs if run.sound and run.final is not None)
    return Peak(
        peak,
        sum(value for _, value in values) / len(values) if values else None,
        values,
        diverged=sum(run.status == "diverged" for run in runs),
        failed=sum(run.status == "failed" for run in runs),
    )
