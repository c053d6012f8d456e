"""A schedule as a LearningRateSchedule: any Keras optimizer takes it, and a saved model holds it."""

import json
import math
from typing import Any

import keras

from calando.core.asked import bound_schedule
from calando.core.codec import decode, from_json
from calando.core.schedule import Schedule
from calando.errors import BadFile, BadName, BadValue, Frozen, did_you_mean, shown
from calando.keras.backend import as_written, known_step, rate_of, unwrapped, whole_steps

__all__ = ["LearningRate", "check_peak", "read_config", "schedule_of", "write_schedule"]


@keras.saving.register_keras_serializable(package="calando", name="LearningRate")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras ships no types
    """A schedule as the learning rate of any Keras optimizer: a value, equal to others that say the same.

    Formula: peak * schedule(step // calls_per_update), as a float32 tensor of the backend (float64 where Keras is set
    to it). A step that is known is computed in float64 by plain Python; inside `tf.function`, `jax.jit` or
    `torch.compile` the same formula becomes part of the graph.

    Keras counts calls of `optimizer.apply`. With `gradient_accumulation_steps=k` only every k-th makes an update: give
    `calls_per_update=k`, since Keras' schedules cannot know it.

    Args:
        schedule: a bound plan of the learning rate alone; for listeners and bundles there is `calando.keras.attach`.
        peak: the learning rate that factor 1 stands for, a number > 0.
        calls_per_update: the optimizer's `gradient_accumulation_steps`, a whole number >= 1.

    Raises:
        BadValue: for a plan that is not bound, a listener, a bundle, or a number outside its range.
        Frozen: when one of its arguments is to be changed in place.

    Example:
        >>> import keras, calando.keras
        >>> rate = calando.keras.LearningRate(calando.linear_decay().bind(100), peak=0.5)
        >>> float(rate(0)), float(rate(50)), float(rate(100))
        (0.5, 0.25, 0.0)
        >>> optimizer = keras.optimizers.AdamW(rate)
        >>> keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))._learning_rate == rate
        True

    Source: keras.optimizers.schedules.LearningRateSchedule.
    """

    schedule: Schedule
    peak: float
    calls_per_update: int

    def __init__(self, schedule: Schedule, peak: float, *, calls_per_update: int = 1) -> None:
        bound_schedule(schedule, "LearningRate(schedule)")
        if schedule.rule is not None or len(schedule.quantities) > 1:
            listens = schedule.rule is not None
            raise BadValue(
                given="a schedule that listens to a metric" if listens else "a bundle of several quantities",
                allowed="a schedule of the learning rate alone: a LearningRateSchedule sees nothing but the step",
                where="LearningRate(schedule)",
                fix="drive the optimizer instead: optimizer = calando.keras.attach(optimizer, schedule)",
            )
        peak = check_peak(peak, "LearningRate(peak)")
        if isinstance(calls_per_update, bool) or not isinstance(calls_per_update, int) or calls_per_update < 1:
            raise BadValue(
                given=f"calls_per_update={shown(calls_per_update)}",
                allowed="a whole number >= 1",
                where="LearningRate(calls_per_update)",
                fix="give the optimizer's gradient_accumulation_steps, or leave it out",
            )
        self.__dict__.update(schedule=schedule, peak=peak, calls_per_update=calls_per_update)

    @as_written
    def __call__(self, step: Any) -> Any:
        """The learning rate of an update, as a tensor of the backend.

        Args:
            step: what Keras passes (`optimizer.iterations`), a whole number >= 0, or an array of them.

        Raises:
            BadValue: for what is no whole number, or floats inside a graph that cannot count to the run's end.
            OutOfRange: for a step below 0, or past the horizon of a strict schedule, where it can be seen.
        """
        step = unwrapped(step)
        known = known_step(step)
        if known is not None:
            return rate_of(self.peak * self.schedule(known // self.calls_per_update))
        step = whole_steps(step, self.schedule.horizon * self.calls_per_update)
        if self.calls_per_update > 1:
            step = step // self.calls_per_update
        return rate_of(self.peak * self.schedule(step))

    def get_config(self) -> dict[str, Any]:
        """The schedule's JSON and the peak, as plain data.

        Raises:
            NotSerialisable: when the plan holds a Python function that was not registered by name.
        """
        config = {"schedule": write_schedule(self.schedule), "peak": self.peak}
        return config if self.calls_per_update == 1 else {**config, "calls_per_update": self.calls_per_update}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LearningRate":
        """The learning rate that a config tells of.

        Raises:
            BadFile, BadName, BadValue: when the config is broken, naming the place.
        """
        given = read_config(config, ("schedule", "peak"), ("calls_per_update",), cls.__name__)
        return cls(schedule_of(given.pop("schedule")), given.pop("peak"), **given)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):  # what Keras notes about an object is its own affair
            raise Frozen(
                given=f"rate.{name} = {shown(value)}",
                allowed="reading only: learning rates are values",
                where="LearningRate",
                fix="make another one, and see calando.keras.rebind",
            )
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LearningRate) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[Schedule, float, int]:
        return self.schedule, self.peak, self.calls_per_update

    def __repr__(self) -> str:
        more = "" if self.calls_per_update == 1 else f", calls_per_update={self.calls_per_update}"
        return f"LearningRate({self.schedule!r}, peak={self.peak!r}{more})"


# ---- arguments and configs, for all of this door


def check_peak(peak: Any, where: str) -> float:
    """A number above 0 that float32 holds."""
    try:
        number = math.nan if isinstance(peak, bool | str | bytes | bytearray) else float(peak)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 1.18e-38 <= number <= 3.4e38:
        raise BadValue(
            given=f"peak={shown(peak)}",
            allowed="a number > 0: the learning rate that factor 1 stands for"
            + (", 1.18e-38 to 3.4e38 as float32 holds it" if math.isfinite(number) and number > 0.0 else ""),
            where=where,
            fix="give a rate such as 1e-3",
        )
    return number


def write_schedule(schedule: Schedule) -> dict[str, Any]:
    """A schedule as the plain data of its JSON."""
    plain: dict[str, Any] = json.loads(schedule.to_json())
    return plain


def schedule_of(plain: object) -> Schedule:
    """The schedule back from a config; its JSON may also be text.

    Raises:
        BadFile: when it is no schedule.
    """
    read = from_json(plain) if isinstance(plain, str) else decode(plain)
    if not isinstance(read, Schedule):
        raise BadFile(
            given=f"the JSON of a {read.kind}",
            allowed='a document of "kind": "schedule"',
            where="from_config(schedule)",
            fix="bind the plan before it goes into a config: plan.bind(horizon).to_json()",
        )
    return read


def read_config(config: object, needed: tuple[str, ...], more: tuple[str, ...], name: str) -> dict[str, Any]:
    """A config with the keys that belong, and no others."""
    if not isinstance(config, dict) or not set(needed) <= set(config):
        raise BadFile(
            given=shown(config), allowed="a dict with " + " and ".join(needed), where=f"{name}.from_config",
            fix="pass what get_config returned",
        )  # fmt: skip
    for key in config:
        if key not in needed + more:
            raise BadName(
                given=f"the key {shown(key)}{did_you_mean(str(key), needed + more)}",
                allowed=", ".join(needed + more), where=f"{name}.from_config",
                fix="drop the key, or read the file with the Calando that wrote it",
            )  # fmt: skip
    return dict(config)
