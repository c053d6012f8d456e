"""What a run named to be kept: whose keeper each thing has, and in which order they are put back."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from calando.core.keepers import Keeper, State
from calando.errors import LabError
from calando.lab.held import Held
from calando.lab.snapshot.inside import inside_of
from calando.lab.snapshot.keepers import Value, leaves, refuse_odd_arrays
from calando.lab.snapshot.randomness import Randomness

__all__ = ["Memory"]


class Memory:
    """The objects and values of one run, and all sources of random numbers.

    >>> memory = Memory()
    >>> state = memory.hold({"n": 1})
    >>> memory.settle(None, [], [])
    >>> kept = memory.capture()
    >>> state.n = 2
    >>> memory.restore(kept)
    >>> state.n
    1
    """

    def __init__(self) -> None:
        self.named: dict[str, object] = {}
        self.unkept = ""
        self._values: dict[str, Value] = {}
        self._deferred: dict[str, LabError] = {}
        self._found: dict[str, list[tuple[str, object, Keeper]]] = {}
        self._things: dict[str, Keeper] = {}
        self._followers: dict[str, Keeper] = {}
        self.random = Randomness({})
        self.numbers: dict[str, float] = {}  # plain attributes of the loader and what it draws from, before the loop

    @property
    def names(self) -> tuple[str, ...]:
        """What is kept, by the user's names; nothing when something that has to be cannot."""
        return () if self.unkept else (*self.named, *self._values)

    def everything(self) -> list[object]:
        """What is held and kept, as it is now; an optimizer's state may lie in any of it."""
        return [*(value.get() for value in self._values.values()), *self.named.values()]

    def keep(self, objects: Mapping[str, object]) -> None:
        """Take objects that are put back in place.

        Raises:
            LabError: for one that nobody can keep, unless it may be the loader.
        """
        for name, thing in objects.items():
            self.named[name] = thing
            self._deferred.pop(name, None)
            self._found[name] = []
            if thing is None:
                continue
            try:
                self._found[name] = list(leaves(name, thing))
            except LabError as error:
                if not hasattr(type(thing), "__iter__"):
                    raise
                self._deferred[name] = error

    def hold(self, values: dict[str, Any]) -> Held:
        """Take values that are replaced.

        Raises:
            LabError: for an array of a kind that would come back as another.
        """
        for name, value in values.items():
            refuse_odd_arrays(name, value)
        held = Held(values)
        for name in values:
            self._values[name] = Value(name, partial(getattr, held, name), partial(setattr, held, name))
        return held

    def settle(self, loader: object, optimizers: Iterable[object], schedulers: Iterable[object]) -> None:
        """Find a keeper for everything: what was named, and whatever the run's schedule drives.

        The loader's position is not kept here; its own generators are.

        Raises:
            LabError: for something named that nobody can keep.
        """
        if not self.named and not self._values:
            return
        things = [leaf for name, found in self._found.items() if self.named[name] is not loader for leaf in found]
        for name, error in self._deferred.items():
            if self.named[name] is not loader:
                raise error
        known = {id(thing) for _, thing, _ in things}
        known |= {id(thing) for _, _, keeper in things for thing in getattr(keeper, "covers", ())}
        driven = [scheduler for scheduler in schedulers if id(scheduler) not in known]
        try:
            for place, optimizer in enumerate(optimizers):
                pure = getattr(optimizer, "pure", False)
                if not pure and id(optimizer) not in known and not any(optimizer is one for one in driven):
                    things += leaves(f"attached optimizer {place}", optimizer)
            for place, scheduler in enumerate(driven):
                ((_, _, keeper),) = leaves(f"attached scheduler {place}", scheduler)
                self._followers[str(place)] = keeper
        except LabError as error:
            self.unkept = f"{error.given} cannot be kept"
            return
        self._things = {path: keeper for path, thing, keeper in things if not any(thing is one for one in driven)}
        self._things |= _generators_of(loader)
        self.numbers = {}
        if (inside := inside_of(loader)) is not None:
            self._things["inside the loader"] = inside
            self.numbers = inside.numbers()
        sources = {path: keeper for path, keeper in self._things.items() if getattr(keeper, "random", False)}
        self._things = {path: keeper for path, keeper in self._things.items() if path not in sources}
        self.random = Randomness(sources)

    def parts(self) -> list[object]:
        """Everything that was named, and what is kept by itself inside of it."""
        return [*self.named.values(), *(thing for found in self._found.values() for _, thing, _ in found)]

    def keepers(self) -> list[Keeper]:
        """The keepers of everything that is kept in place."""
        return [*self._things.values(), *self._followers.values(), *self.random.keepers()]

    def draw_also(self, sources: Mapping[str, Keeper]) -> None:
        """Take further sources of random numbers, or of what is put back with them, by their paths."""
        self.random = self.random.also(sources)

    def try_generators(self) -> None:
        """Find out before the first pass whether all sources of random numbers can be read."""
        try:
            self.random.capture()
        except LabError as error:
            self.unkept = error.given + " cannot be kept; " + error.fix

    def layout(self) -> list[str]:
        """The paths of everything kept, to tell whether two runs keep the same."""
        return [*sorted(self._things), *sorted(self._values), *sorted(self._followers)]

    def capture(self) -> State:
        """Everything but the sources of random numbers, which `random` has."""
        return {
            "kept": {path: keeper.capture() for path, keeper in self._things.items()},
            "held": {name: value.capture() for name, value in self._values.items()},
            "attached": {place: keeper.capture() for place, keeper in self._followers.items()},
        }

    def restore(self, state: State) -> None:
        """Put everything back; schedulers last, for their schedule says which rates are in force from here on."""
        for path, keeper in self._things.items():
            keeper.restore(state["kept"][path])
        for name, value in self._values.items():
            value.restore(state["held"][name])
        for place, follower in self._followers.items():
            follower.restore(state["attached"][place])


def _generators_of(loader: object) -> dict[str, Keeper]:
    from calando.core.keepers import keeper_for

    if loader is None or isinstance(loader, list | tuple | range | str):
        return {}
    keeper = keeper_for(loader)
    return {"the loader": keeper} if keeper is not None and getattr(keeper, "random", False) else {}
