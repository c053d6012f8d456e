"""What a snapshot of a run would miss: local variables that the loop changes, and how its optimizers were set."""

import dis
import gc
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from io import IOBase
from types import FrameType
from typing import Any

from calando.core.keepers import Keeper
from calando.lab.boxes import BOXES, PLAIN, Box, same
from calando.lab.left_out import LeftOut, is_open
from calando.lab.remembered import is_own, variables

__all__ = ["Locals", "settings"]

INSTEAD = "what each turn overwrites before it reads it may be made inside the loop instead"


class Locals:
    """The variables of whoever runs the loop, as they stood when it began.

    Args:
        frame: of the function that the loop is in.
        loop: the iterator over which it loops.
        kept: what the run keeps.
        keepers: gives the keepers of all of it.

    >>> import sys
    >>> best = 1.0
    >>> found = Locals(sys._getframe(), iter(()), ())
    >>> best = 0.5
    >>> "best" in found.changed()
    True
    """

    def __init__(
        self,
        frame: FrameType,
        loop: Iterator[Any] | None,
        kept: Iterable[object],
        keepers: Callable[[], Iterable[Keeper]] = tuple,
    ) -> None:
        self._frame: FrameType | None = frame
        named = [*kept, *_told_by(kept)]
        arrays = [thing for thing in named if _is_array(thing)]
        now = variables(frame)
        read, self._carried = _references(frame)
        self._plain = {name: value for name, value in now.items() if type(value) in PLAIN}
        self._boxes = {
            name: Box(value)
            for name, value in now.items()
            if type(value) in (*BOXES, tuple) and not any(value is one for one in named)
        }
        self._arrays = {name: value for name, value in now.items() if any(value is one for one in arrays)}
        self._others = {name: value for name, value in now.items() if name not in self._arrays and _has_arrays(value)}
        own = {name: value for name, value in now.items() if is_own(value) and not any(value is one for one in named)}
        self._inner = {
            f"{name}.{inner}": (value, inner, Box(held, whole=is_open(value)) if type(held) in BOXES else held)
            for name, value in own.items()
            for inner, held in vars(value).items()
            if type(held) in BOXES or _has_arrays(held) or held is None
        }
        self._drawn = [
            name
            for name, value in now.items()
            if name in read and value is not loop and _hands_out(value) and not any(value is one for one in named)
        ]
        self._left_out = LeftOut(
            {
                name: value
                for name, value in now.items()
                if not any(value is one for one in named) and (name in read or type(value).__module__ != "numpy")
            },
            keepers,
        )
        self.counted = _counted(loop)

    def changed(self) -> str:
        """Why no snapshot can be taken now; empty where every variable stands as it did."""
        if self._frame is None:
            return ""
        if self._drawn:
            told = ", ".join(self._drawn[:5])
            return (
                f"the loop draws from an iterator, whose place no snapshot has ({told}); give its loader to run.steps"
            )
        now = variables(self._frame)
        names = [n for n, was in self._plain.items() if n in now and not same(was, now[n])]
        names += [n for n, was in self._boxes.items() if n in now and self._differs(n, was, now[n])]
        names += [
            n for n, was in self._others.items() if n in self._carried and n in now and _replaced(was, now[n])
        ]  # fmt: skip
        names += [path for path, (owner, inner, was) in self._inner.items() if _moved(was, vars(owner).get(inner))]
        if names:
            told = ", ".join(sorted(set(names))[:5])
            return f"the loop changes local variables, which no snapshot has ({told}); hold them by run.hold; {INSTEAD}"
        new = [n for n, array in self._arrays.items() if n in now and now[n] is not array]
        if new:
            told = ", ".join(new[:5])
            return f"the loop gives kept arrays a new value instead of changing them ({told}); hold them by run.hold"
        if left := self._left_out.changed():
            told = ", ".join(left[:5])
            return f"the loop changes objects, which no snapshot has ({told}); name them by run.keep; {INSTEAD}"
        return ""

    def _differs(self, name: str, was: Box, now: Any) -> bool:
        """Whether a collection has another length, or other things in it that a turn finds there."""
        if type(now) is not tuple and not was.as_long(now):
            return True
        return (name in self._carried or isinstance(now, deque)) and not was.same(now)

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


def _is_array(thing: object) -> bool:
    return hasattr(thing, "dtype") and hasattr(thing, "shape") and not isinstance(thing, type)


def _has_arrays(thing: object) -> bool:
    return _is_array(thing) or (isinstance(thing, tuple) and any(map(_has_arrays, thing)))


def _replaced(was: Any, now: Any) -> bool:
    """Whether a variable has another array now; a tuple is as its parts are."""
    if isinstance(was, tuple) and isinstance(now, tuple) and len(was) == len(now):
        return any(_replaced(*pair) for pair in zip(was, now, strict=True))
    return was is not now


def _moved(was: Any, now: Any) -> bool:
    """Whether an attribute of an object of the user's holds something else, which is no number."""
    if isinstance(was, Box):
        return not was.same(now)
    if was is None:
        return _has_arrays(now)
    return _replaced(was, now)


def _told_by(kept: Iterable[object]) -> Iterator[object]:
    """What pairs of functions that are kept speak of: the variables around them, and whose methods they are."""
    for pair in kept:
        for one in pair if isinstance(pair, tuple) and len(pair) == 2 and all(map(callable, pair)) else ():
            while isinstance(one, partial):
                yield from one.args
                one = one.func
            yield getattr(one, "__self__", None)
            for cell in getattr(one, "__closure__", None) or ():
                with suppress(ValueError):  # not bound yet
                    yield cell.cell_contents


def _hands_out(thing: object) -> bool:
    """Whether it is an iterator over data, which has a place of its own; not a file."""
    return hasattr(type(thing), "__next__") and not isinstance(thing, IOBase)


def _references(frame: FrameType) -> tuple[set[str], set[str]]:
    """Which variables the loop reads, and which of them before it writes them: those it carries from turn to turn."""
    read: set[str] = set(frame.f_code.co_cellvars) | set(frame.f_code.co_freevars)
    carried, written, end = set(read), set[str](), math.inf
    for one in dis.get_instructions(frame.f_code):
        if one.offset == frame.f_lasti and one.opname == "FOR_ITER":
            end = one.argval
        if not frame.f_lasti < one.offset < end or not isinstance(one.argval, str):
            continue
        if one.opname.startswith(("LOAD_FAST", "LOAD_NAME", "LOAD_DEREF")):
            read.add(one.argval)
            carried |= {one.argval} - written
        elif one.opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_DEREF")):
            written.add(one.argval)
    return read, carried


def _counted(loop: Iterator[Any] | None) -> str:
    """Whether something beside the loop counts its turns; it would begin at 0 again."""
    if loop is None:
        return ""
    if any(type(holder) in (enumerate, zip) for holder in gc.get_referrers(loop)):
        return "the loop counts by enumerate or zip, which no snapshot has; use run.step"
    return ""
