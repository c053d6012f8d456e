"""Averaged parameters of a model under training, several windows at once, by optax' own incremental_update."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from calando.core.windows import WINDOWS, check_windows, nothing_averaged

__all__ = ["Averages", "AveragesState", "averages"]


class AveragesState(NamedTuple):
    """How many times parameters were taken in, and an average of them for each window; a pytree."""

    count: Any
    kept: tuple[Any, ...]


class Averages:
    """What `calando.optax.averages` gives: two pure functions, valid under jit, scan and vmap, and an evaluation.

    Formula: after update t, each is a <- a + (1 - (1 - 1/t)^(2/p - 1)) * (parameters - a), so that its mean age is that
    of a plain mean over the last share p of the updates so far. Averages are kept in float32 at least.

    Source: Karras et al., arXiv 2312.02696 (power function averages); optax.incremental_update.
    """

    def __init__(self, windows: Sequence[float]) -> None:
        self.windows = tuple(windows)

    def init(self, params: Any) -> AveragesState:
        """The state before any update.

        Args:
            params: object, a pytree of arrays; other leaves pass through.
        """
        wide = jax.tree.map(_wide, params)
        return AveragesState(jnp.zeros((), jnp.int32), (wide,) * len(self.windows))

    def update(self, state: AveragesState, params: Any) -> AveragesState:
        """The state with the parameters after one more update.

        Args:
            state: state of before.
            params: object, the pytree of arrays after the update.
        """
        count = optax.safe_increment(state.count)
        new = jax.tree.map(_wide, params)
        kept = []
        for window, old in zip(self.windows, state.kept, strict=True):
            # 1 - (1 - 1/t)^q; log1p keeps its digits where t is large, and at t = 1 all weight is on the new ones
            aged = jnp.where(count > 1, jnp.log1p(-1 / jnp.maximum(count, 2)), -jnp.inf)
            kept.append(_toward(new, old, -jnp.expm1((2 / window - 1) * aged)))
        return AveragesState(count, tuple(kept))

    def evaluate(self, state: AveragesState, loss_of: Callable[[Any], Any]) -> dict[float, float]:
        """The loss of each window's average: what `calando.watch.virtual` takes.

        Args:
            state: state after some updates.
            loss_of: function of a pytree of parameters that gives their loss.

        Raises:
            LabError: before anything was averaged.
        """
        if not int(state.count):
            raise nothing_averaged("call state = averages.update(state, params) after each update", "parameters")
        return {window: float(loss_of(kept)) for window, kept in zip(self.windows, state.kept, strict=True)}


def averages(windows: Sequence[float] = WINDOWS) -> Averages:
    """Averaged parameters beside a training: what the model would be worth after a cooldown, without one.

    Args:
        windows: numbers above 0, at most 0.5: shares of the updates so far to average over; each holds a copy.

    Raises:
        BadValue: for shares outside that range.

    Example:
        >>> import jax.numpy as jnp, calando.optax
        >>> kept = calando.optax.averages([0.5])
        >>> state = kept.init(jnp.array(0.0))
        >>> for value in [1.0, 2.0, 3.0]:
        ...     state = kept.update(state, jnp.array(value))
        >>> round(kept.evaluate(state, lambda average: average)[0.5], 3)
        2.667

    Source: optax.incremental_update; Karras et al., arXiv 2312.02696.
    """
    return Averages(check_windows(windows))


def _wide(leaf: Any) -> Any:
    kind = getattr(leaf, "dtype", None)
    if kind is None or not jnp.issubdtype(kind, jnp.inexact) or kind.itemsize >= 4:
        return leaf
    return leaf.astype(jnp.float32)


def _toward(new: Any, old: Any, weight: Any) -> Any:
    moved: Any = optax.incremental_update(new, old, weight)

    def chosen(fresh: Any, before: Any, mean: Any) -> Any:
        kind = getattr(before, "dtype", None)
        if kind is None or not jnp.issubdtype(kind, jnp.inexact):
            return fresh
        return mean.astype(kind)

    return jax.tree.map(chosen, new, old, moved)
