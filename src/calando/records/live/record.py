"""The record of a run under way: one file, lines are only ever added, each by one write of its own."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from calando.errors import BadValue, LabError, shown, tame
from calando.records.live.header import LARGEST_STEP, Event, Header, spelled

__all__ = ["RECORD", "Recorder", "check_step", "holder", "host_name"]

RECORD = "record.jsonl"
LONGEST = 1 << 20
TRIES = 20
MOST_FORMS = 1000


class Recorder:
    """The one writer of a run's record.

    A line is written by one call of the operating system before `log` returns, so a process that is killed has lost
    nothing that it logged. The file stays locked as long as the process lives, so no second one writes to it.

    Args:
        folder: folder of the run; it is made. Where it holds a record, lines are added to it, after a "resumed" event
            of whoever opens it.
        header: what is known of the run. `began`, `pid` and `host` are filled in where they are not given.

    Raises:
        LabError: when another process writes to this record, or the folder cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recorder = Recorder(folder, Header("first"))
        ...     recorder.log(0, {"train_loss": 2.5})
        ...     recorder.close()
        ...     print(Path(folder, RECORD).read_text().splitlines()[1].partition('"w"')[0])
        {"s":0,
    """

    def __init__(self, folder: str | Path, header: Header) -> None:
        self.folder = Path(folder)
        self.path = self.folder / RECORD
        self._file = -1
        self._forms: dict[tuple[str, ...], str] = {}
        self._torn = False
        who = replace(
            header,
            began=header.began or time.time(),
            pid=header.pid or os.getpid(),
            host=header.host or host_name(),
        )
        first = who.line().encode()
        if len(first) >= LONGEST:
            raise BadValue(
                given=f"a header of {len(first):,} bytes",
                allowed=f"less than {LONGEST:,}",
                where="Recorder(header)",
                fix="leave large things out of meta",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._lock()
            size = os.fstat(self._file).st_size
            self.resumed = size > 0
            torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
            self._torn = torn  # by a machine that lost its power: that line stays by itself
            if not self.resumed:
                self._put(first + b"\n")
        except OSError as error:
            self.close()
            raise self._unwritable(error) from error
        except BaseException:
            self.close()
            raise
        self.header = who

    def log(self, step: int, numbers: Mapping[str, float], when: float | None = None) -> None:
        """Write numbers down.

        Args:
            step: the update just made, counted from 0; -1 for what was measured before the first one.
            numbers: floats by name; NaN and infinities too.
            when: seconds since 1970; now unless given.

        Raises:
            LabError: when the line cannot be written; the record is then as it was before, or ends in a torn line.
        """
        line = self._line(step, numbers, time.time() if when is None else when).encode()
        if self._torn:
            self.write(line)
            return
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise self._unwritable(error) from error
        if written != len(line):
            self._rest(line, written)

    def log_many(self, rows: Mapping[int, Mapping[str, float]]) -> None:
        """Write several steps' numbers down by one write, all as of now.

        Args:
            rows: mapping of steps to mappings of names to floats.

        Raises:
            LabError: when they cannot be written.
        """
        now = time.time()
        self.write("".join(self._line(step, numbers, now) for step, numbers in rows.items()).encode())

    def _line(self, step: int, numbers: Mapping[str, float], moment: float) -> str:
        names, values = tuple(numbers), tuple(numbers.values())
        form = self._forms.get(names) or self._form(names)
        total = 0.0
        for value in values:
            if value.__class__ is not float:  # NumPy's floats spell themselves in another way
                break
            total += value
        else:
            if total - total == 0.0:  # hot: finite, and spelled as every float is
                return form % (step, moment, *values)
        return form % (step, moment, *(json.dumps(spelled(float(value))) for value in values))

    def _form(self, names: tuple[str, ...]) -> str:
        """What lines of these names look like; `log` is cheaper for not making it up each time."""
        if len(self._forms) >= MOST_FORMS:
            self._forms.clear()
        named = ",".join(json.dumps(name).replace("%", "%%") + ":%s" for name in names)
        form = self._forms[names] = f'{{"s":%d,"w":%.3f,"m":{{{named}}}}}\n'
        return form

    def event(self, event: Event) -> None:
        """Write down that something happened.

        Args:
            event: an Event; its `when` is now unless it is given.

        Raises:
            BadValue: for what is no plain JSON, or larger than a megabyte.
            LabError: when the line cannot be written.
        """
        try:
            line = (event if event.when else replace(event, when=time.time())).line()
        except (TypeError, ValueError, RecursionError) as error:
            raise BadValue(
                given=f"an event that is no plain JSON: {shown(event.data)}",
                allowed="texts, finite numbers, lists and objects",
                where="Recorder.event",
                fix="write numbers that are not finite as texts",
            ) from error
        if len(line) >= LONGEST:
            raise BadValue(
                given=f"an event of {len(line):,} signs",
                allowed=f"less than {LONGEST:,}",
                where="Recorder.event",
                fix="say it shorter",
            )
        self.write(line.encode() + b"\n")

    def write(self, line: bytes) -> None:
        """Add whole lines, each with its end, by one write."""
        try:
            self._put(line)
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Let the record go; calling it twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def closed(self) -> bool:
        """Whether it was let go."""
        return self._file < 0

    def _put(self, line: bytes) -> None:
        if self._torn:  # it was told as failed: should only its end be missing, it is still no line
            line = b"~\n" + line
        written = os.write(self._file, line)
        self._torn = False
        if written != len(line):
            self._rest(line, written)

    def _rest(self, line: bytes, written: int) -> None:
        """What one write left over: the disk is all but full."""
        self._torn = True
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            raise self._unwritable(error) from error
        self._torn = False

    def _lock(self) -> None:
        """Hold the file until the process ends in whatever way."""
        import fcntl

        for left in reversed(range(TRIES)):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if left:  # whoever only looks whether it is held lets it go at once
                    time.sleep(0.002)
                    continue
                raise LabError(
                    given="a run whose record another process writes to",
                    allowed="one process a run",
                    where=tame(str(self.path)),
                    fix="give this run another name, or stop the other one",
                ) from error
            except OSError:
                return  # a file system without locks: the process number in the header has to do
            return

    def _unwritable(self, error: OSError) -> LabError:
        return LabError(
            given=f"a record that cannot be written ({error.strerror or error})",
            allowed="a folder with room that this user may write to",
            where=tame(str(self.path)),
            fix="make room, or name another folder: calando.watch(..., folder=...)",
        )


def holder(path: Path) -> bool | None:
    """Whether some process holds a record for writing; None where the file system cannot tell."""
    try:
        import fcntl

        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(file)


def host_name() -> str:
    """This machine's name."""
    import socket

    return socket.gethostname()


def check_step(step: Any, where: str) -> int:
    """A step as a record counts it.

    Raises:
        BadValue: for anything but a whole number from -1 to 2^53.
    """
    from operator import index

    try:
        whole = -2 if isinstance(step, bool) else index(step)
    except TypeError:
        whole = -2
    if not -1 <= whole <= LARGEST_STEP:
        raise BadValue(
            given=f"step={shown(step)}",
            allowed="a whole number: the update just made, counted from 0",
            where=where,
            fix="pass the loop's own count, or leave it out",
        )
    return whole
