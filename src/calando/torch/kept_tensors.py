"""Tensors as arrays of plain bytes, and arrays back into tensors, bit for bit."""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from calando.core.keepers import Array, State
from calando.errors import LabError, shown

__all__ = ["fill", "from_plain", "marked", "to_plain"]

_NAMES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.uint16: "U16",
    torch.int32: "I32", torch.uint32: "U32", torch.int64: "I64", torch.uint64: "U64", torch.float16: "F16",
    torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64", torch.complex64: "C64",
    torch.float8_e5m2: "F8_E5M2", torch.float8_e4m3fn: "F8_E4M3",
}  # fmt: skip
_TYPES = {name: dtype for dtype, name in _NAMES.items()}

_NUMPY = "an array of NumPy's"


def marked(tensor: Tensor) -> Iterator[tuple[int, object]]:
    """Which memory a tensor has, and how often PyTorch saw it change in place; nothing where it does not count.

    The mark holds the memory: once it were let go, another tensor could come to lie at the same address.

    >>> some = torch.zeros(2)
    >>> before = dict(marked(some))
    >>> dict(marked(some[1:])) == before, dict(marked(some.add_(1))) == before
    (True, False)
    """
    if not (is_lazy(tensor) or tensor.is_inference()):
        memory = tensor.untyped_storage() if tensor.layout == torch.strided else None
        if memory is not None and memory.data_ptr():
            yield memory.data_ptr(), (tensor._version, memory)
        else:
            yield id(tensor), (tensor._version, tensor)


def to_plain(value: Any, where: str) -> State:
    """A tensor, or whatever holds tensors, as plain data; the arrays are views of CPU memory where they can be.

    Raises:
        LabError: for a sparse or quantised tensor, and what is no plain data.

    >>> to_plain({"step": torch.tensor(2.0), "n": 3}, "a state")["n"]
    3
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes):
        return value
    if isinstance(value, Tensor):
        return _array(value, where)
    if isinstance(value, Mapping):
        return {_key(key, where): to_plain(item, where) for key, item in value.items() if not callable(item)}
    if isinstance(value, list):
        return [to_plain(item, where) for item in value]
    if isinstance(value, tuple):
        return tuple(to_plain(item, where) for item in value)
    if kind.__module__ == "numpy" and hasattr(value, "tobytes") and value.dtype.kind in "biufc":
        return (_NUMPY, kind.__name__ != "ndarray", _array(torch.from_numpy(value.reshape(value.shape).copy()), where))
    raise LabError(
        given=f"{shown(value)} (a {kind.__name__}) in {where}",
        allowed="tensors, numbers, texts, and lists, tuples and dicts of these",
        where="run.keep",
        fix="keep it by a pair of functions (get, set) that give and take plain data",
    )


def from_plain(state: State, like: Any = None, device: torch.device | None = None) -> Any:
    """The value back, in tensors of its own; `like` is such a value, whose kinds of dict and tuple it is to have.

    >>> from_plain(to_plain([torch.tensor([1, 2])], "a state"))
    [tensor([1, 2])]
    """
    if isinstance(state, Array):
        made = _tensor(state)
        wanted = like.device if isinstance(like, Tensor) else device
        return made if wanted is None else made.to(wanted)
    if isinstance(state, dict):
        known = like if isinstance(like, Mapping) else {}
        found = {key: from_plain(item, known.get(key), device) for key, item in state.items()}
        found |= {key: item for key, item in known.items() if key not in found and callable(item)}
        kind: Any = type(like)
        return kind(found) if kind in (Counter, OrderedDict) else found
    if isinstance(state, tuple) and len(state) == 3 and state[0] == _NUMPY:
        array = _tensor(state[2]).numpy()
        return array[()] if state[1] else array
    if isinstance(state, list | tuple):
        parts = like if isinstance(like, list | tuple) and len(like) == len(state) else [None] * len(state)
        return type(state)(from_plain(item, part, device) for item, part in zip(state, parts, strict=True))
    return state


def fill(tensor: Tensor, state: State, where: str) -> None:
    """Put saved numbers into a tensor's own memory.

    Raises:
        LabError: when they are of another type or shape.

    >>> weight = torch.zeros(2)
    >>> fill(weight, to_plain(torch.tensor([1.0, 2.0]), ""), "weight")
    >>> weight
    tensor([1., 2.])
    """
    saved = _tensor(state)
    if saved.dtype != tensor.dtype or saved.shape != tensor.shape:
        raise LabError(
            given=f"{saved.dtype} of shape {tuple(saved.shape)} for {where}, which is {tensor.dtype} of shape "
            f"{tuple(tensor.shape)}",
            allowed="tensors of the same type and shape as in the run that was kept",
            where="run.keep",
            fix="build the same model and optimizer from the same settings",
        )
    with torch.no_grad():
        tensor.copy_(saved)


def _array(tensor: Tensor, where: str) -> Array:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        kind = str(tensor.layout) if tensor.layout != torch.strided else "quantised or without data"
        raise LabError(
            given=f"a tensor in {where} that is {kind}",
            allowed="dense tensors",
            where="run.keep",
            fix="use dense gradients (sparse=False), or keep what it stands for by a pair of functions (get, set)",
        )
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    data = plain.view(-1).view(torch.uint8).numpy().data if plain.numel() else b""
    return Array(_NAMES.get(plain.dtype, str(plain.dtype)), tuple(plain.shape), data)


def _tensor(state: State) -> Tensor:
    dtype = _TYPES.get(state.dtype) or getattr(torch, state.dtype.removeprefix("torch."))
    if not state.nbytes:
        return torch.empty(state.shape, dtype=dtype)
    return torch.frombuffer(bytearray(state.data), dtype=dtype).reshape(state.shape)


def _key(key: object, where: str) -> Any:
    if type(key) in (str, int):
        return key
    raise LabError(
        given=f"the key {shown(key)} in {where}",
        allowed="keys of text or whole numbers",
        where="run.keep",
        fix="keep it by a pair of functions (get, set) that give and take plain data",
    )
