"""What a search concludes: the choice, what fresh seeds say of it, and what is not proven."""

from collections.abc import Mapping, Sequence

from calando.lab import evidence
from calando.lab.tuning.proof import Proof, of_pair, prove, values_of
from calando.lab.tuning.say import headline, not_proven, sentences, why
from calando.records.result import Cost, MoreSeeds, Standing, Verdict
from calando.records.run import MEASURING, RunRecord, RunSpec
from calando.records.study import StudySpec
from calando.records.tuning import Tuned, TuneSpec

__all__ = ["verdict"]

POWER = 0.8


def verdict(
    spec: StudySpec,
    tune: TuneSpec,
    tuned: Tuned,
    runs: Mapping[str, RunRecord],
    pair: tuple[RunSpec, RunSpec] | None = None,
) -> Verdict:
    """The verdict of a search: a pure function of its question, its answer and its runs.

    The choice and what it was held against stand on fresh seeds that chose nothing. All others stand where the
    surrogate believes them, and whoever may be the best with more than a few percent is in the tie set.

    Args:
        runs: finished runs by key.
        pair: the choice and its rival; only fresh seeds of just these count. None: nothing was confirmed.

    Example:
        >>> from calando.records import Candidate, StudySpec
        >>> spec = StudySpec("?", "t.py:train", 10, (Candidate("c", "cosine()"),))
        >>> verdict(spec, TuneSpec("1runs", 10, (10,)), Tuned(None), {}).leader is None
        True
    """
    fresh = of_pair(runs.values(), pair)
    proof = held_against(spec, pair, fresh)
    leader = tuned.winner
    if proof is not None and proof.outcome in ("worse", "lost"):
        leader = proof.held.reference
    labels = [one.label for one in tuned.standpoints]
    tied = _tied(spec, tuned, leader, proof)
    order = sorted(labels, key=lambda label: (label != leader, label not in tied, labels.index(label)))
    standings = tuple(_standing(spec, tuned, label, rank + 1, fresh, proof, tied) for rank, label in enumerate(order))
    keep = proof is not None and proof.outcome == "open" and proof.held.reference == spec.baseline
    made = list(runs.values())
    found = Verdict(
        metric=spec.metric,
        mode=spec.mode,
        confidence=spec.confidence,
        margin=spec.margin,
        baseline=spec.baseline,
        leader=leader,
        tie_set=tied,
        recommended=spec.baseline if keep else leader,
        standings=standings,
        more=_more(spec, proof, fresh),
        cost=Cost(
            runs=len(made),
            steps=sum(run.steps - run.reused for run in made),
            diverged=sum(run.status == "diverged" and run.spec.phase not in MEASURING for run in made),
            failed=sum(run.status == "failed" for run in made),
        ),
        method=_method(spec, proof),
        doubt=proof.doubt if proof is not None else "nothing was confirmed on fresh seeds",
    )
    return _worded(spec, tune, tuned, found, proof)


def held_against(
    spec: StudySpec, pair: tuple[RunSpec, RunSpec] | None, fresh: Mapping[str, Sequence[RunRecord]]
) -> Proof | None:
    """The choice held against its rival on fresh seeds; None without any of both."""
    if pair is None or any(one.candidate not in fresh for one in pair):
        return None
    choice, rival = (one.candidate for one in pair)
    return prove(spec, choice, rival, fresh[choice], fresh[rival])


def _tied(spec: StudySpec, tuned: Tuned, leader: str | None, proof: Proof | None) -> tuple[str, ...]:
    """The leader and, likeliest first, as many others as together hold the best one with the study's confidence."""
    if leader is None:
        return ()
    found, sum_ = [leader], next((one.chance for one in tuned.standpoints if one.label == leader), 0.0)
    held = None if proof is None else proof.held
    beaten = None
    if held is not None and held.is_ != "open":
        beaten = held.reference if held.is_ == "better" else held.candidate
    for one in sorted(tuned.standpoints, key=lambda one: -one.chance):
        if one.label == leader or one.out or one.label == beaten:
            continue
        if sum_ < spec.confidence:
            found.append(one.label)
            sum_ += one.chance
    if held is not None and held.is_ == "open":
        found += [label for label in (held.candidate, held.reference) if label not in found]
    return tuple(found)


def _standing(
    spec: StudySpec,
    tuned: Tuned,
    label: str,
    rank: int,
    fresh: Mapping[str, Sequence[RunRecord]],
    proof: Proof | None,
    tied: Sequence[str],
) -> Standing:
    candidate = spec.candidate(label)
    held = None if proof is None else proof.held
    mine = sorted(fresh.get(label, ()), key=lambda run: run.spec.seed)
    values = list(values_of(mine).values())
    point = next(one for one in tuned.standpoints if one.label == label)
    peak = tuned.peak if label == tuned.winner else mine[0].spec.peak if mine else point.peak
    return Standing(
        rank=rank,
        label=label,
        plan=candidate.plan,
        role=candidate.role,
        peak=peak,
        mean=sum(values) / len(values) if values else None,
        interval=evidence.mean_interval(values, spec.confidence),
        values=tuple((run.spec.seed, run.final if run.sound else None) for run in mine),
        diverged=sum(run.status == "diverged" for run in mine),
        failed=sum(run.status == "failed" for run in mine),
        tied=label in tied,
        versus_baseline=held if held is not None and label == held.candidate else None,
        why=why(point, tuned, proof, tied=label in tied),
    )


def _more(spec: StudySpec, proof: Proof | None, fresh: Mapping[str, Sequence[RunRecord]]) -> tuple[MoreSeeds, ...]:
    """How many more fresh seeds would tell the choice from its rival, if they differ as much as it seems."""
    if proof is None or proof.outcome != "open" or (held := proof.held).interval is None or any(proof.lost):
        return ()
    left, right = (values_of(fresh[label]) for label in (held.candidate, held.reference))
    total = evidence.seeds_needed(evidence.paired(left, right), 1 - spec.confidence, POWER)
    more = None if total is None else max(1, total - held.n)
    return (MoreSeeds(held.candidate, held.reference, more, 2 * (more or 0) * spec.horizon, POWER),)


def _method(spec: StudySpec, proof: Proof | None) -> str:
    return (
        "The choice rests on a Gaussian process over shape, peak, horizon and seed, fitted to every finished run, each "
        "judged at the end of its own whole schedule and never cut. Runs were picked one after another by what they "
        "were expected to improve per update. Its chances are beliefs, not frequencies. "
        + (
            "The choice was then held against its rival on fresh paired seeds, none of which had chosen anything: a "
            f"two-sided Student t interval at {spec.confidence:g}."
            if proof is not None
            else "No fresh seeds were run."
        )
    )


def _worded(spec: StudySpec, tune: TuneSpec, tuned: Tuned, found: Verdict, proof: Proof | None) -> Verdict:
    from dataclasses import replace

    return replace(
        found,
        headline=headline(spec, tuned, proof),
        sentences=tuple(sentences(tuned, found, proof)),
        not_proven=tuple(not_proven(spec, tune, tuned, proof)),
    )
