"""Putting a run's candidate in force on an optimizer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from calando.errors import BadValue, LabError, shown
from calando.lab.driven import Driven, DrivenGauge
from calando.lab.gauge import Gauge, set_peak
from calando.lab.protocols import Optimizer, Scheduler

if TYPE_CHECKING:
    from calando.lab.course import Course

__all__ = ["attached"]


def attached(
    run: "Course", optimizer: Any, arguments: dict[str, Any], *, late: bool, second: bool
) -> tuple[Gauge | DrivenGauge, Any]:
    """The gauge and the scheduler of an optimizer that the run's schedule drives from here on; see `Run.attach`."""
    if late:
        raise LabError(
            given=f"an optimizer at update {run._step}",
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
    door = _door(optimizer)
    if not isinstance(optimizer, Optimizer):
        driven: Driven = door(optimizer, run._schedule, peak=run.peak, **arguments)
        return DrivenGauge(driven, run._keeping.memory.everything, run._factor, run._break, run._note), driven
    if arguments:
        raise LabError(
            given=f"{', '.join(arguments)} beside an optimizer that is made already",
            allowed="arguments of a function that makes one, such as optax.adamw",
            where="run.attach",
            fix="give them to the optimizer",
        )
    bases = set_peak(optimizer, run.peak)
    scheduler: Scheduler = door(optimizer, run._schedule)
    return Gauge(optimizer, run._factor, bases, run._break), scheduler


def _door(optimizer: Any) -> Callable[..., Any]:
    from calando.core.hosts import door_for

    try:
        return door_for(optimizer)
    except BadValue as error:
        raise LabError(
            given=shown(optimizer),
            allowed="an optimizer with param_groups, one of Keras, or the function of optax that makes one",
            where="run.attach",
            fix="attach the optimizer itself, or use run.lr in a loop of your own",
        ) from error
