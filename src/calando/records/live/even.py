"""Long stretches of lines that name the same numbers, read all at once: a tenth of the time of line by line."""

import json
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from calando.records.logs.log import Floats

__all__ = ["LEAST", "Even", "Stretch", "even"]

LEAST = 16
"""Lines from which on it is worth it."""

NUMBER = rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


class Stretch(NamedTuple):
    """So many lines: a row each of step, time and the numbers; and where the next line begins."""

    rows: Floats
    stop: int


class Even:
    """How a line with these names is written.

    >>> text = b'{"s":0,"w":5.5,"m":{"lr":0.1}}\\n{"s":1,"w":5.6,"m":{"lr":1e-05}}\\n{"s":2'
    >>> even(("lr",)).read(text, 0).rows.tolist()
    [[0.0, 5.5, 0.1], [1.0, 5.6, 1e-05]]
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        keys = [json.dumps(name).encode() + b":" for name in names]
        first, *more = [b',"m":{' + keys[0], *(b"," + key for key in keys[1:])]
        self._between = [b',"w":', first, *more]
        line = b'{"s":' + NUMBER + b"".join(re.escape(text) + NUMBER for text in self._between) + rb"\}\}\n"
        self._lines = re.compile(b"(?:" + line + b")++")

    def read(self, text: bytes, place: int) -> Stretch | None:
        """The lines of this kind from a place on; None where there is none, or they hold what is not quite that."""
        found = self._lines.match(text, place)
        if found is None:
            return None
        part = found.group()
        count = part.count(b"\n")
        for between in self._between:
            part = part.replace(between, b",")
        part = part.replace(b'{"s":', b"").replace(b"}}\n", b",")
        values = np.fromstring(part[:-1].decode("ascii", "replace"), sep=",")
        width = 2 + len(self.names)
        if values.size != count * width:
            return None
        return Stretch(values.reshape(count, width), found.end())


@lru_cache(maxsize=64)
def even(names: tuple[str, ...]) -> Even:
    """The one for these names, at least one.

    >>> even(("a", "b")).names
    ('a', 'b')
    """
    return Even(names)
