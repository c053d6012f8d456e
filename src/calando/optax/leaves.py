"""The leaves of a pytree as plain data: arrays of JAX with all that makes them what they are, NumPy's, and numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from calando.core.keepers import Array, State
from calando.core.kept_arrays import numpy_of, plain_array
from calando.errors import LabError, shown

__all__ = ["pack", "unpack"]


def pack(name: str, leaf: Any) -> State:
    """A leaf as plain data.

    Formula: arrays become {"jax" | "weak" | "numpy" | "scalar": Array}, a typed PRNG key {"key": Array, "impl": its
    name}; a number or a text stays; a function is told by its name alone, since the structure brings it.

    Args:
        name: text, the leaf's place, for errors.
        leaf: an object.

    Raises:
        LabError: for what is no data, or an array that is gone or on other machines.

    Example:
        >>> pack("w", jnp.ones(2)), pack("n", 3)
        ({'jax': Array(dtype='F32', shape=(2,), data=b'\\x00\\x00\\x80?\\x00\\x00\\x80?')}, 3)
    """
    if leaf is None or type(leaf) in (bool, int, float, str, bytes):
        return leaf
    if isinstance(leaf, jax.Array):
        return _packed(name, leaf)
    if isinstance(leaf, np.ndarray):
        return {"numpy": _told(name, leaf)}
    if isinstance(leaf, np.generic):
        return {"scalar": _told(name, np.asarray(leaf))}
    if isinstance(leaf, complex):
        return {"complex": [leaf.real, leaf.imag]}
    if callable(leaf) or isinstance(leaf, np.dtype):
        return {"as built": _called(leaf)}
    raise LabError(
        given=f"{shown(leaf)} ({type(leaf).__name__}) at {name}",
        allowed="arrays, PRNG keys, numbers, texts and functions in a pytree",
        where="run.hold",
        fix="keep it by itself: run.keep(...), or leave it out of the pytree",
    )


def unpack(name: str, like: Any, saved: State) -> Any:
    """The leaf that was packed, in place of one like it.

    Args:
        name: text, the leaf's place, for errors.
        like: the leaf at this place of a pytree that was built afresh, an object.
        saved: what `pack` gave, plain data.

    Raises:
        LabError: for another shape, or another type of an array of JAX.

    Example:
        >>> unpack("w", jnp.zeros(2), pack("w", jnp.ones(2)))
        Array([1., 1.], dtype=float32)
    """
    if not isinstance(saved, dict):
        return saved
    if "as built" in saved:
        if _called(like) != saved["as built"]:
            raise _differs(name, _called(like), saved["as built"])
        return like
    if "complex" in saved:
        return complex(*saved["complex"])
    if "key" in saved:
        key = jax.random.wrap_key_data(jnp.array(numpy_of(saved["key"])), impl=saved["impl"])
        _check(name, like, key.shape, str(key.dtype))
        return _placed(key, like)
    (kind, array), *_ = saved.items()
    value = numpy_of(array)
    if kind == "scalar":
        return value[()]
    _check(name, like, value.shape, str(value.dtype))
    if kind == "numpy":
        return value
    # a weak type decides what the array makes of others, and a buffer of its own may be donated
    made = jnp.array(value, copy=True) if kind == "jax" else _weak(value)
    if made.dtype != value.dtype:
        raise LabError(
            given=f"{made.dtype} where {value.dtype} was captured, at {name}",
            allowed="a JAX that has the type",
            where="run.hold",
            fix='set jax.config.update("jax_enable_x64", True) before anything is built, as it was',
        )
    return _placed(made, like)


def _packed(name: str, leaf: jax.Array) -> State:
    if isinstance(leaf, jax.core.Tracer) or not leaf.is_fully_addressable or leaf.is_deleted():
        gone = not isinstance(leaf, jax.core.Tracer) and leaf.is_deleted()
        raise LabError(
            given=f"an array at {name} that {'was donated' if gone else 'this process does not see whole'}",
            allowed="arrays whose values are here",
            where="run.hold",
            fix="assign what each update gives back to the held values: state.params, state.opt_state = step(...)"
            if gone
            else "hold arrays of one machine, outside of jit",
        )
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        impl = jax.random.key_impl(leaf)
        if not isinstance(impl, str):
            raise LabError(
                given=f"a PRNG key of {shown(impl)} at {name}",
                allowed="keys of an implementation that JAX knows by name",
                where="run.hold",
                fix="use jax.random.key(seed), or impl='rbg'",
            )
        return {"key": plain_array(np.asarray(jax.random.key_data(leaf))), "impl": impl}
    return {"weak" if leaf.weak_type else "jax": plain_array(np.asarray(leaf))}


def _told(name: str, array: Any) -> Array:
    try:
        return plain_array(array)
    except LabError as error:
        raise LabError(
            given=f"{error.given} at {name}", allowed=error.allowed, where=error.where, fix=error.fix
        ) from None


def _weak(value: Any) -> jax.Array:
    return jnp.broadcast_to(jnp.asarray(value.dtype.type(0).item()), value.shape).at[...].set(value)


def _placed(value: jax.Array, like: Any) -> jax.Array:
    return jax.device_put(value, like.sharding) if isinstance(like, jax.Array) and _committed(like) else value


def _committed(like: jax.Array) -> bool:
    return bool(getattr(like, "committed", getattr(like, "_committed", False)))


def _check(name: str, like: Any, shape: tuple[int, ...], kind: str) -> None:
    """A number may have become an array, and NumPy's one of JAX; shapes stay, and so do the types of JAX."""
    if isinstance(like, jax.Array | np.ndarray) and like.shape != shape:
        raise _differs(name, f"an array of shape {like.shape}", f"one of shape {shape}")
    if isinstance(like, jax.Array) and str(like.dtype) != kind:
        raise _differs(name, f"an array of {like.dtype}", f"one of {kind}")


def _differs(name: str, given: str, saved: str) -> LabError:
    return LabError(
        given=f"{given} at {name}, where {saved} was captured",
        allowed="the structure that was captured",
        where="run.hold",
        fix="build it as before: the same model, the same optimizer, the same types",
    )


def _called(leaf: Any) -> str:
    kind = type(leaf)
    return str(
        getattr(leaf, "__qualname__", None)
        or getattr(leaf, "__name__", None)
        or f"a {kind.__module__}.{kind.__qualname__}"
    )
