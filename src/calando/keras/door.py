"""The front door: a schedule and a Keras optimizer become an optimizer that the schedule drives."""

from typing import Any, Literal

import keras

from calando.core.asked import bound_schedule
from calando.core.schedule import Schedule
from calando.errors import BadValue, shown
from calando.keras.learning_rate import LearningRate, check_peak
from calando.keras.memory import check_plan
from calando.keras.scheduled import Scheduled

__all__ = ["attach", "driven", "rebind"]


def attach(
    optimizer: Any, schedule: Schedule, *, peak: float | None = None, resume: Literal["exact", "rebind"] = "exact"
) -> Scheduled:
    """Let a schedule drive a Keras optimizer: compile the model with what this returns.

    Formula: learning rate of update t = peak * schedule(t) * scale, where scale is 1 unless a feedback rule lowered it;
    every other quantity of a bundle is absolute. "momentum" is the optimizer's momentum or else its beta_1; "beta1",
    "beta2", "weight_decay", "rho" and "epsilon" are what they say.

    For a learning rate alone, `calando.keras.LearningRate(schedule, peak)` is enough, and Keras' own way. `attach` is
    for listeners (`reduce_on_plateau`, told by `calando.keras.Follow`), for bundles, and where a checkpoint shall
    know its schedule.

    Resume: a model file brings its schedule along. Weights alone (`load_weights`, BackupAndRestore) are checked
    against the schedule attached: "exact" wants the same schedule and peak, "rebind" the same plan at any horizon,
    which is then followed from the step saved; the rate may jump.

    Args:
        optimizer: a keras.optimizers.Optimizer made with a number as its learning rate; use what is returned instead.
        schedule: a bound plan, whatever it holds.
        peak: the learning rate that factor 1 stands for, a number > 0; left out it is the optimizer's own.
        resume: one of the names exact and rebind.

    Raises:
        BadValue: for an optimizer that something drives already, or arguments outside their range; a learning rate of 0
            is no peak.
        BadName: for a quantity that the optimizer does not have, or an unknown resume policy.

    Example:
        >>> import keras, calando.keras
        >>> plan = calando.one_cycle().with_momentum()
        >>> optimizer = calando.keras.attach(keras.optimizers.SGD(0.1, momentum=0.9), plan.bind(100))
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer, loss="mse")
        >>> {name: round(value, 4) for name, value in optimizer.values().items()}
        {'lr': 0.004, 'momentum': 0.95}

    Source: keras.optimizers.LossScaleOptimizer, an optimizer around an optimizer.
    """
    return Scheduled(optimizer, schedule, peak, resume=resume)


def driven(optimizer: Any) -> Any:
    """The Scheduled in a chain of optimizers around one another, or None."""
    while optimizer is not None and not isinstance(optimizer, Scheduled):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer


def rebind(model: Any, schedule: Schedule, *, peak: float | None = None) -> None:
    """Go on with a model under the same plan and another horizon, from the step where it stands.

    Formula: at the next update t the learning rate is peak * schedule(t) of the new schedule; it may jump there. The
    position and a feedback rule's state stay.

    Args:
        model: a compiled model whose optimizer follows a schedule, as `keras.saving.load_model` gives it.
        schedule: the plan that the model follows, bound to the new horizon.
        peak: the learning rate that factor 1 stands for from now on, a number > 0; left out it stays.

    Raises:
        BadValue: for a model whose optimizer no schedule of ours drives, or a peak outside its range.
        BadState: for a schedule of another plan.

    Example:
        >>> import keras, calando.keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> plan = calando.linear_decay()
        >>> model.compile(keras.optimizers.SGD(calando.keras.LearningRate(plan.bind(10), peak=0.1)), loss="mse")
        >>> model.optimizer.iterations.assign(5) is None
        False
        >>> calando.keras.rebind(model, plan.bind(20))
        >>> round(float(model.optimizer.learning_rate), 6)
        0.075
    """
    bound_schedule(schedule, "rebind(schedule)")
    optimizer: Any = getattr(model, "optimizer", None)
    scheduled = driven(optimizer)
    if scheduled is not None:
        scheduled.rebind(schedule, peak)
    else:
        while isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = optimizer.inner_optimizer
        rate = vars(optimizer).get("_learning_rate") if optimizer is not None else None
        if not isinstance(rate, LearningRate):
            raise BadValue(
                given=f"a model whose learning rate is {shown(rate)}",
                allowed="a compiled model with a LearningRate, or an optimizer made by calando.keras.attach",
                where="rebind(model)",
                fix="compile the model with the new schedule: there is no old one to go on from",
            )
        check_plan(rate.schedule, schedule)
        new = rate.peak if peak is None else check_peak(peak, "rebind(peak)")
        optimizer.learning_rate = LearningRate(schedule, new, calls_per_update=rate.calls_per_update)
    if getattr(model, "train_function", None) is not None:
        model.make_train_function(force=True)  # the old one has the old schedule compiled into it
