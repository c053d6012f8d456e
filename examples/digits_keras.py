"""Handwritten digits with Keras, on any backend: a train function for `calando compare` and `tune`, and a plain script.

    calando compare examples/digits_keras.py:train --peaks 0.03 0.1 0.3
    KERAS_BACKEND=jax python examples/digits_keras.py

scikit-learn's 1797 digits of 8 x 8 pixels. A tenth of the training labels is wrong on purpose: the end of
the schedule then decides how much of that noise the model has learned by heart.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

import calando
import calando.keras

TRAINING, BATCH, WRONG = 992, 32, 0.1


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return (images / 16 - 0.5).astype("float32")[order], labels[order]


IMAGES, LABELS = digits()


def training_labels(seed: int) -> np.ndarray:
    """The labels of the training images, a tenth of them wrong; which hangs on the seed."""
    chance = np.random.default_rng(seed)
    return np.where(chance.random(TRAINING) < WRONG, chance.integers(10, size=TRAINING), LABELS[:TRAINING])


@calando.declare(steps=400, evals=12, steps_per_epoch=TRAINING // BATCH)
def train(run: calando.Run) -> None:
    """One run: everything random comes from run.seed, the learning rate from run.attach alone."""
    keras.utils.set_random_seed(run.seed)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *layers])
    model.compile(
        run.attach(keras.optimizers.SGD(0.1, momentum=0.9)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    calando.keras.fit(
        run,
        model,
        IMAGES[:TRAINING],
        training_labels(run.seed),
        batch_size=BATCH,
        validation_data=(IMAGES[TRAINING:], LABELS[TRAINING:]),
        validation_batch_size=805,
    )


if __name__ == "__main__":
    train(calando.standalone("warmup(5%) | cosine()", horizon=400, peak=0.1, steps_per_epoch=TRAINING // BATCH))
