"""The verdict in words: what is known, what is not, and what to do next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from calando.errors import counted
from calando.lab.phrases import interval_text, joined, number, share
from calando.records.result import Comparison, Cost, Standing, Verdict
from calando.records.run import RunRecord
from calando.records.study import StudySpec

__all__ = ["in_words", "method"]


def method(spec: StudySpec) -> str:
    """The statistics, stated."""
    level, others = share(spec.confidence), max(1, len(spec.candidates) - 1)
    of_them = "1 comparison" if others == 1 else f"{others} comparisons together"
    kept = f"; one that differs from the leader by no more than {number(spec.margin)} stays" if spec.margin else ""
    return (
        f"{counted(len(spec.confirm_seeds), 'confirmation seed')}, the same for every candidate and none of them used "
        f"to choose a peak. A candidate that lost more of them than another, by divergence or failure, can neither "
        f"lead nor tie. Differences are paired by seed. Intervals are two-sided Student t intervals; those of any "
        f"one candidate hold with {level} for its {of_them} (Bonferroni), whoever "
        f"leads. A candidate leaves the tie set only when such an interval shows it worse than another{kept}. So the "
        f"truly best of those that can lead is in the tie set with at least {level}, and of equals one is called "
        f"best by chance in at most {share(1 - Decimal(str(spec.confidence)))} of studies. "
        f"This holds for a number of seeds that was fixed beforehand."
    )


def in_words(
    spec: StudySpec, verdict: Verdict, out: Mapping[str, Comparison] | None, runs: Sequence[RunRecord]
) -> Verdict:
    """The verdict with its headline, sentences and caveats.

    Args:
        out: for candidates out of the tie set by their mean, the comparison that puts them out.
        runs: the records that the verdict rests on.
    """
    verdict = replace(verdict, doubt=_doubt(verdict))
    standings = tuple(replace(s, why=_why(spec, verdict, s, (out or {}).get(s.label))) for s in verdict.standings)
    verdict = replace(verdict, standings=standings)
    return replace(
        verdict,
        headline=_headline(spec, verdict),
        sentences=tuple(_sentences(spec, verdict, runs)),
        not_proven=tuple(_not_proven(spec, verdict)),
    )


def _seed_matters(verdict: Verdict) -> bool:
    """False when every candidate gave one and the same number on several seeds."""
    known = [[value for _, value in s.values if value is not None] for s in verdict.standings]
    several = [values for values in known if len(values) > 1]
    return not several or any(len(set(values)) > 1 for values in several)


def _rivals(verdict: Verdict) -> list[Standing]:
    """Everyone but the leader who gave a result."""
    return [s for s in verdict.standings if s.label != verdict.leader and s.mean is not None]


def _ruled_out(verdict: Verdict) -> list[Standing]:
    """Those who are out of the running by the seeds they lost, and not shown to be worse than the leader."""
    return [
        s
        for s in _rivals(verdict)
        if _lost_more(verdict, s) and (s.versus_leader is None or s.versus_leader.is_ != "worse")
    ]


def _lost_more(verdict: Verdict, standing: Standing) -> bool:
    """Whether a candidate is out of the running by the seeds it lost."""
    return verdict.leader is not None and standing.lost > verdict.standing(verdict.leader).lost


def _doubt(verdict: Verdict) -> str:
    """Why a leader that is alone in the tie set is not proven to be best; "" when it is."""
    if verdict.leader is None:
        return ""
    if len(verdict.standings) == 1:
        return "there was nothing to hold it against"
    if not _rivals(verdict):
        return "it is the only one that gave a result"
    if not _seed_matters(verdict):
        return "the seed changes nothing, so nothing shows what chance does"
    ruled_out = _ruled_out(verdict)
    if len(ruled_out) > 2:
        return f"{joined([s.label for s in ruled_out])} are ruled out by the seeds they lost, not by their means"
    return "; ".join(_out_by_loss(verdict, s) for s in ruled_out)


def _out_by_loss(verdict: Verdict, standing: Standing) -> str:
    """That a candidate is ruled out by lost seeds, and how its mean compares all the same."""
    found, ruled = standing.versus_leader, f"ruled out: it {_losses(standing)}"
    if found is None or found.difference is None or found.n < 2:
        return f"{standing.label} has too few seeds in common to compare and is {ruled}"
    ahead = found.difference < 0 if verdict.mode == "min" else found.difference > 0
    seeds = f"on the {counted(found.n, 'seed')} that both finished"
    if ahead:
        return f"{standing.label} has the better mean {seeds} but is {ruled}"
    return f"{standing.label} is not shown to be worse {seeds} but is {ruled}"


def _losses(standing: Standing) -> str:
    of = f"of {counted(len(standing.values), 'seed')}"
    if not standing.failed:
        return f"diverged on {standing.lost} {of}"
    if not standing.diverged:
        return f"failed on {standing.lost} {of}"
    return f"diverged on {standing.diverged} and failed on {standing.failed} {of}"


def _why(spec: StudySpec, verdict: Verdict, standing: Standing, out: Comparison | None) -> str:
    """Why a candidate is in or out of the tie set."""
    if standing.peak is None and standing.mean is None and not standing.values:
        return "No peak of the grid gave a result, so it was not confirmed."
    if standing.mean is None:
        return f"No confirmation run gave a result: {standing.diverged} diverged, {standing.failed} failed."
    if standing.label == verdict.leader:
        return _why_it_leads(verdict)
    leader = verdict.leader or ""
    found = standing.versus_leader
    if _lost_more(verdict, standing):
        if found is not None and found.is_ == "worse" and found.interval is not None:
            return f"{_losses(standing).capitalize()}; also worse than {leader} by {interval_text(found.interval)}."
        gap = f" ({interval_text(found.interval)})" if found is not None and found.interval is not None else ""
        return f"{_out_by_loss(verdict, standing)}{gap}."
    if standing.tied:
        if found is None or found.interval is None:
            return f"{_no_interval(found, leader)}."
        if found.equivalent and spec.margin:
            return f"Within {number(spec.margin)} of {leader}: {interval_text(found.interval)}."
        return f"Cannot be told from {leader}: {interval_text(found.interval)}."
    if found is not None and found.interval is not None and found.is_ == "worse":
        return f"Worse than {leader} by {interval_text(found.interval)}."
    if out is not None and out.interval is not None:
        return f"Worse than {out.reference} by {interval_text(out.interval)}."
    return "Worse than another candidate on the same seeds."


def _why_it_leads(verdict: Verdict) -> str:
    if verdict.proven:
        silent = any(s.mean is None for s in verdict.standings)
        return f"Best mean, and better than every other{' that gave a result' if silent else ''}."
    if not _rivals(verdict):
        return "The only one that gave a result."
    if _ruled_out(verdict):
        return "Best mean of those that lost the fewest seeds."
    return "Best mean."


def _no_interval(found: Comparison | None, leader: str) -> str:
    """What is known of a difference that has no interval."""
    if found is None or found.difference is None:
        return f"No common seed to compare it with {leader}"
    if found.n < 2:
        return f"Differs from {leader} by {found.difference:+.4g} on the only common seed: too few to tell them apart"
    if found.difference == 0:
        return f"The same numbers as {leader} on every seed"
    return f"Differs from {leader} by {found.difference:+.4g} on every seed alike: no spread to judge that by"


def _headline(spec: StudySpec, verdict: Verdict) -> str:
    if verdict.leader is None:
        return "No candidate gave a result."
    first = verdict.standing(verdict.leader)
    score = f"{spec.metric} {number(first.mean or 0.0)}{_at(first)}"
    if len(verdict.standings) == 1:
        return f"{verdict.leader}: {score}; {verdict.doubt}."
    if not _rivals(verdict):
        return f"{verdict.leader} is the only one that gave a result: {score}."
    if not _seed_matters(verdict):
        return f"No winner can be named: the seed changes nothing; {verdict.leader} has {score}."
    if verdict.proven:
        return f"{verdict.leader} is best: {score}."
    if len(verdict.tie_set) == len(verdict.standings):
        all_of_them = f"none of the {len(verdict.standings)} candidates can be told apart"
        return f"No winner: {all_of_them}; {verdict.leader} leads with {score}."
    others = [label for label in verdict.tie_set if label != verdict.leader]
    tied = f", tied with {joined(others)}" if others else ""
    doubt = f"; {verdict.doubt}" if verdict.doubt else ""
    return f"No single winner: {verdict.leader} leads with {score}{tied}{doubt}."


def _sentences(spec: StudySpec, verdict: Verdict, runs: Sequence[RunRecord]) -> list[str]:
    if verdict.leader is None:
        return [f"Of {counted(verdict.cost.runs, 'run')}, {_lost(verdict.cost)}.", *_reasons(spec, runs)]
    found = []
    flat = not _seed_matters(verdict)
    if not verdict.proven and spec.baseline in verdict.tie_set and len(verdict.tie_set) > 1:
        found.append(f"The baseline {spec.baseline} is in the tie set: nothing here says to leave it.")
    found += [
        _versus(spec, verdict, standing, standing.versus_baseline)
        for standing in verdict.standings
        if standing.versus_baseline is not None
        and standing.mean is not None
        and (flat or standing.label == verdict.leader or standing.versus_baseline.is_ == "better")
    ]
    for baseline in verdict.standings:
        behind = baseline.versus_leader
        if baseline.label == spec.baseline and not baseline.tied and (behind is None or behind.is_ != "worse"):
            found.append(f"The baseline {spec.baseline} is out of the tie set. {baseline.why}")
    for selection in verdict.selections:
        if selection.edge in ("low", "high") and selection.peak is not None:
            side = "smallest" if selection.edge == "low" else "largest"
            tried = "that was tried, also after the grid had grown" if spec.extend else "that was tried"
            found.append(
                f"The best peak of {selection.label}, {selection.peak:g}, is the {side} {tried}: "
                f"its own best may lie beyond."
            )
    grown = [s.label for s in verdict.selections if any(score.extended for score in s.scores)]
    if grown:
        found.append(f"The peak grid was extended past its edge for {joined(grown)}.")
    for one in spec.candidates:
        if one.origin:
            found.append(f"Tried for {one.label}: peak {joined([f'{peak:g}' for peak in one.peaks])}; {one.origin}.")
    found += _divergence(verdict)
    found += [
        f"{standing.label} lost {standing.lost} of "
        f"{counted(len(standing.values), 'confirmation seed')}: {_lost(standing)}."
        for standing in verdict.standings
        if standing.lost
    ]
    found += _more(verdict)
    judged = f"Judged on {counted(verdict.cost.runs, 'run')} of {verdict.cost.steps:,} updates together"
    found.append(f"{judged}, those that runs share counted for each; {_lost(verdict.cost)}.")
    return found


def _reasons(spec: StudySpec, runs: Sequence[RunRecord]) -> list[str]:
    """Why no run gave a result: the metric nobody logged, or what the runs themselves say most often."""
    silent = [run for run in runs if run.status == "failed" and run.steps >= spec.horizon]
    logged = {name for run in runs for name, curve in run.curves.items() if len(curve)} - {"lr"}
    found = []
    if silent and spec.metric not in logged:
        names = f"logged were: {joined(sorted(logged))}" if logged else "nothing was"
        found.append(f"The metric {spec.metric!r} was never logged; {names}.")
        done = {run.spec.key for run in silent}
        runs = [run for run in runs if run.spec.key not in done]
    told = Counter(" ".join(run.reason.split()).rstrip(".") for run in runs if run.reason.strip())
    found += [f"{reason} ({counted(times, 'run')})." for reason, times in told.most_common(2)]
    if any(run.status == "failed" for run in runs):
        found.append("Read the tracebacks.")
    if any(run.status == "diverged" for run in runs):
        found.append("Lower the peaks.")
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
            f"(chance {share(nearest.power)}, {nearest.steps:,} updates); adding them is a further look at the data, "
            f"and {share(verdict.confidence)} is for one look."
        )
    beyond = [more.candidate for more in verdict.more if more.seeds is None]
    if beyond:
        names = joined(beyond)
        found.append(f"Even a thousand seeds would hardly tell {names} from {verdict.leader}: treat as equal.")
    return found


def _not_proven(spec: StudySpec, verdict: Verdict) -> list[str]:
    found = []
    if not _seed_matters(verdict):
        found.append(
            "Anything about chance: the seed changes nothing, every confirmation run of a candidate gave the same "
            "number. Draw initialisation and data order from run.seed."
        )
    if len(spec.confirm_seeds) < 2:
        found.append("Any difference: one confirmation seed shows no spread.")
    if ruled_out := [s.label for s in _ruled_out(verdict)]:
        out = joined(ruled_out)
        found.append(f"That {verdict.leader} has the best mean: what rules out {out} is lost seeds, not the mean.")
    if single := [s.label for s in verdict.selections if s.edge == "single" and len(spec.peaks) < 2]:
        all_ = "every candidate" if len(single) == len(verdict.selections) else joined(single)
        found.append(f"The ranking at other peaks: {all_} ran at one peak, which need not be its own best.")
    found.append(f"Anything beyond {spec.horizon:,} updates, this model and this data.")
    return found


def _versus(spec: StudySpec, verdict: Verdict, standing: Standing, found: Comparison) -> str:
    name, base = f"{standing.label}{_at(standing)}", f"the baseline {spec.baseline}"
    if found.interval is None:
        if found.difference is None:
            return f"{standing.label} and {base} have no common seed to compare."
        gap = f"{name} differs from {base} by {found.difference:+.4g}"
        if found.n < 2:
            return f"{gap} on the only common seed: too few to tell them apart."
        if not _seed_matters(verdict):
            return f"{gap}; the seed changes nothing, so this is one observation and not {found.n}."
        return f"{gap} on every seed alike: no spread to judge that by."
    side = {"better": "better than", "worse": "worse than", "open": "not separated from"}[found.is_]
    p = "" if found.p is None else f", p {'< 0.001' if found.p < 0.001 else f'= {found.p:.2g}'}"
    inside = f", within the margin of {number(spec.margin)}" if spec.margin and found.equivalent else ""
    text = f"{name} is {side} {base}: {interval_text(found.interval)}{p}{inside}"
    if _lost_more(verdict, standing):
        seeds = counted(found.n, "seed")
        return f"On the {seeds} that both finished, {text}; yet {standing.label} is ruled out: it {_losses(standing)}."
    return f"{text}."


def _lost(counts: Standing | Cost) -> str:
    return f"{counts.diverged} diverged, {counts.failed} failed"


def _at(standing: Standing) -> str:
    return "" if standing.peak is None else f" at peak {standing.peak:g}"
