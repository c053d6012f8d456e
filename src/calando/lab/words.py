"""The verdict in words: what is known, what is not, and what to do next."""

from collections.abc import Sequence
from dataclasses import replace

from calando.records.result import Comparison, Cost, Interval, Standing, Verdict
from calando.records.study import StudySpec

__all__ = ["in_words", "joined", "method", "number", "why"]


def number(value: float) -> str:
    """Four significant digits, without an exponent where that reads well.

    >>> number(0.123456), number(1e-9), number(-12345.6)
    ('0.1235', '1e-09', '-1.235e+04')
    """
    return f"{value:.4g}"


def joined(names: Sequence[str], last: str = "and") -> str:
    """A list as people write it.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else "none"


def counted(count: int, thing: str) -> str:
    """A count with its noun.

    >>> counted(1, "seed"), counted(2, "seed")
    ('1 seed', '2 seeds')
    """
    return f"{count} {thing}" + ("" if count == 1 else "s")


def method(spec: StudySpec, candidates: int) -> str:
    """The statistics, stated."""
    share = f"{100 * spec.confidence:g} %"
    kept = f"; one that differs from the leader by no more than {number(spec.margin)} stays" if spec.margin else ""
    names = counted(candidates, "candidate")
    return (
        f"{counted(len(spec.confirm_seeds), 'confirmation seed')}, the same for every candidate and none of them used "
        f"to choose a peak. Differences are paired by seed. Intervals are two-sided Student t intervals that "
        f"hold with {share} for all {counted(max(1, len(spec.candidates) - 1), 'comparison')} together (Bonferroni). "
        f"The tie set holds the truly best of {names} with at least {share}: a candidate leaves it when "
        f"another is better by a one-sided paired t test at that level (Bonferroni){kept}. "
        f"This holds for a number of seeds that was fixed beforehand."
    )


def why(
    spec: StudySpec, standing: Standing, tied: tuple[str, ...], leader: str | None, fewest: int, rival: str | None
) -> str:
    """Why a candidate is in or out of the tie set."""
    if standing.peak is None and standing.mean is None and not standing.values:
        return "No peak of the grid gave a result, so it was not confirmed."
    if standing.mean is None:
        return f"No confirmation run gave a result: {standing.diverged} diverged, {standing.failed} failed."
    if standing.diverged > fewest:
        return f"Diverged on {standing.diverged} of {counted(len(standing.values), 'seed')}."
    if standing.label == leader:
        return "Best mean." if len(tied) > 1 else "Best mean, and better than every other."
    found = standing.versus_leader
    if standing.label in tied:
        if found is None or found.interval is None:
            return f"Too few common seeds to tell it from {leader}."
        if found.equivalent and spec.margin:
            return f"Within {number(spec.margin)} of {leader}: {_interval(found.interval)}."
        return f"Cannot be told from {leader}: {_interval(found.interval)}."
    if found is not None and found.interval is not None and (found.is_ == "worse" or rival == leader):
        return f"Worse than {leader} by {_interval(found.interval)}."
    return f"Worse than {rival or 'another candidate'} on the same seeds."


def in_words(spec: StudySpec, verdict: Verdict, seed_matters: bool) -> Verdict:
    """The verdict with its headline, sentences and caveats."""
    return replace(
        verdict,
        headline=_headline(spec, verdict),
        sentences=tuple(_sentences(spec, verdict)),
        not_proven=tuple(_not_proven(spec, verdict, seed_matters)),
    )


def _headline(spec: StudySpec, verdict: Verdict) -> str:
    if verdict.leader is None:
        return "No candidate gave a result."
    first = verdict.standing(verdict.leader)
    score = f"{spec.metric} {number(first.mean or 0.0)}{_at(first)}"
    if len(verdict.standings) == 1:
        return f"{verdict.leader}: {score}; there was nothing to hold it against."
    if verdict.proven:
        return f"{verdict.leader} is best: {score}."
    if len(verdict.tie_set) == len(verdict.standings):
        all_of_them = f"none of the {len(verdict.standings)} candidates can be told apart"
        return f"No winner: {all_of_them}; {verdict.leader} leads with {score}."
    others = [label for label in verdict.tie_set if label != verdict.leader]
    return f"No single winner: {verdict.leader} leads with {score}, tied with {joined(others)}."


def _sentences(spec: StudySpec, verdict: Verdict) -> list[str]:
    if verdict.leader is None:
        return [
            f"Of {counted(verdict.cost.runs, 'run')}, {_lost(verdict.cost)}. Read the tracebacks, or lower the peaks."
        ]
    found = []
    if not verdict.proven and spec.baseline in verdict.tie_set:
        found.append(f"The baseline {spec.baseline} is in the tie set: nothing here says to leave it.")
    found += [
        _versus(spec, standing, standing.versus_baseline)
        for standing in verdict.standings
        if standing.versus_baseline is not None
        and (standing.label == verdict.leader or standing.versus_baseline.is_ == "better")
    ]
    if baseline := [s for s in verdict.standings if s.label == spec.baseline and not s.tied and s.versus_leader]:
        behind = baseline[0].versus_leader
        if behind is not None and behind.interval is not None and behind.is_ != "worse":
            found.append(f"The baseline {spec.baseline} is out of the tie set. {baseline[0].why}")
    for selection in verdict.selections:
        if selection.edge in ("low", "high") and selection.peak is not None:
            side = "smallest" if selection.edge == "low" else "largest"
            found.append(
                f"The best peak of {selection.label}, {selection.peak:g}, is the {side} that was tried, also after the "
                f"grid had grown: its own best may lie beyond."
            )
    grown = [s.label for s in verdict.selections if any(score.extended for score in s.scores)]
    if grown:
        found.append(f"The peak grid was extended past its edge for {joined(grown)}.")
    found += _divergence(verdict)
    found += [
        f"{standing.label} lost {standing.diverged + standing.failed} of "
        f"{counted(len(standing.values), 'confirmation seed')}: {_lost(standing)}."
        for standing in verdict.standings
        if standing.diverged or standing.failed
    ]
    found += _more(verdict)
    cost = f"Cost: {counted(verdict.cost.runs, 'run')}, {verdict.cost.steps:,} updates"
    found.append(f"{cost}; {_lost(verdict.cost)}.")
    return found


def _divergence(verdict: Verdict) -> list[str]:
    """From which peak on candidates diverged while peaks were chosen."""
    edges: dict[float, list[str]] = {}
    for selection in verdict.selections:
        diverged = [score.peak for score in selection.scores if score.diverged and score.peak is not None]
        if diverged:
            edges.setdefault(min(diverged), []).append(selection.label)
    several = len(verdict.selections) > 1
    return [
        f"Runs diverged from peak {peak:g} up for "
        f"{'every candidate' if several and len(labels) == len(verdict.selections) else joined(labels)}."
        for peak, labels in sorted(edges.items())
    ]


def _more(verdict: Verdict) -> list[str]:
    found = []
    within = [more for more in verdict.more if more.seeds is not None]
    if within:
        nearest = min(within, key=lambda more: (more.seeds or 0, more.candidate))
        found.append(
            f"Not enough budget to tell all of them apart: if the difference is as large as it looks, about "
            f"{counted(nearest.seeds or 0, 'more seed')} would tell {nearest.candidate} from {nearest.reference} "
            f"(chance {100 * nearest.power:.0f} %, {nearest.steps:,} updates)."
        )
    beyond = [more.candidate for more in verdict.more if more.seeds is None]
    if beyond:
        names = joined(beyond)
        found.append(f"No affordable number of seeds would tell {names} from {verdict.leader}: treat as equal.")
    return found


def _not_proven(spec: StudySpec, verdict: Verdict, seed_matters: bool) -> list[str]:
    found = []
    if not seed_matters:
        found.append(
            "Anything about chance: the seed changes nothing, every confirmation run of a candidate gave the same "
            "number. Draw initialisation and data order from run.seed."
        )
    if len(spec.confirm_seeds) < 2:
        found.append("Any difference: one confirmation seed shows no spread.")
    if single := [s.label for s in verdict.selections if s.edge == "single" and len(spec.peaks) < 2]:
        all_ = "every candidate" if len(single) == len(verdict.selections) else joined(single)
        found.append(f"The ranking at other peaks: {all_} ran at one peak, which need not be its own best.")
    found.append(f"Anything beyond {spec.horizon:,} updates, this model and this data.")
    return found


def _versus(spec: StudySpec, standing: Standing, found: Comparison) -> str:
    if found.interval is None:
        return f"{standing.label} and the baseline {spec.baseline} have too few common seeds to compare."
    side = {"better": "better than", "worse": "worse than", "open": "not separated from"}[found.is_]
    p = "" if found.p is None else f", p {'< 0.001' if found.p < 0.001 else f'= {found.p:.2g}'}"
    return f"{standing.label}{_at(standing)} is {side} the baseline {spec.baseline}: {_interval(found.interval)}{p}."


def _interval(interval: Interval) -> str:
    share = f"{100 * interval.confidence:g} %"
    seeds = counted(interval.n, "paired seed")
    return f"{interval.mean:+.4g} [{interval.low:+.4g}, {interval.high:+.4g}] ({share}, {seeds})"


def _lost(counts: Standing | Cost) -> str:
    return f"{counts.diverged} diverged, {counts.failed} failed"


def _at(standing: Standing) -> str:
    return "" if standing.peak is None else f" at peak {standing.peak:g}"
