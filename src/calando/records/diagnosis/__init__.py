"""What the curves of one run say, in plain words: each finding with its evidence and advice.

Pure functions from numbers to findings; nothing is read, drawn or trained here. `diagnose` asks
every detector below and returns what they found, worst first; a run without a finding is said to
be healthy, with its numbers. A threshold stands beside the reason for it.

A finding needs two things at once: the effect is *clear* (at least `CLEAR` standard errors, so
that noise alone hardly ever raises it) and it is *large enough to act on* (its own threshold, a
share of what the run gained in all, so that losses of any scale are judged alike).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calando.records.diagnosis import (
    bursting,
    compared,
    early,
    endings,
    fit,
    guessing,
    heat,
    higher,
    late,
    obeyed,
    pace,
    plateau,
    scales,
    spiky,
    waves,
)
from calando.records.diagnosis.catalogue import CATALOGUE, WORST_FIRST
from calando.records.diagnosis.change import Change
from calando.records.diagnosis.finding import TOO_FEW, Diagnosis, Evidence, Judged, Observed, short
from calando.records.diagnosis.noisy import Level, trend
from calando.records.diagnosis.undecided import undecided

__all__ = [
    "CATALOGUE",
    "WORST_FIRST",
    "Change",
    "Diagnosis",
    "Evidence",
    "Level",
    "Observed",
    "diagnose",
    "short",
    "undecided",
]

LOOKS = (
    bursting.bursts_while_hot, heat.lr_too_high, endings.rising, early.warm_up_too_short, spiky.spikes,
    higher.after_a_drop, higher.overfitting,
    waves.oscillation, pace.lr_too_low, pace.horizon_too_short, plateau.plateau_high, plateau.plateau_low,
    fit.fitted_early, guessing.only_guesses,
)  # fmt: skip


def diagnose(seen: Observed) -> tuple[Diagnosis, ...]:
    """Everything that the curves of one run say, worst first.

    >>> steps = list(range(400))
    >>> falling = [2.0 / (1 + t / 20) + 0.2 + 0.02 * ((7 * t) % 5 - 2) for t in steps]
    >>> diagnose(Observed(horizon=400, train=(steps, falling)))[0].kind
    'healthy'
    >>> diagnose(Observed(horizon=400, status="diverged", ended_at=31))[0].title
    'diverged at step 31'
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a log may hold 1e308
        return _judged(seen)


LATE_LOOKS = (
    late.climbing, spiky.spikes, higher.after_a_drop, higher.overfitting, waves.oscillation, pace.horizon_too_short,
    plateau.plateau_high, plateau.plateau_low,
)  # fmt: skip
"""What is asked of a run whose beginning is not in the log."""

HELD_OUT = (higher.after_a_drop, higher.overfitting)


def _judged(seen: Observed) -> tuple[Diagnosis, ...]:
    train, val = _falling(*seen.train, seen.train_higher), _falling(*seen.val, seen.higher_is_better)
    run = Judged(seen, trend(*train), trend(*val), trend(*seen.lr))
    own = scales.on_its_own(run)
    losses = replace(run, val=trend((), ()), made={}) if seen.higher_is_better else scales.together(run)
    if seen.status == "failed":
        found: list[Diagnosis | None] = [endings.failed(run)]
    elif seen.status == "diverged":
        found = [higher.diverged(run)]
    elif max(len(run.train), len(run.val)) < TOO_FEW:
        found = [endings.too_little(run)]
    elif higher.alone(run):
        found = [look(run) for look in higher.LOOKS]
    elif late.begins_late(run):
        own, losses = late.on_its_own_clock(own), late.on_its_own_clock(losses)
        seen_of = [look(own if look in HELD_OUT else losses) for look in LATE_LOOKS]
        found = [None if one is None else late.put_back(one, run) for one in seen_of]
    else:
        found = [endings.not_converging(run if seen.higher_is_better else losses)]
        if found[0] is not None:  # what a cyclic rate throws away at every return is no end of its own
            found.append(waves.oscillation(losses))
        else:  # a score beside the losses tells of overfitting alone
            found = [look(own if look in HELD_OUT else losses) for look in LOOKS]
    if seen.beside:
        found = [*compared.unrefuted(run, [one for one in found if one is not None])]
    under_way = seen.status == "running"  # what cannot be told yet is no reason to tell of a warm-up
    hot = any(
        one is not None and one.kind == "LR too high" and not (under_way and _too_early(one, run)) for one in found
    )
    if hot and not late.begins_late(run) and not compared.refuted(run, "warm-up too short"):
        found.append(early.abrupt(run))
    if any(one is not None and one.kind == "horizon too short" for one in found):
        found.insert(0, _held_up(run, losses))  # before a standstill: both cannot be
    found.append(obeyed.not_as_asked(run))
    if under_way:
        found = [one for one in found if one is not None and not _too_early(one, run)]
    kept = _settle(
        [f for f in found if f is not None], ends_hot=len(run.lr) > 0 and run.lr_at(run.end) >= 0.6 * run.peak
    )
    kept = compared.borne_out(run, kept)
    kept.sort(key=lambda f: WORST_FIRST.index(f.kind))
    if kept:
        return tuple(one.from_zero() for one in kept)
    well = fit.healthy(run)
    return (late.since(well, run) if late.begins_late(run) else well,)


def _held_up(run: Judged, losses: Judged) -> Diagnosis | None:
    held = plateau.held_up(losses)
    return late.put_back(held, run) if held is not None and late.begins_late(run) else held


def _falling(steps: Sequence[float], values: Sequence[float], rising: bool) -> tuple[Sequence[float], Sequence[float]]:
    """A curve of which lower is better."""
    return (steps, [-v for v in values]) if rising else (steps, values)


def _too_early(found: Diagnosis, run: Judged) -> bool:
    """Whether a finding of a run under way is one that cannot be told yet, or that its plan takes care of."""
    seen = run.seen
    if found.kind == "plateau at high LR":
        low = min(run.lr_at(0.8 * run.end), run.lr_at(run.end))
        moves = not low >= 0.97 * run.peak  # it still rises, or has begun to fall
        return moves or run.end < 0.3 * seen.horizon or seen.ahead < 0.3 * run.peak
    if found.kind == "LR too high":
        return not any(one.name in ("thrown up by", "best level") for one in found.evidence)
    return found.kind != "overfitting" and found.kind in dict(undecided(seen))


HIDES = {
    "not converging": ("LR too low", "plateau at low LR", "plateau at high LR", "horizon too short"),
    "LR too low": ("horizon too short",),
    "LR too high": ("plateau at low LR", "plateau at high LR", "LR too low", "horizon too short", "not converging"),
    "warm-up too short": ("LR too low", "horizon too short", "fitted early"),
    "plateau at low LR": ("LR too low",),
    "diverged": ("LR too high", "warm-up too short"),
    "fitted early": ("plateau at high LR", "plateau at low LR"),
    "overfitting": ("fitted early", "plateau at high LR", "plateau at low LR"),
    "overfitting after a drop": ("overfitting", "fitted early", "plateau at high LR", "plateau at low LR"),
    "plateau at high LR": ("plateau at low LR",),
    "horizon too short": ("plateau at high LR",),
    "oscillation": ("plateau at high LR", "horizon too short", "LR too high"),
}
"""Where two findings tell one story, the one nearer to the cause is kept."""


def _settle(found: list[Diagnosis], *, ends_hot: bool) -> list[Diagnosis]:
    """One finding a kind, without those that another one explains."""
    first = {finding.kind: finding for finding in reversed(found)}
    stood = first.get("plateau at high LR")
    trembling = stood is not None and any(one.name == plateau.HELD_UP for one in stood.evidence)
    cut = "horizon too short" if trembling else ""  # a decay helps now, whatever more steps would bring
    hidden = {kind for known in first if known != cut for kind in HIDES.get(known, ())}
    if ends_hot and "LR too high" not in first:
        hidden.discard("horizon too short")  # cut off in its descent, whatever else
    if "spikes" in first and "LR too high" in first:
        told = any(one.name == bursting.WHILE_HOT for one in first["LR too high"].evidence)
        hot = any(change.what == "peak" for change in first["spikes"].changes)
        # Broken batches come at any rate, and throw and shake a run as a high one does.
        hidden.add("spikes" if told or hot else "LR too high")
    return [finding for kind, finding in first.items() if kind not in hidden]
