"""TensorBoard's event files: sealed records one after the other, and the scalars in them, many alike ones at once.

A record is its length (8 bytes), the masked CRC-32C of these, an event, and the event's own masked CRC-32C (TFRecord).
Events of one tag differ in their wall time, step and value alone, so one of them tells where these stand in all that
have the same length and are equal in all other bytes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from calando.errors import counted, shown
from calando.records.logs.crc32c import Words, crc32c, difference, masked, masked_all
from calando.records.logs.draft import Pair, Problems
from calando.records.logs.log import Floats, Ints
from calando.records.logs.opened import BROKEN, Opened
from calando.records.logs.protobuf import Event, Scalar, event, number

__all__ = ["is_record", "read_events"]

WINDOW = 1 << 22
BIG = 1 << 20
"""Bytes of a record from which on it holds images or graphs and is passed over unread."""
PATTERNS = 64
"""Kinds of events of one length that are read many at once; beyond, one by one."""
HEADER = struct.Struct("<QI")
FURTHEST = 1 << 53

Bytes = NDArray[np.uint8]


def is_record(content: bytes) -> bool:
    """Whether bytes begin with the sealed length of a record."""
    return len(content) >= HEADER.size and masked(crc32c(content[:8])) == HEADER.unpack_from(content)[1]


def read_events(file: Opened, problems: Problems) -> dict[str, Pair]:
    """Steps and values of every tag in a file, in its order. What is cut off or damaged is named."""
    found = _Found(problems)
    seen = 0
    for content, starts, lengths in _windows(file, problems):
        data = np.frombuffer(content, np.uint8)
        for length in np.unique(lengths).tolist():
            alike = np.flatnonzero(lengths == length)
            rows = data[starts[alike][:, None] + np.arange(length + 4)]
            _read_alike(rows, alike + seen, found)
        seen += lengths.size
    return found.columns()


def _windows(file: Opened, problems: Problems) -> Iterator[tuple[bytes, Ints, Ints]]:
    """Parts of a file, and where in them the events of whole records begin and how long they are."""
    seals: dict[int, int] = {}
    rest, base, skip = b"", 0, 0
    with file.stream() as stream:
        while True:
            block = _block(stream, problems)
            content = rest + block[skip:]
            skip = max(0, skip - len(block))
            starts, lengths, at, whole = _walk(content, seals)
            yield content, np.array(starts, np.int64), np.array(lengths, np.int64)
            if not whole:
                problems.add(f"the record at byte {base + at:,} is damaged; what stands after it was not read")
                return
            base += at
            rest, skip = content[at:], skip + max(0, at - len(content))
            if not block:
                if rest or skip:
                    problems.add(f"the last record, at byte {base:,}, is cut off")
                return


def _block(stream: BinaryIO, problems: Problems) -> bytes:
    parts, size = [], 0
    try:
        while size < WINDOW and (part := stream.read1(WINDOW - size)):  # type: ignore[attr-defined]
            parts.append(part)
            size += len(part)
    except BROKEN as error:
        problems.add(f"the packed file breaks off ({error}); what stands before was read")
    return b"".join(parts)


def _walk(content: bytes, seals: dict[int, int]) -> tuple[list[int], list[int], int, bool]:
    starts: list[int] = []
    lengths: list[int] = []
    at, stop = 0, len(content) - HEADER.size
    while at <= stop:
        length, seal = HEADER.unpack_from(content, at)
        if seals.get(length) != seal:
            if masked(crc32c(content[at : at + 8])) != seal:
                return starts, lengths, at, False
            seals[length] = seal
        end = at + length + 16
        if length <= BIG:
            if end > len(content):
                break
            starts.append(at + 12)
            lengths.append(length)
        at = end
    return starts, lengths, at, True


@dataclass(slots=True)
class _Found:
    """What was read so far, and the patterns of events by their length."""

    problems: Problems
    patterns: dict[int, list["_Pattern"]] = field(default_factory=dict)
    parts: dict[str, list[tuple[Ints, Floats, Floats]]] = field(default_factory=dict)

    def add(self, tag: str, places: Ints, steps: Ints, values: Floats) -> None:
        sound = (steps >= 0) & (steps <= FURTHEST)
        if not sound.all():
            self.problems.add(
                f"{counted(int((~sound).sum()), 'value')} of {shown(tag)} at steps such as {steps[~sound][0]:,};"
                " skipped"
            )
        self.parts.setdefault(tag, []).append((places[sound], steps[sound].astype(np.float64), values[sound]))

    def columns(self) -> dict[str, Pair]:
        done = {}
        for tag, parts in self.parts.items():
            places, steps, values = (np.concatenate(column) for column in zip(*parts, strict=True))
            order = np.argsort(places, kind="stable")
            done[tag] = steps[order], values[order]
        return done


def _read_alike(rows: Bytes, places: Ints, found: _Found) -> None:
    """Events of one length, each with its seal, and which records these are."""
    length = rows.shape[1] - 4
    patterns = found.patterns.setdefault(length, [])
    left = np.arange(rows.shape[0])
    for pattern in patterns:
        left = pattern.take(rows, left, places, found)
    while left.size:
        row = rows[left[0]].tobytes()
        content = row[:length]
        seen = event(content)
        if seen is not None and not seen.scalars:
            left = left[1:]
        elif seen is None or masked(crc32c(content)) != int.from_bytes(row[length:], "little"):
            found.problems.add(f"record {places[left[0]] + 1:,} is damaged; skipped")
            left = left[1:]
        elif len(patterns) < PATTERNS and all(scalar.form != "varint" for scalar in seen.scalars):
            patterns.append(_Pattern.of(content, seen))
            left = patterns[-1].take(rows, left, places, found)
        else:
            for scalar in seen.scalars:
                found.add(scalar.tag, places[left[:1]], np.array([seen.step]), np.array([number(content, scalar)]))
            left = left[1:]


@dataclass(slots=True)
class _Pattern:
    """Events that differ in some known bytes alone."""

    content: Bytes
    event: Event
    same: Ints
    free: list[int]
    crc: int

    @classmethod
    def of(cls, content: bytes, seen: Event) -> "_Pattern":
        free = set(range(seen.time_at, seen.time_at + 8)) if seen.time_at else set()
        free |= set(range(seen.step_at, seen.step_at + seen.step_size))
        for scalar in seen.scalars:
            free |= set(range(scalar.at, scalar.at + scalar.size))
        same = np.array([i for i in range(len(content)) if i not in free])
        return cls(np.frombuffer(content, np.uint8), seen, same, sorted(free), crc32c(content))

    def take(self, rows: Bytes, left: Ints, places: Ints, found: _Found) -> Ints:
        """Read what is like this of the rows that are left; gives those that are not."""
        if not left.size:
            return left
        mine = rows[left]
        alike = (mine[:, self.same] == self.content[self.same]).all(axis=1)
        at, size = self.event.step_at, self.event.step_size
        if size:
            alike &= (mine[:, at : at + size - 1] >= 0x80).all(axis=1) & (mine[:, at + size - 1] < 0x80)
        rest: Ints = left[~alike]
        mine, taken = mine[alike], places[left[alike]]
        sealed = self._sealed(mine)
        if not sealed.all():
            wrong = taken[~sealed]
            for place in wrong[:20].tolist():
                found.problems.add(f"record {place + 1:,} is damaged; skipped")
            found.problems.unlisted += max(0, wrong.size - 20)
            mine, taken = mine[sealed], taken[sealed]
        if taken.size:
            steps = np.zeros(taken.size, np.uint64)
            for i in range(size):
                steps |= (mine[:, at + i] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * i)
            for scalar in self.event.scalars:
                found.add(scalar.tag, taken, steps.view(np.int64), _numbers(mine, scalar))
        return rest

    def _sealed(self, rows: Bytes) -> NDArray[np.bool_]:
        length = self.content.size
        crcs: Words = np.full(rows.shape[0], self.crc, np.uint32)
        for i in self.free:
            crcs ^= difference(length - 1 - i)[rows[:, i] ^ self.content[i]]
        seals = np.ascontiguousarray(rows[:, length:]).view("<u4")[:, 0]
        return np.asarray(masked_all(crcs) == seals)


def _numbers(rows: Bytes, scalar: Scalar) -> Floats:
    part = np.ascontiguousarray(rows[:, scalar.at : scalar.at + scalar.size])
    if scalar.form == "bfloat16":
        wide = part.view("<u2")[:, 0].astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32).astype(np.float64)
    return part.view(scalar.form)[:, 0].astype(np.float64)
