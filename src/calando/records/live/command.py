"""Commands to a run under way: one line each, added to a file beside its record by one write."""

import json
import os
import stat
import time
import uuid
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

from calando.errors import BadFile, BadValue, LabError, shown, tame
from calando.records.live.header import number_of
from calando.records.live.record import RECORD

__all__ = ["COMMANDS", "Command", "send"]

COMMANDS = "commands.jsonl"
LONGEST = 4_096
"""Bytes of a command's line: one write of so many is never mixed with another's."""


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks of a run.

    `id` is its own name, by which its answer is known; `when` is in seconds since 1970; `by` is "cli", "page" or
    "rule:NAME"; `revision` is how many changes the sender had seen applied, None where that does not matter.

    >>> Command.read(Command("a1", "stop", by="cli").line()).text
    'stop'
    """

    id: str
    text: str
    by: str = "cli"
    revision: int | None = None
    when: float = 0.0

    def line(self) -> str:
        """The command's line, without its end."""
        said = asdict(self)
        said["w"] = round(said.pop("when"), 6)
        return json.dumps(said, separators=(",", ":"))

    @classmethod
    def read(cls, line: str | bytes) -> "Command":
        """The command that a line holds.

        Raises:
            BadFile: when it holds none.
        """
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        kinds = {"id": str, "text": str, "by": str, "revision": int | None, "w": int | float}
        if not isinstance(said, dict) or set(said) - set(kinds) or not {"id", "text"} <= set(said):
            raise _broken(line)
        for name, value in said.items():
            if not isinstance(value, kinds[name]) or isinstance(value, bool):
                raise _broken(line)
        revision, when = said.get("revision"), number_of(said.get("w", 0.0))
        lengths = (len(said["id"]), len(said["text"]), len(said.get("by", "")))
        if not 1 <= lengths[0] <= 100 or lengths[1] > 1000 or lengths[2] > 100 or (revision or 0) < 0:
            raise _broken(line)
        if when is None or not isfinite(when):
            raise _broken(line)
        return cls(said["id"], said["text"], said.get("by", "cli"), revision, when)


def send(folder: str | Path, text: str, *, by: str = "cli", revision: int | None = None, name: str = "") -> Command:
    """Ask something of a run; it is heard at the run's next update, and the answer stands in its record.

    Args:
        folder: folder of the run.
        text: a command, one line such as "cooldown 10%".
        by: name of who asks: "cli", "page" or "rule:NAME".
        revision: how many changes the sender has seen applied, a number >= 0; None asks whatever was changed.
        name: its own, at most 100 signs; left out, a new one.

    Raises:
        BadFile: when the folder holds no run.
        BadValue: for a text that is empty, too long, or more than a line.
        LabError: when nothing can be written there.

    Example:
        >>> import tempfile
        >>> from calando.records.live import Header, Recorder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recorder = Recorder(folder, Header("first"))
        ...     command = send(folder, "scale 0.5", revision=0)
        ...     recorder.close()
        >>> command.text, command.by
        ('scale 0.5', 'cli')
    """
    place = Path(folder)
    if not (place / RECORD).is_file():
        raise BadFile(
            given=f"{tame(str(place))}, where no run is recorded",
            allowed="the folder of a watched run, with its record.jsonl",
            where="steer",
            fix="calando watch DIR lists the runs that there are",
        )
    if not text.strip() or len(text) > 1000 or not text.isprintable() or len(name) > 100:
        raise BadValue(
            given=f"the command {shown(text)}", allowed="one line of text", where="steer", fix="write cooldown 10%"
        )
    command = Command(name or uuid.uuid4().hex, text.strip(), by[:100], revision, time.time())
    line = command.line().encode() + b"\n"
    try:
        how = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        file = os.open(place / COMMANDS, how, 0o644)  # never what a link leads to: that may be any file of the user
        try:
            found = os.fstat(file)
            size = found.st_size
            if not stat.S_ISREG(found.st_mode):
                raise _unwritable(place, "it is no plain file")
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            os.write(file, b"\n" + line if torn else line)
        finally:
            os.close(file)
    except OSError as error:
        raise _unwritable(place, error.strerror or str(error)) from error
    return command


def _unwritable(place: Path, why: str) -> LabError:
    return LabError(
        given=f"a command that cannot be written ({why})",
        allowed="a folder that this user may write to, where commands.jsonl is a plain file",
        where=tame(str(place / COMMANDS)),
        fix="steer as the user who runs the training",
    )


def _broken(line: object) -> BadFile:
    return BadFile(
        given=f"{shown(line)}, which is no command",
        allowed='{"id":..., "text": "cooldown 10%", "by":..., "revision":..., "w":...}',
        where=COMMANDS,
        fix="send commands with calando steer, or from the page",
    )
