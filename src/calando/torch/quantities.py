"""Momentum, betas, weight decay and everything else that follows the same clock as the learning rate."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from torch import Tensor

from calando.errors import BadName, BadValue, did_you_mean, shown
from calando.torch.groups import Group, check_tensor, put

__all__ = ["InKey", "Setter", "Writer", "float_key", "writers_for"]

Setter: TypeAlias = Callable[[float], object]
"""What applies a quantity that no parameter group holds, such as a dropout rate."""


class Writer(Protocol):
    """Puts one quantity's value where it belongs."""

    def write(self, groups: Sequence[Group], value: float) -> None: ...

    def fits(self, group: Group) -> bool: ...

    def own(self, group: Group) -> Any: ...

    def keys(self, group: Group) -> tuple[str, ...]: ...

    def forget(self) -> None: ...


class InKey:
    """A quantity that is an entry of the group: momentum, weight_decay, eps, ..."""

    def __init__(self, key: str) -> None:
        self.key = key

    def write(self, groups: Sequence[Group], value: float) -> None:
        for group in groups:
            put(group, self.key, value)

    def fits(self, group: Group) -> bool:
        return _is_number(group.get(self.key))

    def own(self, group: Group) -> Any:
        return group[self.key]

    def keys(self, group: Group) -> tuple[str, ...]:
        return (self.key,)

    def forget(self) -> None:
        pass


class InBetas:
    """A quantity that is one of the `betas` of the Adam family."""

    def __init__(self, index: int) -> None:
        self.index = index

    def write(self, groups: Sequence[Group], value: float) -> None:
        index = self.index
        for group in groups:
            betas = group["betas"]
            if isinstance(betas[index], Tensor):
                betas[index].fill_(value)
            else:
                group["betas"] = type(betas)((*betas[:index], value, *betas[index + 1 :]))

    def fits(self, group: Group) -> bool:
        betas = group.get("betas")
        return isinstance(betas, tuple | list) and len(betas) > self.index and all(map(_is_number, betas))

    def own(self, group: Group) -> Any:
        return group["betas"][self.index]

    def keys(self, group: Group) -> tuple[str, ...]:
        return ("betas",)

    def forget(self) -> None:
        pass


class BySetter:
    """A quantity that the user applies; called only when the value changes."""

    def __init__(self, call: Setter) -> None:
        self.call = call
        self.last: float | None = None

    def write(self, groups: Sequence[Group], value: float) -> None:
        if value != self.last:
            self.call(value)
            self.last = value

    def fits(self, group: Group) -> bool:
        return True

    def own(self, group: Group) -> Any:
        return None

    def keys(self, group: Group) -> tuple[str, ...]:
        return ()

    def forget(self) -> None:
        self.last = None


def writers_for(
    names: Sequence[str], groups: Sequence[Group], indices: Sequence[int], setters: Mapping[str, Setter]
) -> dict[str, Writer]:
    """How each quantity besides "lr" reaches the groups of one schedule.

    `momentum` is the group's own momentum, or the first of its betas; `beta1` and `beta2` are its betas; any other
    name is a number that the group holds. A setter of the same name goes first.

    Raises:
        BadName: when a group has no place for a quantity and no setter takes it.
        BadValue: when the groups hold different values of their own, which one absolute value would erase.
    """
    writers: dict[str, Writer] = {}
    for name in names:
        if name == "lr":
            continue
        writer = _writer(name, groups[0] if groups else {}, setters)
        for i, group in zip(indices, groups, strict=True):
            if not writer.fits(group):
                raise _no_place(name, group, i)
            check_tensor(writer.own(group), f"optimizer.param_groups[{i}], {name}")
        _check_agree(name, writer, groups, indices)
        writers[name] = writer
    return writers


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Tensor) and not isinstance(value, bool)


def float_key(writers: Mapping[str, Writer], groups: Sequence[Group]) -> str | None:
    """The key of the one quantity besides "lr" where nothing in the groups is a tensor; see `Track.floats`."""
    keys = ["lr"]
    for writer in writers.values():
        if not isinstance(writer, InKey):
            return None
        keys.append(writer.key)
    if len(keys) > 2 or any(isinstance(group[key], Tensor) for group in groups for key in keys):
        return None
    return keys[1] if len(keys) == 2 else ""


def _writer(name: str, group: Group, setters: Mapping[str, Setter]) -> Writer:
    if name in setters:
        return BySetter(setters[name])
    if name in ("beta1", "beta2"):
        return InBetas(int(name[-1]) - 1)
    if name == "momentum" and "momentum" not in group and "betas" in group:
        return InBetas(0)
    return InKey(name)


def _no_place(name: str, group: Group, index: int) -> BadName:
    held = sorted(k for k in group if k not in ("params", "lr", "initial_lr") and InKey(k).fits(group))
    if InBetas(1).fits(group):
        held += ["beta1", "beta2", "momentum"]
    fix = "use beta1 and beta2" if name == "betas" else f"rename it, or pass setters={{{name!r}: function}}"
    return BadName(
        given=f"a schedule of {name!r} for a group that has no such number{did_you_mean(name, held)}",
        allowed=", ".join(held) or "lr alone",
        where=f"optimizer.param_groups[{index}]",
        fix=fix,
    )


def _check_agree(name: str, writer: Writer, groups: Sequence[Group], indices: Sequence[int]) -> None:
    own = [writer.own(group) for group in groups]
    if any(value is not own[0] and bool(value != own[0]) for value in own):
        told = ", ".join(f"group {i}: {shown(float(value))}" for i, value in zip(indices, own, strict=True))
        raise BadValue(
            given=f"one schedule of {name!r} over groups that differ in it ({told})",
            allowed="groups that agree, because a scheduled value is absolute and would erase the difference",
            where="attach(schedule)",
            fix="give those groups a schedule of their own: groups={index: schedule}",
        )
