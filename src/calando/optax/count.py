"""A step count that goes on past 2^31 where JAX has no 64-bit integers."""

import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from calando.core.clock import LONGEST
from calando.core.formula import Array, namespace, register_namespace
from calando.core.jax_arrays import JaxArrays, is_traced, strict_is_blind
from calando.core.wide import Wide
from calando.errors import BadValue, shown

__all__ = ["Count"]


class Count(NamedTuple):
    """A count of updates in two uint32 words, exact under `jit` without x64; optax's own stops at 2^31 - 1.

    Formula: high * 2^32 + low.

    Every schedule and learning rate takes one in place of a step. It is a pytree of two arrays, so it lives in an
    optimizer's state, in a `scan` and in any checkpoint.

    Args:
        high: the upper word, a uint32 array of values below 2^21.
        low: the lower word, a uint32 array of the same shape.

    Example:
        >>> clock = Count.at(2**31 - 1)
        >>> int(jax.jit(Count.advance)(clock))
        2147483648
    """

    high: Array
    low: Array

    @classmethod
    def at(cls, step: int = 0) -> "Count":
        """The count that stands at a step, 0 to 2^53.

        Raises:
            BadValue: for anything but a whole number in that range.
        """
        index = getattr(type(step), "__index__", None)
        try:
            whole = -1 if index is None or isinstance(step, bool) else int(index(step))
        except (TypeError, ValueError):  # an array of several numbers, or one that is traced
            whole = -1
        if not 0 <= whole <= LONGEST:
            raise BadValue(
                given=f"{shown(step)} ({type(step).__name__})", allowed="a whole step from 0 to 2^53", where="Count.at",
                fix="give the number of updates taken so far",
            )  # fmt: skip
        return cls(jnp.uint32(whole >> 32), jnp.uint32(whole % 2**32))

    def advance(self, by: Array = 1) -> "Count":
        """The count that many updates (or tokens, where those are counted) later: 0 to 2^31 - 1 at a time.

        Raises:
            BadValue: for anything but whole numbers, or one outside that range where it can be seen.
        """
        high, before = jnp.asarray(_word(self.high)), jnp.asarray(_word(self.low))
        low = before + _pace(by)
        return Count(high + (low < before).astype("uint32"), low)

    @property
    def dtype(self) -> str:
        """What a step's kind is called in errors."""
        return "uint32 in two words"

    def __int__(self) -> int:
        high, low = _word(self.high), _word(self.low)
        return (int(high) << 32) + int(low)

    def __index__(self) -> int:
        return int(self)


class CountArrays(JaxArrays):
    """JAX, with steps in two words."""

    def steps(self, step: Array, horizon: int, strict: bool) -> Array:
        step = Count(_word(step.high), _word(step.low))
        if not (is_traced(step.high) or is_traced(step.low)):
            seen = np.asarray((np.asarray(step.high, dtype=np.int64) << 32) + np.asarray(step.low, dtype=np.int64))
            return namespace(seen).steps(seen, horizon, strict)
        if strict:
            raise strict_is_blind(horizon)
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return jnp.minimum((step.high.astype("int64") << 32) + step.low.astype("int64"), horizon)
        wide = Wide(jnp.asarray(step.high), jnp.asarray(step.low), self._module)
        held: Any = self.minimum(wide, horizon)
        return held if horizon >= 2**30 else held.low.astype("int32")


def _word(value: Any) -> Any:
    """A word as an array of uint32, of NumPy where it was none of JAX; one restored from a file may be a plain number.

    Raises:
        BadValue: for what is none.
    """
    if isinstance(value, jax.Array) and value.dtype == "uint32":
        return value
    if _is_whole(value) and (is_traced(value) or _in_range(value, 2**32 - 1)):
        return value.astype("uint32") if isinstance(value, jax.Array) else np.asarray(value, "uint32")
    raise BadValue(
        given=f"a count of which a word is {shown(value)} ({type(value).__name__})",
        allowed="two words, whole numbers from 0 to 2^32 - 1 each", where="Count",
        fix="make it with Count.at(step), or restore the state that was saved",
    )  # fmt: skip


def _pace(by: Any) -> Any:
    if _is_whole(by) and (is_traced(by) or _in_range(by, 2**31 - 1)):
        return jnp.asarray(by).astype("uint32")
    raise BadValue(
        given=f"{shown(by)} ({type(by).__name__})", allowed="a whole number from 0 to 2^31 - 1", where="Count.advance",
        fix="advance by the updates taken, or the tokens of one batch",
    )  # fmt: skip


def _is_whole(value: Any) -> bool:
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return bool(jnp.issubdtype(value.dtype, jnp.integer))
    return isinstance(value, int) and not isinstance(value, bool)


def _in_range(value: Any, most: int) -> bool:
    if isinstance(value, int):
        return 0 <= value <= most
    seen = np.asarray(value)
    return not seen.size or (int(seen.min()) >= 0 and int(seen.max()) <= most)


register_namespace(sys.intern("calando"), CountArrays)
