"""Keras' own `fit`, on any of its backends."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["keras_code"]


def keras_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete Keras program: the schedule and the step are saved inside the model's file, and go on from there."""
    told = words(schedule, peak, every)
    refuse_own(told, "keras")
    optimizer = (
        f"calando.keras.attach(keras.optimizers.AdamW({told.rate}), schedule)"
        if told.several
        else f"keras.optimizers.AdamW(calando.keras.LearningRate(schedule, peak={told.rate}))"
    )
    follow = f', calando.keras.Follow("loss"{f", every={every}" if every else ""})' if told.listens else ""
    note = "  # Follow: your metric" if told.listens else ""
    epochs = -(-told.horizon // told.epoch)
    return f"""from pathlib import Path

import keras
import numpy as np

import calando
import calando.keras

{told.plan}

inputs, targets = np.random.rand({32 * told.epoch}, 10), np.random.rand({32 * told.epoch}, 1)  # your data

checkpoint = Path("model.keras")
if checkpoint.exists():  # go on where the last run stopped: the schedule and the step are in the file
    model = keras.saving.load_model(checkpoint)
else:
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])  # your model
    optimizer = {optimizer}  # your optimizer
    model.compile(optimizer=optimizer, loss="mse")

callbacks = [keras.callbacks.ModelCheckpoint(checkpoint){follow}]{note}
model.fit(
    inputs,
    targets,
    batch_size=32,
    initial_epoch=int(model.optimizer.iterations) // {told.epoch},
    epochs={epochs},  # of {told.epoch} updates each
    callbacks=callbacks,
    verbose=0,
)"""
