"""What another run, alike but for its rates, says of this one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calando.records.diagnosis.finding import short

if TYPE_CHECKING:
    from calando.records.diagnosis.noisy import Level

__all__ = ["WAYS", "Neighbour"]

WAYS = ("cooler", "hotter", "longer warm-up")
"""How a neighbour differs: by the height of its rates, or by a rise that takes longer."""

WORDS = {0.1: "a tenth of", 0.2: "a fifth of", 0.25: "a quarter of", 1 / 3: "a third of", 0.5: "half", 2.0: "twice"}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One run, or several repeats of it, that followed the same plan at another peak or with a longer warm-up."""

    way: str
    """A word of `WAYS`."""
    name: str
    factor: float
    """Its peak over this run's; of a longer warm-up the share of the run that its rise took."""
    gain: Level
    """By how much it ended better (positive) than this run, in units of the metric; its error counts other seeds."""
    at_best: Level
    """The same from best value to best value: what is left of it where a run overfits."""
    scale: float
    """What the better of both gained in all, > 0."""
    here: float
    there: float
    """Where this run and the other ended, as logged; infinite where it diverged."""
    metric: str = "validation loss"
    runs: int = 1
    """Repeats that were taken together."""

    @property
    def diverged(self) -> bool:
        """Whether none of its repeats came to an end."""
        return not math.isfinite(self.there)

    @property
    def near(self) -> bool:
        """Whether its peak is near enough to refute: a tenth of the peak may be worse because it is too low itself."""
        return self.way == "longer warm-up" or 2 <= max(self.factor, 1 / self.factor) * (1 + 1e-9) <= 8.1

    def share(self, *, best: bool = False) -> float:
        """The gain as a share of what the better of both gained."""
        return (self.at_best if best else self.gain).value / self.scale

    def as_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "run": self.name, "way": self.way, "factor": round(self.factor, 6), "runs": self.runs,
            "metric": self.metric, "here": self.here if math.isfinite(self.here) else None,
            "there": self.there if math.isfinite(self.there) else None, "diverged": self.diverged,
            "gain": self.gain.value, "error": self.gain.error, "share": self.share(),
        }  # fmt: skip

    @property
    def told(self) -> str:
        """Which run it is, in words.

        >>> from calando.records.diagnosis.noisy import Level
        >>> Neighbour("cooler", "B", 0.25, Level(0.1, 0.01), Level(0.1, 0.01), 1.0, 0.4, 0.3).told
        'run B, the same plan at a quarter of the peak,'
        """
        who = f"run {self.name}" + (f" ({self.runs} runs)" if self.runs > 1 else "")
        if self.way == "longer warm-up":
            return f"{who}, the same plan with a rise over {100 * self.factor:.0f} % of the run,"
        near = min(WORDS, key=lambda one: abs(math.log(one / self.factor)))
        if abs(math.log(near / self.factor)) < 0.03:
            return f"{who}, the same plan at {WORDS[near]} the peak,"
        return f"{who}, the same plan at {self.factor:.3g} times the peak,"

    @property
    def words(self) -> str:
        """What it says, as the begin of a sentence."""
        told = self.told[0].upper() + self.told[1:]
        if self.diverged:
            return f"{told} diverged"
        mine = f"ended at {short(self.here)}" if math.isfinite(self.here) else "diverged"
        return f"{told} ended at {short(self.there)} where this one {mine}"
