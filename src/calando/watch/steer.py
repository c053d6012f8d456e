"""Steering a run: what is asked of it is answered between two updates, written down, and then in force.

A change is in the record before any update is made under it. So whatever kills the run, the record says under which
schedule each update was made: a change that was not written never ruled, and one that was rules again when the run
goes on, from its step on, whichever checkpoint it goes on from.
"""

import json
import time
import uuid
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from calando.core.agree import agreement
from calando.core.codec import from_json
from calando.core.schedule import Schedule
from calando.core.steering import Steerable, Steered, Stop, joined, read_change
from calando.errors import BadFile, BadValue, CalandoError, LabError, counted, shown
from calando.records.live import Answered, Command, Event, Inbox, Recorder, read_answered
from calando.records.live.answered import schedule_of

__all__ = ["PAUSE", "Agree", "Steers", "leads", "steering_for"]

PAUSE = 0.05
"""Seconds between two looks at the inbox."""

Agree = Callable[[Any], Any]
"""Gives every process what one of them holds: plain JSON. `every`, where it has one: updates between two calls."""


def leads(agree: Agree | None) -> bool:
    """Whether this is the process whose word counts; all processes ask at once.

    >>> leads(None), leads(lambda mine: mine), leads(lambda mine: "another's")
    (True, True, False)
    """
    mine = uuid.uuid4().hex
    return agree is None or agree(mine) == mine


def steering_for(
    recorder: Recorder | None,
    schedule: Schedule | None,
    driven: Sequence[Steerable] = (),
    *,
    horizon: int | None = None,
    agree: Agree | None = None,
    at: int = 0,
    refusal: str = "",
    stoppable: bool = True,
) -> "Steers":
    """The steering of a run: on its way again, where its record tells of changes.

    Args:
        recorder: the writer of the run's record; None in processes that follow another's word.
        schedule: the schedule that the run was given, or None.
        driven: list of what is to follow a changed schedule; empty where nothing can, and then only `stop` is taken.
        horizon: number of updates of the whole run, where there is no schedule.
        agree: a function that gives every process what one of them holds; each calls it as often as the others.
        at: number of updates that are made already.
        refusal: text, why nothing but `stop` is taken; left out, that nothing here can follow another schedule.
        stoppable: false where `stop` is not taken either, for the reason that `refusal` gives.

    Raises:
        LabError: when the processes do not agree.
    """
    return Steers(recorder, schedule, driven, horizon=horizon, agree=agree, at=at, refusal=refusal, stoppable=stoppable)


class Steers:
    """A run under way as it is steered: `look` after each update, and see whether it was stopped."""

    def __init__(
        self,
        recorder: Recorder | None,
        schedule: Schedule | None,
        driven: Sequence[Steerable],
        *,
        horizon: int | None,
        agree: Agree | None,
        at: int,
        refusal: str,
        stoppable: bool,
    ) -> None:
        self.stopped, self.stop_reason = False, ""
        self._recorder, self._driven, self._agree = recorder, list(driven), agree
        self._every = max(int(getattr(agree, "every", 1)), 1)
        self._turn, self._next, self._warned = at // self._every, 0.0, False
        self._told: list[tuple[Command, str]] = []
        self._rested: set[tuple[str, str]] = set()
        self._horizon, self._refusal, self._stoppable = horizon, refusal, stoppable
        past = read_answered(recorder.folder) if recorder is not None and recorder.resumed else None
        self._steered = _rebuilt(schedule, past)
        self._revision = len(past.applied) if past is not None else 0
        self._since = 0.0 if past is None else time.time()
        self._ids = past.ids if past is not None else set()
        self._inbox = None if recorder is None else Inbox(recorder.folder, past.offset if past is not None else 0)
        if past is not None and self._steered is None and past.applied:
            self._horizon = _horizon_of(past) or horizon
        if past is not None and schedule is not None and self.schedule is schedule and past.schedule is not None:
            self._take_over(
                past.schedule, schedule, at, "the run went on under another schedule than it was recorded with"
            )
        self._begin()

    # ---- what is in force

    @property
    def schedule(self) -> Schedule | None:
        """The schedule in force."""
        return None if self._steered is None else self._steered.schedule

    @property
    def horizon(self) -> int | None:
        """Updates of the whole run, as it is now; None where nobody said."""
        return self._horizon if self._steered is None else self._steered.horizon

    @property
    def revision(self) -> int:
        """How many changes were made."""
        return self._revision

    # ---- listening

    def look(self, done: int) -> None:
        """Answer what was asked since the last time; costs a look at the clock where it is too soon for another.

        Args:
            done: number of updates made, which is the first update that a change may rule.

        Raises:
            LabError: when processes that are to agree stand at different updates.
        """
        if self._agree is None:
            now = time.monotonic()
            if now >= self._next:
                self._next = now + PAUSE
                self._hear(done)
            return
        if done // self._every != self._turn:
            self._turn = done // self._every
            before = self._revision
            if self._recorder is not None:
                self._hear(done, follow=False)
            self._agreed(done, changed=self._revision != before)

    def tell(self, text: str, by: str, reason: str, done: int) -> Event | None:
        """Ask something from inside, as a rule does; the answer, or None where the processes agree on it later.

        While a cooldown is under way, and after a stop, it is refused: once in the record for each who asks.

        Args:
            text: a command, one line.
            by: name of who asks, such as "rule:plateau".
            reason: text, why.
            done: number of updates made.
        """
        command = Command(uuid.uuid4().hex, text, by)
        if self._agree is not None:
            if self._recorder is not None:
                self._told.append((command, reason))
            return None
        self._adopt(done)
        event = self._answer(command, done, reason)
        self._follow()
        return event

    def _hear(self, done: int, follow: bool = True) -> None:
        before = self._revision
        self._adopt(done)
        told, self._told = self._told, []
        for command, reason in told:
            self._answer(command, done, reason)
        heard = self._inbox.poll() if self._inbox is not None else []
        for one in heard:
            if isinstance(one.command, BadFile):
                self._refuse(None, one.command.given, "", _told(one.command), done, one.after)
            else:
                self._answer(one.command, done, "", one.after)
        if follow and self._revision != before:
            self._follow()

    # ---- answering

    def _answer(self, command: Command, done: int, reason: str, after: int | None = None) -> Event | None:
        def refused(why: str) -> Event | None:
            return self._refuse(command.id, command.text, command.by, why, done, after)

        if after is None and (why := self._rests()):
            if (command.by, why) in self._rested:  # it would ask again and again
                return Event(done, "refused", {"id": command.id, "reason": why})
            self._rested.add((command.by, why))
            return refused(why)
        if command.id in self._ids:
            return refused("this command was answered before")
        self._ids.add(command.id)
        if after is not None and 0.0 < command.when < self._since:
            return refused("it was sent before the run went on, which it may not be meant for: ask again")
        if command.revision is not None and command.revision != self._revision:
            return refused(
                f"it was sent after {counted(command.revision, 'change')}, and there are {self._revision}: "
                "look at the run as it is now, and ask again"
            )
        try:
            change = read_change(command.text)
            if self.stopped:
                return refused("the run was stopped")
            if self._refusal or self._steered is None or not self._driven:
                if not (isinstance(change, Stop) and self._stoppable):
                    return refused(self._refusal or self._unable())
                steered, said, horizon, later = self._steered, None, max(done, 1), []
            else:
                steered = self._steered.apply(done, change)
                later = [*self._steered.applied[len(steered.applied) - 1 :]]
                said, horizon = json.loads(steered.schedule.to_json()), steered.horizon
                for one in self._driven:
                    check = getattr(one, "check_change", None)
                    if check is not None:
                        check(steered.schedule)
        except CalandoError as error:
            return refused(_told(error))
        if later:  # the run went back to a checkpoint from before them
            forgotten = ", ".join(f"{one.change} at step {one.step}" for one in later)
            reason = f"{reason}; " * bool(reason) + f"forgets {forgotten}"
        event = Event(
            done,
            "applied",
            {
                "id": command.id,
                "text": str(change),
                "by": command.by,
                "revision": self._revision + 1,
                "schedule": said,
                "horizon": horizon,
                "reason": reason,
                **({} if after is None else {"offset": after}),
            },
        )
        if not self._write(event):
            return None
        self._steered, self._revision, self._horizon = steered, self._revision + 1, horizon
        if isinstance(change, Stop):
            self.stopped, self.stop_reason = True, f"stop, by {command.by}" + (f": {reason}" if reason else "")
        return event

    def _rests(self) -> str:
        """Why no rule may act now; empty where one may."""
        if self.stopped:
            return "the run was stopped"
        begun = None if self._steered is None else self._steered.cooling
        return "" if begun is None else f"{begun.change} is under way since step {begun.step}: no rule acts on it"

    def _unable(self) -> str:
        if self._steered is None:
            return "no schedule of Calando's is known here: open the watch with schedule= or scheduler="
        return "nothing here can follow another schedule: open the watch with scheduler=, or stop and begin anew"

    def _refuse(self, name: str | None, text: str, by: str, why: str, done: int, after: int | None) -> Event | None:
        data: dict[str, Any] = {"id": name, "text": text[:200], "by": by, "reason": why}
        event = Event(done, "refused", data if after is None else {**data, "offset": after})
        return event if self._write(event) else None

    def _write(self, event: Event) -> bool:
        if self._recorder is None:
            return False
        try:
            self._recorder.event(event)
        except (LabError, BadValue) as error:  # a full disk, say: what cannot be written down is not done
            self._warn(
                f"a command is not obeyed, since that cannot be written down: {_told(error)}; send it again later"
            )
            return False
        return True

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(text, stacklevel=2)

    # ---- following

    def _begin(self) -> None:
        if self._agree is not None:
            mine = {"schedule": _json(self.schedule), "revision": self._revision, "horizon": self._horizon}
            self._take(self._agree(mine))
        self._follow()

    def _agreed(self, done: int, changed: bool) -> None:
        mine: dict[str, Any] = {
            "done": done,
            "revision": self._revision,
            "stopped": self.stop_reason if self.stopped else None,
        }
        if changed:
            mine |= {"schedule": _json(self.schedule), "horizon": self._horizon}
        theirs = self._agree(mine) if self._agree is not None else mine
        if not isinstance(theirs, dict) or theirs.get("done") != done:
            raise LabError(
                given=f"a process at update {done}, and the one whose word counts at {shown(theirs)}",
                allowed="processes that make their updates together",
                where="watch(agree=...)",
                fix="call watched.log in each process at the same updates",
            )
        if theirs.get("revision") != self._revision or changed:
            self._take(theirs)
            self._follow()
        if theirs.get("stopped") is not None:
            self.stopped, self.stop_reason = True, str(theirs["stopped"])

    def _take(self, theirs: dict[str, Any]) -> None:
        if self._recorder is not None:
            return  # its own word
        said = theirs.get("schedule")
        found = None if said is None else from_json(said)
        self._steered = Steered(found) if isinstance(found, Schedule) else None
        self._revision, self._horizon = theirs["revision"], theirs.get("horizon")

    def _follow(self) -> None:
        schedule = self.schedule
        if schedule is None:
            return
        for one in self._driven:
            found = getattr(one, "schedule", None)
            if found is schedule or found == schedule:
                continue
            try:
                one.change(schedule)
            except CalandoError as error:  # a state was loaded since that nobody can steer: the training is worth more
                self._refusal = self._refusal or _told(error)
                self._warn(f"the run does not follow what its record says: {_told(error)}")

    def _adopt(self, done: int) -> None:
        """A checkpoint that was loaded since may have brought a schedule with changes of its own."""
        mine = self.schedule
        found = next((getattr(one, "schedule", None) for one in self._driven), None)
        if mine is None or found is mine or not isinstance(found, Schedule) or found == mine:
            return
        self._take_over(mine, found, done, "a state was loaded whose schedule had been changed")
        self._follow()

    def _take_over(self, mine: Schedule, theirs: Schedule, at: int, reason: str) -> None:
        """From this step on the run follows a schedule that somebody else gave it: that is written down, too."""
        ran = joined(mine, theirs, at)
        if ran.horizon == mine.horizon and agreement(ran, mine) >= mine.horizon:
            self._steered = Steered(mine, revision=self._revision)  # it was taken over before
            return
        try:
            said = json.loads(ran.to_json())
        except CalandoError:
            return
        data = {"id": None, "text": "", "by": "checkpoint", "revision": self._revision + 1, "schedule": said}
        if self._write(Event(at, "applied", {**data, "horizon": ran.horizon, "reason": reason})):
            self._revision += 1
            self._steered = Steered(ran, revision=self._revision)


def _rebuilt(schedule: Schedule | None, past: Answered | None) -> Steered | None:
    """The run as its record tells of it; as it was given where the record is another schedule's."""
    if schedule is None:
        return None
    if past is None or not past.applied:
        return Steered(schedule)
    begun = past.begun
    if begun is None:
        return Steered(schedule)
    steered, known = Steered(begun), [begun]
    for event in past.applied:
        made = schedule_of(event.data.get("schedule"))
        if made is None:
            continue
        try:
            steered = steered.apply(event.step, read_change(str(event.data.get("text"))))
        except CalandoError:
            steered = Steered(made, revision=steered.revision + 1)
        if steered.schedule != made:
            steered = Steered(made, revision=steered.revision)
        known.append(made)
    return steered if schedule in known else Steered(schedule)


def _horizon_of(past: Answered) -> int | None:
    told = past.applied[-1].data.get("horizon")
    return told if type(told) is int and told > 0 else None


def _json(schedule: Schedule | None) -> str | None:
    return None if schedule is None else schedule.to_json()


def _told(error: CalandoError) -> str:
    return f"{error.given}; allowed: {error.allowed}; {error.fix}"
