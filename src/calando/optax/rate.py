"""A learning rate as a pure function of the step."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from calando.core.asked import bound_schedule
from calando.core.formula import Array
from calando.core.schedule import Schedule
from calando.errors import BadValue, Frozen, shown

__all__ = ["LearningRate", "checked_peak", "learning_rate"]


class LearningRate:
    """What `calando.optax.learning_rate` gives: a frozen value, called with a count.

    Formula: peak * schedule(count).

    Equal rates are equal and have one hash, so one may be a static argument of `jit`; one is pickled and printed.
    """

    __slots__ = ("__weakref__", "peak", "schedule")  # jit holds functions weakly

    schedule: Schedule
    peak: float

    def __init__(self, schedule: Schedule, peak: float) -> None:
        object.__setattr__(self, "schedule", schedule)
        object.__setattr__(self, "peak", peak)

    def __call__(self, count: Array) -> Array:
        """The learning rate of update `count`: a float for an int, an array for an integer array or a `Count`.

        Raises:
            OutOfRange: for a step below 0, or past the horizon of a strict schedule, where its value can be seen.
            BadValue: for anything but whole steps, or a traced count that cannot reach the horizon.
        """
        if isinstance(count, jax.Array):
            _check_reach(count, self.schedule.horizon)
        return self.peak * self.schedule(count)

    def __setattr__(self, name: str, value: object) -> None:
        raise Frozen(
            given=f"rate.{name} = {shown(value)}", allowed="reading only: learning rates are values",
            where="learning_rate", fix="make another one",
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LearningRate) and (self.schedule, self.peak) == (other.schedule, other.peak)

    def __hash__(self) -> int:
        return hash((self.schedule, self.peak))

    def __repr__(self) -> str:
        return f"learning_rate({self.schedule!r}, peak={self.peak!r})"

    def __str__(self) -> str:
        return f"{self.peak:g} x {self.schedule}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (LearningRate, (self.schedule, self.peak))


def learning_rate(schedule: Schedule, peak: float = 1.0) -> LearningRate:
    """A pure function from the count of updates to the learning rate, for every optimizer of optax.

    Formula: peak * schedule(count).

    Valid under `jit`, `vmap`, `scan` and `grad`: a count is a whole number, so the rate has no derivative by it and is
    a constant to what is differentiated. An int gives a float, a NumPy array one of NumPy in float64, an array of JAX
    or a `Count` one of JAX: float32, or float64 under x64. Values that can be seen are computed on the host in
    float64; a compiled step is compiled once, and its rates agree to 1e-6. Steps that are traced cannot be refused:
    below 0 they count as 0, and a schedule bound with strict=True raises BadValue under `jit`.

    An optimizer of optax counts in an int32, which stops at 2^31 - 1. A longer run counts with `inject` or `follow`.

    Args:
        schedule: a bound plan that listens to no metric.
        peak: learning rate of factor 1, a finite number > 0.

    Raises:
        BadValue: for a plan that is not bound, a schedule that listens, or a peak that is no such number.

    Example:
        >>> import optax, calando.optax
        >>> schedule = calando.parse("warmup(10%) | cosine()").bind(1000)
        >>> optimizer = optax.adamw(calando.optax.learning_rate(schedule, 3e-4))
        >>> calando.optax.learning_rate(schedule, 3e-4)(50)
        0.00015

    Source: optax schedules.
    """
    schedule = bound_schedule(schedule, "learning_rate")
    if schedule.rule is not None:
        raise BadValue(
            given=f"{shown(str(schedule.plan))}, which listens to a metric",
            allowed="a schedule that is a function of the step alone", where="learning_rate",
            fix="use calando.optax.inject or follow, which take value=metric, or plateau in a loop of your own",
        )  # fmt: skip
    return LearningRate(schedule, checked_peak(peak, "learning_rate"))


def checked_peak(peak: object, where: str) -> float:
    """The peak as a float.

    Raises:
        BadValue: unless it is a number > 0 that float32 holds.
    """
    plain = isinstance(peak, int | float | np.integer | np.floating) and not isinstance(peak, bool)
    if plain and 1.18e-38 <= peak <= 3.4e38:  # type: ignore[operator]  # compared as they are: an int may be too large
        return float(peak)  # type: ignore[arg-type]
    arrays = isinstance(peak, jax.Array)
    raise BadValue(
        given=f"a peak of {shown(peak)} ({type(peak).__name__})",
        allowed="a finite number > 0, as float32 holds it: 1.18e-38 to 3.4e38", where=f"{where}.peak",
        fix="multiply outside: peak * learning_rate(schedule)(count)" if arrays else "give the largest learning rate",
    )  # fmt: skip


def _check_reach(count: jax.Array, horizon: int) -> None:
    limits: Any = jnp.iinfo  # NumPy's knows no int4
    most = int(limits(count.dtype).max) if jnp.issubdtype(count.dtype, jnp.integer) else horizon
    if most < horizon:
        raise BadValue(
            given=f"a count of {count.dtype} for a run of {horizon} steps",
            allowed=f"a count that gets there; this one stops at {most}",
            where="learning_rate(count)",
            fix="count with calando.optax.inject(optax.adamw, schedule, peak) or follow, or pass a calando.optax.Count",
        )
