"""Small real data, an optimizer that writes down the rates it used, and models to train."""

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_digits

from calando.core.schedule import Schedule

BACKEND = keras.config.backend()
ROOM = 256
"""Updates that a Recording can write down."""


@keras.saving.register_keras_serializable(package="tests")
class Recording(keras.optimizers.SGD):
    """SGD that writes down, inside the compiled update, the learning rate that each update used."""

    def build(self, variables: Any) -> None:
        if not self.built:
            super().build(variables)
            self.used = self.add_variable(shape=(ROOM,), initializer="zeros", dtype="float32", name="used")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        now = ops.arange(ROOM) == ops.cast(self.iterations, "int32")
        self.used.assign(ops.where(now, ops.cast(learning_rate, "float32"), self.used.value))
        super().update_step(gradient, variable, learning_rate)


def rates_of(recording: Any) -> np.ndarray:
    """The rates that a Recording used, as far as it came."""
    used = ops.convert_to_numpy(recording.used.value)
    return used[: int(ops.convert_to_numpy(recording.iterations))]


def asked(schedule: Schedule, peak: float, start: int = 0, stop: int | None = None) -> np.ndarray:
    return peak * schedule(np.arange(start, schedule.horizon if stop is None else stop))


def close(got: Any, wanted: Any, top: float) -> None:
    """The tolerances of the design, for values in float32 of a schedule whose peak is `top`."""
    got = np.asarray(ops.convert_to_numpy(got), dtype=np.float64)
    wanted = np.asarray(wanted, dtype=np.float64)
    assert got.shape == wanted.shape
    large = wanted >= 1e-4 * top
    assert (np.abs(got - wanted)[large] <= 1e-6 * wanted[large]).all(), worst(got, wanted)
    assert (np.abs(got - wanted)[~large] <= 1e-7 * top).all(), worst(got, wanted)


def worst(got: np.ndarray, wanted: np.ndarray) -> str:
    i = int(np.argmax(np.abs(got - wanted) / np.maximum(wanted, 1e-300)))
    return f"at {i}: {got.reshape(-1)[i]!r} where {wanted.reshape(-1)[i]!r} was asked"


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """512 small pictures of digits, and which they are."""
    x, y = load_digits(return_X_y=True)
    return (x[:512] / 16.0).astype("float32"), y[:512].astype("int32")


def reader(optimizer: Any, **how: Any) -> Any:
    """A small network that reads digits: 8 updates an epoch at batches of 64."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(10)])
    model.compile(optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), **how)
    return model


def train(model: Any, epochs: int, **more: Any) -> Any:
    x, y = digits()
    return model.fit(x, y, batch_size=64, epochs=epochs, verbose=0, shuffle=False, **more)


def compiled(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of one array, as the backend compiles it."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(call)
    if BACKEND == "jax":
        import jax

        return jax.jit(call)
    import torch

    torch.compiler.reset()  # or a test would compile one function more than PyTorch keeps
    return torch.compile(call, backend="eager", fullgraph=True)


def modes() -> list[dict[str, Any]]:
    """The ways in which `compile` lets this backend train."""
    if BACKEND == "torch":
        return [{}]
    eager = [{"run_eagerly": True}, {"jit_compile": False}] if BACKEND == "tensorflow" else [{"jit_compile": False}]
    return [*eager, {"jit_compile": True, "steps_per_execution": 3}]
