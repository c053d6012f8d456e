"""A rate too high, told by how alike the curves of a run are to those of runs whose rate was too high."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from calando.records.diagnosis.calm import trembling
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short
from calando.records.diagnosis.score import Score, scattered, scored, unharmed

__all__ = ["alike", "looks_too_high"]

HIGH = "LR too high"
LOW = "LR too low"

SAYS: dict[str, Callable[[Mapping[str, float]], str]] = {
    "pace in errors": lambda n: (
        f"while the rate was high, the training loss {'rose' if n['pace'] < 0 else 'hardly fell'}"
        if n["pace in errors"] < 2 else ""
    ),
    "late": lambda n: f"{100 * n['late']:.0f} % of the gain came only after the rate was down to half of its peak",
    "evaluated late": lambda n: (
        f"{100 * n['evaluated late']:.0f} % of what evaluations gained came only after the rate was down to half of "
        "its peak"
    ),
    "rebound": lambda n: f"the training loss rose by {100 * n['rebound']:.0f} % of the gain above its lowest",
    "early rebound": lambda n: (
        f"early on the training loss rose by {100 * n['early rebound']:.0f} % of the gain above its lowest"
    ),
    "throw": lambda n: (
        "the training loss was thrown above its start" if n["throw"] > 0 else ""
    ),
    "evaluated rise": lambda n: (
        f"while the rate was high, evaluations rose by {100 * n['evaluated rise']:.0f} % of the gain above their lowest"
    ),
    "tremble hot": lambda n: (
        f"while the rate was high, evaluations strayed from their curve by {100 * n['tremble hot']:.0f} % of the gain"
    ),
}  # fmt: skip
"""What a number that speaks for it is in words; the others hang on these."""

ALSO = {
    "pace": "pace in errors", "late in errors": "late", "late beyond pace": "late", "late for its rate": "late",
    "evaluated late in trembles": "evaluated late", "evaluated pace": "evaluated late",
    "evaluated pace in trembles": "evaluated late", "evaluated progress in trembles": "evaluated late",
    "evaluated above lowest": "evaluated rise", "rebound over noise": "rebound",
    "tremble cold": "tremble hot", "steps hot over cold": "tremble hot",
}  # fmt: skip
"""Numbers that tell of the same thing: their points are counted together."""

SHOWN = 2


def looks_too_high(run: Judged) -> Diagnosis | None:
    """What no single rule finds: many small signs that together are seldom seen at a sound rate.

    Large enough: more than a share of the runs with such curves had a rate that was too high. Where single losses
    scatter by a good part of the whole gain, evaluations alone are heard: there noise leaves such signs.
    """
    told = alike(run, limit(HIGH, "alike"))
    if told is None:
        return None
    score, shown = told
    if scattered(score.traces, limit(HIGH, "noise")) and score.chance < limit(HIGH, "in noise"):
        return None
    quiet = trembling(run)
    if quiet is not None and quiet.ratio > limit(LOW, "calm"):
        return None  # what makes no noise at all is not too high
    said = _said(score)
    text = " and ".join(text for _, text in said) + ": taken together, this is" if said else "The curves as a whole are"
    evidence = [Evidence("peak", run.peak, short(run.peak)), shown]
    evidence += [Evidence(name, score.traces[name], short(score.traces[name])) for name, _ in said]
    return Diagnosis(
        HIGH, "warning", f"learning rate too high (peak {short(run.peak)})",
        f"{text[0].upper()}{text[1:]} how runs look whose rate was too high.",
        (f"Try a peak of {short(run.peak / 4)}, a quarter of this one.",
         "A second run at that peak settles it: name both, and they are compared."),
        tuple(evidence), min(0.8, max(0.5, score.chance - 0.15)), (Change("peak", 0.25, "scale 0.25"),),
    )  # fmt: skip


def alike(run: Judged, least: float) -> tuple[Score, Evidence] | None:
    """The score of a run and what to show of it, where it is high enough for a finding."""
    score = scored(run)
    if score is None or score.chance < least or unharmed(run):
        return None
    return score, Evidence("alike", score.chance, f"{100 * score.chance:.0f} % of runs with such curves")


def _said(score: Score) -> list[tuple[str, str]]:
    """The numbers that speak most for it, each with its words."""
    together: dict[str, float] = {}
    for name, points in score.points.items():
        told = ALSO.get(name, name)
        together[told] = together.get(told, 0.0) + points
    found = []
    for name in sorted(together, key=lambda one: -together[one]):
        value = score.traces.get(name, 0.0)
        words = SAYS[name](score.traces) if name in SAYS and together[name] > 0 and value == value else ""
        if words:
            found.append((name, words))
    return found[:SHOWN]
