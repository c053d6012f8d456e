"""The callback through which a run of `model.fit` is watched and steered."""

from collections.abc import Mapping
from typing import Any

import keras

from calando.core.watchable import check_watched
from calando.keras.backend import in_numpy
from calando.keras.door import driven, rebind
from calando.keras.learning_rate import LearningRate

__all__ = ["Watching"]

_SHARP = 100_000
"""Batches of an epoch from which on the loss of one is no longer found in a float32 mean over all of them."""


class Watching(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Hand what `model.fit` logs to a watched run, and stop the training when the run is over.

    The loss of every batch is written down as "train_loss", with the rate that its update used. Keras tells the mean
    over the epoch so far; the batch's own is what that mean has moved by. "val_..." and the metrics come at each
    epoch's end. Where a schedule of ours drives the optimizer the run can be steered.

    Formula: loss of batch b = (b+1)*mean_b - b*mean_(b-1), with the means over the epoch so far that Keras tells.

    Args:
        watched: object that `calando.watch("name")` gave, without a scheduler.

    Raises:
        BadValue: for what is no watched run.

    Example:
        >>> import keras, numpy, tempfile, calando, calando.keras
        >>> folder = tempfile.TemporaryDirectory()
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(calando.keras.attach(keras.optimizers.SGD(0.1), calando.linear_decay().bind(6)), loss="mse")
        >>> watched = calando.watch("tiny", folder=folder.name)
        >>> x = numpy.ones((6, 2))
        >>> history = model.fit(x, x, batch_size=2, epochs=2, verbose=0, callbacks=[calando.keras.Watching(watched)])
        >>> watched.step, watched.horizon, watched.ending
        (5, 6, 'done')
        >>> folder.cleanup()

    Source: keras.callbacks.Callback.
    """

    def __init__(self, watched: Any) -> None:
        super().__init__()
        check_watched(watched, "calando.keras.Watching(watched)")
        self.watched = watched
        self._made = 0  # updates before this epoch
        self._batch, self._mean = -1, 0.0
        self._scheduled: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Say what drives the run."""
        optimizer = self.model.optimizer
        self._scheduled = driven(optimizer)
        self._made = int(in_numpy(optimizer.iterations))
        if self.watched.follows:
            return
        schedule, peak = self._followed()
        epochs, steps = self.params.get("epochs"), self.params.get("steps")
        total = epochs * steps if epochs and steps else None
        self.watched.follow(
            scheduler=None if self._scheduled is None else _Driven(self.model, self._scheduled),
            schedule=schedule,
            peak=peak,
            horizon=total if schedule is None else schedule.horizon,
            begun=self._made,
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Batches are counted from 0 in each epoch."""
        self._batch, self._mean = -1, 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write down the loss of a batch, and the rate of its update."""
        step = self._made + batch
        numbers: dict[str, Any] = {"lr": self._rate(step)}
        mean = (logs or {}).get("loss")
        if mean is not None:
            numbers["train_loss"] = self._own(float(mean), batch)
        self.watched.log(numbers, step=step)
        if self.watched.over:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write down the metrics of the epoch."""
        self._made += self._batch + 1
        told: Mapping[str, Any] = logs or {}
        numbers = {name: value for name, value in told.items() if name not in ("loss", "learning_rate", "lr")}
        if numbers and self._made:
            self.watched.log(numbers, step=self._made - 1)
        self._batch = -1

    def on_train_end(self, logs: Any = None) -> None:
        """The run is over where its end is reached; a later `fit` may go on with it else."""
        horizon = self.watched.horizon
        if horizon is None or self._made >= horizon or self.watched.over:
            self.watched.close()

    def _own(self, mean: float, batch: int) -> float:
        """The mean loss of the batches since the last call, from the means over the epoch so far."""
        count, before = batch + 1, self._batch + 1
        own = mean if not before or count > _SHARP else (count * mean - before * self._mean) / (count - before)
        self._batch, self._mean = batch, mean
        return own

    def _followed(self) -> tuple[Any, float | None]:
        if self._scheduled is not None:
            return self._scheduled.schedule, self._scheduled.peak
        rate = _rate_of(self.model.optimizer)
        return (rate.schedule, rate.peak) if isinstance(rate, LearningRate) else (None, None)

    def _rate(self, step: int) -> float:
        """The rate that update `step` used."""
        scheduled = self._scheduled
        if scheduled is not None:
            return float(scheduled.peak * scheduled.schedule(step) * scheduled.scale)
        rate = _rate_of(self.model.optimizer)
        return float(
            in_numpy(rate(step) if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else rate)
        )


class _Driven:
    """A schedule that drives a model's optimizer, as steering sees it."""

    def __init__(self, model: Any, scheduled: Any) -> None:
        self._model, self._scheduled = model, scheduled

    @property
    def schedule(self) -> Any:
        """The schedule in force."""
        return self._scheduled.schedule

    @property
    def peak(self) -> float:
        """The rate that factor 1 stands for."""
        return float(self._scheduled.peak)

    def change(self, schedule: Any) -> None:
        """Follow another schedule from the next update on."""
        change = getattr(self._scheduled, "change", None)
        if change is None:
            rebind(self._model, schedule)
            return
        change(schedule)
        if getattr(self._model, "train_function", None) is not None:
            self._model.make_train_function(force=True)  # the old one has the old schedule compiled into it


def _rate_of(optimizer: Any) -> Any:
    """What the innermost optimizer has as its learning rate: a variable, or a schedule."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer._learning_rate
