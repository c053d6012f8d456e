"""The verdict of a search in words."""

import json
import math

from calando.errors import counted
from calando.lab.phrases import interval_text, joined, number, share
from calando.lab.tuning.account import BEFORE
from calando.lab.tuning.budget import PROOF
from calando.lab.tuning.proof import Proof
from calando.records.result import Verdict
from calando.records.study import StudySpec
from calando.records.tuning import Standpoint, Tuned, TuneSpec

__all__ = ["headline", "not_proven", "sentences", "spoken", "why"]


def spoken(tuned: Tuned) -> str:
    """The choice as people say it.

    >>> spoken(Tuned("cosine()", "cosine()", 0.1, '{"decay":0.01}'))
    'cosine() at peak 0.1, decay 0.01'
    """
    peak = "" if tuned.peak is None else f" at peak {number(tuned.peak)}"
    values = json.loads(tuned.settings) if tuned.settings else {}
    return f"{tuned.winner}{peak}" + "".join(
        f", {name} {number(value) if isinstance(value, float) else value}" for name, value in values.items()
    )


def headline(spec: StudySpec, tuned: Tuned, proof: Proof | None) -> str:
    """One sentence: what to use and how sure that is."""
    if tuned.winner is None:
        return "Nothing can be chosen: no run gave a result."
    said = spoken(tuned)
    if proof is None:
        runs = counted(sum(one.runs for one in tuned.standpoints), "run")
        return f"Use {said}; chosen on {runs}, not confirmed on fresh seeds."
    rival, losses = proof.held.reference, proof.losses()
    also = f"; {losses}" if losses else ""
    take = "Keep" if rival == spec.baseline else "Use"
    if proof.outcome == "lost":
        return f"{take} {rival}: {losses}; the search had chosen {said}."
    if proof.outcome == "outlasted":
        return f"Use {said}: {losses}; where both have a result, it is {_side(proof)} {rival} {proof.seen()}."
    if proof.outcome == "better":
        return f"Use {said}: better than {rival} {proof.seen()}{also}."
    if proof.outcome == "worse":
        return f"{take} {rival}: {said}, which the search had chosen, is worse {proof.seen()}{also}."
    if rival == spec.baseline:
        return f"{said} is not shown to be better than {rival} {proof.seen()}{also}: keep what you have."
    return f"Use {said}; {rival} cannot be told from it {proof.seen()}{also}."


def _side(proof: Proof) -> str:
    return {"better": "better than", "worse": "worse than", "open": "not separated from"}[proof.held.is_]


def why(point: Standpoint, tuned: Tuned, proof: Proof | None, *, tied: bool) -> str:
    """Why a shape stands where it stands."""
    runs = counted(point.runs, "run")
    held = None if proof is None else proof.held
    if point.label == tuned.winner:
        return f"Chosen on {runs} of it, {point.full} over the full horizon; {_percent(point.chance)} likely the best."
    fresh = ""
    if held is not None and held.reference == point.label and held.interval is not None:
        fresh = f" Held against the choice: {held.candidate} minus it is {interval_text(held.interval)}."
    if point.out:
        return f"{point.out[0].upper()}{point.out[1:]} ({runs}).{fresh}"
    if not point.runs:
        return f"Never run: the budget ended first.{fresh}"
    told = (
        f"elieved {number(point.behind)} behind the choice, {_percent(point.chance)} likely the best ({runs}).{fresh}"
    )
    return f"B{told}" if tied else f"Not in the tie set, which is surer to hold the best than asked without it: b{told}"


def sentences(tuned: Tuned, found: Verdict, proof: Proof | None) -> list[str]:
    """The whole verdict in words."""
    told = []
    if proof is not None:
        held, losses = proof.held, proof.losses()
        if held.interval is not None:
            told.append(f"{held.candidate} is {_side(proof)} {held.reference}: {interval_text(held.interval)}.")
        elif proof.flat:
            how = {"better": "better than", "worse": "worse than"}.get(_flat_side(proof, found.mode), "level with")
            told.append(f"{held.candidate} is {how} {held.reference} {proof.seen()}.")
        elif held.n:
            told.append(f"{held.candidate} and {held.reference} have too few fresh seeds in common to compare.")
        else:
            told.append(f"{held.candidate} and {held.reference} were not compared {proof.seen()}.")
        if losses:
            told.append(f"{losses}: a lost run counts against who lost it.")
    others = [label for label in found.tie_set if label != found.leader]
    if others:
        told.append(f"May be as good: {joined(others)}.")
    dropped = [point.label for point in tuned.standpoints if point.out]
    if dropped:
        told.append(f"Dropped on the way, each with its reason: {joined(dropped)}.")
    if tuned.slope is not None:
        mean, sd = tuned.slope
        power = f"{mean:+.2f}, give or take {max(sd, 0.01):.2f}"
        told.append(f"By all runs together the best peak goes with the horizon to the power {power}.")
    if tuned.budget:
        spent = f"{tuned.spent:,} of {tuned.budget:,} updates ({share(round(tuned.spent / tuned.budget, 3))})"
        lost = f"{found.cost.diverged} diverged, {found.cost.failed} failed"
        told.append(f"Spent {spent} in {_all_runs(tuned)}; {lost}.")
    if tuned.cut:
        told.append(f"The {'clock' if tuned.cut == 'time' else 'budget'} ended the search before it was through.")
    for more in found.more:
        if more.seeds is None:
            told.append(f"Even a thousand seeds would hardly tell {more.candidate} from {more.reference}.")
        else:
            told.append(
                f"Not enough budget to tell: about {more.steps:,} more updates ({counted(more.seeds, 'seed')} of both) "
                f"would, if the difference is as large as it looks (chance {share(more.power)})."
            )
    return told


def not_proven(spec: StudySpec, tune: TuneSpec, tuned: Tuned, proof: Proof | None) -> list[str]:
    """What must not be concluded."""
    told = []
    if tuned.winner is not None and proof is None:
        need = math.ceil(2 * PROOF / max(tune.prove, 1e-9)) * tune.full
        text = "That the choice is better than anything: with so little budget all of it went into choosing."
        if tune.prove > 0 and tuned.budget < need:
            text += f" About {need - tuned.budget:,} more updates of budget would leave room for fresh seeds."
        told.append(text)
    if proof is not None and any(proof.lost):
        both = counted(proof.held.n, "seed")
        told.append(
            f"Anything from the {both} that both finished alone: {proof.losses()}, and these are left out there."
        )
    if proof is not None and proof.flat:
        seeds = counted(proof.held.n, "fresh seed")
        told.append(f"How far chance moves the difference: {seeds} gave the same one, so they are one observation.")
    close = [p.label for p in tuned.standpoints if p.label != tuned.winner and p.chance > 0.05 and not p.out]
    if close:
        told.append(f"That the choice is the best of all: {joined(close)} may be; the search only believes otherwise.")
    if tuned.knobs:
        told.append("What each declared value does by itself: they were searched along with the schedule.")
    told.append(f"Anything beyond {spec.horizon:,} updates, this model and this data.")
    return told


def _flat_side(proof: Proof, mode: str) -> str:
    gap = proof.held.difference or 0.0
    return "level" if not gap else "better" if (gap < 0) == (mode == "min") else "worse"


def _all_runs(tuned: Tuned) -> str:
    """Every run, and what for: the numbers add up to those of the phases."""
    every = {one.phase: one.runs for one in tuned.spending}
    prove, before = every.get("confirmation", 0), every.get(BEFORE, 0)
    measure = sum(every.get(phase, 0) for phase in ("probe", "range test"))
    choose = sum(every.values()) - prove - before - measure
    kinds = {"to choose": choose, "to prove": prove, "to measure": measure, "from earlier sittings": before}
    parts = [f"{runs} {kind}" for kind, runs in kinds.items() if runs]
    return counted(sum(every.values()), "run") + (f" ({', '.join(parts)})" if len(parts) > 1 else "")


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"
