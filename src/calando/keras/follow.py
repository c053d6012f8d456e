"""The callback through which a schedule hears of a metric."""

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import keras

from calando.errors import BadName, BadValue, did_you_mean, shown
from calando.keras.backend import in_numpy
from calando.keras.door import driven
from calando.keras.scheduled import Scheduled

__all__ = ["Follow"]

_OWNERS = keras.callbacks.ReduceLROnPlateau | keras.callbacks.LearningRateScheduler
_SAVERS = keras.callbacks.BackupAndRestore | keras.callbacks.ModelCheckpoint


class Follow(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Tell the listener of an attached schedule the metric, at every epoch's end or every so many batches.

    Formula: `optimizer.tell(logs[monitor])`; the new scale is in force from the next update on. With every=n it is the
    running mean of the epoch that Keras shows at the end of each n-th batch, counted over the whole run.

    The callback keeps nothing: the rule's state is in the optimizer, so ModelCheckpoint, BackupAndRestore and
    `model.save` keep it, and a second `fit` goes on with it. In the list of callbacks it goes before those two, so that
    what they save holds the epoch's metric, and stays behind a callback that computes the metric.

    Args:
        monitor: name of the metric in Keras' logs, such as "val_loss".
        every: "epoch", or a whole number of batches >= 1.

    Raises:
        BadValue: in `fit`, when the model's optimizer has no listener, or another callback tells it or sets the rate.
        BadName: in `fit`, when there is no metric of this name.

    Example:
        >>> import keras, numpy, calando.keras
        >>> plan = calando.reduce_on_plateau(calando.cosine(), patience=0, threshold=1e9, threshold_mode="absolute")
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(calando.keras.attach(keras.optimizers.SGD(0.1), plan.bind(30)), loss="mse")
        >>> x = numpy.ones((10, 2))
        >>> history = model.fit(x, x, epochs=3, verbose=0, callbacks=[calando.keras.Follow("loss")])
        >>> round(model.optimizer.scale, 6)
        0.01

    Source: keras.callbacks.ReduceLROnPlateau, which forgets everything between two calls of fit.
    """

    def __init__(self, monitor: str = "val_loss", *, every: str | int = "epoch") -> None:
        super().__init__()
        if not isinstance(monitor, str) or not monitor:
            raise BadValue(
                given=f"monitor={shown(monitor)}", allowed="the name of a metric", where="Follow(monitor)",
                fix="write Follow('val_loss')",
            )  # fmt: skip
        if every != "epoch" and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise BadValue(
                given=f"every={shown(every)}", allowed="'epoch', or a number of batches >= 1", where="Follow(every)",
                fix="leave it out to tell the metric once an epoch",
            )  # fmt: skip
        self.monitor = monitor
        self.every = every
        self._batches = 0
        self._last = -1
        self._missed = False

    def set_model(self, model: Any) -> None:
        """Called by `fit` for each callback in turn, before the first of them begins.

        Raises:
            BadValue: when another callback of the same `fit` would tell the listener, or set the rate, as well.
        """
        super().set_model(model)
        # Keras tells a callback neither which others there are nor where it stands among them; its list calls us
        others = getattr(sys._getframe(1).f_locals.get("self"), "callbacks", None)
        if isinstance(others, list) and self in others:
            self._check_alone(others)
            # what saves the model at the end of an epoch has to find this epoch's metric told
            here, savers = others.index(self), [i for i, other in enumerate(others) if isinstance(other, _SAVERS)]
            if savers and savers[0] < here:
                others.insert(savers[0], others.pop(here))

    def _check_alone(self, others: list[Any]) -> None:
        for other in others:
            if other is not self and isinstance(other, Follow | _OWNERS):
                two = isinstance(other, Follow)
                raise BadValue(
                    given="two Follow callbacks in one fit" if two else f"{type(other).__name__} beside Follow",
                    allowed="one, or every metric would count twice" if two else "one owner of the learning rate",
                    where="fit(callbacks)",
                    fix="drop one of them" if two else "drop it: the plan that the optimizer follows says it all",
                )

    def on_train_begin(self, logs: Any = None) -> None:
        """Look for the listener."""
        scheduled = self._scheduled()
        self._batches = int(in_numpy(scheduled.inner_optimizer._iterations))
        self._last, self._missed = -1, False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Batches are counted from 0 in each epoch."""
        self._last = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Tell the metric where a multiple of `every` was reached."""
        if isinstance(self.every, int):
            before = self._batches
            self._batches += batch - self._last
            self._last = batch
            if before // self.every < self._batches // self.every:
                self._tell(logs or {})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell the metric of the epoch."""
        if self.every == "epoch":
            self._tell(logs or {})

    def _tell(self, logs: Mapping[str, Any]) -> None:
        value = logs.get(self.monitor)
        if value is not None:
            self._scheduled().tell(float(value))
            return
        validated = any(name.startswith("val_") for name in logs)
        if not self.monitor.startswith("val_") or validated or isinstance(self.every, int):
            raise BadName(
                given=f"monitor={shown(self.monitor)}{did_you_mean(self.monitor, logs)}",
                allowed=", ".join(sorted(logs)) or "no metric at all",
                where="Follow(monitor)",
                fix="name a metric of the model"
                + ("; val_... come once an epoch" if isinstance(self.every, int) else ""),
            )
        if not self._missed:
            self._missed = True
            warnings.warn(
                f"{self.monitor} was not computed in this epoch, and the schedule heard nothing: "
                "pass validation_data to fit, and see validation_freq",
                stacklevel=2,
            )

    def _scheduled(self) -> Scheduled:
        model = self.model  # on JAX this brings the variables up to date, and lets them be written
        found: Scheduled | None = driven(getattr(model, "optimizer", None))
        if found is None or found.schedule.rule is None:
            raise BadValue(
                given="a model whose optimizer has no listener",
                allowed="an optimizer attached to a schedule of reduce_on_plateau(plan)",
                where="fit(callbacks=[Follow(...)])",
                fix="model.compile(calando.keras.attach(optimizer, reduce_on_plateau(plan).bind(horizon)), ...)",
            )
        return found
