"""Train functions of the Keras door under a run: `model.fit`, and loops of one's own on each backend."""

import zlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

import calando.keras
from tests.keras.inside.helpers import BACKEND, digits

SAMPLES, BATCH = 180, 64
PER_EPOCH = 3  # the last batch is smaller
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def reader() -> Any:
    """A small network with everything that has a state: moving statistics, dropout and its seeds."""
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(16, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10),
        ]
    )


def fitted(run: Any, **how: Any) -> Any:
    """A Keras user's train function."""
    keras.utils.set_random_seed(run.seed)
    model = reader()
    more = {name: how.pop(name) for name in ("steps_per_execution", "run_eagerly") if name in how}
    accumulated = how.pop("gradient_accumulation_steps", None)
    optimizer = keras.optimizers.AdamW(1e-3, gradient_accumulation_steps=accumulated)
    model.compile(run.attach(optimizer), loss=LOSS, metrics=["accuracy"], **more)
    x, y = digits()
    validation = (x[SAMPLES:], y[SAMPLES:])
    given = how.pop("data", lambda x, y: {"x": x, "y": y, "batch_size": BATCH})(x[:SAMPLES], y[:SAMPLES])
    calando.keras.fit(run, model, **given, validation_data=validation, **how)
    return model


def looped(run: Any) -> Any:
    """A loop of one's own, in the words of the backend."""
    keras.utils.set_random_seed(run.seed)
    model = reader()
    optimizer = run.attach(keras.optimizers.SGD(0.1, momentum=0.9))
    optimizer.build(model.trainable_variables)
    seen = keras.metrics.Mean()
    x, y = digits()
    update = {"tensorflow": _tape, "torch": _autograd, "jax": _stateless}[BACKEND](run, model, optimizer)
    run.keep(model=model, seen=seen)
    for images, labels in run.steps(Shuffled(x[:SAMPLES], y[:SAMPLES], run.seed)):
        loss = update(images, labels)
        seen.update_state(loss)
        run.log(train_loss=number(loss), mean_loss=number(seen.result()))
        if run.eval_due:
            run.log(
                val_loss=number(LOSS(y[SAMPLES:], model(x[SAMPLES:], training=False))), digest=digest(model, optimizer)
            )
    return model


def digest(model: Any, optimizer: Any) -> float:
    """A number that hangs on every bit of a model and of what its optimizer remembers."""
    held = [ops.convert_to_numpy(one.value).tobytes() for one in (*model.variables, *optimizer.variables)]
    return float(zlib.crc32(b"".join(held)))


def number(tensor: Any) -> float:
    return float(ops.convert_to_numpy(tensor))


class Shuffled:
    """Batches in another order at every pass, from NumPy's global generator."""

    def __init__(self, x: Any, y: Any, seed: int) -> None:
        self._x, self._y = x, y

    def __iter__(self) -> Iterator[Any]:
        order = np.random.permutation(len(self._x))
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            yield self._x[chosen], self._y[chosen]


def _tape(run: Any, model: Any, optimizer: Any) -> Any:
    import tensorflow as tf

    # one graph for all batches: else which one a batch gets, and how it rounds, hangs on the batches seen before
    @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32), tf.TensorSpec([None], tf.int32)])
    def update(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = LOSS(labels, model(images, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return lambda images, labels: update(tf.constant(images), tf.constant(labels))


def _autograd(run: Any, model: Any, optimizer: Any) -> Any:
    import torch

    def update(images: Any, labels: Any) -> Any:
        model.zero_grad()
        loss = LOSS(labels, model(images, training=True))
        loss.backward()
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in model.trainable_weights], model.trainable_weights)
        return loss.detach()

    return update


def _stateless(run: Any, model: Any, optimizer: Any) -> Any:
    """JAX: variables go round as values; put back into the model after each update, they are kept with it."""
    import jax

    def loss_of(trainable: Any, others: Any, images: Any, labels: Any) -> Any:
        scores, others = model.stateless_call(trainable, others, images, training=True)
        return LOSS(labels, scores), others

    @jax.jit
    def step(trainable: Any, others: Any, slots: Any, images: Any, labels: Any) -> Any:
        (loss, others), grads = jax.value_and_grad(loss_of, has_aux=True)(trainable, others, images, labels)
        trainable, slots = optimizer.stateless_apply(slots, grads, trainable)
        return trainable, others, slots, loss

    state = run.hold(
        trainable=[one.value for one in model.trainable_variables],
        others=[one.value for one in model.non_trainable_variables],
        slots=[one.value for one in optimizer.variables],
    )

    def update(images: Any, labels: Any) -> Any:
        state.trainable, state.others, state.slots, loss = step(
            state.trainable, state.others, state.slots, images, labels
        )
        for variables, values in (
            (model.trainable_variables, state.trainable),
            (model.non_trainable_variables, state.others),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return loss

    return update


def flat(model: Any) -> list[Any]:
    """Every number of a model and its optimizer."""
    variables = [*model.variables, *(model.optimizer.variables if model.optimizer else [])]
    return [ops.convert_to_numpy(variable.value) for variable in variables]
