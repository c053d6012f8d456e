"""Another schedule for a scheduler that is at work, as steering gives it."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from calando.core.asked import bound_schedule
from calando.core.schedule import Schedule
from calando.errors import BadState, BadValue, NotSerialisable

if TYPE_CHECKING:
    from calando.torch.options import Options
    from calando.torch.track import Continued, Track

__all__ = ["Changing"]


class Changing:
    """What a `ScheduleLR` can besides following: change to another schedule between two updates."""

    tracks: "list[Track]"
    options: "Options"
    _idle: bool
    _detached: bool

    @property
    def schedule(self) -> "Schedule | Continued":
        """The schedule in force; of several, the one that new groups follow."""
        return self.tracks[0].schedule

    def check_change(self, schedule: Schedule) -> None:
        """See whether `change` would take a schedule.

        Args:
            schedule: a bound plan.

        Raises:
            BadValue: where it would not, with the reason.
        """
        self._check_change(bound_schedule(schedule, "change(schedule)"))

    def change(self, schedule: Schedule) -> None:
        """Follow another schedule from the next update on; position, bases and a listener's state stay.

        Numbers that are tensors are filled in place. The state that is saved from now on holds both schedules: it loads
        into a scheduler attached to the one that the run began with, and goes on under this one.

        Args:
            schedule: a bound plan with the quantities and the listener of the one in force; the rate may jump.

        Raises:
            BadValue: for a schedule that is none, of other quantities or another listener, one that cannot be written
                down, or where several schedules drive the groups.

        Example:
            >>> import torch, calando.torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
            >>> scheduler = calando.torch.attach(optimizer, calando.constant().bind(100))
            >>> scheduler.change(calando.constant(0.5).bind(100))
            >>> optimizer.param_groups[0]["lr"]
            0.05
        """
        self.check_change(schedule)
        track = self.tracks[0]
        with self._all_or_nothing():
            track.begun = track.base
            track.schedule = schedule
            if not self._idle:
                self._write()

    def _check_change(self, schedule: Schedule) -> None:
        if self._detached:
            raise BadState(
                given="a scheduler that was detached", allowed="one that drives an optimizer", where="change",
                fix="change the scheduler that the optimizer is attached to",
            )  # fmt: skip
        if len(self.tracks) > 1:
            raise _unable(
                f"{len(self.tracks)} schedules, each for groups of its own",
                "one schedule for all groups",
                "attach one schedule, with a base for each group: attach(optimizer, schedule, bases=[...])",
            )
        now = self.tracks[0].schedule
        if not isinstance(now, Schedule):
            raise _unable(
                f"{now}",
                "a schedule that was bound to this run",
                "attach the plan bound to the new horizon, and steer from there",
            )
        if now.rule != schedule.rule or now.quantities != schedule.quantities:
            raise _unable(
                f"{schedule} in place of {now}",
                "the same listener and the same quantities",
                "change the plan inside them alone",
            )
        if self.options.interval == "epoch" and now.steps_per_epoch != schedule.steps_per_epoch:
            raise _unable(
                f"steps_per_epoch={schedule.steps_per_epoch} in place of {now.steps_per_epoch}",
                "the same epochs, since this scheduler counts them",
                f"bind with steps_per_epoch={now.steps_per_epoch}",
            )
        for one in (now, schedule):
            try:
                one.to_json()
            except NotSerialisable as error:
                raise _unable(error.given, "schedules that can be saved with the run", error.fix) from error

    def _all_or_nothing(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _write(self) -> None:
        raise NotImplementedError


def _unable(given: str, allowed: str, fix: str) -> BadValue:
    return BadValue(given=given, allowed=allowed, where="change(schedule)", fix=fix)
