"""An optimizer that a schedule drives, whole: rate, momentum, weight decay, and a listener's state."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from calando.core.asked import bound_schedule
from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.keras.backend import BACKEND, as_written, in_numpy, known_step, never_compiled, rate_of, unwrapped
from calando.keras.changing import Changing, changed_to, stamp_of_change
from calando.keras.learning_rate import (
    LearningRate,
    check_peak,
    read_config,
    schedule_of,
    write_schedule,
)
from calando.keras.memory import (
    WORDS,
    check_origin,
    check_plan,
    check_policy,
    check_stamp,
    from_words,
    read_from,
    stamp,
    to_words,
    write_in,
)
from calando.keras.numbers import InForce, places_for, stand_in

__all__ = ["Scheduled"]


@keras.saving.register_keras_serializable(package="calando", name="Scheduled")
class Scheduled(Changing, keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras ships no types
    """A Keras optimizer around yours, which lets a schedule drive every number of it; `attach` makes one.

    Formula: at update t = `position`, the learning rate is peak * schedule(t) * scale, and every other quantity q of
    the bundle is schedule.at(t)[q]. t is the number of updates made: calls of `apply` over the optimizer's
    `gradient_accumulation_steps`, without those that a LossScaleOptimizer around it skipped.

    The values are computed inside the compiled train step, from the optimizer's own counter, so they are exact under
    `steps_per_execution`, too. The state of a feedback rule is a variable of the optimizer: every checkpoint of Keras'
    keeps it, and `keras.saving.load_model` gives all of it back.

    Args:
        inner_optimizer: a Keras optimizer that was made with a number as its learning rate.
        schedule: a bound plan; a listener or a bundle is welcome.
        peak: the learning rate that factor 1 stands for, a number > 0; left out it is the optimizer's own.
        resume: what a checkpoint of another schedule meets: exact (an error) or rebind (followed from its step on).
        name: text, the name of the optimizer in Keras' messages.

    Raises:
        BadValue: for an optimizer that something drives already, or arguments outside their range.
        BadName: for a quantity that the optimizer does not have.

    Source: keras.optimizers.LossScaleOptimizer, which wraps an optimizer in the same way.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        schedule: Schedule,
        peak: float | None = None,
        *,
        resume: str = "exact",
        name: str | None = None,
    ) -> None:
        own = _own_rate(inner_optimizer)
        bound_schedule(schedule, "attach(schedule)")
        rate = check_peak(own, "attach(optimizer)") if peak is None else check_peak(peak, "attach(peak)")
        places = places_for(inner_optimizer, schedule.quantities)
        policy = check_policy(resume)
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self._drive = _Drive(schedule, rate, places, policy)
        self._scale: Any = None
        self._words: Any = None
        if schedule.rule is not None:
            self._scale = self.add_variable(shape=(), initializer="ones", dtype="float32", name="scale")
            self._words = self.add_variable(shape=(WORDS,), initializer="zeros", dtype="int32", name="rule")
            write_in(self._words, to_words(schedule.rule.initial()))

    # ---- reading

    @property
    def peak(self) -> float:
        """The learning rate that factor 1 stands for."""
        return self._drive.peak

    @property
    def position(self) -> int:
        """The step of the schedule that the next update uses: the updates made so far."""
        return int(in_numpy(self.iterations))

    @property
    def scale(self) -> float:
        """What the feedback rule multiplies the learning rate by; 1 without a rule."""
        return 1.0 if self._scale is None else float(in_numpy(self._scale))

    @property
    def rule_state(self) -> Any:
        """The feedback rule's state, or None."""
        rule = self.schedule.rule
        return None if rule is None else from_words(rule, in_numpy(self._words))

    def values(self) -> dict[str, float]:
        """Every quantity of the next update, by name, as floats.

        Example:
            >>> import keras, calando.keras
            >>> both = calando.bundle(calando.linear_decay(), momentum=0.9).bind(10)
            >>> calando.keras.attach(keras.optimizers.SGD(0.5), both).values()
            {'lr': 0.5, 'momentum': 0.9}
        """
        found = self.schedule.at(self.position)
        return {**found, "lr": self.peak * found["lr"] * self.scale}

    pure = False
    """It keeps the count and the rule's state itself."""

    def reading(self, held: Iterable[object] = ()) -> tuple[int, float] | None:
        """The updates made and the rate of the last one; None while they are elsewhere, as in `fit` on JAX.

        Args:
            held: objects of the train function, which this optimizer does not need.

        Example:
            >>> import keras, calando.keras
            >>> optimizer = calando.keras.attach(keras.optimizers.SGD(0.5), calando.linear_decay().bind(10))
            >>> optimizer.build([weight := keras.Variable(1.0)])
            >>> optimizer.apply([keras.ops.ones(())], [weight])
            >>> optimizer.reading()
            (1, 0.5)
        """
        drive = self._drive
        if drive.away or (BACKEND == "jax" and getattr(self.inner_optimizer._iterations, "_value", self) is None):
            return None
        made = self.position
        if BACKEND == "jax" and not made:
            return None  # stateless updates leave the count in the values that go round
        told, scale = drive.told or (-1, 1.0)
        factor = drive.schedule(max(made - 1, 0)) * (scale if told == made else self.scale)
        return made, drive.peak * factor

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """While the count does not stand where the reader is: `reading` gives None."""
        self._drive.away = True
        try:
            yield
        finally:
            self._drive.away = False

    # ---- the listener

    def tell(self, metric: float) -> None:
        """Tell the feedback rule one more metric; `calando.keras.Follow` does so in `fit`.

        Args:
            metric: one number.

        Raises:
            BadValue: for a metric that is no number, or a schedule that does not listen.

        Example:
            >>> import keras, calando.keras
            >>> plan = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0)
            >>> optimizer = calando.keras.attach(keras.optimizers.SGD(0.1), plan.bind(100))
            >>> optimizer.tell(1.0), optimizer.tell(1.0), optimizer.values()
            (None, None, {'lr': 0.05})
        """
        rule = self.schedule.rule
        if rule is None:
            raise BadValue(
                given="a metric for a schedule that does not listen",
                allowed="schedules of reduce_on_plateau(plan)",
                where="Scheduled.tell",
                fix="wrap the plan, then bind and attach it, or leave tell and Follow out",
            )
        self._drive.told = (self.position, self.scale)
        state = rule.update(self.rule_state, metric)
        write_in(self._words, to_words(state))
        write_in(self._scale, state.scale)

    def step(self, metric: float | None = None) -> None:
        """For loops that step a scheduler: a metric is told to the rule; updates count themselves."""
        if metric is not None:
            self.tell(metric)

    # ---- being an optimizer

    def _values_now(self) -> Mapping[str, Any]:
        """The attributes of the inner optimizer for the update under way."""
        drive, step = self._drive, unwrapped(self.iterations)
        known = known_step(step)
        at = drive.schedule.at(step if known is None else known)
        if known is None:
            rate = rate_of(drive.peak * at["lr"])
            rate = rate if self._scale is None else rate * ops.cast(self._scale, rate.dtype)
        else:
            rate = rate_of(drive.peak * at["lr"] * self.scale)
        values: dict[str, Any] = {"_learning_rate": lambda: rate}
        for name, place in drive.places.items():
            values[place] = stand_in(at[name] if known is not None else rate_of(at[name]))
        return values

    @never_compiled
    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """One update of the inner optimizer, with the values of its step in force."""
        if not self.built:
            with keras.name_scope(self.name):
                self.build(trainable_variables)
        with self._drive.in_force(self.inner_optimizer, self._values_now()):
            self.inner_optimizer.apply(grads, trainable_variables)

    def apply_gradients(self, grads_and_vars: Any) -> Any:
        """As `apply`, for pairs of a gradient and a variable."""
        super().apply_gradients(grads_and_vars)
        return self.inner_optimizer.iterations

    def build(self, variables: Any) -> None:
        """Make the optimizer's variables; a scheduled momentum gets its sums, whatever it is at first."""
        if self.built:
            return
        places = self._drive.places.values()
        with self._drive.in_force(self.inner_optimizer, {place: 0.5 for place in places if place == "momentum"}):
            self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """The rule's variables and the inner optimizer's."""
        inner: list[Any] = self.inner_optimizer.variables if "inner_optimizer" in vars(self) else []
        return [*self._variables, *inner]

    @property
    def iterations(self) -> Any:
        """The updates made, as the inner optimizer counts them."""
        return self.inner_optimizer.iterations

    @property
    @as_written
    def learning_rate(self) -> Any:
        """The learning rate of the next update, as a tensor."""
        return self._values_now()["_learning_rate"]()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise BadValue(
            given=f"learning_rate = {shown(value)} on an optimizer that a schedule drives",
            allowed="one owner of the learning rate",
            where="Scheduled.learning_rate",
            fix="leave ReduceLROnPlateau and LearningRateScheduler out: the plan says it all, reduce_on_plateau(plan)",
        )

    @property
    def loss_scale_factor(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.loss_scale_factor if "inner_optimizer" in vars(self) else None

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: Any) -> None:
        if "inner_optimizer" in vars(self):
            self.inner_optimizer.loss_scale_factor = value

    def scale_loss(self, loss: Any) -> Any:
        """As the inner optimizer does."""
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: Any) -> None:
        """As the inner optimizer does, after training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    # ---- going on

    def rebind(self, schedule: Schedule, peak: float | None = None) -> None:
        """Follow the same plan over another horizon; use `calando.keras.rebind`, which knows the model, too."""
        drive = self._drive
        check_plan(drive.schedule, bound_schedule(schedule, "rebind(schedule)"))
        rate = drive.peak if peak is None else check_peak(peak, "rebind(peak)")
        self._drive = _Drive(schedule, rate, drive.places, drive.policy)

    def save_own_variables(self, store: Any) -> None:
        """The rule's variables, and which schedule this is; the inner optimizer saves its own."""
        for i, variable in enumerate(self._variables):
            store[str(i)] = in_numpy(variable)
        for key, saved in (("schedule", stamp(self.begun, self.peak)), ("steered", stamp_of_change(self._drive))):
            if saved is not None:
                store[key] = saved

    def load_own_variables(self, store: Any) -> None:
        """The rule's variables back.

        Raises:
            BadState: when the checkpoint is of another schedule than `resume` allows or of none, or broken.
        """
        check_origin(store, self.begun)
        check_stamp(read_from(store, "schedule"), self.begun, self.peak, self._drive.policy)
        steered = changed_to(store, self._drive, self.position)
        if steered is not None:
            self.change(steered)
        for i, variable in enumerate(self._variables):
            saved = read_from(store, str(i))
            if saved is not None:
                variable.assign(saved)
        if self._words is not None:
            write_in(self._scale, self.rule_state.scale)

    def get_config(self) -> dict[str, Any]:
        """The inner optimizer's config, the schedule's JSON and the peak, as plain data.

        Raises:
            NotSerialisable: when the plan holds a Python function that was not registered by name.
        """
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        schedule = write_schedule(self.begun)
        config = {"name": self.name, "inner_optimizer": inner, "schedule": schedule, "peak": self.peak}
        return config if self._drive.policy == "exact" else {**config, "resume": self._drive.policy}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Scheduled":
        """The optimizer that a config tells of.

        Raises:
            BadFile, BadName, BadValue: when the config is broken, naming the place.
        """
        given = read_config(config, ("inner_optimizer", "schedule", "peak"), ("name", "resume"), cls.__name__)
        inner = keras.saving.deserialize_keras_object(given["inner_optimizer"], custom_objects=custom_objects)
        more = {"name": given.get("name"), "resume": given.get("resume", "exact")}
        return cls(inner, schedule_of(given["schedule"]), given["peak"], **more)

    def __repr__(self) -> str:
        return f"Scheduled({type(self.inner_optimizer).__name__}, {self.schedule}, peak={self.peak:g})"


class _Drive:
    """What drives an optimizer; an object of our own, which neither Keras nor TensorFlow takes for a container."""

    def __init__(self, schedule: Schedule, peak: float, places: Mapping[str, str], policy: str) -> None:
        self.schedule, self.peak, self.places, self.policy = schedule, peak, places, policy
        self.begun: Schedule | None = None  # what it began with, where the schedule was changed
        self.in_force = InForce()
        self.away = False
        self.told: tuple[int, float] | None = None  # the position where the rule last heard, and its scale before


def _own_rate(optimizer: Any) -> float:
    """The number that an optimizer has as its learning rate, as it was written: 0.1, not its nearest float32."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise BadValue(
            given=f"{shown(optimizer)} ({type(optimizer).__name__})",
            allowed="a keras.optimizers.Optimizer",
            where="attach(optimizer)",
            fix="pass the optimizer itself, such as keras.optimizers.SGD(0.1)",
        )
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise BadValue(
            given="a LossScaleOptimizer",
            allowed="the optimizer inside it: the loss scale goes around the schedule",
            where="attach(optimizer)",
            fix="keras.optimizers.LossScaleOptimizer(calando.keras.attach(optimizer, schedule))",
        )
    rate = vars(optimizer).get("_learning_rate")
    if isinstance(optimizer, Scheduled) or not isinstance(rate, keras.Variable):
        owner = optimizer if isinstance(optimizer, Scheduled) else rate
        kind = type(getattr(optimizer, "inner_optimizer", optimizer)).__name__
        ours = isinstance(owner, Scheduled | LearningRate)
        raise BadValue(
            given=f"an optimizer that {shown(owner)} drives already",
            allowed="one owner of the learning rate",
            where="attach(optimizer)",
            fix=f"make the optimizer with a number: {kind}(learning_rate=0.1)"
            + ("; to change its horizon, use calando.keras.rebind" if ours else ""),
        )
    return _shortest(in_numpy(rate))


def _shortest(rate: Any) -> float:
    import numpy as np

    number: Any = np.asarray(rate)[()]
    return float(np.format_float_scientific(number))  # str(number) would follow np.set_printoptions
