"""What a loader draws its order from: generators and counters in its sampler, its data set and itself."""

from random import Random
from typing import Any

from calando.core.keepers import State, keeper_for
from calando.lab.snapshot.keepers import leaves

__all__ = ["Inside", "inside_of"]

PARTS = ("sampler", "batch_sampler", "dataset", "datasets", "transform", "transforms", "target_transform", "collate_fn")
DEPTH = 4


class Inside:
    """Keeps the generators and the plain numbers that are attributes of some objects.

    >>> class Loader:
    ...     epoch = 0
    ...     def __iter__(self):
    ...         self.epoch += 1
    ...         yield self.epoch
    >>> loader = Loader()
    >>> inside, _ = inside_of(loader), list(loader)
    >>> kept, _ = inside.capture(), list(loader)
    >>> inside.restore(kept)
    >>> loader.epoch
    1
    """

    random = True

    def __init__(self, owners: dict[str, Any]) -> None:
        self._owners = owners

    def numbers(self) -> dict[str, float]:
        """The plain numbers now, by path."""
        found = {}
        for path, owner in self._owners.items():
            for name, value in vars(owner).items():
                if type(value) in (bool, int, float):
                    found[f"{path}.{name}"] = value
        return found

    def capture(self) -> State:
        """Where all of them stand."""
        generators = {path: keeper.capture() for path, keeper in self._generators()}
        return {"numbers": self.numbers(), "generators": generators}

    def restore(self, state: State) -> None:
        """Put them back."""
        now = self.numbers()
        for where, kept in state["numbers"].items():
            path, _, name = where.rpartition(".")
            if path in self._owners and now.get(where) != kept:
                setattr(self._owners[path], name, kept)
        for path, keeper in self._generators():
            if path in state["generators"]:
                keeper.restore(state["generators"][path])

    def _generators(self) -> list[tuple[str, Any]]:
        found = []
        for path, owner in self._owners.items():
            for name, value in vars(owner).items():
                if isinstance(value, Random) or type(value).__module__.startswith("numpy.random"):
                    found += [(where, keeper) for where, _, keeper in leaves(f"{path}.{name}", value)]
                elif type(value).__name__ == "Generator" and (keeper := keeper_for(value)) is not None:
                    found.append((f"{path}.{name}", keeper))
        return found


def inside_of(loader: object) -> Inside | None:
    """The keeper of what a loader draws from; None where there is nothing, or the loader tells its own position."""
    told = callable(getattr(loader, "state_dict", None)) and callable(getattr(loader, "load_state_dict", None))
    if loader is None or told:
        return None
    owners: dict[str, Any] = {}
    _walk("loader", loader, owners, DEPTH)
    if keeper_for(loader) is not None:  # a framework's own: what it remembers is its business, its parts are the user's
        owners.pop("loader", None)
    return Inside(owners) if owners else None


def _walk(path: str, thing: object, owners: dict[str, Any], depth: int) -> None:
    if isinstance(thing, list | tuple) and depth and len(thing) < 100:
        for place, part in enumerate(thing):
            _walk(f"{path}/{place}", part, owners, depth - 1)
        return
    if callable(getattr(thing, "parameters", None)) or not isinstance(getattr(thing, "__dict__", None), dict):
        return
    if isinstance(thing, type) or any(thing is known for known in owners.values()):
        return
    owners[path] = thing
    for name in PARTS if depth else ():
        if (part := vars(thing).get(name)) is not None:
            _walk(f"{path}.{name}", part, owners, depth - 1)
