"""Another schedule for an optimizer that is at work, as steering gives it, and how a checkpoint remembers it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calando.core.agree import agreement
from calando.core.asked import bound_schedule
from calando.core.schedule import Schedule
from calando.errors import BadValue, NotSerialisable
from calando.keras.memory import from_stamp, read_from, stamp

if TYPE_CHECKING:
    from calando.keras.scheduled import _Drive

__all__ = ["Changing", "changed_to", "stamp_of_change"]


class Changing:
    """What a `Scheduled` can besides following: change to another schedule between two updates."""

    _drive: "_Drive"

    @property
    def schedule(self) -> Schedule:
        """The schedule in force."""
        return self._drive.schedule

    @property
    def begun(self) -> Schedule:
        """The schedule that it was attached to."""
        drive = self._drive
        return drive.schedule if drive.begun is None else drive.begun

    def check_change(self, schedule: Schedule) -> None:
        """See whether `change` would take a schedule.

        Args:
            schedule: a bound plan.

        Raises:
            BadValue: where it would not, with the reason.
        """
        now = self.schedule
        bound_schedule(schedule, "change(schedule)")
        if now.rule != schedule.rule or now.quantities != schedule.quantities:
            raise BadValue(
                given=f"{schedule} in place of {now}", allowed="the same listener and the same quantities",
                where="change(schedule)", fix="change the plan inside them alone",
            )  # fmt: skip
        for one in (now, schedule):
            try:
                one.to_json()
            except NotSerialisable as error:
                raise BadValue(
                    given=error.given, allowed="schedules that can be saved with the run", where="change(schedule)",
                    fix=error.fix,
                ) from error  # fmt: skip

    def change(self, schedule: Schedule) -> None:
        """Follow another schedule from the next update on; the position and a listener's state stay.

        What was compiled has the old schedule in it: in a loop of one's own compile the step again; under `model.fit`
        `calando.keras.Watching` does so. A checkpoint holds both schedules: it is loaded into an optimizer attached to
        the one that the run began with, and goes on under this one.

        Args:
            schedule: a bound plan with the quantities and the listener of the one in force; the rate may jump.

        Raises:
            BadValue: for a schedule that is none, of other quantities or another listener, or that cannot be saved.

        Example:
            >>> import keras, calando, calando.keras
            >>> optimizer = calando.keras.attach(keras.optimizers.SGD(0.5), calando.constant().bind(10))
            >>> optimizer.change(calando.constant(0.5).bind(10))
            >>> optimizer.values()
            {'lr': 0.25}
        """
        self.check_change(schedule)
        drive = self._drive
        drive.begun, drive.schedule = self.begun, schedule


def changed_to(store: Mapping[str, Any], drive: "_Drive", position: int) -> Schedule | None:
    """The schedule that a checkpoint's run had been changed to; the one in force where that goes on from it.

    Raises:
        BadState: when it cannot be read.
    """
    saved = read_from(store, "steered")
    if saved is None:
        return None
    found, _ = from_stamp(saved)
    if not isinstance(found, Schedule):
        return None
    mine = drive.schedule
    goes_on = drive.begun is not None and agreement(mine, found) >= min(position, mine.horizon, found.horizon)
    return mine if goes_on else found


def stamp_of_change(drive: "_Drive") -> Any:
    """The changed schedule as bytes to keep beside the variables; None where it was not changed."""
    return None if drive.begun is None else stamp(drive.schedule, drive.peak)
