"""The few messages of an event file that scalars stand in, and where in the bytes their numbers are.

Source: TensorBoard's event.proto and summary.proto, TensorFlow's tensor.proto; the wire format of protocol buffers.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Event", "Scalar", "event", "number"]

Form = Literal["<f4", "<f8", "<f2", "bfloat16", "<i4", "<i8", "varint"]

# TensorFlow's DataType: how one number of it stands in tensor_content, and in which repeated field otherwise.
CONTENT: dict[int, Form] = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 14: "bfloat16", 19: "<f2"}
FIXED: dict[int, Form] = {5: "<f4", 6: "<f8"}
VARINTS = {7, 10, 13}
SIZE = {"<f4": 4, "<f8": 8, "<f2": 2, "bfloat16": 2, "<i4": 4, "<i8": 8}


class _Broken(Exception):
    """Bytes that are no such message."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number: its tag, and where it stands in which form."""

    tag: str
    at: int
    form: Form
    size: int


@dataclass(frozen=True, slots=True)
class Event:
    """The scalars of one event and where its wall time (0: none) and its step stand; a step of 0 is left out."""

    scalars: tuple[Scalar, ...]
    time_at: int
    step_at: int
    step_size: int
    step: int


def event(content: bytes) -> Event | None:
    """What stands in an event; None where the bytes are none."""
    try:
        return _event(content)
    except _Broken:
        return None


def _event(content: bytes) -> Event:
    scalars: list[Scalar] = []
    time_at = step_at = step_size = step = 0
    for number, kind, at, end, value in _fields(content, 0, len(content)):
        if number == 1 and kind == 1:
            time_at = at
        elif number == 2 and kind == 0:
            step_at, step_size, step = at, end - at, value
        elif number == 5 and kind == 2:
            for inner, form, start, stop, _ in _fields(content, at, end):
                if inner == 1 and form == 2:
                    scalars += _value(content, start, stop)
    return Event(tuple(scalars), time_at, step_at, step_size, step - (1 << 64) if step >> 63 else step)


def _value(content: bytes, start: int, stop: int) -> Iterator[Scalar]:
    tag, found = "", list[Scalar]()
    for number, kind, at, end, _ in _fields(content, start, stop):
        if number == 1 and kind == 2:
            tag = content[at:end].decode(errors="replace")
        elif number == 2 and kind == 5:
            found = [Scalar("", at, "<f4", 4)]
        elif number == 8 and kind == 2:
            found = _tensor(content, at, end)
    return (Scalar(tag, scalar.at, scalar.form, scalar.size) for scalar in found)


def _tensor(content: bytes, start: int, stop: int) -> list[Scalar]:
    """The one number of a tensor of rank 0; nothing of any other."""
    dtype, found = 0, list[Scalar]()
    for number, kind, at, end, value in _fields(content, start, stop):
        size = end - at
        if number == 1 and kind == 0:
            dtype = value
        elif number == 2 and kind == 2 and any(inner == 2 for inner, *_ in _fields(content, at, end)):
            return []  # it has dimensions
        elif number == 4 and kind == 2 and size:
            form = CONTENT.get(dtype)
            found = [Scalar("", at, form, size)] if form and SIZE[form] == size else []
        elif number in FIXED and (kind in {1, 5} or kind == 2):
            found = [Scalar("", at, FIXED[number], size)] if size == SIZE[FIXED[number]] else []
        elif number in VARINTS and kind in {0, 2} and dtype in {3, 9}:
            found = [Scalar("", at, "varint", size)] if _varint(content, at, end)[1] == end else []
    return found


def _fields(content: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Each field's number, wire type, where its content begins and ends, and its value if it is a whole number."""
    while at < stop:
        key, at = _varint(content, at, stop)
        kind, value = key & 7, 0
        if kind == 0:
            value, end = _varint(content, at, stop)
        elif kind == 1:
            end = at + 8
        elif kind == 5:
            end = at + 4
        elif kind == 2:
            size, at = _varint(content, at, stop)
            end = at + size
        else:
            raise _Broken
        if end > stop:
            raise _Broken
        yield key >> 3, kind, at, end, value
        at = end


def _varint(content: bytes, at: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while at < stop and shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise _Broken


def number(content: bytes, scalar: Scalar) -> float:
    """A scalar's number."""
    if scalar.form == "varint":
        value = _varint(content, scalar.at, scalar.at + scalar.size)[0]
        return float(value - (1 << 64) if value >> 63 else value)
    part = content[scalar.at : scalar.at + scalar.size]
    if scalar.form == "bfloat16":
        return float(struct.unpack("<f", b"\0\0" + part)[0])
    letter = {"<f4": "<f", "<f8": "<d", "<f2": "<e", "<i4": "<i", "<i8": "<q"}[scalar.form]
    return float(struct.unpack(letter, part)[0])
