"""NumPy's arrays as the plain `Array` of a captured state, and back, to the last bit."""

import sys
from typing import TYPE_CHECKING, Any, Final

from calando.core.keepers import Array
from calando.errors import LabError, shown

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NAMES", "numpy_of", "plain_array"]

NAMES: Final = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "complex64": "C64", "bool": "BOOL", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
}  # fmt: skip
"""What safetensors calls NumPy's types; any other keeps the name that NumPy has for it."""

_TYPES = {told: name for name, told in NAMES.items()}


def plain_array(array: "np.ndarray[Any, Any]") -> Array:
    """An array of numbers as plain data, a copy.

    Args:
        array: a NumPy array of any numeric type, those of ml_dtypes (bfloat16, float8, int4) among them.

    Raises:
        LabError: for an array of objects, texts or records.

    Example:
        >>> import numpy
        >>> kept = plain_array(numpy.ones((2, 3), "float32"))
        >>> kept.dtype, kept.shape, kept.nbytes
        ('F32', (2, 3), 24)
    """
    kind = array.dtype
    if kind.hasobject or kind.names is not None or kind.kind in "OSUMm" or kind.subdtype is not None:
        raise LabError(
            given=f"an array of {kind}",
            allowed="arrays of numbers",
            where="run.keep",
            fix="keep numbers, or a (get, set) pair that makes plain data of it",
        )
    native = kind.newbyteorder("=") if kind.byteorder in "<>" else kind
    return Array(NAMES.get(kind.name, kind.name), array.shape, array.astype(native, order="C", copy=False).tobytes())


def numpy_of(kept: Array) -> "np.ndarray[Any, Any]":
    """The NumPy array back, writable and with memory of its own.

    Args:
        kept: the plain data, an object that `plain_array` made.

    Raises:
        LabError: for a type that is not known in this process.

    Example:
        >>> import numpy
        >>> numpy_of(plain_array(numpy.arange(3, dtype="int8"))).tolist()
        [0, 1, 2]
    """
    import numpy as np

    name = _TYPES.get(kept.dtype, kept.dtype)
    try:
        kind = np.dtype(name)
    except TypeError:
        kind = _of_ml_dtypes(name)
    return np.frombuffer(bytearray(kept.data), dtype=kind).reshape(kept.shape)


def _of_ml_dtypes(name: str) -> "np.dtype[Any]":
    """A type that NumPy knows only once ml_dtypes, which JAX and Keras bring and load, has told it."""
    import numpy as np

    found = getattr(sys.modules.get("ml_dtypes"), name, None)
    if found is not None:
        known: np.dtype[Any] = np.dtype(found)
        return known
    raise LabError(
        given=f"an array of the type {shown(name)}",
        allowed="types that are known in this process",
        where="run.keep",
        fix="install ml_dtypes, or restore where the snapshot was taken",
    )
