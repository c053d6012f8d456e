"""Lists of weights moved towards others, in as few operations as each backend of Keras needs."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import keras

from calando.keras.backend import BACKEND

__all__ = ["moved", "noughts"]

_Lists = list[list[Any]]


def noughts(values: Sequence[Any]) -> list[Any]:
    """Zeros of the shapes of some values, on their devices, in float32 at least."""
    kinds = [keras.backend.standardize_dtype(one.dtype) for one in values]
    wide = [kind if kind in ("float32", "float64") else "float32" for kind in kinds]
    return [keras.ops.zeros_like(one, dtype=kind) for one, kind in zip(values, wide, strict=True)]


def moved(kept: _Lists, new: Sequence[Any], shares: Sequence[float], whole: Sequence[Sequence[Any]] = ()) -> _Lists:
    """Each list moved by its share of the way towards the new values; or, where `whole` is given, put in their place.

    Args:
        kept: lists of arrays of the backend.
        new: list of arrays of the same shapes.
        shares: a number from 0 to 1 for each list of `kept`.
        whole: lists of arrays of NumPy to take as they are.
    """
    if whole:
        return [
            [keras.ops.cast(keras.ops.convert_to_tensor(one), old.dtype) for one, old in zip(own, mine, strict=True)]
            for own, mine in zip(whole, kept, strict=True)
        ]
    found: _Lists = _mover()(kept, new, shares)
    return found


@cache
def _mover() -> Any:
    if BACKEND == "torch":
        import torch

        def lerp(kept: _Lists, new: Sequence[Any], shares: Sequence[float]) -> _Lists:
            with torch.no_grad():
                for own, share in zip(kept, shares, strict=True):
                    torch._foreach_lerp_(own, [one.to(old.dtype) for one, old in zip(new, own, strict=True)], share)
            return kept

        return lerp

    def toward(kept: _Lists, new: Sequence[Any], shares: Any) -> _Lists:
        return [
            [old + (keras.ops.cast(one, old.dtype) - old) * keras.ops.cast(share, old.dtype)
             for one, old in zip(new, own, strict=True)]
            for own, share in zip(kept, shares, strict=True)
        ]  # fmt: skip

    if BACKEND == "jax":
        import jax

        return jax.jit(toward)
    import tensorflow as tf

    compiled = tf.function(toward, autograph=False, reduce_retracing=True)

    def in_graph(kept: _Lists, new: Sequence[Any], shares: Sequence[float]) -> _Lists:
        values = [tf.convert_to_tensor(one) for one in new]
        found: _Lists = compiled(kept, values, [tf.constant(one, tf.float64) for one in shares])
        return found

    return in_graph
