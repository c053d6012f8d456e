"""A run that is watched: what its loop logs goes to its record, and what it is told to do is done."""

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.errors import BadValue, CalandoError, LabError, shown
from calando.records.live.header import EVENTS, Event
from calando.records.live.record import Recorder, check_step
from calando.records.naming import check_name
from calando.watch.asked import Asked
from calando.watch.endings import ENDINGS, Ending, check_word, remember, told_of
from calando.watch.gauges import Counting
from calando.watch.parts import Begun, Followed, Rule, Steers, name_of, ordered
from calando.watch.sinks import Sinks, warn
from calando.watch.values import Later, read, resolved

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Watched"]


LAG = 0.25
"""Seconds for which numbers that a device still holds are left there, so that it is waited for four times a second."""
MOST_WAITING = 4096


class Watched:
    """A run under watch; made by `calando.watch`, never by hand.

    Every call of `log` is one line of the record, written before it returns. What a GPU still computes is waited for
    four times a second only, so of such numbers a kill may lose the last quarter of a second.

    Example:
        >>> import calando, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> with calando.watch("first", horizon=3, folder=folder.name) as watched:
        ...     while not watched.over:
        ...         watched.log(train_loss=0.5)
        >>> watched.step, watched.ending
        (2, 'done')
        >>> folder.cleanup()
    """

    def __init__(self, begin: Callable[[Followed], Begun], sinks: Sinks, rules: Sequence[Rule] = ()) -> None:
        self._begin = begin
        self._recorder: Recorder | None = None
        self._gauge: Any = None
        self._sinks, self._rules = sinks, tuple(rules)
        self._also = bool(self._sinks) or bool(self._rules)
        self._asked = Asked(None, None, None)
        self._steers: Steers | None = None
        self._horizon: int | None = None
        self._schedule: Schedule | None = None
        self._counting: Counting | None = None
        self._renew: Callable[[], None] | None = None
        self._resumed: Mapping[str, Any] | None = None
        self._revision = 0
        self._done = 0
        self._heard = True
        self._line = -2  # the step whose rate is written down already
        self._waiting: list[tuple[int, float, dict[str, float | Later]]] = []
        self._flush_due = math.inf
        self._told: set[str] = set()
        self._lock = threading.RLock()
        self.ending: Ending | None = None
        """How it ended; None while it goes on."""
        remember(self)

    def follow(
        self,
        *,
        scheduler: Any = None,
        optimizer: Any = None,
        schedule: "Schedule | None" = None,
        peak: float | None = None,
        horizon: int | None = None,
        begun: int | None = None,
    ) -> None:
        """Say what drives the run, where that is known later than its name; callbacks do so when training begins.

        Args:
            scheduler: object as for `calando.watch`.
            optimizer: object as for `calando.watch`.
            schedule: a bound schedule.
            peak: rate that factor 1 stands for, a number > 0.
            horizon: number of updates of the whole run, >= 1.
            begun: number of updates made before, where nothing else tells; None where it is not known.

        Raises:
            LabError: where that was said already, or the record cannot be opened.
        """
        with self._lock:
            if self.follows:
                raise LabError(
                    given="a run that follows something already",
                    allowed="saying once what drives it, before anything is logged",
                    where="Watched.follow",
                    fix="leave the scheduler out of calando.watch, or the call of follow",
                )
            self._open(Followed(scheduler, optimizer, schedule, peak, horizon, begun))

    def _open(self, followed: Followed) -> None:
        found = self._begin(followed)
        self._recorder, self._gauge, self._asked, self._steers = found.recorder, found.gauge, found.asked, found.steers
        self._horizon, self._schedule = found.horizon, found.schedule
        self._heard = found.first and (found.recorder is not None or self._also)
        self._counting = found.gauge if isinstance(found.gauge, Counting) else None
        self._done, self._resumed = found.gauge.done(), found.resumed
        if found.steers is not None:
            self._renew, self._revision = getattr(found.gauge, "renew", None), found.steers.revision

    @property
    def follows(self) -> bool:
        """Whether its record is open: something was logged, or it was said what drives the run."""
        return self._gauge is not None

    # ---- what a loop asks

    @property
    def folder(self) -> Path | None:
        """Where its record lies; None in a process that keeps none."""
        return None if self._recorder is None else self._recorder.folder

    @property
    def step(self) -> int:
        """The update just made, counted from 0; -1 before the first."""
        return -1 if self._gauge is None else int(self._gauge.done()) - 1

    @property
    def horizon(self) -> int | None:
        """Updates of the whole run, as last changed by whoever steers it; None where nobody said."""
        told = None if self._steers is None else self._steers.horizon
        return self._horizon if told is None else told

    @property
    def schedule(self) -> "Schedule | None":
        """The schedule in force; None where none was named."""
        told = None if self._steers is None else self._steers.schedule
        return self._schedule if told is None else told

    @property
    def over(self) -> bool:
        """Whether to leave the loop: the horizon is reached, or somebody said stop."""
        steers, gauge = self._steers, self._gauge
        if self.ending is not None or (steers is not None and steers.stopped):
            return True
        horizon = self.horizon
        return horizon is not None and (0 if gauge is None else int(gauge.done())) >= horizon

    # ---- what a loop says

    def log(self, numbers: Mapping[str, Any] | None = None, /, *, step: int | None = None, **named: Any) -> None:
        """Write numbers down, with the learning rate that the last update used; microseconds.

        Call it after the update (and after `scheduler.step()`, where there is one). What is no number is told of once
        and left out; the run goes on.

        Args:
            numbers: mapping of names to numbers, for names that are no words of Python.
            step: the update just made, counted from 0; left out, the scheduler, the optimizer or the calls tell it.
            named: name = one number: a float, or an array or tensor of one.

        Raises:
            BadValue: for a step that is no whole number >= -1.

        Example:
            >>> import calando, tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> watched = calando.watch("second", folder=folder.name)
            >>> watched.log(train_loss=0.5)
            >>> watched.log({"accuracy/top 5": 0.25}, val_loss=0.75)
            >>> watched.step
            0
            >>> watched.close()
            >>> folder.cleanup()
        """
        if numbers:
            named = {**numbers, **named}
        if step is not None:
            step = check_step(step, "Watched.log(step)")
        with self._lock:
            self._log(named, step)

    def _log(self, named: dict[str, Any], step: int | None) -> None:
        if self.ending is not None:
            self._once("log after the end", "a run that ended was logged to; it is left out")
            return
        if self._gauge is None:
            self._open(Followed())
        gauge = self._gauge
        if self._counting is not None:
            self._counting.note(tuple(named), step)
        done = gauge.done()
        new = done != self._done
        now = done - 1 if step is None else step
        if self._resumed is not None:
            self._goes_on(now)
        late = False
        values: dict[str, float | Later] = {}
        for name, given in named.items() if self._heard else ():
            if given.__class__ is float and name in self._told:
                values[name] = given
                continue
            value = self._read(name, given)
            if value is not None:
                values[name] = value
                late = late or value.__class__ is Later
        if now != self._line or "lr" in values:
            self._line = now
            if now == done - 1 and self._heard:
                late = self._asked.beside(values, now, gauge.rates()) or late
        moment = time.time()
        if late or self._waiting:
            self._waiting.append((now, moment, values))
            self._flush_due = min(self._flush_due, moment + LAG)
            if moment >= self._flush_due or len(self._waiting) > MOST_WAITING:
                self._flush()
        elif values:
            self._put(now, moment, values)
        if new:
            self._done = done
            if self._steers is not None:
                self._steers.look(done)
        if self._renew is not None and self._steers is not None and self._steers.revision != self._revision:
            self._revision = self._steers.revision
            self._renew()

    def note(self, text: str) -> None:
        """Write a remark down, to be shown at this step.

        Args:
            text: up to 1000 characters of it are kept.
        """
        self.event("note", text=str(text)[:1000])

    def event(self, kind: str, **data: Any) -> None:
        """Write down that something happened at this step.

        Args:
            kind: name of one of the events of a record, such as "note" or "finding".
            data: plain JSON that belongs to it.

        Raises:
            BadName: for a kind that there is not.
            BadValue: for what is no plain JSON.
        """
        check_word(kind, EVENTS, "Watched.event(kind)", "use 'note' for a remark")
        with self._lock:
            if self._gauge is None:
                self._open(Followed())
            self._flush()
            if self._resumed is not None:
                self._goes_on(self.step + 1)
            self._write_event(Event(max(self.step, -1), kind, data))

    def close(self, ending: Ending | None = None, reason: str = "") -> None:
        """The run is over; calling it twice does no harm.

        Args:
            ending: word for how it ended: "done", "stopped", "unfinished", "failed" or "interrupted"; found out unless
                given.
            reason: text, why.

        Raises:
            BadName: for another word.
        """
        if ending is not None:
            check_word(ending, ENDINGS, "Watched.close(ending)", "leave it out")
        with self._lock:
            if self.ending is not None:
                return
            self._flush()
            status = ending or self._how()
            stopped = self._steers is not None and self._steers.stopped
            if self._steers is not None and stopped and not reason:
                reason = self._steers.stop_reason
            if self._resumed is None:  # else it did not go on, and ended as it ended before
                self._write_event(Event(max(self.step, -1), "ended", {"status": status, "reason": reason[:1000]}))
            self.ending = status
            self._let_go()

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            self.close()
        else:
            self.close(*told_of(error))

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def __repr__(self) -> str:
        where = "no record" if self._recorder is None else str(self._recorder.folder)
        return f"Watched({where}, step {self.step}" + (f", {self.ending})" if self.ending else ")")

    # ---- inside

    def _read(self, name: str, given: Any) -> "float | Later | None":
        try:
            if name not in self._told:
                check_name(name, "quantity", "Watched.log")
                self._told.add(name)
            return read(name, given)
        except BadValue as error:
            self._once(f"value {name}" if isinstance(name, str) else "name", str(error))
            return None

    def _put(self, step: int, when: float, values: dict[str, Any]) -> None:
        if self._recorder is not None:
            try:
                self._recorder.log(step, values, when)
            except CalandoError as error:
                self._once("record", str(error))
        if not self._also:
            return
        if self._sinks:
            for text in self._sinks.put(step, values):
                self._write_event(Event(step, "note", {"text": text[:1000]}))
        for rule in self._rules:
            self._obey(rule, step, values)

    def _obey(self, rule: Rule, step: int, values: dict[str, float]) -> None:
        try:
            order = ordered(rule, step, values)
            if order is not None and self._steers is not None:
                answer = self._steers.tell(order[0], f"rule:{name_of(rule)}", order[1], self.step + 1)
                hears = getattr(rule, "answered", None)
                if answer is not None and hears is not None:
                    hears(answer)
        except Exception as error:  # noqa: BLE001 - a rule of the user's may raise anything, and the run is worth more
            self._rules = tuple(other for other in self._rules if other is not rule)
            self._once(f"rule {id(rule)}", f"the rule {name_of(rule)} failed and is left out: {shown(error)}")

    def _goes_on(self, step: int) -> None:
        said, self._resumed = {"from": max(step, 0), **(self._resumed or {})}, None
        self._write_event(Event(max(step - 1, -1), "resumed", said))

    def _flush(self) -> None:
        """Write down what was waited for; one wait for all of it."""
        waiting, self._waiting, self._flush_due = self._waiting, [], math.inf
        if not waiting:
            return
        late = [value for _, _, values in waiting for value in values.values() if isinstance(value, Later)]
        found = dict(zip(map(id, late), resolved(late), strict=True))
        for step, when, values in waiting:
            self._put(step, when, {name: found[id(v)] if isinstance(v, Later) else v for name, v in values.items()})

    def _write_event(self, event: Event) -> None:
        if self._recorder is not None and not self._recorder.closed:
            try:
                self._recorder.event(event)
            except BadValue:
                raise
            except CalandoError as error:
                self._once("record", str(error))

    def _once(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            warn(text)

    def _how(self) -> Ending:
        if self._steers is not None and self._steers.stopped:
            return "stopped"
        horizon = self.horizon
        return "unfinished" if horizon is not None and self.step + 1 < horizon else "done"

    def _let_go(self) -> None:
        close = getattr(self._gauge, "close", None)
        if close is not None:
            close()
        if self._recorder is not None:
            self._recorder.close()

    def leave(self) -> None:
        """The process ends: say how, as far as it can be known."""
        error = getattr(sys, "last_value", None) if not hasattr(sys, "ps1") else None
        if isinstance(error, BaseException):
            self.close(*told_of(error))
        else:
            self.close()

    def forked(self) -> None:
        """In a child of the process that is watched: say nothing, the run is the parent's."""
        self._lock = threading.RLock()
        if self._recorder is not None:
            self._recorder.close()  # or the child would hold the record when the parent is gone
        self._recorder, self._sinks, self._rules, self._steers = None, Sinks([]), (), None
        self._waiting = []
