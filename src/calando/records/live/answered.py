"""What a run was asked and what became of it, read back from its record: the schedule that really ran among it."""

import json
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from calando.core.codec import decode
from calando.core.schedule import Schedule
from calando.errors import BadFile, CalandoError, tame
from calando.records.live.header import LARGEST_STEP, Event, Header, number_of
from calando.records.live.record import LONGEST, RECORD

__all__ = ["Answered", "read_answered"]


@dataclass(slots=True)
class Answered:
    """The answers in a record: changes applied in their order, ids that were answered, how far the inbox was read."""

    header: Header
    applied: list[Event] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    offset: int = 0
    peaks: list[tuple[int, float]] = field(default_factory=list)
    """From which step on factor 1 stood for which rate, where the run went on."""

    @property
    def begun(self) -> Schedule | None:
        """The schedule that the run began with; None where it was not written down."""
        return schedule_of(self.header.schedule)

    @property
    def schedule(self) -> Schedule | None:
        """The schedule that the run followed, with every change that was made; None where it is not known."""
        for event in reversed(self.applied):
            said = event.data.get("schedule")
            if said is not None:
                return schedule_of(said)
        return self.begun


def schedule_of(said: object) -> Schedule | None:
    """A schedule from its JSON as an object; None where there is none, or it cannot be read."""
    try:
        found = decode(said)
    except CalandoError:
        return None
    return found if isinstance(found, Schedule) else None


def read_answered(folder: str | Path) -> Answered:
    """What a run's record says of commands; numbers are passed over, and so are lines that cannot be read.

    Args:
        folder: folder of the run.

    Raises:
        BadFile: when there is no record.

    Example:
        >>> import tempfile
        >>> from calando.records.live import Recorder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recorder = Recorder(folder, Header("first"))
        ...     recorder.event(Event(7, "applied", {"id": "a1", "text": "scale 0.5", "revision": 1}))
        ...     recorder.close()
        ...     answered = read_answered(folder)
        >>> [(event.step, event.data["text"]) for event in answered.applied], answered.ids
        ([(7, 'scale 0.5')], {'a1'})
    """
    path = Path(folder) / RECORD
    try:
        with path.open("rb") as file:
            answered = Answered(Header.read(file.readline(LONGEST), tame(str(path))))
            while line := file.readline(LONGEST):
                if b'"event"' in line and line.endswith(b"\n"):
                    _take(answered, line)
    except OSError as error:
        raise BadFile(
            given=f"{tame(str(path))} ({error.strerror or error})",
            allowed="the folder of a watched run, with its record.jsonl",
            where="record",
            fix="calando watch DIR lists the runs that there are",
        ) from error
    return answered


def _take(answered: Answered, line: bytes) -> None:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        return
    event = said.get("event") if isinstance(said, dict) else None
    step = said.get("s") if isinstance(said, dict) else None
    if isinstance(event, dict) and event.get("kind") == "resumed":
        begun, peak = event.get("from"), number_of(event.get("peak"))
        if type(begun) is int and 0 <= begun <= LARGEST_STEP and peak is not None and 0 < peak < inf:
            answered.peaks.append((begun, peak))
    if not isinstance(event, dict) or event.get("kind") not in ("applied", "refused"):
        return
    if type(step) is not int or not 0 <= step <= LARGEST_STEP:
        return
    if isinstance(event.get("id"), str):
        answered.ids.add(event["id"])
    offset = event.get("offset")
    if type(offset) is int:
        answered.offset = max(answered.offset, offset)
    if event["kind"] == "applied":
        kept = {name: value for name, value in event.items() if name != "kind"}
        answered.applied.append(Event(step, "applied", kept, number_of(said.get("w")) or 0.0))
