"""Putting a run's candidate in force on an optimizer."""

from typing import TYPE_CHECKING, Any, Final

from calando.errors import LabError, shown
from calando.lab.gauge import Gauge, set_peak
from calando.lab.protocols import Optimizer, Scheduler

if TYPE_CHECKING:
    from calando.lab.run import Run

__all__ = ["attached"]

FROM_THE_RUN: Final = {
    "optax": "build it from the run: calando.optax.inject(optax.adamw, run.schedule, run.peak)",
    "flax": "build its transformation from the run: calando.optax.inject(optax.adamw, run.schedule, run.peak)",
    "keras": "drive it from the run: calando.keras.attach(optimizer, run.schedule, peak=run.peak)",
}
"""What to do with an optimizer whose rate is no number in a group, by the root module of its class."""


def attached(run: "Run", optimizer: Any, *, late: bool, second: bool) -> tuple[Gauge, Scheduler]:
    """The gauge and the scheduler of an optimizer that the run's schedule drives from here on; see `Run.attach`."""
    from calando.core.hosts import door_for

    if not isinstance(optimizer, Optimizer):
        root = type(optimizer).__module__.partition(".")[0]
        raise LabError(
            given=f"{shown(optimizer)}",
            allowed="an optimizer with param_groups",
            where="run.attach",
            fix=FROM_THE_RUN.get(root, "attach the optimizer itself, or use run.lr in a loop of your own"),
        )
    if late:
        raise LabError(
            given=f"an optimizer at update {run.step}",
            allowed="attaching before the first update",
            where="run.attach",
            fix="move run.attach above the loop over run.steps",
        )
    if second and run.peak is not None:
        raise LabError(
            given="a second optimizer: each would get the candidate's peak, and the ratio of their rates be lost",
            allowed="one optimizer, which may have several groups",
            where="run.attach",
            fix="give one optimizer a parameter group with its own lr for each, or compare without --peaks",
        )
    door = door_for(optimizer)
    bases = set_peak(optimizer, run.peak)
    scheduler: Scheduler = door(optimizer, run._schedule)
    return Gauge(optimizer, run._factor, bases, run._break), scheduler
