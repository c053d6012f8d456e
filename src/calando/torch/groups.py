"""Parameter groups: reading base learning rates out of them, and writing values into them in place."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from torch import Tensor

from calando.errors import BadValue, shown

__all__ = [
    "Group",
    "HasGroups",
    "bases_of",
    "check_optimizer",
    "check_tensor",
    "chosen_bases",
    "put",
    "put_initial",
    "recall",
    "remember",
    "separate",
]

Group: TypeAlias = dict[str, Any]


class HasGroups(Protocol):
    """All that a scheduler asks of an optimizer: the real one, or a wrapper that shows its groups."""

    @property
    def param_groups(self) -> list[Group]: ...


def number(value: object, where: str, *, above: bool = False) -> float:
    """A finite float >= 0 (or > 0) out of a Python, NumPy or one-element tensor number.

    Raises:
        BadValue: for anything else.
    """
    allowed = f"a finite number {'>' if above else '>='} 0"
    result = math.nan
    if not isinstance(value, str | bytes | bool):
        try:
            result = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError, RuntimeError):
            result = math.nan
    if not math.isfinite(result) or result < 0 or (above and result == 0):
        raise BadValue(
            given=f"{shown(value)} ({type(value).__name__})",
            allowed=allowed,
            where=where,
            fix="give a plain learning rate such as 3e-4",
        )
    return result + 0.0


def check_optimizer(optimizer: object) -> list[Group]:
    """The groups of an optimizer, or of anything that shows `param_groups` like one.

    Raises:
        BadValue: when it has none, or a group has no learning rate.
    """
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list | tuple) or not groups or not all(isinstance(g, dict) for g in groups):
        raise BadValue(
            given=f"{shown(optimizer)} ({type(optimizer).__name__})",
            allowed="a torch.optim.Optimizer, or a wrapper with param_groups",
            where="attach(optimizer)",
            fix="pass the optimizer first, then the schedule: attach(optimizer, schedule)",
        )
    for i, group in enumerate(groups):
        if "lr" not in group:
            raise BadValue(
                given=f"a group with {shown(sorted(str(k) for k in group if k != 'params'))}",
                allowed="groups that have 'lr'",
                where=f"optimizer.param_groups[{i}]",
                fix="give the group a learning rate",
            )
        check_tensor(group["lr"], f"optimizer.param_groups[{i}]['lr']")
    return groups  # type: ignore[return-value]


def check_tensor(value: object, where: str) -> None:
    """Refuse a tensor that cannot be filled with a scheduled number; anything else passes.

    Raises:
        BadValue: for a tensor of whole numbers, of several numbers, without memory, or one that a gradient is asked of.
    """
    if not isinstance(value, Tensor):
        return
    faults = {
        f"a tensor of {value.dtype}, which would round every value": not value.dtype.is_floating_point,
        f"a tensor of {value.numel()} numbers": value.numel() != 1,
        "a tensor without memory (meta)": value.is_meta,
        "a tensor with requires_grad=True": value.requires_grad,
    }
    for fault, found in faults.items():
        if found:
            raise BadValue(
                given=fault,
                allowed="a float, or a floating-point tensor of one number that no gradient is asked of",
                where=where,
                fix="give torch.tensor(0.1), or a plain number",
            )


def bases_of(groups: Sequence[Group], first: int, known: Sequence[float] = ()) -> list[float]:
    """The base of each group from `first` on: its `initial_lr` where it has one, else its own `lr`.

    `Optimizer.add_param_group` hands a new group the default tensor, which is the very tensor that an older group's
    scheduled rate lives in; such a group's base is the older group's base, not the rate of the moment.
    """
    bases = list(known)
    for i in range(first, len(groups)):
        group = groups[i]
        owner = owner_of(groups, i)
        if "initial_lr" in group:
            bases.append(number(group["initial_lr"], f"optimizer.param_groups[{i}]['initial_lr']"))
        elif owner is not None:
            bases.append(bases[owner])
        else:
            bases.append(number(group["lr"], f"optimizer.param_groups[{i}]['lr']"))
    return bases[len(known) :]


def owner_of(groups: Sequence[Group], index: int) -> int | None:
    """The first group whose LR tensor this group shares, or None."""
    lr = groups[index]["lr"]
    if isinstance(lr, Tensor):
        for i in range(index):
            if groups[i]["lr"] is lr:
                return i
    return None


def separate(groups: Sequence[Group]) -> None:
    """Give a tensor of its own to every group that shares an earlier group's tensor (lr, betas, ...).

    Filling a shared tensor in place would write one group's value into another.
    """
    seen: set[int] = set()
    for group in groups:
        for key, value in group.items():
            if key == "params":
                continue
            if isinstance(value, Tensor):
                if id(value) in seen:
                    group[key] = value.detach().clone()
                seen.add(id(value))
            elif isinstance(value, tuple) and any(isinstance(v, Tensor) for v in value):
                group[key] = tuple(v.detach().clone() if isinstance(v, Tensor) and id(v) in seen else v for v in value)
                seen.update(id(v) for v in value if isinstance(v, Tensor))


def put(group: Group, key: str, value: float) -> None:
    """Write a number: a tensor is filled and stays the same object, anything else becomes the float.

    >>> import torch
    >>> rate = torch.tensor(0.1)
    >>> group = {"lr": rate}
    >>> put(group, "lr", 0.5)
    >>> group["lr"] is rate, rate.item()
    (True, 0.5)
    """
    old = group.get(key)
    if isinstance(old, Tensor):
        old.fill_(value)
    else:
        group[key] = value


def put_initial(group: Group, base: float) -> None:
    """Record the base where PyTorch keeps it, as a tensor of its own where the LR is one."""
    lr = group["lr"]
    group["initial_lr"] = lr.detach().clone().fill_(base) if isinstance(lr, Tensor) else base


def remember(groups: Sequence[Group]) -> list[Group]:
    """Everything in the groups but their parameters, for `recall`: each entry beside the numbers in its tensors."""
    return [{k: (v, _numbers(v)) for k, v in group.items() if k != "params"} for group in groups]


def recall(groups: Sequence[Group], kept: Sequence[Group]) -> None:
    """Put groups back as they were when they were remembered: the same objects with the same numbers.

    >>> import torch
    >>> rate = torch.tensor(0.5)
    >>> group = {"lr": rate}
    >>> kept = remember([group])
    >>> group["initial_lr"] = 1.0
    >>> put(group, "lr", 2.0)
    >>> recall([group], kept)
    >>> group["lr"] is rate, group
    (True, {'lr': tensor(0.5000)})
    """
    for group, old in zip(groups, kept, strict=False):
        for key in [key for key in group if key != "params" and key not in old]:
            del group[key]
        for key, (value, numbers) in old.items():
            group[key] = value
            for tensor, number in numbers:
                tensor.detach().copy_(number)


def _numbers(value: object) -> list[tuple[Tensor, Tensor]]:
    inside = value if isinstance(value, tuple | list) else [value]
    return [(tensor, tensor.detach().clone()) for tensor in inside if isinstance(tensor, Tensor)]


def scaled_to(peak: float, bases: Sequence[float]) -> list[float]:
    """The bases times one number, such that the largest is the peak.

    >>> scaled_to(0.2, [0.1, 0.01])
    [0.2, 0.02]
    """
    largest = max(bases)
    if largest == 0:
        raise BadValue(
            given="a peak over groups that all have lr=0",
            allowed="at least one group with lr > 0, whose ratio to the others is kept",
            where="attach(peak)",
            fix="give bases=[...], one per group, instead of peak",
        )
    return [peak if base == largest else base / largest * peak for base in bases]


def chosen_bases(groups: Sequence[Group], peak: object, bases: object) -> list[float]:
    """One base per group from what the user asked: a peak, a list, or the optimizer's own rates.

    Raises:
        BadValue: for both at once, a list of another size, or numbers that are no learning rates.
    """
    if bases is None:
        own = bases_of(groups, 0)
        return own if peak is None else scaled_to(number(peak, "attach(peak)", above=True), own)
    if peak is not None:
        raise BadValue(
            given="peak and bases together",
            allowed="one of them: peak keeps the groups' ratios, bases sets every group",
            where="attach",
            fix="drop peak, or drop bases",
        )
    if isinstance(bases, str | bytes | Mapping) or not isinstance(bases, Sequence) or len(bases) != len(groups):
        raise BadValue(
            given=f"bases={shown(bases)}",
            allowed=f"a list of {len(groups)} numbers, one per parameter group",
            where="attach(bases)",
            fix="give one base per group, or peak=... to keep their ratios",
        )
    return [number(base, f"attach(bases[{i}])") for i, base in enumerate(bases)]
