"""How an optimizer is kept: every number of its groups, and every state of its parameters, as they are."""

from typing import Any

import torch
from torch import Tensor

from calando.core.keepers import Array, State
from calando.errors import LabError
from calando.torch.kept_tensors import fill, from_plain, marked, to_plain

__all__ = ["OptimizerKeeper"]


class OptimizerKeeper:
    """Keeps an optimizer.

    PyTorch's own load_state_dict casts states to the type of their parameter and makes new tensors; here each state
    keeps its type and place, and tensors that are there already (capturable rates, buffers that were made before the
    first update) are filled.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer

    def capture(self) -> State:
        """The groups without their parameters, and the states by the parameters' places in the groups."""
        optimizer = self._optimizer
        places = {id(parameter): place for place, parameter in enumerate(self._parameters())}
        states: dict[Any, State] = {}
        for owner, state in optimizer.state.items():
            place = places.get(id(owner)) if isinstance(owner, Tensor) else owner
            if place is None or (not isinstance(place, str) and not isinstance(owner, Tensor)):
                raise LabError(
                    given=f"a state of {type(optimizer).__name__} for something that is no parameter in its groups",
                    allowed="states of the parameters in the groups",
                    where="run.keep",
                    fix="remove the states of parameters that were taken out of the groups",
                )
            states[place] = {
                "values": to_plain(state, f"the state of {type(optimizer).__name__}"),
                "devices": _devices(state) if isinstance(owner, Tensor) else {},
            }
        groups = [
            {key: to_plain(value, f"param_groups[{place}][{key!r}]") for key, value in group.items() if key != "params"}
            for place, group in enumerate(optimizer.param_groups)
        ]
        return {"groups": groups, "sizes": [len(group["params"]) for group in optimizer.param_groups], "states": states}

    def restore(self, state: State) -> None:
        """Put everything back; the parameters stay the ones that the optimizer has."""
        optimizer = self._optimizer
        sizes = [len(group["params"]) for group in optimizer.param_groups]
        if sizes != state["sizes"]:
            raise LabError(
                given=f"parameter groups of {sizes} parameters where the run that was kept had {state['sizes']}",
                allowed="the groups of the run that was kept",
                where="run.keep",
                fix="build the same optimizer over the same parameters",
            )
        for group, saved in zip(optimizer.param_groups, state["groups"], strict=True):
            for key, value in saved.items():
                group[key] = _in_place(group.get(key), value, key)
        parameters = self._parameters()
        states: Any = optimizer.state
        before = dict(states)
        states.clear()
        for place, saved in state["states"].items():
            if isinstance(place, str):
                states[place] = from_plain(saved["values"], like=before.get(place))
                continue
            owner = parameters[place]
            known = before.get(owner, {})
            states[owner] = {
                key: _state(known.get(key), value, owner, saved["devices"].get(key, "beside"), key)
                for key, value in saved["values"].items()
            }

    def marks(self) -> dict[int, object]:
        """The version of every tensor of its states by its memory; those of a step that is a number by the state."""
        found: dict[int, object] = {}
        for state in self._optimizer.state.values():
            for value in state.values() if isinstance(state, dict) else ():
                for tensor in value if isinstance(value, list | tuple) else (value,):
                    if isinstance(tensor, Tensor):
                        found |= marked(tensor)
            if isinstance(state, dict) and isinstance(step := state.get("step"), int):
                found[id(state)] = (step, state)
        return found

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self._optimizer.param_groups for parameter in group["params"]]


def _devices(state: Any) -> dict[str, str]:
    """Which tensors of a parameter's state lie on the CPU though the parameter may not."""
    if not isinstance(state, dict):
        return {}
    return {key: "cpu" for key, value in state.items() if isinstance(value, Tensor) and value.device.type == "cpu"}


def _state(known: Any, saved: State, owner: Tensor, where: str, key: str) -> Any:
    """One entry of a parameter's state, laid out in memory as its parameter is where it has its shape."""
    if not isinstance(saved, Array):
        on = owner.device if _holds_arrays(saved) else None
        return from_plain(saved, like=known, device=on)
    if isinstance(known, Tensor) and tuple(known.shape) == tuple(saved.shape):
        fill(known, saved, key)
        return known
    fresh: Tensor = from_plain(saved)
    on_cpu = where == "cpu" and (fresh.dim() == 0 or owner.device.type == "cpu")
    device = torch.device("cpu") if on_cpu else owner.device
    if fresh.shape == owner.shape:
        made = torch.empty_like(owner, dtype=fresh.dtype, device=device, memory_format=torch.preserve_format)
        made = made.detach()
        made.copy_(fresh)
        return made
    return fresh.to(device)


def _holds_arrays(state: State) -> bool:
    if isinstance(state, Array):
        return True
    inside = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return any(_holds_arrays(item) for item in inside)


def _in_place(known: Any, saved: State, key: str) -> Any:
    """A group's entry: numbers into the tensor that is there, else a value like the one that was kept."""
    if isinstance(saved, Array):
        if isinstance(known, Tensor):
            fill(known, saved, f"the group's {key}")
            return known
        return from_plain(saved)
    if isinstance(known, Tensor) and isinstance(saved, int | float):
        with torch.no_grad():
            return known.fill_(saved)
    if isinstance(saved, tuple | list) and isinstance(known, tuple | list) and len(known) == len(saved):
        return type(saved)(_in_place(part, item, key) for part, item in zip(known, saved, strict=True))
    return from_plain(saved, like=known)
