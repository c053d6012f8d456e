"""The verdict: a pure function of a study's question and its runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from calando.lab import evidence, words
from calando.lab.strategy import walks
from calando.records.result import Comparison, Cost, MoreSeeds, Selection, Standing, Verdict
from calando.records.run import RunRecord
from calando.records.study import StudySpec

__all__ = ["judge"]

POWER = 0.8


def judge(spec: StudySpec, runs: Mapping[str, RunRecord]) -> Verdict:
    """Rank the candidates on the confirmation seeds and say what that proves.

    Only candidates that lost the fewest seeds (usually none), diverged and failed runs alike, can lead or
    tie. They are ranked by their means over the seeds that all of them finished, and compared on those
    (where no seed is shared they are ranked by their own means, and nothing is compared). A candidate
    out of the running is compared with another on the seeds that both finished.

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
    field = _field(spec, confirmed)
    table = [_standing(field, stop.candidate.label, selections, confirmed) for stop in stops]
    table.sort(key=lambda s: (s.label not in field.fair, s.lost, s.mean is None, _sign(spec) * (s.mean or 0.0)))
    used = [runs[r.key] for stop in stops for r in stop.wanted if r.key in runs]
    verdict = Verdict(
        metric=spec.metric,
        mode=spec.mode,
        confidence=spec.confidence,
        margin=spec.margin,
        baseline=spec.baseline,
        leader=field.leader,
        tie_set=field.tied,
        recommended=spec.baseline if spec.baseline in field.tied else field.leader,
        standings=tuple(replace(standing, rank=i + 1) for i, standing in enumerate(table)),
        selections=tuple(selections.values()),
        more=_more(field),
        cost=Cost(
            runs=len(used),
            steps=sum(r.steps for r in used),
            diverged=sum(r.status == "diverged" for r in used),
            failed=sum(r.status == "failed" for r in used),
        ),
        method=words.method(spec),
    )
    return words.in_words(spec, verdict, field.out, used)


@dataclass(frozen=True, slots=True)
class _Field:
    """Who is in the running, on which numbers, and what came of it.

    `values` are all sound values by label and seed, `fair` those of the candidates in the running, `held`
    the same on the seeds that all of these finished; `out` says which comparison puts one out of `tied`.
    """

    spec: StudySpec
    values: Mapping[str, evidence.Values]
    fair: Mapping[str, evidence.Values]
    held: Mapping[str, evidence.Values]
    leader: str | None = None
    tied: tuple[str, ...] = ()
    out: Mapping[str, Comparison] | None = None

    @property
    def family(self) -> int:
        """Comparisons of one candidate with all others, whatever becomes of them: fixed beforehand."""
        return max(1, len(self.spec.candidates) - 1)

    def ranked(self, label: str) -> evidence.Values:
        """The values that a candidate's mean is of."""
        return self.held.get(label) or self.values[label]

    def cost(self, label: str) -> float:
        values = self.ranked(label)
        return _sign(self.spec) * math.fsum(values.values()) / len(values)

    def pair(self, label: str, other: str) -> tuple[evidence.Values, evidence.Values]:
        both = self.held if label in self.held and other in self.held else self.values
        return both[label], both[other]

    def against(self, label: str, other: str) -> Comparison:
        left, right = self.pair(label, other)
        spec = self.spec
        given = {"confidence": spec.confidence, "margin": spec.margin}
        return evidence.compare_pair(label, other, left, right, mode=spec.mode, family=self.family, **given)


def _field(spec: StudySpec, confirmed: Mapping[str, list[RunRecord]]) -> _Field:
    values = {
        label: {r.spec.seed: r.final for r in records if r.sound and r.final is not None}
        for label, records in confirmed.items()
    }
    lost = {label: len(records) - len(values[label]) for label, records in confirmed.items()}
    fewest = min((lost[label] for label in values if values[label]), default=0)
    fair = {label: mine for label, mine in values.items() if mine and lost[label] == fewest}
    shared = sorted(set.intersection(*(set(mine) for mine in fair.values()))) if fair else []
    held = {label: {seed: mine[seed] for seed in shared} for label, mine in fair.items()}
    field = _Field(spec, values, fair, held)
    if not fair:
        return field
    leader = min(fair, key=field.cost)
    out = evidence.beaten(held, spec.mode, spec.confidence, field.family)
    if spec.margin > 0:
        out = {label: found for label, found in out.items() if not field.against(label, leader).equivalent}
    tied = sorted((label for label in fair if label not in out), key=lambda s: (s != leader, field.cost(s), s))
    return replace(field, leader=leader, tied=tuple(tied), out=out)


def _sign(spec: StudySpec) -> int:
    return 1 if spec.mode == "min" else -1


def _standing(
    field: _Field, label: str, selections: Mapping[str, Selection], confirmed: Mapping[str, list[RunRecord]]
) -> Standing:
    spec, mine = field.spec, field.values[label]
    candidate, ranked = spec.candidate(label), list(field.ranked(label).values())
    by_seed = {record.spec.seed: record for record in confirmed[label]}

    def versus(other: str | None) -> Comparison | None:
        if other is None or other == label or other not in field.values:
            return None
        return field.against(label, other)

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
        tied=label in field.tied,
        versus_baseline=versus(spec.baseline),
        versus_leader=versus(field.leader),
    )


def _more(field: _Field) -> tuple[MoreSeeds, ...]:
    """For each candidate not separated from the leader: how many more seeds would tell the two apart.

    Without an interval (one seed, or no spread) there is nothing to work that out from.
    """
    found = []
    level = (1 - field.spec.confidence) / field.family
    for label in field.tied[1:]:
        leader = field.tied[0]
        now = field.against(label, leader)
        if now.interval is None or (now.equivalent and field.spec.margin > 0):
            continue
        total = evidence.seeds_needed(evidence.paired(*field.pair(label, leader)), level, POWER)
        more = None if total is None else max(1, total - now.n)
        found.append(MoreSeeds(label, leader, more, 2 * (more or 0) * field.spec.horizon, POWER))
    return tuple(found)
