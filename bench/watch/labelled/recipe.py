"""How one recorded run was made: everything that a training of ours hangs on, as plain numbers and words."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

import calando
from calando.records.logs.log import Floats

__all__ = ["DEFECTS", "Recipe"]

DEFECTS = {
    "": "the rate that was asked for is used",
    "twice": "the scheduler is stepped twice an update",
    "half": "the scheduler is stepped at every other update",
    "epochs": "the scheduler is stepped once in twenty updates, as if each were an epoch's end",
    "never": "the scheduler is never stepped",
    "other": "the scheduler holds another optimizer: the rate stays at the peak",
    "scaled": "the base rate is a tenth of what was asked",
    "restart": "a third into the run it was resumed without the scheduler's state",
    "late": "the scheduler is stepped before the optimizer: every update has its successor's rate",
}


@dataclass(frozen=True)
class Recipe:
    """One training: task, plan, peak, seed, and what else may be wrong with it."""

    task: str
    plan: str
    peak: float
    seed: int
    horizon: int
    stop: int = 0
    """Updates after which it was stopped; 0: at its horizon."""
    few: int = 0
    """Training examples that there are; 0: all."""
    wrong: float = 0.0
    """Share of the training examples that have another one's answer."""
    dropout: float = 0.0
    decay: float = 0.0
    """Decoupled weight decay."""
    clip: float = 0.0
    """Largest norm of a gradient; 0: any."""
    glitch: int = 0
    """A batch in so many is broken: its inputs are far out of range; 0: none."""
    defect: str = ""
    """How the schedule fails to reach the optimizer: a word of `DEFECTS`."""
    tool: str = ""
    """The tool that trained it and wrote its log; "": our own loop."""

    @property
    def steps(self) -> int:
        """Updates that are made unless it diverges."""
        return self.stop or self.horizon

    def asked(self) -> Floats:
        """The learning rate of every update as the schedule has it."""
        at = np.arange(self.horizon)
        found: Floats = self.peak * np.asarray(calando.parse(self.plan).bind(self.horizon)(at), dtype=np.float64)
        return found[: self.steps]

    def used(self) -> Floats:
        """The learning rate of every update as the optimizer has it."""
        schedule = calando.parse(self.plan).bind(self.horizon)
        at = np.arange(self.steps)
        third = self.steps // 3
        places = {
            "twice": 2 * at,
            "half": at // 2,
            "epochs": at // 20,
            "never": 0 * at,
            "restart": np.where(at < third, at, at - third),
            "late": at + 1,
        }.get(self.defect, at)
        rates: Floats = self.peak * np.asarray(schedule(places), dtype=np.float64)
        if self.defect == "other":
            rates = np.full(self.steps, self.peak)
        return rates * (0.1 if self.defect == "scaled" else 1.0)

    def but(self, **changes: Any) -> "Recipe":
        """The same with a few things changed."""
        return replace(self, **changes)

    def as_data(self) -> dict[str, Any]:
        """Plain data, without what is as usual."""
        usual = {name: field.default for name, field in Recipe.__dataclass_fields__.items()}
        return {name: value for name, value in asdict(self).items() if value != usual[name]}
