"""Two replicas of a TensorFlow strategy make one update together, with the values of its step."""

import keras
import numpy as np
import pytest

import calando
from calando.keras import LearningRate, attach
from tests.keras.inside.helpers import BACKEND


@pytest.mark.skipif(BACKEND != "tensorflow", reason="NOT RUN: strategies are TensorFlow's")
@pytest.mark.parametrize("door", ["LearningRate", "attach"])
def test_two_replicas_use_one_clock_and_leave_the_optimizer_its_numbers(door: str) -> None:
    import tensorflow as tf

    plan = calando.bundle(calando.cosine(), momentum=calando.linear_decay(start=0.9, end=0.1)).bind(20)
    if door == "LearningRate":
        plan = calando.cosine().bind(20)
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(40, 3)), chance.normal(size=(40, 1))
    w = chance.normal(size=(3, 1))
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        inner = keras.optimizers.SGD(LearningRate(plan, 0.05) if door == "LearningRate" else 0.05)
        optimizer = inner if door == "LearningRate" else attach(inner, plan)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
        model.layers[0].set_weights([w])
        model.compile(optimizer, loss="mse")
    model.fit(x.astype("float32"), y.astype("float32"), batch_size=8, epochs=4, shuffle=False, verbose=0)
    speed = np.zeros_like(w)
    for t in range(20):
        rows, now = slice(t % 5 * 8, t % 5 * 8 + 8), plan.at(t)
        gradient = 2 * x[rows].T @ (x[rows] @ w - y[rows]) / 8
        speed = now.get("momentum", 0.0) * speed - 0.05 * now["lr"] * gradient
        w = w + speed
    np.testing.assert_allclose(model.layers[0].get_weights()[0], w, atol=1e-6)
    assert inner.momentum == 0.0
    assert int(inner.iterations.numpy()) == 20
