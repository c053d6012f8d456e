"""What stands in lists, dicts, sets, deques and tuples, to tell later whether the loop has put something else there."""

import operator
from collections import deque
from typing import Any

__all__ = ["BOXES", "PLAIN", "Box", "same"]

PLAIN = (bool, int, float, complex, str, bytes, type(None))
BOXES = (list, dict, set, deque)
DEPTH = 3
MANY = 10_000  # so much is remembered of what boxes in a box have


class Box:
    """What a collection had in it.

    Args:
        thing: a list, dict, set, deque or tuple.
        whole: whether what is in it counts; else how much it is, and what is in a deque, which forgets its oldest.

    >>> losses = [1.0, 2.0]
    >>> box = Box(losses)
    >>> losses[1] = 3.0
    >>> box.as_long(losses), box.same(losses), box.same([1.0, 2.0])
    (True, False, True)
    """

    def __init__(self, thing: Any, *, whole: bool = True, _depth: int = DEPTH, _left: list[int] | None = None) -> None:
        left = [MANY] if _left is None else _left
        self._kind = type(thing)
        self._whole = whole or self._kind is deque
        self._keys = list(thing) if isinstance(thing, dict) else []
        self._inside = _values(thing)
        self._deeper: dict[int, Box] = {}
        for place, part in enumerate(self._inside[:MANY] if whole and _depth and self._kind is not set else ()):
            if type(part) in (*BOXES, tuple) and len(part) < left[0]:
                left[0] -= 1 + len(part)
                self._deeper[place] = Box(part, _depth=_depth - 1, _left=left)

    def as_long(self, now: Any) -> bool:
        """Whether a value of now is a collection with as much in it."""
        return isinstance(now, (*BOXES, tuple)) and len(now) == len(self._inside)

    def same(self, now: Any) -> bool:
        """Whether a value of now has the same in it: the same objects, or equal numbers and texts."""
        if type(now) is not self._kind or not self.as_long(now):
            return False
        if not self._whole:
            return True
        if self._kind is set:
            return bool(now == set(self._inside))
        if isinstance(now, dict) and list(now) != self._keys:
            return False
        values = _values(now)
        if not all(box.same(values[place]) for place, box in self._deeper.items()):
            return False
        return all(map(operator.is_, self._inside, values)) or all(
            was is new or place in self._deeper or (type(was) in PLAIN and same(was, new))
            for place, (was, new) in enumerate(zip(self._inside, values, strict=True))
        )


def same(was: Any, now: Any) -> bool:
    """Whether two numbers or texts are equal and of one type, NaN among them.

    >>> same(1, 1.0), same(float("nan"), float("nan"))
    (False, True)
    """
    return type(was) is type(now) and (bool(was == now) or was != was)


def _values(thing: Any) -> list[Any]:
    return list(thing.values()) if isinstance(thing, dict) else list(thing)
