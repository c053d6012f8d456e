"""Whoever looks on: reads what a run has written since the last time, in bounded memory, whatever stands there."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from calando.errors import BadFile, shown, tame
from calando.records.live.even import LEAST, Even, Stretch, even
from calando.records.live.growing import Growing
from calando.records.live.header import LARGEST_STEP, LATEST, Event, Header, number_of, time_of
from calando.records.live.lives import lives
from calando.records.live.place import Place
from calando.records.live.record import LONGEST, RECORD, holder, host_name
from calando.records.logs.draft import Problems
from calando.records.logs.log import Column, Problem

__all__ = ["News", "State", "Tail"]

State = Literal["waiting", "running", "ended", "lost"]

BLOCK = 1 << 20
MOST_POINTS = 1_000_000
MOST_COLUMNS = 256
MOST_EVENTS = 10_000
LONGEST_NAME = 200
PATIENT = 4096
"""Lines read one by one, at most, before many at once are tried again."""

HEARD = 120.0
"""Seconds after its last line for which a run on another machine, which cannot be asked, counts as running."""


@dataclass(slots=True)
class News:
    """What a poll found: new points by name, new events, and what became invalid.

    `fresh`: the record is another one than before, all that was known is gone. `since`: a run was resumed, so what
    stood at that step or later, and is not among these points, is gone; None where nothing was. `more`: there is more
    to read at once.
    """

    numbers: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    fresh: bool = False
    since: int | None = None
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.numbers or self.events or self.fresh or self.since is not None)


class Tail:
    """A run's record as far as it was read: `poll()` reads on.

    Lines that are torn, too long, or no record's are passed over and named in `problems`. A column keeps at most
    `points` points, older ones are thinned.

    Args:
        folder: folder of the run, or the record's file.
        points: number of points of a column that are kept, >= 16.

    Example:
        >>> import tempfile
        >>> from calando.records.live import Recorder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recorder, tail = Recorder(folder, Header("first")), Tail(folder)
        ...     recorder.log(0, {"train_loss": 2.5})
        ...     news = tail.poll()
        ...     recorder.close()
        >>> news.numbers["train_loss"], tail.last
        (([0], [2.5]), 0)
    """

    def __init__(self, folder: str | Path, points: int = MOST_POINTS) -> None:
        given = Path(folder)
        self.path = given if given.name == RECORD or given.is_file() else given / RECORD
        self.folder = self.path.parent
        self._points = points
        self.unread = ""
        """Why the record cannot be read now, such as "Permission denied"; empty where it can, or is not there."""
        self._clear()

    def _clear(self) -> None:
        self.header: Header | None = None
        self.events: list[Event] = []
        self.applied = 0
        self.ended: Event | None = None
        self.last = -1
        self.heard = 0.0
        self._growing: dict[str, Growing] = {}
        self._clock = Growing(1024)
        self.noted = Problems(str(self.path))
        self._place, self._line = Place(), 0
        self._rest = b""
        self._skipping = False
        self._singly = self._wait = 0
        self._even: Even | None = None
        self._identity: tuple[int, int] | None = None

    # ---- what is known

    @property
    def columns(self) -> dict[str, Column]:
        """Every quantity: steps (the update that logged it, from 0) and values; views, valid until the next poll."""
        return {name: Column(growing.steps, growing.values) for name, growing in self._growing.items()}

    @property
    def thinned(self) -> bool:
        """Whether some column has lost points to thinning."""
        return any(growing.thinned for growing in self._growing.values())

    @property
    def clock(self) -> Column:
        """Steps and the seconds since 1970 at which they were logged, about a thousand of them."""
        return Column(self._clock.steps, self._clock.values)

    @property
    def problems(self) -> list[Problem]:
        """What was passed over; a bounded list."""
        return self.noted.found

    @property
    def unlisted(self) -> int:
        """How many more problems there were."""
        return self.noted.unlisted

    @property
    def name(self) -> str:
        """The run's name; its folder's before there is a header."""
        return self.header.name if self.header is not None and self.header.name else self.folder.name

    @property
    def horizon(self) -> int | None:
        """Updates of the whole run, as last changed; None where nobody said."""
        for event in reversed(self.events):
            told = event.data.get("horizon") if event.kind in ("applied", "resumed") else None
            if type(told) is int and 0 < told <= LARGEST_STEP:
                return told
        return self.header.horizon if self.header is not None else None

    @property
    def state(self) -> State:
        """Whether the run is "running", "ended", "lost" (its process is gone without a word), or none yet: "waiting".

        On another machine it cannot be asked: there it counts as running until two minutes after its last line.
        """
        if self.header is None:
            return "waiting"
        if self.ended is not None:
            return "ended"
        if not self.path.exists():
            return "lost"
        held = holder(self.path) if self.header.host == host_name() else None
        if held is None and self.header.host == host_name():
            held = lives(self.header.pid)
        if held is None:
            import time

            held = time.time() - self.heard < HEARD
        return "running" if held else "lost"

    # ---- reading on

    def poll(self, blocks: int = 64) -> News:
        """Read what is new.

        Args:
            blocks: number of megabytes that are read at most, >= 1; `more` says that there is more.

        Returns:
            A News, false where nothing is new. A record that is not there (yet) has none.
        """
        news = News()
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            self.unread = "" if isinstance(error, FileNotFoundError) else error.strerror or type(error).__name__
            return news
        self.unread = ""
        try:
            found = os.fstat(file)
            identity = (found.st_dev, found.st_ino)
            if self._identity not in (None, identity) or not self._place.stands(file, found.st_size):
                self._clear()
                news.fresh = True
            self._identity = identity
            for _ in range(max(blocks, 1)):
                try:
                    block = os.pread(file, BLOCK, self._place.offset)
                except OSError:
                    break
                if not block:
                    break
                self._place.take(block)
                self.feed(block, news)
            news.more = self._place.offset < found.st_size
        finally:
            os.close(file)
        return news

    def feed(self, block: bytes, news: News | None = None) -> None:
        """Take the next bytes of a record from wherever they come.

        Args:
            block: bytes, up to some megabytes.
            news: object that takes what is new in them.
        """
        news = News() if news is None else news
        text, place = self._rest + block, 0
        lines = text.split(b"\n")
        self._rest = lines.pop()
        if self._skipping and lines:
            self._skipping = False
            place = len(lines[0]) + 1
            del lines[0]
            self._line += 1
        if len(self._rest) >= LONGEST or self._skipping:
            if not self._skipping:
                self.noted.add(f"a line of more than {LONGEST:,} bytes", self._line + len(lines) + 1)
            self._rest, self._skipping = b"", True
        new: dict[str, tuple[list[int], list[float]]] = {}
        at = 0
        while at < len(lines):
            if len(lines) - at >= LEAST and (stretch := self._evenly(text, place, new, news)) is not None:
                at += len(stretch.rows)
                place = stretch.stop
                continue
            self._line += 1
            if lines[at]:
                self._read(lines[at], new, news)
            place += len(lines[at]) + 1
            at += 1
        self._flush(new, news)

    def _evenly(
        self, text: bytes, place: int, new: dict[str, tuple[list[int], list[float]]], news: News
    ) -> Stretch | None:
        """Many lines like the last one at once; None where they are not, and are read one by one.

        Looked at in vain, a long stretch is not looked at again before twice as many lines as the last time.
        """
        if self._singly:
            self._singly -= 1
            return None
        if self._even is None or self.header is None or self.ended is not None:
            return None
        stretch = self._even.read(text, place)
        if stretch is None or len(stretch.rows) < LEAST:
            return None
        self._singly = self._wait = min(max(2 * self._wait, LEAST), PATIENT)
        self._flush(new, news)
        new.clear()
        steps, whens = stretch.rows[:, 0], stretch.rows[:, 1]
        known = max(self._growing[name].last for name in self._even.names)
        if steps[0] <= max(known, self._clock.last, -2) or steps[-1] > LARGEST_STEP or not (np.diff(steps) > 0).all():
            return None
        if not ((whens >= 0) & (whens <= LATEST)).all():
            return None
        counted: list[int] = steps.astype(np.int64).tolist()
        if (steps != counted).any():
            return None
        for name, values in zip(self._even.names, stretch.rows.T[2:], strict=True):
            self._growing[name].extend(counted, values.tolist())
            told = news.numbers.setdefault(name, ([], []))
            told[0].extend(counted)
            told[1].extend(values.tolist())
        self._clock.extend(counted, whens.tolist())
        self.last, self.heard = max(self.last, counted[-1]), max(self.heard, float(whens.max()))
        self._line += len(counted)
        self._singly = self._wait = 0
        return stretch

    def _read(self, line: bytes, new: dict[str, tuple[list[int], list[float]]], news: News) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            self.noted.add(f"{shown(line[:200].decode(errors='replace'))} is no JSON", self._line)
            return
        if not isinstance(said, dict):
            self.noted.add(f"{shown(said)} is no line of a record", self._line)
            return
        if self.header is None or "calando" in said:
            self._head(line, said)
            return
        step, when, numbers = said.get("s"), time_of(said.get("w")), said.get("m")
        if type(step) is not int or not -1 <= step <= LARGEST_STEP or when is None:
            self.noted.add(f"{shown(said)} has no step, or no time between 1970 and 2200", self._line)
        elif isinstance(numbers, dict):
            self._numbers(step, numbers, new)
            self.last, self.heard = max(self.last, step), max(self.heard, when)
            if step > self._clock.last:
                self._clock.extend([step], [when])
            if self.ended is not None and step > self.ended.step:
                self.ended = None  # somebody went on without a word
        elif isinstance(event := said.get("event"), dict) and isinstance(event.get("kind"), str):
            self._flush(new, news)
            new.clear()
            kept = {name: value for name, value in event.items() if name != "kind"}
            self._event(Event(step, event["kind"], kept, when), news)
        else:
            self.noted.add(f"{shown(said)} is neither numbers nor an event", self._line)

    def _head(self, line: bytes, said: Mapping[str, Any]) -> None:
        try:
            header = Header.read(line, tame(f"{self.path}:{self._line}"))
        except BadFile as error:
            self.noted.add(error.given, self._line)
            return
        if self.header is None:
            self.header = header
            self.heard = header.began
            if (began := said.get("began")) is not None and time_of(began) is None:
                self.noted.add(f"it began at {shown(began)}, which is no time between 1970 and 2200", self._line)
        else:
            self.noted.add("a second header", self._line)

    def _numbers(self, step: int, numbers: dict[Any, Any], new: dict[str, tuple[list[int], list[float]]]) -> None:
        for name, value in numbers.items():
            number = number_of(value)
            if number is None:
                self.noted.add(f"{name[:LONGEST_NAME]} is {shown(value)}, which is no number", self._line)
                continue
            growing = self._growing.get(name)
            if growing is None:
                if len(self._growing) >= MOST_COLUMNS or len(name) > LONGEST_NAME:
                    self.noted.add(f"{shown(name)} is one name too many, or too long", self._line)
                    continue
                growing = self._growing[name] = Growing(self._points)
            steps, values = new.setdefault(name, ([], []))
            last = steps[-1] if steps else growing.last
            if step > last:
                steps.append(step)
                values.append(number)
            elif step == last:  # logged twice: the later counts
                if steps:
                    values[-1] = number
                else:
                    growing.cut(step)
                    steps.append(step)
                    values.append(number)
            else:
                self.noted.add(f"{name} at step {step:,} after step {last:,}", self._line)
        if numbers and all(name in self._growing for name in numbers):
            self._even = even(tuple(numbers))

    def _flush(self, new: dict[str, tuple[list[int], list[float]]], news: News) -> None:
        for name, (steps, values) in new.items():
            if steps:
                self._growing[name].extend(steps, values)
                known = news.numbers.setdefault(name, ([], []))
                if known[0] and known[0][-1] >= steps[0]:
                    known[0].pop()
                    known[1].pop()
                known[0].extend(steps)
                known[1].extend(values)

    def _event(self, event: Event, news: News) -> None:
        if event.kind == "resumed":
            since = event.data.get("from")
            if type(since) is not int or not 0 <= since <= LARGEST_STEP:
                self.noted.add(f"it was resumed from {shown(since)}, which is no step", self._line)
            else:
                self._resumed(since, news)
            self.ended = None
        elif event.kind == "ended":
            self.ended = event
        elif event.kind == "applied":
            self.applied += 1
        self.heard = max(self.heard, event.when)
        self.events.append(event)
        news.events.append(event)
        if len(self.events) > MOST_EVENTS:
            del self.events[: MOST_EVENTS // 10]
            self.noted.add(f"more than {MOST_EVENTS:,} events; the oldest were left out")

    def _resumed(self, since: int, news: News) -> None:
        for growing in (*self._growing.values(), self._clock):
            growing.cut(since)
        for steps, values in news.numbers.values():
            while steps and steps[-1] >= since:
                steps.pop()
                values.pop()
        self.last = min(self.last, max(since - 1, -1))
        news.since = since if news.since is None else min(news.since, since)
