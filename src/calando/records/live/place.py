"""How far a record was read, and whether what was read still stands there: lines are only ever added to a record."""

import os

__all__ = ["Place"]

KEPT = 512
"""Bytes at either end of what was read that are held against the file."""


class Place:
    """Where to read on in a file.

    >>> place = Place()
    >>> place.take(b"abc")
    >>> place.offset
    3
    """

    def __init__(self) -> None:
        self.offset = 0
        self._first = self._latest = b""

    def take(self, block: bytes) -> None:
        """So many bytes more were read."""
        self.offset += len(block)
        if len(self._first) < KEPT:
            self._first = (self._first + block[:KEPT])[:KEPT]
        self._latest = (self._latest + block[-KEPT:])[-KEPT:]

    def stands(self, file: int, size: int) -> bool:
        """Whether the file, which is of that size now, still begins with what was read, as far as that is kept."""
        if size <= self.offset:
            return size == self.offset
        try:
            first = os.pread(file, len(self._first), 0)
            latest = os.pread(file, len(self._latest), self.offset - len(self._latest))
        except OSError:
            return True
        return first == self._first and latest == self._latest
