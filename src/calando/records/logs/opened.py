"""Files opened once, packed or not: their beginning to tell what they are, then their bytes or lines, bounded."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from calando.errors import BadFile, shown, tame
from calando.records.logs.draft import Problems

__all__ = ["HEAD", "LONGEST", "Opened", "blocks", "lines", "opened", "text_of", "whole"]

HEAD = 1 << 18
LONGEST = 1 << 22
"""Signs of a line that are kept: a thousand runs' columns in one export have some hundred thousand."""
LARGEST = 1 << 30
BLOCK = 1 << 18
BROKEN = (OSError, EOFError, zlib.error)
CONTROL = frozenset(range(32)) - {9, 10, 12, 13, 27}
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Opened:
    """A file, how it is spelled in messages, its first bytes (unpacked) and whether these are all there are."""

    path: Path
    source: str
    head: bytes
    packed: bool
    ended: bool

    @contextmanager
    def stream(self) -> Iterator[BinaryIO]:
        """Its bytes from the beginning, unpacked."""
        with self.path.open("rb") as file:
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if self.packed else file

    @property
    def encoding(self) -> str:
        """The text encoding that its first bytes announce; UTF-8 else."""
        return next((name for mark, name in BOMS if self.head.startswith(mark)), "utf-8")

    def refused(self, given: str, allowed: str, fix: str) -> BadFile:
        """The error that says so of this file."""
        return BadFile(given=given, allowed=allowed, where=tame(self.source), fix=fix)


def opened(path: Path) -> Opened:
    """A file's beginning.

    Raises:
        BadFile: when it is not there, not a file, empty, or cannot be read.
    """
    source = str(path)

    def refused(given: str, fix: str) -> BadFile:
        return BadFile(given=given, allowed="a readable log file", where=tame(source), fix=fix)

    try:
        if not path.is_file():
            given = "something that is no plain file" if path.exists() else "no such file"
            raise refused(given, "check the path")
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            head, ended = _head(cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file)
    except BadFile:
        raise
    except (*BROKEN, ValueError) as error:
        raise refused(
            f"a file that cannot be read ({shown(str(error))})", "check the path and its permissions"
        ) from error
    if not head:
        raise refused("an empty file", "give a file that a run has written to")
    return Opened(path, source, head, packed, ended)


def _head(stream: BinaryIO) -> tuple[bytes, bool]:
    head = b""
    while len(head) < HEAD:
        try:
            block = stream.read1(HEAD - len(head))  # type: ignore[attr-defined]
        except BROKEN:
            if not head:
                raise
            return head, True  # cut off: what there is will be read, and the cut told
        if not block:
            return head, True
        head += block
    return head, False


def text_of(file: Opened) -> str | None:
    """The beginning as text; None where it is no text at all."""
    text = file.head.decode(file.encoding, errors="replace")
    strange = text.count("\ufffd") + sum(text.count(chr(code)) for code in CONTROL)
    return None if "\0" in text or strange > max(4, len(text) // 10) else text


def blocks(file: Opened, problems: Problems) -> Iterator[str]:
    """Its text in parts of whole lines, with their ends as "\\n".

    Of a line that is too long nothing is left but its end, and a problem. A packed file that is cut off, or breaks,
    ends there, with a problem.
    """
    plain = codecs.getincrementaldecoder(file.encoding)(errors="replace")
    decoder = io.IncrementalNewlineDecoder(plain, translate=True)
    rest, number, skipping = "", 0, False
    with file.stream() as stream:
        while True:
            try:
                block = stream.read1(BLOCK)  # type: ignore[attr-defined]
            except BROKEN as error:
                problems.add(f"the packed file breaks off ({error}); what stands before was read")
                block = b""
            text = decoder.decode(block, final=not block)
            if skipping:
                text = text[text.find("\n") :] if "\n" in text else ""
                skipping = not text
            text = rest + text
            cut = text.rfind("\n") + 1 if block else len(text)
            part, rest = text[:cut], text[cut:]
            if part:
                number += part.count("\n")
                yield part
            if len(rest) > LONGEST:
                problems.add(f"a line of more than {LONGEST:,} signs", number + 1)
                rest, skipping = "", True
            if not block:
                return


def lines(file: Opened, problems: Problems) -> Iterator[str]:
    """The same, line by line."""
    for part in blocks(file, problems):
        whole = part.split("\n")
        last = whole.pop()
        for line in whole:
            yield line + "\n"
        if last:
            yield last


def whole(file: Opened, largest: int = LARGEST) -> bytes:
    """All its bytes.

    Raises:
        BadFile: when there are more than a gigabyte, or a packed file breaks off.
    """
    if file.ended and not file.packed:
        return file.head
    try:
        with file.stream() as stream:
            content = stream.read(largest + 1)
    except BROKEN as error:
        raise file.refused(
            f"a packed file that breaks off ({shown(str(error))})", "a whole file", "copy it once more, or unpack it"
        ) from error
    if len(content) > largest:
        raise file.refused(f"more than {largest:,} bytes", f"up to {largest:,}", "log less often, or give the CSV log")
    return content
