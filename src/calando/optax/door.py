"""The front door: a factory of optax and a schedule become a transformation that tells which rate it used."""

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
import optax

from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.optax.count import Count
from calando.optax.follow import FollowState
from calando.optax.inject import InjectState, inject

__all__ = ["Attached", "attach"]

_CLOCKED = InjectState | FollowState


class Attached(optax.GradientTransformationExtraArgs):  # type: ignore[misc]  # optax ships no types
    """What `calando.optax.attach` gives: a transformation of optax; alone or inside `optax.chain`.

    Args:
        init: as in optax, a function.
        update: as in optax, a function.
    """

    pure = True
    """It keeps nothing itself: all of its state is in the values that the train function holds."""

    peak: float
    _place = 0  # where the state was found last

    def reading(self, held: Iterable[object]) -> tuple[int, float] | None:
        """The updates made and the rate of the last one, as the optimizer's state tells them; None where none does.

        Args:
            held: objects in which the state is looked for; the newest of a train function's values.

        Example:
            >>> import jax.numpy as jnp, optax, calando.optax
            >>> optimizer = calando.optax.attach(optax.sgd, calando.linear_decay().bind(10), peak=0.5)
            >>> _, state = optimizer.update(jnp.ones(2), optimizer.init(jnp.ones(2)))
            >>> optimizer.reading([state])
            (1, 0.5)
        """
        values = list(held)
        if not (self._place < len(values) and _states(values[self._place])):
            self._place = next((place for place, value in enumerate(values) if _states(value)), len(values))
        found = {_read(state) for state in _states(values[self._place])} if self._place < len(values) else {None}
        return found.pop() if len(found) == 1 else None

    def step(self, metric: float | None = None) -> None:
        """Nothing: the clock stands in the state, and a listener there is told by `calando.optax.tell`."""


def attach(
    factory: Callable[..., optax.GradientTransformation],
    schedule: Schedule,
    *,
    peak: float | None = None,
    **arguments: Any,
) -> Attached:
    """An optimizer of optax that follows a schedule in every quantity of it, and tells which rate it used.

    Formula: update t is made by factory(learning_rate=peak * lr(t) * scale, other=other(t), ..., **arguments).

    In a study `run.attach(optax.adamw, learning_rate=1e-3, ...)` calls this with the candidate's schedule and peak.

    Args:
        factory: a function such as optax.adamw, or one of your own with an argument `learning_rate`.
        schedule: a bound plan or bundle.
        peak: the learning rate that factor 1 stands for, a number > 0; left out it is the argument `learning_rate`.
        arguments: the other arguments of the factory, objects that are handed on as they are.

    Raises:
        BadName: for a quantity or an argument that the factory does not take.
        BadValue: without a peak and a learning rate, or as `inject` does.

    Example:
        >>> import optax, calando.optax
        >>> optimizer = calando.optax.attach(optax.adamw, calando.cosine().bind(100), learning_rate=1e-3, b2=0.95)
    """
    if isinstance(factory, optax.GradientTransformation):
        raise BadValue(
            given="an optimizer that is made already",
            allowed="the function that makes it, and its arguments",
            where="attach(factory)",
            fix="write attach(optax.adamw, learning_rate=1e-3, ...) where optax.adamw(1e-3, ...) stood",
        )
    rate = arguments.pop("learning_rate", None)
    chosen = rate if peak is None else peak
    if chosen is None or callable(chosen):
        raise BadValue(
            given="no learning rate" if chosen is None else f"learning_rate={shown(chosen)}",
            allowed="a number: the learning rate of factor 1",
            where="attach(learning_rate)",
            fix="write attach(optax.adamw, ..., learning_rate=1e-3); the schedule multiplies it",
        )
    made = Attached(*inject(factory, schedule, chosen, **arguments))
    made.peak = float(chosen)
    return made


def _states(value: object) -> list[Any]:
    nodes = jax.tree.leaves(value, is_leaf=lambda node: isinstance(node, _CLOCKED))
    return [node for node in nodes if isinstance(node, _CLOCKED)]


def _read(state: Any) -> tuple[int, float] | None:
    """Clock and rate of a state; None for one that was batched or is under a trace."""
    rate = state.hyperparams["learning_rate"] if isinstance(state, InjectState) else state.learning_rate
    numbers = [*jax.tree.leaves(state.clock), *jax.tree.leaves(rate)]
    if len(numbers) != 3 or any(np.ndim(one) or isinstance(one, jax.core.Tracer) for one in numbers):
        return None
    high, low, used = numbers
    return int(Count(high, low)), float(used)
