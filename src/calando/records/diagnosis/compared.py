"""What other runs beside a run say of its learning rate: they raise a finding, bear it out, or refute it."""

from __future__ import annotations

from dataclasses import replace

from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Change, Diagnosis, Evidence, Judged, short, sure
from calando.records.diagnosis.neighbour import Neighbour
from calando.records.diagnosis.noisy import Level

__all__ = ["borne_out", "refuted", "unrefuted"]

HIGH = "LR too high"
LOW = "LR too low"
WARM = "warm-up too short"
KINDS = {"cooler": HIGH, "hotter": LOW, "longer warm-up": WARM}
"""What a run has whose neighbour did better."""

SHARE = {"cooler": limit(HIGH, "beside"), "hotter": limit(LOW, "beside"), "longer warm-up": limit(WARM, "beside")}
SIGMAS = {"cooler": limit(HIGH, "sure"), "hotter": limit(LOW, "sure"), "longer warm-up": limit(WARM, "sure")}
NOTHING = "not converging"
AGAINST = {HIGH: (LOW, NOTHING), LOW: (HIGH,), WARM: ()}
"""Findings of the run alone that a better neighbour proves wrong."""
UNTOLD = 0.7
"""Confidence at the most where no log names its settings: data, model or optimizer may be others."""
NOT = 1.5
"""Standard errors by which a gain must lie below what is worth acting on for a neighbour to refute a finding."""

OVERFITS = ("overfitting", "overfitting after a drop")


def better(one: Neighbour, *, best: bool) -> bool:
    """Whether a neighbour ended clearly better, and by enough to act on."""
    gain = one.at_best if best else one.gain
    return not one.diverged and gain.sigmas >= SIGMAS[one.way] and one.share(best=best) >= SHARE[one.way]


def refutes(one: Neighbour) -> bool:
    """Whether a neighbour that is near enough was clearly not better by enough to act on."""
    short_of = SHARE[one.way] * one.scale - one.gain.value
    return one.near and Level(short_of, one.gain.error).sigmas >= NOT


def refuted(run: Judged, kind: str) -> bool:
    """Whether the neighbours of a run prove a finding wrong."""
    ways = {way for way, known in KINDS.items() if known == kind}
    ours = [one for one in run.seen.beside if one.way in ways]
    proven = {KINDS[one.way] for one in run.seen.beside if better(one, best=False)}
    if kind in proven:
        return False
    return any(kind in AGAINST[other] for other in proven) or any(refutes(one) for one in ours)


def unrefuted(run: Judged, found: list[Diagnosis]) -> list[Diagnosis]:
    """The findings of a run alone, without those that its neighbours prove wrong."""
    gone = {one.kind for one in found if refuted(run, one.kind)}
    return [one for one in found if one.kind not in gone or (one.severity == "failure" and one.kind in KINDS.values())]


def borne_out(run: Judged, found: list[Diagnosis]) -> list[Diagnosis]:
    """The findings of a run, with what its neighbours add to them and raise beside them."""
    if not run.seen.beside:
        return found
    known = {one.kind: one for one in found}
    best = any(kind in known for kind in OVERFITS)
    both = {one.way for one in run.seen.beside if better(one, best=False)} >= {"cooler", "hotter"}
    for way, kind in KINDS.items():
        if both and kind in (HIGH, LOW):
            continue  # peaks on both sides did better: something else is different
        ours = [one for one in run.seen.beside if one.way == way]
        ours = [one for one in ours if better(one, best=False) and (not best or better(one, best=True))]
        if not ours or (kind == HIGH and "diverged" in known) or run.seen.status == "diverged":
            continue
        if kind == LOW and NOTHING in known:
            known[NOTHING] = _explained(run, known[NOTHING], ours[0], _further(ours))
            continue
        known[kind] = _with(known[kind], ours[0]) if kind in known else _raised(run, ours[0], _further(ours))
    for kind, way in (("diverged", "cooler"), (LOW, "hotter")):
        edge = next((one for one in run.seen.beside if one.way == way and one.diverged != (kind == "diverged")), None)
        if kind in known and edge is not None:
            known[kind] = _edged(known[kind], edge)
    return list(known.values())


def _evidence(one: Neighbour) -> Evidence:
    share = f"{100 * one.share():.0f} % of the gain"
    return Evidence(f"gained by {one.name}", one.gain.value, f"{short(one.gain.value)}, {share} ({one.way})")


def _with(finding: Diagnosis, one: Neighbour) -> Diagnosis:
    return replace(
        finding, words=f"{finding.words} {one.words}, which bears it out.",
        evidence=(*finding.evidence, _evidence(one)),
        confidence=max(finding.confidence, sure(one.gain.sigmas + 4)),
    )  # fmt: skip


def _explained(run: Judged, finding: Diagnosis, one: Neighbour, top: Neighbour) -> Diagnosis:
    """That a run learned nothing, where another shows why."""
    return replace(
        finding, words=f"{finding.words} {one.words}: it is the rate that was too low.",
        advice=(f"Try a peak of {short(run.peak * top.factor)}, as {top.name} had.", *finding.advice[1:]),
        evidence=(*finding.evidence, _evidence(one)), changes=(Change("peak", top.factor), *finding.changes),
    )  # fmt: skip


def _edged(finding: Diagnosis, one: Neighbour) -> Diagnosis:
    what = "diverged" if one.diverged else "did not diverge"
    return replace(
        finding, words=f"{finding.words} {one.words}: the edge lies between.",
        evidence=(*finding.evidence, Evidence(f"{one.name} {what}", one.factor, f"{short(one.factor)} of this peak")),
    )  # fmt: skip


def _further(ours: list[Neighbour]) -> Neighbour:
    """The one that did best, where it clearly did better than the nearest."""
    top = max(ours, key=lambda one: one.gain.value)
    return top if top.gain.value - ours[0].gain.value > 2 * max(top.gain.error, ours[0].gain.error) else ours[0]


def _raised(run: Judged, one: Neighbour, top: Neighbour) -> Diagnosis:
    """A finding that only the neighbours show: the nearest that did better is named, the best is what to try."""
    words = f"{one.words}: {100 * one.share():.0f} % of all that the better one gained. As far as their logs " \
            "tell, nothing else is different: "  # fmt: skip
    shown = (_evidence(one), Evidence("peak", run.peak, short(run.peak)))
    confidence = min(sure(one.gain.sigmas + 2), 0.98 if run.seen.settings else UNTOLD)
    there, best = short(run.peak * one.factor), short(run.peak * top.factor)
    try_it = f"Try a peak of {best}, as {top.name} had, which ended at {short(top.there)}."
    if one.way == "longer warm-up":
        rise = max(10, round(one.factor * run.seen.horizon))
        return Diagnosis(
            WARM, "warning", f"warm-up too short: {one.name} rose for longer and did better",
            words + "the rate was high too soon.",
            (f"Let the rate rise over {rise:,} steps, as that run did.", f"Or try a peak of {short(run.peak / 3)}."),
            shown, confidence, (Change("warm-up", float(rise)), Change("peak", 1 / 3, "scale 0.33")),
        )  # fmt: skip
    if one.way == "hotter":
        return Diagnosis(
            LOW, "warning", f"learning rate too low (peak {short(run.peak)}): {one.name} did better at {there}",
            words + "the steps were too short.",
            (try_it, "Go on from there: the best peak may be higher still."),
            shown, confidence, (Change("peak", top.factor),),
        )  # fmt: skip
    return Diagnosis(
        HIGH, "warning", f"learning rate too high (peak {short(run.peak)}): {one.name} did better at {there}",
        words + "what the higher rate lost, its decay did not bring back.",
        (try_it, "A longer warm-up and gradient clipping help at the edge."),
        shown, confidence, (Change("peak", top.factor, f"scale {top.factor:.2g}"), Change("clip", 1.0)),
    )  # fmt: skip
