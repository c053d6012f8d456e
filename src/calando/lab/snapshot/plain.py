"""Python's plain values and NumPy's arrays as states, and back as equal values of the same types."""

import sys
from typing import Any

from calando.core.keepers import Array, State

__all__ = ["pack", "unpack"]

_PLAIN = (bool, int, float, str, bytes)
TYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "float16": "F16", "int32": "I32",
    "uint32": "U32", "float32": "F32", "complex64": "C64", "float64": "F64", "int64": "I64", "uint64": "U64",
}  # fmt: skip
"""NumPy's names of types beside those of safetensors; others keep NumPy's."""
_BACK = {told: name for name, told in TYPES.items()}


def pack(value: Any) -> tuple[State, bool]:
    """A value as a state, and whether it was nothing but plain data and NumPy arrays (else the state is None).

    >>> pack({"a": (1, None)}), pack(object())
    (({'a': (1, None)}, True), (None, False))
    """
    try:
        return _pack(value), True
    except TypeError:
        return None, False


def unpack(state: State) -> Any:
    """The value that was packed; its arrays own their memory.

    >>> unpack(pack([1, {"b": 2.5}])[0])
    [1, {'b': 2.5}]
    """
    if isinstance(state, Array):
        import numpy as np

        dtype = np.dtype(_BACK.get(state.dtype, state.dtype))
        return np.frombuffer(state.data, dtype).reshape(state.shape).copy()
    if isinstance(state, list):
        return [unpack(item) for item in state]
    if isinstance(state, tuple):
        if len(state) == 3 and state[0] == _ORDER:
            return unpack(state[2]).transpose(tuple(state[1]))
        if len(state) == 2 and state[0] == _SCALAR:
            return unpack(state[1])[()]
        return tuple(unpack(item) for item in state)
    if isinstance(state, dict):
        return {key: unpack(item) for key, item in state.items()}
    return state


_SCALAR = "a number of NumPy's"
_ORDER = "an array in another order of its axes"


def _pack(value: Any) -> State:
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if kind is list:
        return [_pack(item) for item in value]
    if kind is tuple:
        return tuple(_pack(item) for item in value)
    if kind is dict and all(type(key) in (str, int) for key in value):
        return {key: _pack(item) for key, item in value.items()}
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic) and not value.dtype.hasobject and not value.dtype.names:
        return (_SCALAR, _array(numpy.asarray(value)))
    if numpy is not None and kind is numpy.ndarray and not value.dtype.hasobject and not value.dtype.names:
        return _ordered(value)
    raise TypeError(f"a {kind.__name__} is no plain data")


def _ordered(value: Any) -> State:
    """An array with the order in which its axes lie in memory, on which the last digits of sums depend."""
    if value.flags.c_contiguous:
        return _array(value)
    order = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
    if order == list(range(value.ndim)):
        return _array(value)
    return (_ORDER, [order.index(axis) for axis in range(value.ndim)], _array(value.transpose(order)))


def _array(value: Any) -> Array:
    dtype = value.dtype.newbyteorder("=") if value.dtype.byteorder in "<>" else value.dtype
    name = TYPES.get(dtype.name, dtype.str)
    return Array(name, tuple(value.shape), value.astype(dtype, copy=False).tobytes())
