"""The safetensors format, written and read: a length, a JSON header, and the numbers of all arrays in one row."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from calando.core.keepers import Array
from calando.errors import BadFile, shown

__all__ = ["SIZES", "parse", "pieces"]

SIZES: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "C64": 8, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
"""Bytes of one number, for each type that the format has a name for."""


def pieces(arrays: Mapping[str, Array]) -> Iterator[Any]:
    """The file, piece by piece, so that nothing is held twice; arrays of types without a name lie in it as bytes.

    >>> file = b"".join(pieces({"a": Array("U8", (2,), b"xy")}))
    >>> int.from_bytes(file[:8], "little"), file[-2:]
    (56, b'xy')
    """
    order = sorted(arrays, key=lambda name: (-SIZES.get(arrays[name].dtype, 1), name))
    header, at = {}, 0
    for name in order:
        array = arrays[name]
        named = array.dtype in SIZES
        header[name] = {
            "dtype": array.dtype if named else "U8",
            "shape": list(array.shape) if named else [array.nbytes],
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little")
    yield text
    for name in order:
        if arrays[name].nbytes:
            yield memoryview(arrays[name].data).cast("B")


def parse(file: bytes) -> dict[str, Array]:
    """The arrays of a file, as views of it; raises BadFile, ValueError, KeyError or TypeError for what is not one.

    >>> parse(b"".join(pieces({"a": Array("U8", (2,), b"xy")})))["a"].shape
    (2,)
    """
    length = int.from_bytes(file[:8], "little")
    if len(file) < 8 + length:
        raise _wrong("a file that is cut off")
    body = memoryview(file)[8 + length :]
    found = {}
    for name, entry in json.loads(file[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        count = 1
        for size in shape:
            count *= size
        if not 0 <= begin <= end <= len(body) or end - begin != count * SIZES[entry["dtype"]]:
            raise _wrong(f"{shown(name)}, which does not fit its place")
        found[name] = Array(entry["dtype"], shape, body[begin:end])
    return found


def _wrong(given: str) -> BadFile:
    return BadFile(
        given=given,
        allowed="a whole safetensors file",
        where="arrays of a snapshot",
        fix="restore the snapshot from a copy, or go on from an earlier one",
    )
