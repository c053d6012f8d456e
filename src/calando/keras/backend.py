"""What differs between Keras' backends: which steps are known now, and how formulas are computed when they are not."""

import math
import sys
from collections.abc import Callable, Sequence
from functools import cache
from operator import index
from typing import Any, TypeVar

import keras
from keras import ops

from calando.core.formula import Array, Formula, Ops, check_range, check_whole, register_namespace
from calando.core.jax_arrays import is_traced, strict_is_blind
from calando.errors import BadValue, shown

__all__ = [
    "BACKEND",
    "as_written",
    "in_numpy",
    "known_step",
    "never_compiled",
    "rate_dtype",
    "rate_of",
    "unwrapped",
    "whole_steps",
]

BACKEND: str = keras.config.backend()

_INTEGER = "int32" if BACKEND == "jax" else "int64"  # JAX has no int64 unless it is told to
_MOST = 2 ** (31 if BACKEND == "jax" else 63) - 1
_EXACT = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
"""Bits of a float's mantissa: up to two to this power it counts every step."""

Call = TypeVar("Call", bound=Callable[..., Any])


def rate_dtype() -> str:
    """The floating type of a learning rate: float64 where Keras is set to it, else float32."""
    return "float64" if keras.config.floatx() == "float64" else "float32"


def rate_of(value: Array) -> Array:
    """A number or an array as the backend's tensor."""
    if isinstance(value, float):
        return _constant(rate_dtype())(value)
    return ops.cast(value, rate_dtype())


@cache
def _constant(dtype: str) -> Callable[[float], Array]:
    """The backend's quickest way from a float to a tensor."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        kind = tf.as_dtype(dtype)
        return lambda value: tf.constant(value, kind)
    if BACKEND == "jax":
        import jax.numpy as jnp
        import numpy as np

        number = getattr(np, dtype)
        return lambda value: jnp.asarray(number(value))
    return lambda value: ops.convert_to_tensor(value, dtype)


def as_written(call: Call) -> Call:
    """A method that TensorFlow traces as it is: its own control flow is on numbers that are known."""
    if BACKEND != "tensorflow":
        return call
    import tensorflow as tf

    kept: Call = tf.autograph.experimental.do_not_convert(call)
    return kept


def never_compiled(call: Call) -> Call:
    """A method that PyTorch runs as it is inside what it compiles: it gives numbers that change with every call."""
    if BACKEND != "torch":
        return as_written(call)
    import torch

    kept: Call = torch.compiler.disable(call)  # type: ignore[no-untyped-call]
    return kept


def in_numpy(value: Any) -> Any:
    """A variable or a tensor as a NumPy array; one that TensorFlow keeps on several devices, too."""
    return value.numpy() if BACKEND == "tensorflow" else ops.convert_to_numpy(value)


# ---- steps


def unwrapped(step: object) -> Any:
    """A Keras variable's value here and now; anything else as it is."""
    return step.value if isinstance(step, keras.Variable) else step


def known_step(step: Any) -> int | None:
    """The step as an int where it is one number that is known now, or None: an array, or to be computed in a graph.

    Raises:
        BadValue: for one that is known and no whole number.
    """
    if type(step) is int:
        return step
    if isinstance(step, keras.KerasTensor):
        return None
    if len(getattr(step, "shape", ())):
        return None
    if hasattr(step, "dtype") and not _is_numpy(step):
        if not _is_known(step):
            return None
        step = step.item() if hasattr(step, "item") else step.numpy()
    return _whole(step)


def whole_steps(step: Any, last: int) -> Any:
    """Steps of any type of numbers as integers, for a run that counts to `last`.

    Raises:
        BadValue: for what is no array of whole numbers, or floats inside a graph that cannot count so far.
    """
    kind = str(getattr(step, "dtype", ""))
    if "int" in kind:
        return step
    exact = next((bits for name, bits in _EXACT.items() if name in kind), None)
    if exact is None:
        raise _not_whole(step)
    if _is_seen(step):
        import numpy as np

        seen = np.asarray(step if _is_numpy(step) else in_numpy(step), dtype="float64")
        if not (np.isfinite(seen) & (np.floor(seen) == seen) & (np.abs(seen) <= 2.0**53)).all():
            raise _not_whole(step)
        return seen.astype("int64")
    if last > 2**exact:
        raise BadValue(
            given=f"steps in {kind}, inside a graph, for a run that counts to {last}",
            allowed=f"a counter that gets there; this one stops at {2**exact}",
            where="LearningRate(step)",
            fix="count in integers, as optimizer.iterations does",
        )
    return ops.cast(ops.clip(step, 0, last), "int64" if exact == 53 else "int32")


def _whole(step: Any) -> int:
    try:
        kind = str(getattr(step, "dtype", "int"))
        if isinstance(step, bool) or not ("int" in kind or "float" in kind):
            raise TypeError
        number = float(step)
        return int(number) if number == step and number.is_integer() and abs(number) < 2**53 else index(step)
    except (TypeError, ValueError, OverflowError):
        raise _not_whole(step) from None


def _not_whole(step: Any) -> BadValue:
    return BadValue(
        given=f"{shown(step)} ({type(step).__name__})",
        allowed="a whole step: a number, or an array of whole numbers",
        where="LearningRate(step)",
        fix="pass optimizer.iterations, or count the updates from 0",
    )


def _is_numpy(value: object) -> bool:
    return type(value).__module__ == "numpy"


def _on_tensorflow(_: Any) -> bool:
    executing: bool = sys.modules["tensorflow"].executing_eagerly()
    return executing


def _on_jax(value: Any) -> bool:
    return not is_traced(value)


def _on_torch(value: Any) -> bool:
    # reading a number from another device would wait for all that is under way there
    return value.device.type == "cpu" and not sys.modules["torch"].compiler.is_compiling()


_is_known: Callable[[Any], bool] = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}.get(
    BACKEND, lambda _: False
)


def _is_seen(steps: Any) -> bool:
    """Whether the values of an array can be read here and now."""
    return _is_numpy(steps) or (not isinstance(steps, keras.KerasTensor) and _is_known(steps))


# ---- formulas


class _KerasOps:
    """keras.ops: for variables and symbolic tensors on every backend, and for tensors of TensorFlow.

    On TensorFlow the formula is computed in float64, which costs a scalar nothing, and rounded once.
    """

    scalar = False
    sin = staticmethod(ops.sin)
    exp = staticmethod(ops.exp)
    sqrt = staticmethod(ops.sqrt)

    def __init__(self) -> None:
        self._dtype = "float64" if BACKEND == "tensorflow" else rate_dtype()

    def whole(self, formula: Formula, step: Array) -> Array:
        return ops.cast(formula(step, self), rate_dtype())

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        check_whole(step)
        step = unwrapped(step)
        if _is_seen(step):
            seen = in_numpy(step)
            if seen.size:
                check_range(int(seen.min()), int(seen.max()), horizon, strict)
        elif strict and BACKEND != "torch":  # whose own tensors hold their last value inside a graph, too
            raise strict_is_blind(horizon)
        return ops.clip(ops.cast(step, _INTEGER), 0, min(horizon, _MOST))

    def ratio(self, part: Array, whole: Array) -> Array:
        return self._float(part) / self._float(whole)

    def real(self, step: Array) -> Array:
        return ops.cast(step, self._dtype)

    def _float(self, value: Array) -> Array:
        return value if isinstance(value, int | float) else ops.cast(value, self._dtype)

    def power(self, base: float, exponent: Array) -> Array:
        # a constant such as 0.9, rounded to float32, would have its error multiplied by the exponent
        return self.growth(math.log(base), exponent) if base > 0.0 else base**exponent

    def growth(self, rate: float, exponent: Array) -> Array:
        return ops.exp(rate * exponent)

    def where(self, condition: Array, yes: Array, no: Array) -> Array:
        return ops.where(condition, yes, no)

    def minimum(self, a: Array, b: Array) -> Array:
        return ops.minimum(a, b)

    def maximum(self, a: Array, b: Array) -> Array:
        return ops.maximum(a, b)

    def table(self, step: Array, starts: Sequence[int], *columns: Sequence[Any]) -> tuple[Array, ...]:
        passed = ops.expand_dims(step, -1) >= ops.convert_to_tensor(starts, _INTEGER)
        row = ops.sum(ops.cast(passed, "int32"), axis=-1) - 1
        return tuple(ops.take(self._column(column), row) for column in columns)

    def _column(self, column: Sequence[Any]) -> Array:
        whole = all(isinstance(entry, int) for entry in column)
        return ops.convert_to_tensor(column, _INTEGER if whole else self._dtype)

    def pieces(self, step: Array, starts: Sequence[int], value: Callable[[int, Array], Array]) -> Array:
        result = value(0, step)
        for i in range(1, len(starts)):
            result = ops.where(step >= starts[i], value(i, ops.maximum(step, starts[i])), result)
        return result

    def each(self, call: Callable[[int], float], step: Array) -> Array:
        raise BadValue(
            given="a Python function of the step, inside a compiled train function",
            allowed="plans of named shapes, which every backend can compute",
            where="function",
            fix="use points(...) or named plans, or compile the model with run_eagerly=True",
        )


def _namespace() -> Ops:
    return _KerasOps()


register_namespace("keras", _namespace)
if BACKEND == "tensorflow":
    register_namespace("tensorflow", _namespace)
