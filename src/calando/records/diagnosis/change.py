"""What to do about a finding, as data that a program can carry out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WHATS", "Change"]

WHATS = {
    "peak": "multiply the peak by the value",
    "warm-up": "let the rate rise over so many updates",
    "cooldown": "come down to zero over the last so many updates",
    "horizon": "bind the same plan to so many updates",
    "stop": "stop the run after so many updates",
    "plan": "use this plan instead",
    "weight decay": "multiply the weight decay by the value; where there is none, begin with 0.01",
    "dropout": "drop this share of the last hidden layer's outputs",
    "clip": "clip the norm of the gradient to the value",
    "skip": "leave out batches whose loss is far above the usual",
    "attach": "let the schedule reach the optimizer",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to change: a word of `WHATS` and its value.

    `steer` is the command that does the same to a run under way ("cooldown 20%", "scale 0.3", "stop", ...), "" where
    none does.

    >>> Change("peak", 0.25, "scale 0.25").as_data()
    {'what': 'peak', 'value': 0.25, 'steer': 'scale 0.25'}
    """

    what: str
    value: float | str
    steer: str = ""

    def as_data(self) -> dict[str, Any]:
        """Plain data."""
        return {"what": self.what, "value": self.value, "steer": self.steer}
