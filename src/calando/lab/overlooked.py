"""What a snapshot of a run would miss: local variables that the loop changes, and how its optimizers were set."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Any

__all__ = ["Locals", "settings"]

PLAIN = (bool, int, float, complex, str, bytes, type(None))
BOXES = (list, dict, set)


class Locals:
    """The variables of whoever runs the loop, as they stood when it began.

    Args:
        frame: of the function that the loop is in.
        loop: the iterator over which it loops.
        kept: what the run keeps.

    >>> import sys
    >>> best = 1.0
    >>> found = Locals(sys._getframe(), iter(()), ())
    >>> best = 0.5
    >>> "best" in found.changed()
    True
    """

    def __init__(self, frame: FrameType, loop: Iterator[Any] | None, kept: Iterable[object]) -> None:
        self._frame: FrameType | None = frame
        arrays = [thing for thing in kept if hasattr(thing, "dtype") and hasattr(thing, "shape")]
        self._plain = {name: value for name, value in _variables(frame) if type(value) in PLAIN}
        self._boxes = {name: len(value) for name, value in _variables(frame) if type(value) in BOXES}
        self._arrays = {name: value for name, value in _variables(frame) if any(value is one for one in arrays)}
        self.counted = _counted(loop)

    def changed(self) -> str:
        """Why no snapshot can be taken now; empty where every variable stands as it did."""
        if self._frame is None:
            return ""
        now = dict(_variables(self._frame))
        names = [n for n, was in self._plain.items() if n in now and not _same(was, now[n])]
        names += [
            n for n, size in self._boxes.items() if n in now and (type(now[n]) not in BOXES or len(now[n]) != size)
        ]
        if names:
            told = ", ".join(sorted(names)[:5])
            return f"the loop changes local variables, which no snapshot has ({told}); hold them by run.hold"
        new = [n for n, array in self._arrays.items() if n in now and now[n] is not array]
        if new:
            told = ", ".join(new[:5])
            return f"the loop gives kept arrays a new value instead of changing them ({told}); hold them by run.hold"
        return ""

    def close(self) -> None:
        """Let go of the function's variables."""
        self._frame = None


def settings(optimizers: Iterable[Any]) -> list[Any]:
    """How attached optimizers were set, as far as that is plain data: their defaults, and each group by itself."""
    found: list[Any] = []
    for optimizer in optimizers:
        groups = getattr(optimizer, "param_groups", None)
        defaults = getattr(optimizer, "defaults", None)
        parts: Sequence[Any] = [defaults, *(groups if isinstance(groups, list) else [])]
        found.append([_plain(part) for part in parts if isinstance(part, dict)])
    return found


def _plain(part: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(name): list(value) if isinstance(value, tuple) else value
        for name, value in part.items()
        if type(value) in (bool, int, float, str)
        or (type(value) is tuple and all(type(one) in (bool, int, float) for one in value))
    }


def _variables(frame: FrameType) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in list(frame.f_locals.items()) if not name.startswith("__")]


def _same(was: Any, now: Any) -> bool:
    return type(was) is type(now) and (bool(was == now) or was != was)


def _counted(loop: Iterator[Any] | None) -> str:
    """Whether something beside the loop counts its turns; it would begin at 0 again."""
    if loop is None:
        return ""
    if any(type(holder) in (enumerate, zip) for holder in gc.get_referrers(loop)):
        return "the loop counts by enumerate or zip, which no snapshot has; use run.step"
    return ""
