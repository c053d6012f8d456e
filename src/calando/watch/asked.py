"""The rate that each group was to have, beside the one that it had."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from calando.watch.gauges import Rates
from calando.watch.values import Later

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Asked", "InForce"]

SAME = 1e-6
"""Relative difference of two rates that are the same in a float32."""


class InForce(Protocol):
    """What knows the schedule in force, as steering does."""

    @property
    def schedule(self) -> "Schedule | None":
        """The schedule in force."""


class Asked:
    """What a schedule asks of the groups' rates.

    Args:
        scheduler: what a front door gave, or None.
        schedule: the schedule of the first group, or None.
        peak: rate that factor 1 of it stands for, or None.
        steers: object that knows the schedule in force where the run is steered, or None.
        stood: function that gives where a scheduler that steps by epochs stood at the last update, or None.
    """

    def __init__(
        self,
        scheduler: Any,
        schedule: "Schedule | None",
        peak: float | None,
        steers: InForce | None = None,
        stood: Callable[[], int] | None = None,
    ) -> None:
        self._schedule, self._peak, self._steers = schedule, peak, steers
        grouped = all(hasattr(scheduler, name) for name in ("base_lrs", "lanes", "tracks"))
        self._scheduler = scheduler if grouped else None
        self._epochs = getattr(getattr(scheduler, "options", None), "interval", "step") == "epoch"
        self._stood = stood

    def beside(self, values: "dict[str, float | Later]", step: int, rates: Rates) -> bool:
        """Add the rates that update `step` used, and those asked for where they differ; whether some come later.

        Groups with the rate of the first are not told apart.
        """
        if "lr" in values:
            rates = (values["lr"],)  # whoever logs knows best
        if not rates:
            asked = self._of(0, step)
            if asked is not None:
                values["lr"] = asked  # nothing else sets it, as far as we were told
            return False
        if len(rates) == 1 and rates[0].__class__ is float:  # hot
            used = rates[0]
            values["lr"] = used
            asked = self._of(0, step)
            if asked is not None and asked != used and not abs(used - asked) <= SAME * max(abs(asked), 1e-30):
                values["lr_asked"] = asked
            return False
        late = False
        for group, rate in enumerate(rates):
            if group and rate == rates[0]:
                continue
            values[f"lr_{group}" if group else "lr"] = rate
            if isinstance(rate, Later):
                late = True
                continue
            asked = self._of(group, step)
            if asked is not None and not abs(rate - asked) <= SAME * max(abs(asked), 1e-30):
                values[f"lr_asked_{group}" if group else "lr_asked"] = asked
        return late

    def _of(self, group: int, step: int) -> float | None:
        if step < 0:
            return None
        scheduler = self._scheduler
        if scheduler is not None:
            bases: list[float] = scheduler.base_lrs
            if group >= len(bases):
                return None
            if self._epochs:  # between two of its steps it asks for what it asked at the first
                if self._stood is None:
                    return None
                step = self._stood()
            factor: Callable[[int], float] = scheduler.tracks[scheduler.lanes[group]].factor
            return bases[group] * factor(step)
        schedule = self._schedule if self._steers is None else self._steers.schedule or self._schedule
        if group or schedule is None or self._peak is None or schedule.rule is not None:
            return None
        return self._peak * float(schedule(step))
