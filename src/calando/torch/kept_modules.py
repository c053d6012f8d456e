"""How a module is kept: parameters, all buffers, extra states, and what is in training or frozen."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from calando.core.keepers import State
from calando.errors import LabError, shown
from calando.torch.kept_tensors import fill, from_plain, marked, to_plain

__all__ = ["ModuleKeeper", "bare"]


def bare(module: nn.Module) -> nn.Module:
    """The module inside torch.compile's and the data-parallel wrappers.

    >>> inside = nn.Linear(1, 1)
    >>> bare(nn.DataParallel(inside)) is inside
    True
    """
    while True:
        if isinstance(module, nn.parallel.DistributedDataParallel | nn.DataParallel):
            module = module.module
        elif "_orig_mod" in module._modules:
            module = module._modules["_orig_mod"]  # type: ignore[assignment]
        else:
            return module


class ModuleKeeper:
    """Keeps a module; numbers go back into the same tensors, so ties and optimizers stay as they are."""

    def __init__(self, module: nn.Module) -> None:
        self._module = bare(module)

    def capture(self) -> State:
        """Every parameter and buffer once, buffers that no state_dict holds among them."""
        module = self._module
        for name, parameter in module.named_parameters():
            if is_lazy(parameter):
                raise LabError(
                    given=f"the lazy parameter {name}, which has no shape yet",
                    allowed="modules that have seen a batch",
                    where="run.keep",
                    fix="pass one batch through the model before the loop",
                )
        extra = {
            name: to_plain(part.get_extra_state(), f"the extra state of {name or 'the module'}")
            for name, part in module.named_modules()
            if _has_extra(part)
        }
        return {
            "tensors": {name: to_plain(tensor, name) for name, tensor in _tensors(module)},
            "extra": extra,
            "resting": [name for name, part in module.named_modules() if not part.training],
            "frozen": [name for name, parameter in module.named_parameters() if not parameter.requires_grad],
        }

    def marks(self) -> dict[int, object]:
        """The version of every tensor by its memory."""
        return dict(mark for _, tensor in _tensors(self._module) for mark in marked(tensor))

    def restore(self, state: State) -> None:
        """Put everything back."""
        module, saved = self._module, state["tensors"]
        here = dict(_tensors(module))
        if here.keys() != saved.keys():
            raise LabError(
                given=f"a module with {shown(sorted(here.keys() ^ saved.keys()), 200)} in one of the two runs only",
                allowed="the module of the run that was kept",
                where="run.keep",
                fix="build the same model from the same settings",
            )
        for name, tensor in here.items():
            if is_lazy(tensor):
                tensor.materialize(saved[name].shape)
            elif not isinstance(tensor, nn.Parameter) and tuple(tensor.shape) != tuple(saved[name].shape):
                with torch.no_grad():  # a buffer that grows as the run goes on
                    tensor.resize_(saved[name].shape)
            fill(tensor, saved[name], name)
        parts = dict(module.named_modules())
        for name, kept in state["extra"].items():
            parts[name].set_extra_state(from_plain(kept, like=parts[name].get_extra_state()))
        resting = frozenset(state["resting"])
        for name, part in parts.items():
            part.training = name not in resting
        frozen = frozenset(state["frozen"])
        for name, parameter in module.named_parameters():
            if parameter.requires_grad == (name in frozen):
                parameter.requires_grad_(name not in frozen)


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _has_extra(part: Any) -> bool:
    return type(part).get_extra_state is not nn.Module.get_extra_state
