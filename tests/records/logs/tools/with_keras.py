"""Runs of Keras, and scalars of both of TensorFlow's writers, into a folder; and what they really used.

python -m tests.records.logs.tools.with_keras FOLDER
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

EPOCHS, BATCHES = 6, 8


def keras_run(folder: Path) -> None:
    """A run with the CSV log and the TensorBoard log, and a rate that falls at each epoch."""
    import keras

    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).normal(size=(8 * BATCHES, 4)).astype("f"), np.ones(8 * BATCHES, "f")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    rates: list[float] = []

    def rate(epoch: int, _: float) -> float:
        rates.append(0.1 / (1 + epoch))
        return rates[-1]

    folder.mkdir(parents=True)
    told = model.fit(
        x,
        y,
        batch_size=8,
        epochs=EPOCHS,
        validation_data=(x, y),
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(rate),
            keras.callbacks.CSVLogger(str(folder / "history.csv")),
            keras.callbacks.CSVLogger(str(folder / "tabs.csv"), separator="\t"),
        ],
    )
    history = {name: [float(value) for value in values] for name, values in told.history.items()}
    (folder / "used.json").write_text(json.dumps({"rates": rates, "history": history}))


def written(folder: Path) -> None:
    """The same scalars by both of TensorFlow's writers: as tensors, as of version 2, and as plain numbers."""
    import tensorflow as tf

    values = [(step, 4.0 / (step + 1), 0.1 * (1 - step / 300)) for step in range(300)]
    kind = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars", "content": b""})
    with tf.summary.create_file_writer(str(folder / "tensors")).as_default():
        for step, loss, rate in values:
            tf.summary.write("train/loss", tf.constant(loss), step=step, metadata=kind)
            tf.summary.write("lr", tf.constant(rate, tf.float64), step=step, metadata=kind)
            if step % 100 == 0:
                tf.summary.write("weights", tf.zeros((50, 3), tf.float64), step=step)
                tf.summary.write("words", tf.constant(["some *text*"]), step=step)
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(folder / "numbers"))
        for step, loss, rate in values:
            value = tf.compat.v1.Summary.Value
            both = [value(tag="train/loss", simple_value=loss), value(tag="lr", simple_value=rate)]
            writer.add_summary(tf.compat.v1.Summary(value=both), step)
        writer.close()
    # As Keras' TensorBoard callback leaves them, which needs the package tensorboard to write anything.
    for part, tags in {"train": ("epoch_loss", "epoch_learning_rate"), "validation": ("epoch_loss",)}.items():
        with tf.summary.create_file_writer(str(folder / "callback" / part)).as_default():
            for epoch in range(5):
                for i, tag in enumerate(tags):
                    tf.summary.write(tag, tf.constant(1.0 / (1 + epoch + i)), step=epoch, metadata=kind)


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    keras_run(folder / "keras")
    written(folder / "writers")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
