"""The clock inside an optimizer's state: read it, set it, and tell a rule a metric between updates."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from optax.schedules import InjectStatefulHyperparamsState

from calando.core.formula import Array
from calando.core.schedule import Schedule
from calando.errors import BadState, BadValue, shown
from calando.optax.count import Count
from calando.optax.plateau import Heard, plateau, unheard

__all__ = ["clock_of", "tell", "with_clock"]

State = TypeVar("State")


def clock_of(state: Any) -> int:
    """The number of updates that the schedules inside an optimizer's state have counted.

    It reads from the device, so it belongs outside `jit`. The copies of a state that was batched (an ensemble under
    `vmap`) count as several.

    Args:
        state: an optimizer's state object, of `inject` or `follow`, of optax's own schedules, or any tree of these.

    Raises:
        BadState: when no schedule counts in it, or several stand at different steps.

    Example:
        >>> import jax.numpy as jnp, optax, calando.optax
        >>> rate = calando.optax.learning_rate(calando.cosine().bind(100))
        >>> clock_of(optax.sgd(rate).init(jnp.zeros(2)))
        0
    """
    found: list[int] = []

    def read(clock: Any) -> Any:
        found.extend(_standing(clock))
        return clock

    _visit(state, read)
    if len(set(found)) != 1:
        raise BadState(
            given=f"clocks at {sorted(set(found))}" if found else f"a {type(state).__name__} without a clock",
            allowed="a state in which all schedules stand at one step", where="clock_of",
            fix="ask for the state of one group" if found else "pass the optimizer's state, as `update` gave it",
        )  # fmt: skip
    return found[0]


def with_clock(state: State, step: int = 0, *, forget: bool = True) -> State:
    """The same optimizer state with every schedule at another step, such as 0 for fine-tuning.

    Moments, and the counts of an optimizer's own (Adam's bias correction), stay as they are.

    Args:
        state: an optimizer's state object, of `inject` or `follow`, of optax's own schedules, or any tree of these.
        step: where the clocks shall stand, 0 to 2^53 (optax's own: to 2^31 - 1).
        forget: whether feedback rules begin anew; their best metric is that of another run.

    Raises:
        BadState: when no schedule counts in it.
        BadValue: for a step outside its range.

    Example:
        >>> import jax.numpy as jnp, optax, calando.optax
        >>> optimizer = calando.optax.inject(optax.sgd, calando.linear_decay().bind(10), 0.1)
        >>> grads = params = jnp.ones(2)
        >>> _, state = optimizer.update(grads, optimizer.init(params), params)
        >>> clock_of(state), clock_of(with_clock(state))
        (1, 0)

    Source: kingoflolz/mesh-transformer-jax, pull request 25, which had to reset a hidden count by hand.
    """
    count = Count.at(step)
    seen: list[int] = []

    def moved(clock: Any) -> Any:
        seen.append(1)
        return _put(clock, count)

    def fresh(heard: Heard) -> Heard:
        return Heard(*_refilled(heard, unheard())) if forget else heard

    result: State = _visit(state, moved, fresh)
    if not seen:
        raise BadState(
            given=f"a {type(state).__name__} without a clock", allowed="a state in which a schedule counts",
            where="with_clock", fix="pass the optimizer's state, as `init` or `update` gave it",
        )  # fmt: skip
    return result


def tell(state: State, schedule: Schedule, metric: Array) -> State:
    """The same optimizer state after its feedback rules have heard a metric, for one that is known between updates.

    Args:
        state: an optimizer's state object, of `inject` or `follow`, or any tree of these.
        schedule: the schedule that the optimizer was made with, one that listens.
        metric: one number.

    Raises:
        BadState: when no rule listens in it.
        BadValue: for a schedule that hears nothing, or a metric that is no number.

    Example:
        >>> import jax.numpy as jnp, optax, calando.optax
        >>> schedule = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0).bind(100)
        >>> optimizer = calando.optax.inject(optax.sgd, schedule, 0.1)
        >>> state = optimizer.init(jnp.ones(2))
        >>> for loss in (1.0, 1.0):
        ...     state = calando.optax.tell(state, schedule, loss)
        >>> print(state.heard.scale)
        0.5
    """
    listener = plateau(schedule)
    seen: list[int] = []

    def hear(heard: Heard) -> Heard:
        seen.append(1)
        plain = Heard(*jax.tree.leaves(heard))
        return Heard(*_refilled(heard, listener.update(plain, metric)))

    result: State = _visit(state, lambda clock: clock, hear)
    if not seen:
        raise BadState(
            given=f"a {type(state).__name__} in which no rule listens", allowed="the state of inject or follow",
            where="tell", fix="make the optimizer with this schedule: inject(optax.adamw, schedule, peak)",
        )  # fmt: skip
    return result


_THEIRS = ("ScaleByScheduleState", "WrappedScheduleState")
"""The states in which optax counts for a schedule; Adam and others count for themselves."""


def _counts(node: Any) -> bool:
    return isinstance(node, Count) or (isinstance(node, tuple) and type(node).__name__ in _THEIRS)


def _is_known(node: Any) -> bool:
    return _counts(node) or isinstance(node, Heard | InjectStatefulHyperparamsState)


def _visit(state: Any, clock: Callable[[Any], Any], heard: Callable[[Heard], Heard] = lambda heard: heard) -> Any:
    """The tree with `clock` of every clock in it and `heard` of every rule's state."""

    def one(node: Any) -> Any:
        if _counts(node):
            return clock(node)
        if isinstance(node, Heard):
            return heard(node)
        if isinstance(node, InjectStatefulHyperparamsState):
            inner = _visit(node.inner_state, clock, heard)
            return node._replace(hyperparams_states=_visit(node.hyperparams_states, clock, heard), inner_state=inner)
        return node

    return jax.tree.map(one, state, is_leaf=_is_known)


def _standing(clock: Any) -> set[int]:
    """Where a clock stands; one of a batched state may stand at several steps."""
    try:
        words = [np.asarray(word) for word in jax.tree.leaves(clock)]
        if not isinstance(clock, Count):
            return {int(step) for step in np.unique(words[0])}
        if len(words) != 2:
            return {int(clock)}  # which tells what its words are
        pairs = np.stack([word.reshape(-1) for word in np.broadcast_arrays(*words)], axis=1)
        return {int(Count(*pair)) for pair in np.unique(pairs, axis=0)}
    except jax.errors.TracerArrayConversionError:
        raise BadState(
            given="a state that is traced, whose clock has no value yet", allowed="a state outside of jit",
            where="clock_of", fix="read the clock of what the compiled step returns",
        ) from None  # fmt: skip


def _put(clock: Any, count: Count) -> Any:
    if isinstance(clock, Count):
        return _refilled(clock, count)
    step, (old,) = int(count), jax.tree.leaves(clock)
    kind = getattr(old, "dtype", np.dtype("int32"))
    if step > np.iinfo(kind).max:
        raise BadValue(
            given=f"step {shown(step)} for a count of {kind}", allowed=f"0 to {np.iinfo(kind).max}",
            where="with_clock.step", fix="make the optimizer with calando.optax.inject or follow",
        )  # fmt: skip
    return _refilled(clock, [jnp.asarray(step, kind)])


def _refilled(old: Any, new: Any) -> Any:
    """The old node, wrapped as its host wraps leaves and placed where it was, with the values of the new one.

    A batched node is filled whole. Each leaf gets a buffer of its own, because a buffer that is in a state twice
    cannot be donated.
    """
    leaves, shape = jax.tree.flatten(old)
    values = zip(leaves, jax.tree.leaves(new), strict=True)
    return jax.tree.unflatten(shape, [_placed(_filled(value, leaf), leaf) for leaf, value in values])


def _filled(value: Any, leaf: Any) -> jax.Array:
    kind = getattr(leaf, "dtype", jnp.asarray(value).dtype)  # a leaf restored from a file may be a plain number
    return jnp.broadcast_to(jnp.array(value, kind, copy=True), np.broadcast_shapes(np.shape(leaf), np.shape(value)))


def _placed(value: jax.Array, like: Any) -> Any:
    if isinstance(like, jax.core.Tracer) or not isinstance(like, jax.Array):
        return value
    return jax.device_put(value, like.sharding)
