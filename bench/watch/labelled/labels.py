"""From trainings to labels: a finding holds where the change that it calls for helps, over paired seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.watch.labelled.training import Trained

__all__ = ["MATERIAL", "Effect", "effect"]

MATERIAL = 0.04
"""Share of what a run gains in all, below which a change does not matter enough to call for."""


@dataclass(frozen=True)
class Effect:
    """What a change did, over paired seeds: a positive gain is an improvement of the final held-out loss."""

    finding: str
    gain: float
    error: float
    scale: float
    """What the better of both gained from its first held-out loss or start."""
    finals: tuple[tuple[float, float], ...] = field(default=())

    @property
    def helps(self) -> bool:
        """Better by more than twice its own error, and by enough to matter."""
        return self.gain > 2 * self.error and self.gain > MATERIAL * self.scale

    @property
    def unclear(self) -> bool:
        """Neither surely enough, nor surely too little: such a run says nothing about that finding."""
        return not self.helps and self.gain + self.error > 0.5 * MATERIAL * self.scale


CEILING = 3.0
"""A loss above so many times the start is as bad as that, so that one runaway does not make a mean."""


def effect(finding: str, base: list[Trained], changed: list[Trained], starts: Sequence[float] = ()) -> Effect:
    """The paired gain of a change, over runs that start from their first losses if nothing better is known."""
    starts = starts or [run.train[0] for run in base]
    start = sum(starts) / len(starts)
    pairs = [tuple(min(run.final, CEILING * start) for run in pair) for pair in zip(base, changed, strict=True)]
    gains = [before - after for before, after in pairs]
    mean = sum(gains) / len(gains)
    spread = (sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)) ** 0.5
    scale = max(start - sum(min(pair) for pair in pairs) / len(pairs), 0.02 * start)
    return Effect(finding, mean, spread / len(gains) ** 0.5, scale, tuple((a, b) for a, b in pairs))
