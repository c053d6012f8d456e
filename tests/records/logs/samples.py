"""Files made by hand: event records sealed one column of bytes at a time, and states of trainers."""

import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TABLE = np.empty(256, np.uint32)
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = (_crc >> 1) ^ (0x82F63B78 if _crc & 1 else 0)
    TABLE[_byte] = _crc


def sealed(rows: np.ndarray) -> np.ndarray:
    """The masked CRC-32C of each row, as its four bytes."""
    crc = np.full(rows.shape[0], 0xFFFFFFFF, np.uint32)
    for i in range(rows.shape[1]):
        crc = TABLE[(crc ^ rows[:, i]) & 0xFF] ^ (crc >> np.uint32(8))
    crc ^= np.uint32(0xFFFFFFFF)
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
    return masked.view(np.uint8).reshape(-1, 4)


def records(bodies: np.ndarray) -> np.ndarray:
    """A record for each row."""
    length = np.frombuffer(struct.pack("<Q", bodies.shape[1]), np.uint8)
    head = np.tile(length, (bodies.shape[0], 1))
    return np.hstack([head, sealed(head), bodies, sealed(bodies)])


def scalars(tag: str, steps: Sequence[int] | np.ndarray, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Events with a plain number each; steps are four bytes long, however small they are."""
    steps, count = np.asarray(steps), len(steps)
    value = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15"
    summary = b"\x0a" + bytes([len(value) + 4]) + value
    body = np.zeros((count, 16 + len(summary) + 4), np.uint8)
    body[:, 0] = 0x09
    body[:, 1:9] = (1.7e9 + np.arange(count)).astype("<f8").view(np.uint8).reshape(count, 8)
    body[:, 9] = 0x10
    for i in range(4):
        body[:, 10 + i] = ((steps >> (7 * i)) & 0x7F) | (0x80 if i < 3 else 0)
    body[:, 14] = 0x2A
    body[:, 15] = len(summary) + 4
    body[:, 16 : 16 + len(summary)] = np.frombuffer(summary, np.uint8)
    body[:, 16 + len(summary) :] = np.asarray(values, "<f4").view(np.uint8).reshape(count, 4)
    return records(body)


def one(content: bytes) -> bytes:
    """One record."""
    return records(np.frombuffer(content, np.uint8)[None, :]).tobytes()


def state(folder: Path, entries: Iterable[dict[str, Any]], **more: Any) -> Path:
    """A trainer_state.json."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "trainer_state.json"
    file.write_text(json.dumps({"global_step": 0, "log_history": list(entries), **more}))
    return file
