"""From the records of a study to the page about it. Pure: reads a Study, draws nothing, trains nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from calando.core.snippet import torch_code
from calando.core.text import parse
from calando.errors import CalandoError
from calando.records import Interval, RunRecord, Standing, Study, StudySpec, Verdict
from calando.report.curves import charts, reach
from calando.report.foretold import foretold
from calando.report.notes import groups, tally
from calando.report.page import Answer, Cost, Fact, Page, Peak, Peaks, Row, Takeaway
from calando.report.spending import ahead, asked, beliefs, bill, decided, finding, tried, tries, tuned, verb
from calando.report.words import LONG, count, cut, duration, peak_text

__all__ = ["build"]


def build(study: Study, *, made: str = "") -> Page:
    """The page about a study, finished or not.

    `made` is a remark for the foot of the page, such as the date. Raises nothing of its own: a study
    without a verdict gives a page that says what is still missing.

    >>> from calando.records import Candidate, StudySpec
    >>> spec = StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),), baseline="c")
    >>> build(Study(spec)).answer.headline
    'Not finished: no run has ended yet.'
    """
    spec, verdict = study.spec, study.verdict
    target = _target(study)
    rows = _rows(study, target)
    rates, losses = charts(study, rows)
    slots = {row.label: row.slot for row in rows}
    noted = groups(study, slots)
    return Page(
        question=spec.question,
        name=_name(study),
        metric=spec.metric,
        mode=spec.mode,
        horizon=spec.horizon,
        baseline=spec.baseline,
        answer=_answer(study, verdict),
        rows=rows,
        facts=_facts(study),
        at_peak="at the peak that the search believes best for it" if verb(study) == "tune" else _at_peak(spec),
        confidence=spec.confidence,
        peaks=_peaks(verdict, rows),
        rates=rates,
        losses=losses,
        target=target,
        search=cost(run for run in study.runs if run.spec.phase != "confirm"),
        proof=cost(run for run in study.runs if run.spec.phase == "confirm"),
        work=study.seconds,
        wall=_wall(study),
        tally=tally(noted),
        groups=noted,
        takeaway=_takeaway(study, rows),
        environment=_environment(study),
        packages=tuple(Fact(k, v) for k, v in sorted(study.environment.packages.items())),
        sittings=_sittings(study),
        verb=verb(study),
        bill=bill(study),
        decided=decided(study),
        beliefs=beliefs(study, slots),
        tries=tries(study, slots),
        finding=finding(study),
        foretold=foretold(study),
        ahead=ahead(study),
        made=made,
    )


def cost(runs: Iterable[RunRecord]) -> Cost:
    """What some runs cost together; updates that another run had trained already are not counted again."""
    kept = list(runs)
    return Cost(len(kept), sum(r.steps - r.reused for r in kept), sum(r.seconds for r in kept))


def _name(study: Study) -> str:
    path = Path(study.path)
    return (path.parent.name if path.suffix else path.name) or "study"


def _answer(study: Study, verdict: Verdict | None) -> Answer:
    found = finding(study)
    if found is not None:
        headline = found.headline[:1].upper() + found.headline[1:]
        same = {headline.rstrip("."), found.headline.rstrip(".")}
        return Answer(headline, True, tuple(s for s in found.sentences if s.rstrip(".") not in same), found.not_proven)
    if verdict is None:
        ended = f"{count(len(study.runs), 'run')} ended so far" if study.runs else "no run has ended yet"
        advice = "Run the same command again: what has ended is kept."
        return Answer(f"Not finished: {ended}.", finished=False, sentences=(advice,))
    tell = _shortener(study)
    more = []
    for wish in verdict.more:
        pair = f"{wish.candidate} and {wish.reference}"
        if wish.seeds is None:
            more.append(f"Even a thousand more seeds would hardly tell {pair} apart.")
        else:
            more.append(
                f"About {count(wish.seeds, 'more seed')} for each ({count(wish.steps, 'update')}) would tell {pair} "
                f"apart with a chance of {100 * wish.power:g} %, if they differ as much as it looks now. "
                "That would be a further look at the data."
            )
    return Answer(
        headline=tell(verdict.headline) or "No candidate finished.",
        finished=True,
        sentences=tuple(map(tell, verdict.sentences)),
        not_proven=tuple(map(tell, verdict.not_proven)),
        more=tuple(map(tell, more)),
        method=verdict.method,
        leader=verdict.leader,
        recommended=verdict.recommended,
        tie_set=verdict.tie_set,
        proven=verdict.proven,
    )


def _shortener(study: Study) -> Callable[[str], str]:
    """Endless labels made short inside sentences; the leaderboard holds them whole."""
    labels = sorted((c.label for c in study.spec.candidates if len(c.label) > LONG), key=len, reverse=True)

    def tell(text: str) -> str:
        for label in labels:
            text = text.replace(label, cut(label))
        return text

    return tell


def _rows(study: Study, target: float | None) -> tuple[Row, ...]:
    spec, verdict = study.spec, study.verdict
    standings: dict[str, Standing] = {s.label: s for s in verdict.standings} if verdict else {}
    edges = {s.label: s.edge for s in verdict.selections} if verdict else {}
    labels = list(standings) + [c.label for c in spec.candidates if c.label not in standings]
    rows, slot, tell = [], 0, _shortener(study)
    answer = tuned(study)
    shown = answer is None or verdict is None or verdict.recommended in (None, verdict.leader)
    lead: Literal["leads", "chosen"] = "leads" if shown else "chosen"
    believed = {one.label: one.loss for one in answer.standpoints} if answer is not None else {}
    for label in labels:
        slot += label != spec.baseline
        standing = standings.get(label)
        candidate = next((c for c in spec.candidates if c.label == label), None)
        plan = candidate.plan if candidate else standing.plan if standing else label
        role = standing.role if standing else candidate.role if candidate else "candidate"
        own = study.of(label)
        proof = [run for run in own if run.spec.phase == "confirm"]
        peak = standing.peak if standing else None
        at_peak = [run for run in proof if run.spec.peak == peak]
        versus = standing.versus_baseline if standing else None
        rows.append(
            Row(
                rank=standing.rank if standing else None,
                slot=0 if label == spec.baseline else slot,
                label=label,
                plan=plan,
                role=role,
                peak=peak,
                own_rates=peak is None and not spec.peaks and (candidate is None or candidate.peak is None),
                edge=edges.get(label, ""),
                mean=standing.mean if standing else None,
                believed=believed.get(label),
                interval=standing.interval if standing else None,
                values=standing.values if standing else (),
                difference=versus.interval if versus else None,
                standing=versus.is_ if versus else "",
                equivalent=versus.equivalent if versus else False,
                gap=_interval(standing),
                diverged=standing.diverged if standing else sum(r.status == "diverged" for r in proof),
                failed=standing.failed if standing else sum(r.status == "failed" for r in proof),
                tied=standing.tied if standing else False,
                lead=lead if verdict is not None and label == verdict.leader else "",
                baseline=label == spec.baseline,
                why=tell(standing.why) if standing else "no run of it is finished yet" if not own else "",
                reach=reach(at_peak, spec.metric, spec.mode, spec.horizon, target),
                search=cost(run for run in own if run.spec.phase != "confirm"),
                proof=cost(proof),
            )
        )
    return tuple(rows)


def _interval(standing: Standing | None) -> Interval | None:
    return standing.versus_leader.interval if standing and standing.versus_leader else None


def _target(study: Study) -> float | None:
    if study.verdict is None:
        return None
    line = next((s for s in study.verdict.standings if s.label == study.spec.baseline), None)
    return line.mean if line else None


def _peaks(verdict: Verdict | None, rows: tuple[Row, ...]) -> tuple[Peaks, ...]:
    slots = {row.label: row.slot for row in rows}
    found = []
    for selection in verdict.selections if verdict else ():
        points = tuple(
            Peak(
                peak=score.peak,
                mean=score.mean,
                values=tuple((seed, value) for seed, value in score.values if value is not None),
                diverged=score.diverged,
                failed=score.failed,
                extended=score.extended,
            )
            for score in sorted(selection.scores, key=lambda s: s.peak or 0.0)
            if score.peak is not None
        )
        if points:
            slot = slots.get(selection.label, 0)
            found.append(Peaks(slot, selection.label, selection.peak, selection.edge, points))
    return tuple(found)


def _facts(study: Study) -> tuple[Fact, ...]:
    spec = study.spec
    better = "lower is better" if spec.mode == "min" else "higher is better"
    pinned = sorted({c.peak for c in spec.candidates if c.peak is not None})
    grid = ", ".join(map(peak_text, spec.peaks)) if spec.peaks else "the optimizer's own rates"
    if own := sorted({peak for c in spec.candidates for peak in c.peaks}):
        grid = f"{', '.join(map(peak_text, own))}, to every schedule its own, carried over from one by theory"
    grid = "; ".join([grid] * _any_free(spec) + [f"{', '.join(map(peak_text, pinned))} (given)"] * bool(pinned))
    evidence = len(spec.confirm_seeds)
    search, look = asked(study), verb(study) == "find"
    if search is not None:
        grid = tried(study)
        evidence = len({run.spec.seed for run in study.runs if run.spec.phase == "confirm"})
    elif look:
        grid = " to ".join(map(peak_text, spec.peaks))
    seeds = (
        f"{len(spec.select_seeds)} to look with, none is evidence"
        if look
        else f"{len(spec.select_seeds)} to search with, {evidence or 'no'} fresh ones to confirm"
        if search is not None
        else f"{len(spec.select_seeds)} to choose peaks, {evidence} others as evidence"
        if any(c.peak is None and len(spec.grid(c)) > 1 for c in spec.candidates)
        else f"{evidence} as evidence; no peak was chosen by any"
    )
    epochs = f", {spec.horizon / spec.steps_per_epoch:.3g} epochs" if spec.steps_per_epoch else ""
    return (
        Fact("judged by", f"{spec.metric} after the last update, {better}"),
        Fact("horizon", f"{count(spec.horizon, 'update')}{epochs}"),
        Fact("schedule", cut(spec.baseline))
        if look
        else Fact("candidates", f"{len(spec.candidates)}, the baseline is {cut(spec.baseline) or 'not named'}"),
        Fact("rates swept" if look else "peaks tried" if _any_free(spec) else "peaks", grid),
        Fact("seeds", seeds),
        *([Fact("budget", search.budget)] if search is not None else []),
        Fact("train function", spec.train),
    )


def _any_free(spec: StudySpec) -> bool:
    """Whether any candidate came without a peak of its own."""
    return any(candidate.peak is None for candidate in spec.candidates)


def _at_peak(spec: StudySpec) -> str:
    """At which peak the schedules are held against each other."""
    if not _any_free(spec):
        return "at the peak that was given for it"
    if any(c.peaks for c in spec.candidates):
        free = "at the peak that theory carried over, the best one where several were tried"
    elif len(spec.peaks) > 1:
        free = "at its own best peak"
    else:
        free = f"at peak {peak_text(spec.peaks[0])}" if spec.peaks else "at the optimizer’s own rates"
    given = any(candidate.peak is not None for candidate in spec.candidates)
    return free + (", or at the peak that was given for it" if given else "")


def _wall(study: Study) -> float | None:
    spans = []
    for sitting in study.sessions:
        own = [a.ended for a in study.attempts if a.session == sitting.id and a.ended is not None]
        last = sitting.ended if sitting.ended is not None else max(own, default=None)
        if last is not None:
            spans.append(max(0.0, last - sitting.started))
    return sum(spans) if spans else None


def _sittings(study: Study) -> tuple[str, ...]:
    lines = []
    for sitting in study.sessions:
        starts = [a for a in study.attempts if a.session == sitting.id]
        length = duration(sitting.ended - sitting.started) if sitting.ended is not None else "killed, or still running"
        lost = sum(a.outcome in ("lost", "interrupted", "") for a in starts)
        broken = f", {lost} broken off" if lost else ""
        lines.append(f"{length}: {count(len(starts), 'start')}{broken}, {count(sitting.workers, 'worker')}")
    return tuple(lines)


def _environment(study: Study) -> tuple[Fact, ...]:
    env = study.environment
    known = [
        Fact("Python", env.python),
        Fact("platform", env.platform),
        Fact("machine", env.machine),
        Fact("processors", str(env.cpus) if env.cpus else ""),
        Fact("threads a worker", str(env.threads_per_worker) if env.threads_per_worker else ""),
        Fact("train function", study.spec.train),
        Fact("its SHA-256", study.spec.train_sha256),
    ]
    return tuple(fact for fact in known if fact.value)


def _takeaway(study: Study, rows: tuple[Row, ...]) -> Takeaway | None:
    command = shlex.join(study.command)
    found, answer = finding(study), tuned(study)
    if found is not None and found.best is not None:
        return Takeaway(found.shape, found.best, _snippet(found.shape, found.best, study), command)
    chosen = study.verdict.recommended or study.verdict.leader if study.verdict else None
    if answer is not None and answer.winner is not None and chosen in (None, answer.winner):
        settings = ", ".join(f"{name}={value}" for name, value in json.loads(answer.settings or "{}").items())
        return Takeaway(answer.winner, answer.peak, _snippet(answer.plan, answer.peak, study), command, settings)
    row = next((r for r in rows if r.label == chosen), None)
    if row is None:
        return Takeaway("", None, "", command) if command else None
    return Takeaway(row.label, row.peak, _snippet(row.plan, row.peak, study), command)


def _snippet(plan: str, peak: float | None, study: Study) -> str:
    """The winning schedule in a PyTorch loop; nothing for a plan that this calando cannot read."""
    spec = study.spec
    try:
        schedule = parse(plan).bind(spec.horizon, steps_per_epoch=spec.steps_per_epoch)
        return torch_code(schedule, peak, every=max(1, spec.horizon // spec.evals))
    except CalandoError:
        return ""
