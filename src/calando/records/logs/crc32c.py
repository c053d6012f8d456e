"""CRC-32C, as event files seal their records with it: one by one, and of many alike ones at once.

A CRC is linear: two messages of one length that differ in a byte differ in their sums by a number that hangs on the two
bytes' difference and on how many bytes follow, and on nothing else. So of a thousand records that differ in a few bytes
one is summed up in full, and of the others those bytes alone are looked up.

Source: the Castagnoli polynomial, RFC 3720, appendix B.4; the mask: TFRecord, TensorFlow's record_writer.cc.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Words", "crc32c", "difference", "masked", "masked_all"]

Words = NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78
MASK = 0xA282EAD8


def _first() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


TABLE = _first()
FIRST: Words = np.array(TABLE, dtype=np.uint32)
_followed: list[Words] = [FIRST]


def crc32c(content: bytes) -> int:
    """The sum of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def difference(after: int) -> Words:
    """What a difference of a byte, by its value, does to the sum where `after` bytes follow it.

    >>> a, b = b"one two", b"one,two"
    >>> crc32c(a) ^ crc32c(b) == int(difference(3)[a[3] ^ b[3]])
    True
    """
    while len(_followed) <= after:
        last = _followed[-1]
        _followed.append(FIRST[last & 0xFF] ^ (last >> np.uint32(8)))
    return _followed[after]


def masked(crc: int) -> int:
    """A sum as it stands in a file.

    >>> hex(masked(crc32c(b"123456789")))
    '0xc78ab0e5'
    """
    return (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF


def masked_all(crcs: Words) -> Words:
    """Many sums as they stand in a file."""
    turned = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return turned + np.uint32(MASK)
