"""Both sides of the complaints about Keras, run in a process of its own: `python -m tests.complaints.keras_sides`.

It prints what every update used, by scenario and side, as JSON. KERAS_BACKEND says on what.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras.callbacks import Callback, LearningRateScheduler, ReduceLROnPlateau
from keras.optimizers import SGD, schedules

import calando
import calando.keras


class Metric(Callback):
    """A validation loss of 1 after every epoch, or what a list says."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = 1.0


class Used(Callback):
    """The learning rate of each update, read off a weight whose gradient is always 1."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.before = self.model.get_weights()[0].item()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.rates.append(round(self.before - self.model.get_weights()[0].item(), 6))


def fitted(optimizer: Any, callbacks: list[Callback], epochs: int, fits: int = 1) -> list[float]:
    """The rates of a fit, or of several, with one update in each epoch."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer=optimizer, loss=lambda _, value: keras.ops.mean(value))
    used = Used()
    for _ in range(fits):
        ones = np.ones((1, 1), "float32")
        model.fit(ones, ones, epochs=epochs, verbose=0, callbacks=[Metric(), *callbacks, used])
    return used.rates


def ours(plan: calando.Plan, epochs: int, fits: int = 1) -> list[float]:
    """The rates under a plan of ours that listens."""
    optimizer = calando.keras.attach(SGD(1.0), plan.bind(100))
    return fitted(optimizer, [calando.keras.Follow("val_loss")], epochs, fits)


def told(run: Callable[[], object]) -> object:
    """What a run gives, or the name and the text of the error that ends it."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001  # the error is the finding
        return f"{type(error).__name__}: {error}"


def main() -> None:
    decay = calando.exponential_decay(factor=0.9)
    by_epoch = LearningRateScheduler(lambda epoch: 0.9**epoch)
    plateau = {"monitor": "val_loss", "factor": 0.5, "patience": 1, "min_delta": 0.0}
    listen = {"factor": 0.5, "threshold": 0.0, "convention": "keras"}
    cosine = schedules.CosineDecay(1.0, 10)
    whole: Any = schedules.CosineDecay(1, 10)
    values = schedules.PiecewiseConstantDecay([3], [1.0, 0.1])
    unsorted = schedules.PiecewiseConstantDecay([4, 2], [1.0, 0.5, 0.25])
    runs: dict[str, dict[str, Callable[[], object]]] = {
        "overrides": {
            "theirs": lambda: fitted(SGD(1.0), [by_epoch, ReduceLROnPlateau(**plateau)], 5),
            "ours": lambda: ours(calando.reduce_on_plateau(decay, patience=1, **listen), 5),
        },
        "crashes": {
            "theirs": lambda: fitted(SGD(cosine), [ReduceLROnPlateau(**plateau)], 5),
            "ours": lambda: ours(calando.reduce_on_plateau(calando.cosine(length=10), patience=1, **listen), 5),
        },
        "cooldown": {
            "theirs": lambda: [
                fitted(SGD(1.0), [ReduceLROnPlateau(**{**plateau, "patience": 2}, cooldown=wait)], 9) for wait in (0, 1)
            ],
            "ours": lambda: [
                ours(
                    calando.reduce_on_plateau(
                        calando.constant(), patience=1, cooldown=wait, factor=0.5, threshold=0.0, convention="torch"
                    ),
                    9,
                )
                for wait in (0, 1)
            ],
        },
        "forgets": {
            "theirs": lambda: fitted(SGD(1.0), [ReduceLROnPlateau(**{**plateau, "patience": 3})], 2, fits=4),
            "ours": lambda: ours(calando.reduce_on_plateau(calando.constant(), patience=3, **listen), 2, fits=4),
        },
        "whole": {"theirs": lambda: [float(whole(t)) for t in range(11)]},
        "boundary": {"theirs": lambda: [float(values(t)) for t in range(6)]},
        "unsorted": {"theirs": lambda: [float(unsorted(t)) for t in range(6)]},
    }
    json.dump({name: {side: told(run) for side, run in sides.items()} for name, sides in runs.items()}, sys.stdout)


if __name__ == "__main__":
    main()
