"""Where a run hears what is asked of it: the commands in their order, each of them once."""

import os
from pathlib import Path
from typing import NamedTuple

from calando.errors import BadFile
from calando.records.live.command import COMMANDS, LONGEST, Command

__all__ = ["Heard", "Inbox"]

BLOCK = 1 << 16


class Heard(NamedTuple):
    """A line of the inbox: its command, or what is wrong with it; `after` is where the next line begins, in bytes."""

    command: Command | BadFile
    after: int


class Inbox:
    """A run's commands, read on from where they were read last.

    Args:
        folder: folder of the run.
        start: number of bytes that were answered already: the `offset` of the last answer in the record, >= 0.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, COMMANDS).write_text(Command("a1", "stop").line() + chr(10))
        ...     inbox = Inbox(folder)
        ...     [heard.command.text for heard in inbox.poll()], inbox.poll()
        (['stop'], [])
    """

    def __init__(self, folder: str | Path, start: int = 0) -> None:
        self.path = Path(folder) / COMMANDS
        self._name = str(self.path)
        self._there = False
        self._offset = max(start, 0)
        self._seen = (0, 0)

    def poll(self, most: int = 64) -> list[Heard]:
        """What is new, whole lines alone and `most` of them at the most; one look at the file where nothing is.

        A file that became shorter is read from its beginning; what was answered is known by its id.
        """
        if not self._there and not os.access(self._name, os.F_OK):
            return []  # hot: nobody has asked anything yet
        try:
            found = os.stat(self._name)  # noqa: PTH116 - hot: Path.stat takes three times as long
        except OSError:
            self._there = False
            return []
        self._there = True
        seen = (found.st_size, found.st_mtime_ns)
        if seen == self._seen or found.st_size == self._offset:
            return []
        if found.st_size < self._offset:
            self._offset = 0
        heard: list[Heard] = []
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                block = file.read(BLOCK)
        except OSError:
            return []
        place = 0
        while len(heard) < most and (end := block.find(b"\n", place)) >= 0:
            line, place = block[place:end], end + 1
            if line.strip():
                heard.append(Heard(_read(line), self._offset + place))
        if not place and len(block) == BLOCK:  # one line that fills all of it: over it, piece by piece
            place = BLOCK
            heard.append(Heard(_read(block), self._offset + place))
        self._offset += place
        if len(heard) < most and len(block) < BLOCK:
            self._seen = seen
        return heard


def _read(line: bytes) -> Command | BadFile:
    try:
        return Command.read(line if len(line) <= LONGEST else line[:80])
    except BadFile as error:
        return error
