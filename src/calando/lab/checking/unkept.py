"""What a run trained but did not name in `run.keep`, as far as its optimizers tell."""

from collections.abc import Iterable
from typing import Any

__all__ = ["unkept"]


def unkept(kept: Iterable[object], optimizers: Iterable[Any]) -> list[str]:
    """Remarks about parameters that an attached optimizer trains and that belong to nothing kept.

    >>> from types import SimpleNamespace
    >>> weight = SimpleNamespace(shape=(2, 3))
    >>> unkept([], [SimpleNamespace(param_groups=[{"params": [weight]}])])
    ['not kept: 1 of 1 tensors that the optimizer trains, the first of shape (2, 3), belong to nothing in run.keep']
    """
    known = {id(part) for thing in kept for part in _parts(thing)}
    if any(callable(getattr(thing, "get_weights", None)) for thing in kept):
        return []  # a framework whose objects hold copies: identity says nothing there
    remarks = []
    for optimizer in optimizers:
        groups = getattr(optimizer, "param_groups", None)
        if not isinstance(groups, list):
            continue
        trained = [part for group in groups for part in group.get("params", ()) if hasattr(part, "shape")]
        missing = [part for part in trained if id(part) not in known]
        if missing:
            first = tuple(missing[0].shape)
            remarks.append(
                f"not kept: {len(missing)} of {len(trained)} tensors that the optimizer trains, the first of shape"
                f" {first}, belong to nothing in run.keep"
            )
    if remarks and any(_opaque(thing) for thing in kept):
        return []  # what a pair of functions or an object of the user's own holds, nobody sees
    return remarks


def _opaque(thing: object) -> bool:
    if isinstance(thing, dict):
        return any(_opaque(part) for part in thing.values())
    if isinstance(thing, list | tuple):
        pair = type(thing) is tuple and len(thing) == 2 and not any(hasattr(part, "parameters") for part in thing)
        return (pair and all(callable(part) for part in thing)) or any(_opaque(part) for part in thing)
    if callable(getattr(thing, "parameters", None)) or hasattr(thing, "param_groups") or hasattr(thing, "shape"):
        return False
    state_dict = getattr(thing, "state_dict", None)
    if not callable(state_dict):
        return False
    try:
        return _has_arrays(state_dict())
    except Exception:  # noqa: BLE001 - an object of the user's may raise anything
        return True


def _has_arrays(state: object) -> bool:
    if isinstance(state, dict):
        return any(_has_arrays(part) for part in state.values())
    if isinstance(state, list | tuple):
        return any(_has_arrays(part) for part in state)
    return bool(getattr(state, "shape", ()))


def _parts(thing: object) -> Iterable[object]:
    """The tensors of a kept thing, as far as it shows them."""
    if isinstance(thing, dict):
        return [part for value in thing.values() for part in _parts(value)]
    if isinstance(thing, list | tuple):
        return [part for value in thing for part in _parts(value)]
    parameters = getattr(thing, "parameters", None)
    if callable(parameters):
        found: Iterable[object] = list(parameters())
        return found
    return [thing]
