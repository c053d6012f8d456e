"""A TensorFlow loop of one's own, compiled by `tf.function`."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["tensorflow_code"]


def tensorflow_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete TensorFlow program: the schedule is read inside the graph, and the step is checkpointed."""
    told = words(schedule, peak, every)
    refuse_own(told, "tensorflow")
    optimizer = (
        f"calando.keras.attach(keras.optimizers.AdamW({told.rate}), schedule)"
        if told.several
        else f"keras.optimizers.AdamW(calando.keras.LearningRate(schedule, peak={told.rate}))"
    )
    tell = f"""
    if (step + 1) % {told.every} == 0:
        optimizer.tell(float(loss))  # your validation metric, whenever there is a new one"""
    return f"""import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import tensorflow as tf

import calando
import calando.keras

{told.plan}

model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])  # your model
optimizer = {optimizer}  # your optimizer
optimizer.build(model.trainable_variables)


@tf.function
def update(inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(inputs, training=True) - targets) ** 2)
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss


checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
manager = tf.train.CheckpointManager(checkpoint, "checkpoints", max_to_keep=2)
manager.restore_or_initialize()  # go on where the last run stopped

for step in range(int(optimizer.iterations), schedule.horizon):
    loss = update(tf.random.normal((32, 10)), tf.random.normal((32, 1)))  # your data{tell if told.listens else ""}
    if (step + 1) % {told.save} == 0:
        manager.save()"""
