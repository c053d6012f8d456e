"""Plain data with arrays in it, as strict JSON and a set of named arrays; and back, exactly."""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from calando.core.keepers import Array, State
from calando.errors import BadFile, LabError, shown
from calando.lab.snapshot.tensors import SIZES

__all__ = ["digest", "flatten", "frozen", "unflatten"]


def flatten(state: State) -> tuple[Any, dict[str, Array]]:
    """What JSON can say of a state, and its arrays by the path at which they stand.

    Raises:
        LabError: for something in it that is no plain data.

    >>> flatten({"w": Array("U8", (1,), b"x"), "n": (1, 2.5)})[0]
    {'d': {'w': {'a': 'w'}, 'n': {'t': [1, 2.5]}}}
    """
    arrays: dict[str, Array] = {}
    return _flat(state, (), arrays), arrays


def unflatten(told: Any, arrays: Mapping[str, Array]) -> State:
    """The state that `flatten` took apart; raises ValueError, KeyError or TypeError for what it never wrote.

    >>> unflatten(*flatten([None, (1, float("inf")), {3: b"x"}]))
    [None, (1, inf), {3: b'x'}]
    """
    if told is None or isinstance(told, bool | int | float | str):
        return told
    if isinstance(told, list):
        return [unflatten(item, arrays) for item in told]
    kind, inside = next(iter(told.items()))
    if kind == "a":
        array = arrays[inside]
        return Array(told["dtype"], tuple(told["shape"]), array.data) if "dtype" in told else array
    if kind == "t":
        return tuple(unflatten(item, arrays) for item in inside)
    if kind == "d":
        return {key: unflatten(item, arrays) for key, item in inside.items()}
    if kind == "m":
        return {key: unflatten(item, arrays) for key, item in inside}
    if kind == "f":
        return float(inside)
    if kind == "b":
        return base64.b64decode(inside, validate=True)
    raise BadFile(
        given=f"the mark {shown(kind)}",
        allowed="one that this version writes",
        where="state of a snapshot",
        fix="restore the snapshot from a copy, or go on from an earlier one",
    )


def frozen(state: State) -> State:
    """The state with arrays of its own, for whoever keeps it while training goes on.

    >>> memory = bytearray(b"x")
    >>> kept = frozen([Array("U8", (1,), memory)])
    >>> memory[0] = 0
    >>> kept[0].data
    b'x'
    """
    if isinstance(state, Array):
        return Array(state.dtype, state.shape, bytes(state.data))
    if isinstance(state, dict):
        return {key: frozen(item) for key, item in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(frozen(item) for item in state)
    return state


def digest(state: State) -> str:
    """A SHA-256 in hex of a state and every number in it.

    >>> digest({"a": 1.0}) == digest({"a": 1})
    False
    """
    told, arrays = flatten(state)
    sha = hashlib.sha256(json.dumps(told, sort_keys=True, allow_nan=False).encode())
    for name in sorted(arrays):
        array = arrays[name]
        sha.update(f"{name} {array.dtype} {array.shape} ".encode())
        sha.update(array.data)
    return sha.hexdigest()


def _flat(state: State, path: tuple[str, ...], arrays: dict[str, Array]) -> Any:
    kind = type(state)
    if state is None or kind in (bool, int, str):
        return state
    if kind is float:
        return state if math.isfinite(state) else {"f": repr(state)}
    if kind is Array:
        name = _name(path, arrays)
        arrays[name] = state
        if state.dtype in SIZES:
            return {"a": name}
        return {"a": name, "dtype": state.dtype, "shape": list(state.shape)}
    if kind is bytes:
        return {"b": base64.b64encode(state).decode()}
    if kind is list:
        return [_flat(item, (*path, str(place)), arrays) for place, item in enumerate(state)]
    if kind is tuple:
        return {"t": [_flat(item, (*path, str(place)), arrays) for place, item in enumerate(state)]}
    if kind is dict and all(type(key) is str for key in state):
        return {"d": {key: _flat(item, (*path, key), arrays) for key, item in state.items()}}
    if kind is dict and all(type(key) in (str, int) for key in state):
        return {"m": [[key, _flat(item, (*path, str(key)), arrays)] for key, item in state.items()]}
    raise _unplain(state, path)


def _name(path: Iterable[str], arrays: Mapping[str, Array]) -> str:
    name = "/".join(path) or "state"
    if name in arrays or name == "__metadata__":
        name = f"{name}#{len(arrays)}"
    return name


def _unplain(state: object, path: tuple[str, ...]) -> LabError:
    return LabError(
        given=f"{shown(state)} (a {type(state).__name__}) in the state of {'/'.join(path) or 'an object'}",
        allowed="plain data: numbers, texts, bytes, lists, tuples, dicts and arrays",
        where="run.keep",
        fix="keep it by a pair of functions (get, set) that give and take plain data",
    )
