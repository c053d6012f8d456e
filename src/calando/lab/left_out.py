"""What frameworks' objects in the variables around the loop change, though nothing keeps them: a metric, an average."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from calando.core.keepers import Keeper
from calando.errors import CalandoError
from calando.lab.snapshot.keepers import leaves

__all__ = ["LeftOut"]


class LeftOut:
    """Objects with parts that can change in place, as they stood when the loop began.

    Args:
        variables: those around the loop, by name.
        keepers: gives the keepers of all that the run keeps; what these have is not left out.

    >>> class Counter:
    ...     count = 0
    >>> class Counting:  # what a front door gives
    ...     def __init__(self, thing): self.thing = thing
    ...     def capture(self): return self.thing.count
    ...     def restore(self, state): self.thing.count = state
    ...     def marks(self): return {id(self.thing): self.thing.count}
    >>> from calando.core.keepers import register_keepers
    >>> from types import SimpleNamespace
    >>> door = SimpleNamespace(generators=dict, keeper_for=lambda x: Counting(x) if isinstance(x, Counter) else None)
    >>> register_keepers(Counter.__module__, door)
    >>> seen = Counter()
    >>> around = LeftOut({"seen": seen}, lambda: [])
    >>> seen.count = 1
    >>> around.changed()
    ['seen']
    """

    def __init__(self, variables: Mapping[str, Any], keepers: Callable[[], Iterable[Keeper]]) -> None:
        self._keepers = keepers
        self._found = {name: mine for name, value in variables.items() if (mine := _marking(name, value))}
        self._marks = {name: _marks(mine) for name, mine in self._found.items()}
        self._changed: list[str] = []

    def changed(self) -> list[str]:
        """The variables of which something has changed; once found, they are not looked for again."""
        if self._found and not self._changed:
            kept = _marks(self._keepers()).keys()
            self._changed = [name for name in self._found if self._differs(name, kept)]
        return self._changed

    def _differs(self, name: str, kept: Iterable[int]) -> bool:
        was, now = self._marks[name], _marks(self._found[name])
        return any(part not in kept and not _same(was.get(part), mark) for part, mark in now.items())


def _marking(name: str, value: Any) -> list[Keeper]:
    found: list[Keeper] = []
    try:
        found.extend(keeper for _, _, keeper in leaves(name, value) if hasattr(keeper, "marks"))
    except CalandoError:  # something in it that nobody keeps
        return found
    return found


def _marks(keepers: Iterable[Any]) -> dict[int, object]:
    """A mark of every part, by what tells it from all others; without those that cannot be read yet."""
    found: dict[int, object] = {}
    for keeper in keepers:
        if hasattr(keeper, "marks"):
            try:
                found |= keeper.marks()
            except CalandoError:  # not built yet
                continue
    return found


def _same(was: object, now: object) -> bool:
    return was is now or (isinstance(was, int) and was == now)
