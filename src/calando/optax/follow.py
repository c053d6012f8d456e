"""The last link of an optax chain: updates times minus the learning rate, on a clock that does not stop."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from calando.core.asked import bound_schedule
from calando.core.formula import Array
from calando.core.schedule import Schedule
from calando.optax.count import Count
from calando.optax.plateau import Heard, Plateau, checked_average, plateau
from calando.optax.rate import checked_peak

__all__ = ["FollowState", "Pace", "follow"]


class FollowState(NamedTuple):
    """The state of `follow`.

    Args:
        clock: updates taken so far, a `Count`.
        learning_rate: the rate that the last update used, a number (before the first: the one that it will use).
        heard: where the feedback rule stands, an object of kind Heard, or () without one.
    """

    clock: Count
    learning_rate: Array
    heard: Heard | tuple[()]


class Pace:
    """A schedule, its peak and its listener: everything that turns a count and a metric into values."""

    def __init__(self, schedule: Schedule, peak: float, average: int, where: str) -> None:
        self.schedule = bound_schedule(schedule, where)
        self.peak = checked_peak(peak, where)
        average, listens = checked_average(average, where), self.schedule.rule is not None
        self.listener: Plateau | None = plateau(self.schedule, self.peak, average=average) if listens else None

    def heard(self) -> Heard | tuple[()]:
        """The listener's state before any metric."""
        return () if self.listener is None else self.listener.init()

    def hear(self, heard: Heard | tuple[()], value: Array | None) -> Heard | tuple[()]:
        """The listener's state after a metric, or after none."""
        if self.listener is None or value is None or not isinstance(heard, Heard):
            return heard
        return self.listener.update(heard, value)

    def values(self, count: Count, heard: Heard | tuple[()]) -> dict[str, Array]:
        """Every quantity of the update that `count` stands at; "lr" is the learning rate."""
        values = self.schedule.at(count)
        values["lr"] = self.peak * values["lr"] * (heard.scale if isinstance(heard, Heard) else 1.0)
        return values


def follow(schedule: Schedule, peak: float = 1.0, *, average: int = 1) -> optax.GradientTransformationExtraArgs:
    """The last link of a chain, in place of `optax.scale_by_learning_rate`: it counts past 2^31 and hears a metric.

    Formula: updates * -peak * schedule(count) * scale; scale is 1 unless the schedule listens.

    A schedule that listens is told by `optimizer.update(grads, state, params, value=metric)`; updates without a metric
    leave the argument out. A metric counts from the update on that it comes with. The rate that the last update used is
    in the state, as `learning_rate`. Of a bundle, the learning rate alone is applied; see `inject`.

    Args:
        schedule: a bound plan.
        peak: learning rate of factor 1, a finite number > 0.
        average: how many metrics are heard as one, their mean, >= 1.

    Raises:
        BadValue: for a plan that is not bound, or a number outside its range.

    Example:
        >>> import optax, calando.optax
        >>> schedule = calando.linear_decay().bind(10)
        >>> optimizer = optax.chain(optax.scale_by_adam(), calando.optax.follow(schedule, 0.1))

    Source: optax.scale_by_schedule.
    """
    pace = Pace(schedule, peak, average, "follow")

    def init(params: Any) -> FollowState:
        del params
        count, heard = Count.at(0), pace.heard()
        return FollowState(count, jnp.asarray(pace.values(count, heard)["lr"]), heard)

    def update(
        updates: Any, state: FollowState, params: Any = None, *, value: Array | None = None, **extra: Any
    ) -> tuple[Any, FollowState]:
        del params, extra
        heard = pace.hear(state.heard, value)
        rate = pace.values(state.clock, heard)["lr"]
        updates = jax.tree.map(lambda update: (-rate * update).astype(update.dtype), updates)
        return updates, FollowState(state.clock.advance(), rate, heard)

    return optax.GradientTransformationExtraArgs(init, update)
