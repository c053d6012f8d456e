"""Loops of one's own: tf.function, GradientTape, stateless updates, one update an epoch, and no Keras at all."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import calando
from calando.core.hosts import door_for, register_door
from calando.keras import LearningRate, Scheduled, attach
from tests.keras.inside.helpers import BACKEND, Recording, asked, close, compiled, digits, rates_of, reader

SCHEDULE = calando.parse("warmup(10%) | cosine(end=0.1)").bind(40)
BUNDLE = calando.bundle(calando.cosine(), momentum=calando.linear_decay(start=0.9, end=0.1)).bind(40)


def doors() -> list[Any]:
    return [lambda: Recording(LearningRate(SCHEDULE, 0.2)), lambda: attach(Recording(0.2), SCHEDULE)]


def recording_of(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="NOT RUN: a loop of TensorFlow's")
@pytest.mark.parametrize("make", doors(), ids=["LearningRate", "attach"])
@pytest.mark.parametrize("how", ["eager", "tf.function", "jit_compile"])
def test_a_gradient_tape_loop_uses_the_rate_of_each_step(make: Any, how: str) -> None:
    import tensorflow as tf

    model, optimizer, loss = reader("sgd"), make(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = digits()

    def update(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))

    optimizer.build(model.trainable_variables)
    step = update if how == "eager" else tf.function(update, jit_compile=how == "jit_compile")
    for t in range(16):
        rows = slice(t % 8 * 64, t % 8 * 64 + 64)
        step(tf.constant(x[rows]), tf.constant(y[rows]))
    close(rates_of(recording_of(optimizer)), asked(SCHEDULE, 0.2, 0, 16), top=0.2)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="NOT RUN: a loop of TensorFlow's")
@pytest.mark.parametrize("kind", ["int64", "int32"])
def test_a_plain_tf_function_counts_with_a_variable_of_its_own(kind: str) -> None:
    import tensorflow as tf

    weight, step = tf.Variable(3.0), tf.Variable(0, dtype=kind)

    @tf.function
    def update() -> Any:
        now = BUNDLE.at(step)
        weight.assign_sub(0.2 * now["lr"])
        step.assign_add(1)
        return now["momentum"]

    momenta, weights = [], [3.0]
    for _ in range(40):
        momenta.append(float(update()))
        weights.append(float(weight))
    close(momenta, [BUNDLE.at(t)["momentum"] for t in range(40)], top=0.9)
    np.testing.assert_allclose(-np.diff(weights), asked(BUNDLE, 0.2), atol=5e-7)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="NOT RUN: a clock of TensorFlow's")
def test_tensorflow_counts_beyond_two_to_the_31() -> None:
    import tensorflow as tf

    edge = 2**40 + 1
    schedule = calando.multistep([edge], factor=0.5).bind(2**41)
    rate = LearningRate(schedule, 1.0)
    for call in (rate, tf.function(rate), tf.function(rate, jit_compile=True)):
        assert [float(call(tf.constant(edge + d, tf.int64))) for d in (-1, 0, 1)] == [1.0, 0.5, 0.5]


@pytest.mark.skipif(BACKEND != "jax", reason="NOT RUN: updates without state are JAX's way")
@pytest.mark.parametrize("make", doors(), ids=["LearningRate", "attach"])
def test_a_stateless_loop_under_jit_uses_the_rate_of_each_step(make: Any) -> None:
    import jax

    optimizer, weight = make(), keras.Variable(3.0)
    optimizer.build([weight])

    @jax.jit
    def update(state: Any) -> Any:
        weights, variables = optimizer.stateless_apply(state[1], [jax.numpy.ones(())], state[0])
        return weights, variables

    state = [weight.value], [v.value for v in optimizer.variables]
    for _ in range(40):
        state = update(state)
    used = next(v for v in state[1] if v.shape == (256,))
    close(np.asarray(used)[:40], asked(SCHEDULE, 0.2), top=0.2)


def test_a_loop_that_makes_one_update_an_epoch_counts_epochs() -> None:
    """Full batches: epochs are the steps, and a plan in epochs is bound with one step each."""
    schedule = calando.parse("warmup(2ep) | linear_decay()").bind("10ep", steps_per_epoch=1)
    recording = Recording(LearningRate(schedule, 0.2))
    x, y = digits()
    reader(recording).fit(x, y, batch_size=len(x), epochs=10, verbose=0)
    close(rates_of(recording), asked(schedule, 0.2), top=0.2)


def test_keras_own_callback_once_an_epoch_takes_a_schedule_for_its_function() -> None:
    schedule = calando.linear_decay().bind("5ep", steps_per_epoch=8)
    recording = Recording(0.2)
    x, y = digits()
    keep = keras.callbacks.LearningRateScheduler(lambda epoch: 0.2 * schedule(epoch * 8))
    reader(recording).fit(x, y, batch_size=64, epochs=5, verbose=0, callbacks=[keep])
    close(rates_of(recording)[::8], 0.2 * schedule(np.arange(5) * 8), top=0.2)


def test_every_quantity_of_a_bundle_is_computed_inside_a_compiled_function() -> None:
    steps = ops.arange(40)
    for name in BUNDLE.quantities:
        close(compiled(lambda t, name=name: BUNDLE.at(t)[name])(steps), BUNDLE.at(np.arange(40))[name], top=1.0)


def test_who_holds_a_keras_optimizer_is_led_to_this_door() -> None:
    register_door("keras", attach)
    optimizer = keras.optimizers.SGD(0.1)
    scheduled = door_for(optimizer)(optimizer, calando.reduce_on_plateau(calando.cosine(), patience=0).bind(9))
    assert isinstance(scheduled, Scheduled)
    scheduled.step()
    scheduled.step(1.0)
    scheduled.step(1.0)
    assert scheduled.scale == pytest.approx(0.1)


def test_a_run_of_the_lab_lends_its_schedule_to_a_keras_loop() -> None:
    from calando.lab import standalone

    run = standalone("warmup(10%) | cosine(end=0.1)", horizon=40, peak=0.2, quiet=True)
    recording = Recording(0.2)
    model = reader(attach(recording, run.schedule, peak=run.peak))
    x, y = digits()
    batches = [(x[i : i + 64], y[i : i + 64]) for i in range(0, 512, 64)]
    for inputs, targets in run.steps(batches):
        run.log(train_loss=float(model.train_on_batch(inputs, targets)))
    close(rates_of(recording), asked(SCHEDULE, 0.2), top=0.2)
    close(run.curves()["lr"].values, asked(SCHEDULE, 0.2), top=0.2)
