"""What the curves of one run say, in plain words: each finding with its evidence and advice.

Pure functions from numbers to findings; nothing is read, drawn or trained here. `diagnose` asks
every detector below and returns what they found, worst first; a run without a finding is said to
be healthy, with its numbers. A threshold stands beside the reason for it.

A finding needs two things at once: the effect is *clear* (at least `CLEAR` standard errors, so
that noise alone hardly ever raises it) and it is *large enough to act on* (its own threshold, a
share of what the run gained in all, so that losses of any scale are judged alike).
"""

from __future__ import annotations

from calando.records.diagnosis import endings, fit, pace, plateau
from calando.records.diagnosis.finding import TOO_FEW, Diagnosis, Evidence, Judged, Observed, short
from calando.records.diagnosis.noisy import Level, trend

__all__ = ["WORST_FIRST", "Diagnosis", "Evidence", "Level", "Observed", "diagnose", "short"]

WORST_FIRST = (
    "failed", "diverged", "not converging", "rising", "overfitting", "LR too low",
    "horizon too short", "plateau at high LR", "plateau at low LR", "fitted early", "too little data",
    "healthy",
)  # fmt: skip

LOOKS = (
    endings.rising, fit.overfitting, pace.lr_too_low, pace.horizon_too_short,
    plateau.plateau_high, plateau.plateau_low, fit.fitted_early,
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
    sign = -1.0 if seen.higher_is_better else 1.0
    run = Judged(seen, trend(*seen.train), trend(seen.val[0], [sign * v for v in seen.val[1]]), trend(*seen.lr))
    if seen.status == "failed":
        found: list[Diagnosis | None] = [endings.failed(run)]
    elif seen.status == "diverged":
        found = [endings.diverged(run)]
    elif max(len(run.train), len(run.val)) < TOO_FEW:
        found = [endings.too_little(run)]
    else:
        found = [endings.not_converging(run)]
        if found == [None]:
            found = [look(run) for look in LOOKS]
    kept = _settle([f for f in found if f is not None])
    return tuple(sorted(kept, key=lambda f: WORST_FIRST.index(f.kind))) or (fit.healthy(run),)


def _settle(found: list[Diagnosis]) -> list[Diagnosis]:
    """Where two findings tell one story, the one nearer to the cause is kept."""
    kinds = {f.kind for f in found}
    hidden: set[str] = set()
    if "LR too low" in kinds:
        hidden |= {"horizon too short"}
    if "fitted early" in kinds:
        hidden |= {"plateau at high LR", "plateau at low LR"}
    if "overfitting" in kinds:
        hidden |= {"fitted early"}
    if "plateau at high LR" in kinds:
        hidden |= {"plateau at low LR"}
    return [f for f in found if f.kind not in hidden]
