"""What a group held before it was scheduled, and the tensors that stay the same objects while it is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from calando.torch.groups import Group, put, remember

if TYPE_CHECKING:
    from calando.torch.quantities import Writer

__all__ = ["hand_back", "held_before", "put_back", "scheduled_tensors"]

Held = dict[str, Any]


def held_before(group: Group, writers: Mapping[str, "Writer"], tensors: bool) -> Held:
    """What a schedule will write over in a group, for `hand_back`: each entry beside the numbers in its tensors."""
    keys = {key for writer in writers.values() for key in writer.keys(group)} | (
        {"lr", "foreach"} if tensors else set()
    )
    return {key: kept for key, kept in remember([group])[0].items() if key in keys}


def hand_back(groups: Sequence[Group], bases: Sequence[float], before: Sequence[Held]) -> None:
    """Give groups what they held, with their base as the learning rate."""
    for group, base, held in zip(groups, bases, before, strict=False):
        for key, (value, numbers) in held.items():
            group[key] = value
            for tensor, number in numbers:
                tensor.detach().copy_(number)
        put(group, "lr", base)
        group.pop("initial_lr", None)


def scheduled_tensors(group: Group, writers: Mapping[str, "Writer"]) -> Held:
    """The tensors that a schedule fills in a group, by key."""
    keys = {"lr", *(key for writer in writers.values() for key in writer.keys(group))}
    return {key: group[key] for key in sorted(keys)}


def put_back(groups: Sequence[Group], kept: Sequence[Held]) -> None:
    """Put tensors back where a load put others, with the numbers that were loaded.

    >>> import torch
    >>> rate = torch.tensor(0.5)
    >>> group = {"lr": torch.tensor(0.25)}
    >>> put_back([group], [{"lr": rate}])
    >>> group["lr"] is rate, rate
    (True, tensor(0.2500))
    """
    for group, held in zip(groups, kept, strict=False):
        for key, mine in held.items():
            found = group.get(key)
            if found is mine:
                continue
            inside = mine if isinstance(mine, tuple | list) else (mine,)
            given = found if isinstance(found, tuple | list) else (found,)
            for tensor, number in zip(inside, given, strict=False):
                if isinstance(number, Tensor):
                    tensor.copy_(number)
                elif isinstance(number, int | float):
                    tensor.fill_(number)
            group[key] = mine
