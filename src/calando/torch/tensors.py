"""Scheduled numbers in tensors, filled in place: what was compiled or captured reads the new value and stays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import SGD

from calando.core.hosts import innermost
from calando.errors import BadValue, shown
from calando.torch.groups import Group

if TYPE_CHECKING:
    from calando.torch.quantities import Writer

__all__ = ["Dial", "check_tensors", "dial", "into_tensors", "start_buffers"]

_SIGN = {Tensor.__ne__: True, Tensor.ne: True, Tensor.__gt__: True, Tensor.gt: True}
_SIGN |= {Tensor.__eq__: False, Tensor.eq: False}


class Dial(Tensor):
    """A number that a schedule turns, where an optimizer asks whether it is 0 before it uses it.

    `if momentum != 0` over a plain tensor cannot be compiled: the answer is data. A dial is there because its value
    changes, so the answer is yes; for all else it is the plain 0-d tensor that it holds, and that is what is saved.
    """

    plain: Tensor

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Answer comparisons with 0; do everything else with the plain tensor."""
        if func in _SIGN and isinstance(args[1], int | float) and args[1] == 0:
            return _SIGN[func]
        given = [arg.plain if isinstance(arg, Dial) else arg for arg in args]
        named = {key: arg.plain if isinstance(arg, Dial) else arg for key, arg in (kwargs or {}).items()}
        if func is Tensor.add and isinstance(named.get("alpha"), Tensor):
            return func(given[0], given[1] * named["alpha"])  # a tensor as alpha would be read out, and end the graph
        return func(*given, **named)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Dial":
        return dial(self.plain.detach().clone())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.plain.__reduce_ex__(protocol)  # type: ignore[no-untyped-call]


def dial(plain: Tensor) -> Dial:
    """A dial over the memory of a plain tensor.

    >>> momentum = dial(torch.tensor(0.0))
    >>> momentum != 0, float(momentum.fill_(0.5)), momentum * 2
    (True, 0.5, tensor(1.))
    """
    made = plain.as_subclass(Dial)
    made.plain = plain
    return made


def into_tensors(groups: Sequence[Group], chosen: Sequence[int], writers: Mapping[str, "Writer"]) -> None:
    """Put the learning rate of some groups, and what the writers write, into 0-d tensors; what is one already stays.

    Raises:
        BadValue: for an optimizer that cannot read it from a tensor.
    """
    for i in chosen:
        group = groups[i]
        keys = {key for writer in writers.values() for key in writer.keys(group)}
        _check(group, i, keys)
        device = _device(group, groups)
        exact = device.type == "cpu" and not group.get("fused")  # as exact as the float was; others want float32
        kind = torch.float64 if exact else torch.float32
        group["lr"] = _tensor(group["lr"], kind, device)
        if "betas" in keys and not all(isinstance(beta, Tensor) for beta in group["betas"]):
            group["betas"] = tuple(_tensor(beta, kind, device) for beta in group["betas"])
        for key in sorted(keys - {"betas"}):
            if not isinstance(group[key], Dial):
                group[key] = dial(_tensor(group[key], kind, device))
            if "foreach" in group:
                group["foreach"] = False  # the foreach functions do not ask a dial what it is


def _check(group: Group, index: int, keys: set[str]) -> None:
    dials = sorted(keys - {"betas"})
    if group.get("fused") and keys:
        fault, fix = f"fused=True with a schedule of {', '.join(sorted(keys))}", "drop fused=True"
    elif group.get("foreach") and dials:
        fault, fix = f"foreach=True with a schedule of {', '.join(dials)}", "drop foreach=True"
    elif group.get("foreach") and "betas" in group and not group.get("capturable"):
        fault, fix = "foreach=True without capturable=True", "drop foreach=True, or add capturable=True"
    else:
        return
    raise BadValue(
        given=fault,
        allowed="an optimizer that reads these numbers from tensors: PyTorch's fused and foreach forms do not",
        where=f"attach(tensors=True), optimizer.param_groups[{index}]",
        fix=fix,
    )


def _device(group: Group, groups: Sequence[Group]) -> torch.device:
    """Where capturable code wants its numbers: beside the group's parameters; without any, beside the others'."""
    if group.get("capturable"):
        for parameter in (parameter for some in (group, *groups) for parameter in some.get("params", ())):
            return torch.device(parameter.device)
    return torch.device("cpu")


def _tensor(value: Any, kind: torch.dtype, device: torch.device) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=kind, device=device)


def start_buffers(optimizer: object) -> None:
    """Give SGD its momentum buffers before the first update, as zeros, so that this is no graph of its own.

    Without dampening 0 * momentum + gradient is the gradient, which is what the first update puts there. With dampening
    it is not, and nothing is done. (A momentum of 0, at which PyTorch keeps no buffer, is refused when attaching.)
    """
    inside = innermost(optimizer)
    if not isinstance(inside, SGD):
        return
    for group in inside.param_groups:
        if group["momentum"] != 0 and group["dampening"] == 0:
            for parameter in group["params"]:
                state = inside.state[parameter]
                if state.get("momentum_buffer") is None:
                    state["momentum_buffer"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)


def check_tensors(value: object) -> bool:
    """The option of `attach`, or BadValue."""
    if not isinstance(value, bool):
        raise BadValue(
            given=f"tensors={shown(value)}",
            allowed="True or False",
            where="attach(tensors)",
            fix="write tensors=True for a compiled or captured optimizer",
        )
    return value
