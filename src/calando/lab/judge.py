"""The verdict: a pure function of a study's question and its runs."""

import math
from collections.abc import Mapping
from dataclasses import replace

from calando.lab import evidence, words
from calando.lab.strategy import walks
from calando.records.result import Comparison, Cost, MoreSeeds, Selection, Standing, Verdict
from calando.records.run import RunRecord
from calando.records.study import StudySpec

__all__ = ["judge"]

POWER = 0.8


def judge(spec: StudySpec, runs: Mapping[str, RunRecord]) -> Verdict:
    """Rank the candidates on the confirmation seeds and say what that proves.

    Only candidates that diverged on the fewest seeds (usually none) can lead or tie. They are ranked by
    their means over the seeds that all of them finished (their own, where fewer than two are shared);
    pairs are compared on the seeds that both finished.

    Args:
        spec: the question.
        runs: finished runs by key, every wanted one among them; runs of no candidate are ignored.

    Example:
        >>> from calando.records import Candidate, StudySpec
        >>> judge(StudySpec("?", "t.py:train", 10, (Candidate("c", "cosine()"),)), {}).leader is None
        True
    """
    stops = walks(spec, runs)
    selections = {stop.candidate.label: stop.selection for stop in stops if stop.selection is not None}
    confirmed = {
        stop.candidate.label: [runs[r.key] for r in stop.wanted if r.phase == "confirm" and r.key in runs]
        for stop in stops
    }
    values = {
        label: {r.spec.seed: r.final for r in records if r.sound and r.final is not None}
        for label, records in confirmed.items()
    }
    lost = {label: sum(r.status == "diverged" for r in records) for label, records in confirmed.items()}
    finished = [label for label in values if values[label]]
    fewest = min((lost[label] for label in finished), default=0)
    fair = {label: values[label] for label in finished if lost[label] == fewest}
    ranked_on = {**values, **_on_shared_seeds(fair)}
    leader = min(fair, key=lambda label: _cost(ranked_on[label], spec), default=None)
    tied = _tie_set(spec, fair, ranked_on, leader)
    table = [
        _standing(spec, stop.candidate.label, selections, confirmed, values, ranked_on, leader, tied) for stop in stops
    ]
    table.sort(key=lambda s: (s.label not in fair, s.diverged, s.mean is None, _sign(spec) * (s.mean or 0.0)))
    out = evidence.beaten(fair, spec.mode, spec.confidence)
    ranked = [
        replace(s, rank=i + 1, why=words.why(spec, s, tied, leader, fewest, out.get(s.label)))
        for i, s in enumerate(table)
    ]
    used = [runs[r.key] for stop in stops for r in stop.wanted if r.key in runs]
    verdict = Verdict(
        metric=spec.metric,
        mode=spec.mode,
        confidence=spec.confidence,
        margin=spec.margin,
        baseline=spec.baseline,
        leader=leader,
        tie_set=tied,
        recommended=spec.baseline if spec.baseline in tied else leader,
        standings=tuple(ranked),
        selections=tuple(selection for selection in selections.values()),
        more=_more(spec, fair, leader, tied),
        cost=Cost(
            runs=len(used),
            steps=sum(r.steps for r in used),
            diverged=sum(r.status == "diverged" for r in used),
            failed=sum(r.status == "failed" for r in used),
        ),
        method=words.method(spec, len(fair)),
    )
    return words.in_words(spec, verdict, _seed_matters(fair))


def _sign(spec: StudySpec) -> int:
    return 1 if spec.mode == "min" else -1


def _cost(values: evidence.Values, spec: StudySpec) -> float:
    return _sign(spec) * math.fsum(values.values()) / len(values)


def _on_shared_seeds(fair: Mapping[str, evidence.Values]) -> Mapping[str, evidence.Values]:
    """The values on the seeds that everyone finished, so that no mean is flattered by a hard seed it lacks."""
    shared = set.intersection(*(set(values) for values in fair.values())) if fair else set()
    if len(shared) < 2:
        return fair
    return {label: {seed: values[seed] for seed in sorted(shared)} for label, values in fair.items()}


def _tie_set(
    spec: StudySpec,
    fair: Mapping[str, evidence.Values],
    ranked_on: Mapping[str, evidence.Values],
    leader: str | None,
) -> tuple[str, ...]:
    """The candidates that may be best, and those whose difference to the leader is within the margin."""
    if leader is None:
        return ()
    names = set(evidence.best_set(fair, spec.mode, spec.confidence)) | {leader}
    if spec.margin > 0:
        for label, mine in fair.items():
            found = _against(spec, label, leader, mine, fair[leader], len(fair) - 1)
            if found.equivalent:
                names.add(label)
    return tuple(sorted(names, key=lambda label: (label != leader, _cost(ranked_on[label], spec), label)))


def _against(
    spec: StudySpec, name: str, other: str, left: evidence.Values, right: evidence.Values, family: int
) -> Comparison:
    return evidence.compare_pair(
        name,
        other,
        left,
        right,
        mode=spec.mode,
        confidence=spec.confidence,
        margin=spec.margin,
        family=max(1, family),
    )


def _standing(
    spec: StudySpec,
    label: str,
    selections: Mapping[str, Selection],
    confirmed: Mapping[str, list[RunRecord]],
    values: Mapping[str, evidence.Values],
    ranked_on: Mapping[str, evidence.Values],
    leader: str | None,
    tied: tuple[str, ...],
) -> Standing:
    candidate, mine, family = spec.candidate(label), values[label], len(values) - 1
    ranked = list(ranked_on[label].values())
    by_seed = {record.spec.seed: record for record in confirmed[label]}

    def versus(other: str | None) -> Comparison | None:
        if other is None or other == label or other not in values:
            return None
        return _against(spec, label, other, mine, values[other], family)

    return Standing(
        rank=0,
        label=label,
        plan=candidate.plan,
        role=candidate.role,
        peak=selections[label].peak if label in selections else None,
        mean=math.fsum(ranked) / len(ranked) if ranked else None,
        interval=evidence.mean_interval(ranked, spec.confidence),
        values=tuple((seed, mine.get(seed)) for seed in sorted(by_seed)),
        diverged=sum(r.status == "diverged" for r in by_seed.values()),
        failed=sum(r.status == "failed" for r in by_seed.values()),
        tied=label in tied,
        versus_baseline=versus(spec.baseline),
        versus_leader=versus(leader),
    )


def _more(
    spec: StudySpec, fair: Mapping[str, evidence.Values], leader: str | None, tied: tuple[str, ...]
) -> tuple[MoreSeeds, ...]:
    """For each candidate tied with the leader: how many more seeds would tell the two apart."""
    if leader is None:
        return ()
    level = (1 - spec.confidence) / max(1, len(fair) - 1)
    found = []
    for label in tied[1:]:
        differences = evidence.paired(fair[label], fair[leader])
        total = evidence.seeds_needed(differences, level, POWER)
        more = None if total is None else max(1, total - len(differences))
        found.append(MoreSeeds(label, leader, more, 2 * (more or 0) * spec.horizon, POWER))
    return tuple(found)


def _seed_matters(fair: Mapping[str, evidence.Values]) -> bool:
    several = [values for values in fair.values() if len(values) > 1]
    return not several or any(len(set(values.values())) > 1 for values in several)
