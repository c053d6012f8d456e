"""Feedback rules as pure state: arrays alone, so that a metric may be heard inside `jit` and `scan`."""

import math
from typing import NamedTuple

import jax.numpy as jnp

from calando.core.asked import bound_schedule
from calando.core.feedback import PlateauRule
from calando.core.formula import Array
from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.optax.rate import checked_peak

__all__ = ["Heard", "Plateau", "checked_average", "plateau", "unheard"]


class Heard(NamedTuple):
    """Everything that a plateau rule remembers, as arrays of no dimension: a pytree for any checkpoint.

    Args:
        scale: what the rule multiplies the learning rate by, 0 to 1.
        best: the best metric so far, a number; infinite before the first.
        bad: metrics in a row that were no better, a number.
        cooling: metrics still to pass before bad ones count again, a number.
        seen: metrics heard so far, means of several counted once.
        mean: of the metrics that wait to be heard together, a number.
        waiting: how many these are, below `average`.
    """

    scale: Array
    best: Array
    bad: Array
    cooling: Array
    seen: Array
    mean: Array
    waiting: Array


def unheard() -> Heard:
    """A rule's state before any metric."""
    plain = Heard(1.0, math.inf, 0, 0, 0, 0.0, 0)
    return Heard(*(_real(value) if isinstance(value, float) else jnp.int32(value) for value in plain))


class Plateau(NamedTuple):
    """The pure rule that `calando.optax.plateau` gives: `init`, `update` and `learning_rate`.

    Args:
        schedule: a bound plan that listens.
        peak: learning rate of factor 1, > 0.
        average: how many metrics are heard as one, their mean; >= 1.
    """

    schedule: Schedule
    peak: float
    average: int

    @property
    def rule(self) -> PlateauRule:
        """The rule in plain Python."""
        rule = self.schedule.rule
        return PlateauRule() if rule is None else rule

    def init(self) -> Heard:
        """The state before any metric."""
        return unheard()

    def update(self, state: Heard, metric: Array) -> Heard:
        """The state after one more metric: one number, traced or not; what is not finite counts as no better.

        Raises:
            BadValue: for a metric that is no number, or has a shape.
        """
        value = _metric(metric)
        if self.average == 1:
            return self._hear(state, value)
        count = state.waiting + 1
        mean = state.mean + (value - state.mean) / count
        full = count >= self.average
        heard = self._hear(state, mean)
        waits = state._replace(mean=mean, waiting=count)
        return Heard(*(jnp.where(full, new, old) for new, old in zip(heard, waits, strict=True)))

    def learning_rate(self, state: Heard, count: Array) -> Array:
        """The learning rate of update `count`: peak * schedule(count) * scale."""
        return self.peak * self.schedule(count) * state.scale

    def _hear(self, state: Heard, value: Array) -> Heard:
        rule = self.rule
        better = self._is_better(value, state.best)
        cooling = jnp.maximum(state.cooling - 1, 0)
        if rule.convention == "keras":
            bad = jnp.where(state.cooling > 0, 0, state.bad)
            bad = jnp.where(better, 0, jnp.where(cooling > 0, bad, bad + 1))
            reduce = ~better & (cooling == 0) & (bad >= rule.patience)
        else:
            bad = jnp.where(better | (state.cooling > 0), 0, state.bad + 1)
            reduce = bad > rule.patience
        least = jnp.minimum(state.scale, jnp.maximum(state.scale * rule.factor, rule.min_scale))
        if rule.least_change:
            least = jnp.where(state.scale - least > rule.least_change, least, state.scale)
        return Heard(
            scale=jnp.where(reduce, least, state.scale),
            best=jnp.where(better, value, state.best),
            bad=jnp.where(reduce, 0, bad),
            cooling=jnp.where(reduce, rule.cooldown, cooling),
            seen=state.seen + 1,
            mean=state.mean * 0,
            waiting=state.waiting * 0,
        )

    def _is_better(self, value: Array, best: Array) -> Array:
        """`PlateauRule.is_better` on arrays, an infinite best standing for none."""
        rule = self.rule
        sign = -1.0 if rule.mode == "min" else 1.0
        none, best = jnp.isinf(best), jnp.where(jnp.isinf(best), 0.0, best)
        if rule.threshold_mode == "relative":
            share = rule.threshold if rule.margin == "signed" else jnp.copysign(_real(rule.threshold), best)
            bar = best * (1.0 + sign * share)
        else:
            bar = best + sign * rule.threshold
        return jnp.isfinite(value) & (none | (sign * value > sign * bar))


def plateau(schedule: Schedule, peak: float = 1.0, *, average: int = 1) -> Plateau:
    """Let a schedule that listens run in a loop of your own: pure functions of a state that is a few arrays.

    Formula: learning rate = peak * schedule(count) * scale, where the rule lowers scale when the metric stalls.

    The rule is the one of `calando.PlateauRule`. Without x64 metrics are float32: two that differ by less than 6e-8 of
    their size are equal, and one beyond 3e38 is infinite.

    Args:
        schedule: a bound plan that listens, such as reduce_on_plateau(cosine()).
        peak: learning rate of factor 1, a finite number > 0.
        average: how many metrics are heard as one, their mean: 1 for evaluations, hundreds for losses of batches.

    Raises:
        BadValue: for a schedule that hears nothing, or a number outside its range.

    Example:
        >>> import calando.optax
        >>> plan = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0)
        >>> listener = calando.optax.plateau(plan.bind(100), peak=0.1)
        >>> state = listener.init()
        >>> for loss in (1.0, 1.0):
        ...     state = listener.update(state, loss)
        >>> print(listener.learning_rate(state, 2))
        0.05

    Source: optax.contrib.reduce_on_plateau, which never fires on a constant negative metric and this one does.
    """
    schedule = bound_schedule(schedule, "plateau")
    if schedule.rule is None:
        raise BadValue(
            given=f"{shown(str(schedule.plan))}, which hears nothing", allowed="a schedule that listens to a metric",
            where="plateau", fix="bind reduce_on_plateau(plan, patience=...), or use learning_rate",
        )  # fmt: skip
    return Plateau(schedule, checked_peak(peak, "plateau"), checked_average(average, "plateau"))


def checked_average(average: object, where: str) -> int:
    """How many metrics are heard as one.

    Raises:
        BadValue: unless it is a whole number >= 1.
    """
    if isinstance(average, bool) or not isinstance(average, int) or average < 1:
        raise BadValue(
            given=f"average={shown(average)}", allowed="a whole number >= 1", where=f"{where}.average",
            fix="give the number of metrics that are heard as one",
        )  # fmt: skip
    return average


def _real(value: float) -> Array:
    return jnp.asarray(value, dtype=jnp.result_type(float))


def _metric(metric: Array) -> Array:
    try:
        value = jnp.asarray("text" if isinstance(metric, bool) else metric)
        if jnp.iscomplexobj(value) or value.dtype == bool:
            raise TypeError(str(value.dtype))
        return jnp.reshape(value, ()).astype(jnp.result_type(float))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(
            given=f"{shown(metric)} ({type(metric).__name__})", allowed="one number", where="metric",
            fix="pass the metric's value, such as losses.mean()",
        ) from error  # fmt: skip
