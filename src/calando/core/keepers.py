"""Keepers: how the objects of a framework become plain data and go back in place; found by entry point."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeAlias, cast

from calando.core.entries import installed, opened
from calando.errors import MissingExtra

__all__ = ["GROUP", "Array", "Keeper", "KeeperDoor", "State", "generators", "keeper_for", "register_keepers"]

GROUP = "calando.keepers"

State: TypeAlias = Any
"""Plain data: None, bool, int, float, str, bytes, list, tuple and dict (with keys of text or whole numbers) of such,
and `Array`. No class of a framework, no function."""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """Numbers of one type in row-major order, as a framework keeps them.

    `dtype` is the name that safetensors has for it ("F32", "BF16", "I64", "U8", "BOOL", ...), or any other name; then
    only who wrote it understands it. `data` is anything with a buffer of bytes; it may be a view of memory that
    changes later, so whoever keeps it for longer than the moment copies it.

    >>> Array("U8", (2,), b"ab").nbytes
    2
    """

    dtype: str
    shape: tuple[int, ...]
    data: Any

    @property
    def nbytes(self) -> int:
        """The size of the data in bytes."""
        return memoryview(self.data).nbytes


class Keeper(Protocol):
    """Captures one object as plain data, and puts it back.

    `capture` changes nothing, no random generator either. One whose object is a source of random numbers has an
    attribute `random` that is True: it is put back last, and taken back to where it was when a pass over the data
    is repeated. One whose object cannot change in place has `rebinds`, True: it is kept by `run.hold` alone. One that
    holds the state of other objects, too, names them in `covers`. One whose object changes in place may have
    `marks()`, which gives a dict: by an identity of each part (views of one part have the same) a whole number or an
    object that is another once the part was changed, or a pair of that and of what the identity is of: as long as the
    mark lives nothing else may come to have the same. It is cheap, and asked of what the user did not name, too. Where
    it reads numbers, `parts()` gives the identities alone. All of them raise LabError for what cannot be done, in
    words for the user.
    """

    def capture(self) -> State:
        """The object's state."""

    def restore(self, state: State, /) -> Any:
        """Put a captured state back.

        An object that can change is put back in place, so that whatever points at its parts still does, and None is
        given; for a value that cannot change (a pytree of JAX arrays) the new value is given.
        """


class KeeperDoor(Protocol):
    """What a front door offers to whoever takes snapshots: a module, or any object with these two functions."""

    @property
    def keeper_for(self) -> Callable[[Any], Keeper | None]:
        """`keeper_for(thing)`: who keeps the thing; None for what is not of this framework."""

    @property
    def generators(self) -> Callable[[], Mapping[str, Keeper]]:
        """`generators()`: the framework's global sources of random numbers, by name."""


_DOORS: dict[str, KeeperDoor] = {}


def register_keepers(root: str, door: KeeperDoor) -> None:
    """Register a door's keepers in this process, before those of installed packages.

    Args:
        root: root module of the classes it serves, such as "torch".
        door: a module or an object with the functions `keeper_for` and `generators`.
    """
    _DOORS[root] = door


def keeper_for(thing: object) -> Keeper | None:
    """The keeper that a front door has for an object; None where no door knows it.

    Formula: the doors of the root modules of its class and of the classes above are asked first, then every door
    whose framework is loaded: a dict of a framework's arrays has no class that tells.

    Args:
        thing: any object.

    Raises:
        MissingExtra: when a door cannot be imported.
    """
    points = _installed()
    own = list(dict.fromkeys(cls.__module__.partition(".")[0] for cls in type(thing).__mro__))
    loaded = [root for root in sorted({*points, *_DOORS}) if root in sys.modules and root not in own]
    asked: list[KeeperDoor] = []
    for root in own + loaded:
        door = _door(root, points) if root in own else _loaded_door(root, points)
        if door is not None and door not in asked:
            asked.append(door)
            keeper = door.keeper_for(thing)
            if keeper is not None:
                return keeper
    return None


def generators() -> dict[str, Keeper]:
    """The global sources of random numbers of all frameworks that are loaded, by their names."""
    points = _installed()
    found: dict[str, Keeper] = {}
    for root in sorted({*points, *_DOORS}):
        door = _loaded_door(root, points) if root in sys.modules else None
        if door is not None:
            found |= door.generators()
    return found


@cache
def _installed() -> Mapping[str, Any]:
    return installed(GROUP)


def _loaded_door(root: str, points: Mapping[str, Any]) -> KeeperDoor | None:
    """The door of a framework that is only in use beside another; None where it lacks something of its own."""
    with suppress(MissingExtra):
        return _door(root, points)
    return None


def _door(root: str, points: Mapping[str, Any]) -> KeeperDoor | None:
    if root not in _DOORS and root in points:
        opened(points[root], "the keepers", "run.keep")
        _DOORS[root] = cast("KeeperDoor", sys.modules[points[root].module])
    return _DOORS.get(root)
