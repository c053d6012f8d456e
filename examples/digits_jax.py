"""Handwritten digits with JAX and optax: a train function for `calando compare` and `tune`, and a plain script.

    calando compare examples/digits_jax.py:train --peaks 0.03 0.1 0.3
    python examples/digits_jax.py

scikit-learn's 1797 digits of 8 x 8 pixels. A tenth of the training labels is wrong on purpose: the end of
the schedule then decides how much of that noise the model has learned by heart.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import calando

TRAINING, BATCH, WRONG = 1000, 32, 0.1


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All images, centred, and their labels, in an order that is the same for every run."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return (images / 16 - 0.5).astype("float32")[order], labels[order]


IMAGES, LABELS = digits()


class TrainingData:
    """The first thousand digits, a tenth of them mislabelled; which, and in what order, hangs on the seed."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        wrong = self.chance.random(TRAINING) < WRONG
        self.labels = np.where(wrong, self.chance.integers(10, size=TRAINING), LABELS[:TRAINING])

    def __iter__(self) -> Any:
        order = self.chance.permutation(TRAINING)
        for begin in range(0, TRAINING - BATCH + 1, BATCH):
            batch = order[begin : begin + BATCH]
            yield IMAGES[batch], self.labels[batch]


def initial(key: jax.Array) -> list[dict[str, jax.Array]]:
    """Three layers of weights."""
    keys, sizes = jax.random.split(key, 3), (64, 64, 64, 10)
    return [
        {"w": jax.random.normal(key, shape) * shape[0] ** -0.5, "b": jnp.zeros(shape[1])}
        for key, shape in zip(keys, zip(sizes, sizes[1:], strict=False), strict=True)
    ]


def loss_of(layers: list[dict[str, jax.Array]], images: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The mean cross-entropy, and the share of right answers."""
    hidden = images
    for layer in layers[:-1]:
        hidden = jax.nn.relu(hidden @ layer["w"] + layer["b"])
    scores = hidden @ layers[-1]["w"] + layers[-1]["b"]
    loss = optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
    return loss, (scores.argmax(1) == labels).mean()


@partial(jax.jit, static_argnums=0)
def update(optimizer: Any, params: Any, opt_state: Any, images: jax.Array, labels: jax.Array) -> tuple[Any, Any, Any]:
    """One update: what JAX compiles, once."""
    (loss, _), grads = jax.value_and_grad(loss_of, has_aux=True)(params, images, labels)
    changes, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, changes), opt_state, loss


evaluate = jax.jit(loss_of)


@calando.declare(steps=400, evals=20, steps_per_epoch=TRAINING // BATCH)
def train(run: calando.Run) -> None:
    """One run: everything random comes from run.seed, the learning rate from run.attach alone."""
    params = initial(jax.random.key(run.seed))
    data = TrainingData(run.seed)
    optimizer = run.attach(optax.sgd, learning_rate=0.1, momentum=0.9)
    state = run.hold(params=params, opt_state=optimizer.init(params))
    run.keep(chance=data.chance)
    for images, labels in run.steps(data):
        state.params, state.opt_state, loss = update(optimizer, state.params, state.opt_state, images, labels)
        run.log(train_loss=loss)
        if run.eval_due:
            val_loss, right = evaluate(state.params, IMAGES[TRAINING:], LABELS[TRAINING:])
            run.log(val_loss=val_loss, val_accuracy=right)


if __name__ == "__main__":
    train(calando.standalone("warmup(5%) | cosine()", horizon=400, peak=0.1, steps_per_epoch=TRAINING // BATCH))
