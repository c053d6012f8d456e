"""How much a sitting may spend: a hard stop in updates, and one by the clock."""

import time
from dataclasses import dataclass, field

__all__ = ["Guard"]


@dataclass(slots=True)
class Guard:
    """A hard stop: no leg is begun that could pass `steps`, and everything is killed after `seconds`.

    `steps` bounds the updates that the whole study trains (None: no bound), `seconds` the wall time of this
    sitting, counted from here (None: no bound).

    >>> guard = Guard(steps=100)
    >>> guard.allows(40, 60), guard.allows(41, 60), guard.over
    (True, False, False)
    """

    steps: int | None = None
    seconds: float | None = None
    _began: float = field(default_factory=time.monotonic)

    def allows(self, spent: int, more: int) -> bool:
        """Whether so many updates more may be begun after so many that are spent or under way."""
        return self.steps is None or spent + more <= self.steps

    @property
    def left(self) -> float:
        """Seconds until the deadline, not below 0; infinite without one."""
        return float("inf") if self.seconds is None else max(0.0, self._began + self.seconds - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.left <= 0.0
