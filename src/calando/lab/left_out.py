"""What objects in the variables around the loop change, though nothing keeps them: a metric, an average, moments."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from calando.core.keepers import Keeper
from calando.errors import CalandoError
from calando.lab.boxes import PLAIN
from calando.lab.remembered import is_own
from calando.lab.snapshot.keepers import keeper_of

__all__ = ["LeftOut", "is_open"]

MANY = 1000  # so much is looked at in one variable
DEPTH = 4


class LeftOut:
    """Objects with parts that can change in place, as they stood when the loop began.

    Args:
        variables: those around the loop, by name.
        keepers: gives the keepers of all that the run keeps; what these have is not left out.

    >>> class Tally:
    ...     count = 0
    >>> class Counting:  # what a front door gives
    ...     def __init__(self, thing): self.thing = thing
    ...     def capture(self): return self.thing.count
    ...     def restore(self, state): self.thing.count = state
    ...     def marks(self): return {id(self.thing): self.thing.count}
    >>> from calando.core.keepers import register_keepers
    >>> from types import SimpleNamespace
    >>> door = SimpleNamespace(generators=dict, keeper_for=lambda x: Counting(x) if "Tally" in str(type(x)) else None)
    >>> register_keepers(Tally.__module__, door)
    >>> seen = Tally()
    >>> around = LeftOut({"seen": seen}, lambda: [])
    >>> seen.count = 1
    >>> around.changed()
    ['seen']
    """

    def __init__(self, variables: Mapping[str, Any], keepers: Callable[[], Iterable[Keeper]]) -> None:
        self._keepers = keepers
        self._values = {name: value for name, value in variables.items() if next(_marking(value), None) is not None}
        self._marks = {name: _marks(_marking(value)) for name, value in self._values.items()}
        self._changed: list[str] = []

    def changed(self) -> list[str]:
        """The variables of which something has changed; once found, they are not looked for again."""
        if self._values and not self._changed:
            kept = frozenset(part for keeper in self._keepers() for part in _parts(keeper))
            self._changed = [name for name in self._values if self._differs(name, kept)]
        return self._changed

    def _differs(self, name: str, kept: frozenset[int]) -> bool:
        """Whether something is another than it was; what stands there now is asked, for it may have been replaced."""
        was = self._marks[name]
        left = (one for one in _marking(self._values[name]) if not kept.issuperset(_parts(one)))
        return any(part not in kept and not _same(was.get(part), mark) for part, mark in _marks(left).items())


def is_open(value: object) -> bool:
    """Whether an object of the user's is no more than its attributes: nobody can keep it, and it is no loader or data.

    >>> class Book:
    ...     __module__ = "yours"
    >>> class Pages(Book):
    ...     def __getitem__(self, place): return place
    >>> is_open(Book()), is_open(Pages())
    (True, False)
    """
    data = hasattr(type(value), "__iter__") or hasattr(type(value), "__getitem__")
    return not data and is_own(value) and _keeper(value) is None


def _marking(value: object) -> Iterator[Any]:
    """Who can tell whether something in a value has changed; in lists, dicts and objects of the user's, too."""
    return (keeper for thing in islice(_inside(value, DEPTH), MANY) if hasattr(keeper := _keeper(thing), "marks"))


def _inside(value: Any, depth: int) -> Iterator[object]:
    if type(value) in PLAIN:
        return
    if isinstance(value, dict | list | tuple | set | deque):
        for part in value.values() if isinstance(value, dict) else value:
            if depth:
                yield from _inside(part, depth - 1)
        return
    yield value
    if depth and is_open(value):
        yield from _inside(vars(value), depth - 1)


def _keeper(thing: object) -> Keeper | None:
    try:
        return keeper_of(thing)
    except CalandoError:  # a framework that lacks something of its own
        return None


def _parts(keeper: Any) -> Iterable[int]:
    """What tells the parts of an object from all others, without a look at the numbers where that can be."""
    try:
        if hasattr(keeper, "parts"):
            return list(keeper.parts())
        return list(keeper.marks()) if hasattr(keeper, "marks") else []
    except CalandoError:  # not built yet
        return []


def _marks(keepers: Iterable[Any]) -> dict[int, object]:
    """A mark of every part, by what tells it from all others; without those that cannot be read yet."""
    found: dict[int, object] = {}
    for keeper in keepers:
        try:
            found |= keeper.marks()
        except CalandoError:  # not built yet
            continue
    return found


def _same(was: object, now: object) -> bool:
    if isinstance(was, tuple) and isinstance(now, tuple):
        was, now = was[0], now[0]  # the rest is only held on to
    return was is now or (isinstance(was, int) and was == now)
