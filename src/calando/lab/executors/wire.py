"""Messages between coordinator and worker: a JSON header and raw columns, length first."""

import json
import socket
import struct
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Columns", "Inbox", "pack", "send"]

Columns = Mapping[str, tuple["array[int]", "array[float]"]]
_LENGTHS = struct.Struct("!IQ")


def pack(header: Mapping[str, Any], columns: Columns | None = None) -> bytes:
    """One message; both ends run on one machine, so columns travel in its own byte order.

    >>> inbox = Inbox()
    >>> [message for message, _ in inbox.feed(pack({"op": "exit"}))]
    [{'op': 'exit'}]
    """
    columns = columns or {}
    named = {**header, "columns": [[name, len(steps)] for name, (steps, _) in columns.items()]}
    head = json.dumps(named).encode()
    body = b"".join(part.tobytes() for pair in columns.values() for part in pair)
    return _LENGTHS.pack(len(head), len(body)) + head + body


def send(end: socket.socket, header: Mapping[str, Any], columns: Columns | None = None) -> None:
    """Write one message whole."""
    end.sendall(pack(header, columns))


class Inbox:
    """Puts messages together from bytes as they come.

    >>> inbox, message = Inbox(), pack({"op": "tick"}, {"lr": (array("q", [0]), array("d", [0.5]))})
    >>> list(inbox.feed(message[:7])), [columns["lr"][1][0] for _, columns in inbox.feed(message[7:])]
    ([], [0.5])
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], Columns]]:
        """Take bytes; give every message that is now whole."""
        self._bytes += data
        while len(self._bytes) >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(self._bytes)
            end = _LENGTHS.size + head + body
            if len(self._bytes) < end:
                return
            message = bytes(self._bytes[_LENGTHS.size : end])
            del self._bytes[:end]
            header = json.loads(message[:head])
            columns, at = {}, head
            for name, length in header.pop("columns"):
                steps, values = array("q"), array("d")
                steps.frombytes(message[at : at + 8 * length])
                values.frombytes(message[at + 8 * length : at + 16 * length])
                columns[name] = (steps, values)
                at += 16 * length
            yield header, columns
