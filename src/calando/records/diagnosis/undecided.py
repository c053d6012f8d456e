"""What cannot be told yet of a run that is under way."""

from __future__ import annotations

from calando.records.diagnosis.finding import Observed

__all__ = ["undecided"]


def undecided(seen: Observed) -> tuple[tuple[str, str], ...]:
    """Findings that a running run may still turn out to have, each with when it will be known.

    >>> running = Observed(horizon=100, train=([0, 9], [2.0, 1.5]), status="running")
    >>> [kind for kind, _ in undecided(running)]
    ['not converging', 'LR too low', 'LR too high', 'plateau at low LR', 'overfitting', 'horizon too short']
    >>> undecided(Observed(horizon=100))
    ()
    """
    if seen.status != "running":
        return ()
    last = max([float(steps[-1]) + 1 for steps, _ in (seen.train, seen.val) if len(steps)], default=0.0)
    part = last / max(seen.horizon, 1)
    found = []
    if part < 0.25:
        found.append(("not converging", f"from a quarter of the run on (step {round(0.25 * seen.horizon):,})"))
        found.append(("LR too low", f"from a quarter of the run on (step {round(0.25 * seen.horizon):,})"))
    if part < 0.5:
        found.append(("LR too high", "once the rate has come down, or the loss has climbed"))
    if part < 0.6:
        found.append(("plateau at low LR", "when the rate has been low for nearly a third of the run"))
    if len(seen.val[0]) < 8:
        found.append(("overfitting", f"after 8 evaluations; there are {len(seen.val[0])}"))
    if part < 0.95:
        found.append(("horizon too short", "at the end of the run"))
    return tuple(found)
