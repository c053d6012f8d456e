"""Keras' own schedules, read from the configs that are handed out by Keras in a process of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

import calando
from calando.errors import Unconvertible
from calando.peers.exports import to_keras
from tests.peers.exports.likely import exported, hold_equal, likely

pytest.importorskip("keras")

READER = """
import json, sys
import keras

answers = []
for config, steps in json.load(sys.stdin):
    schedule = keras.optimizers.schedules.deserialize(config)
    answers.append([float(schedule(keras.ops.convert_to_tensor(step, "int64"))) for step in range(steps)])
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_what_is_said_is_equal_at_every_step() -> None:
    pytest.importorskip("torch")
    said: list[Any] = exported([*likely(6, 100), calando.multistep([9, 30]).bind(60)], to_keras)
    names = {config["class_name"] for _, config in said}
    assert names == {
        "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
        "PolynomialDecay",
    }  # fmt: skip
    assert len(said) > 20
    asked = json.dumps([(config, schedule.horizon) for schedule, config in said])
    done = subprocess.run(
        [sys.executable, "-c", READER], input=asked, capture_output=True, text=True, check=False, timeout=240,
        env=os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (schedule, _), rates in zip(said, json.loads(done.stdout.splitlines()[-1]), strict=True):
        hold_equal(schedule, rates, 1e-6)


def test_what_never_changes_needs_no_schedule() -> None:
    with pytest.raises(Unconvertible) as refusal:
        to_keras(calando.constant(0.5).bind(100), 0.3)
    assert refusal.value.fix == "give the optimizer the number: learning_rate=0.15"


def test_cycles_that_grow_are_refused() -> None:
    with pytest.raises(Unconvertible, match="nothing alike"):
        to_keras(calando.warm_restarts(10, growth=2).bind(100), 0.3)


def test_a_rise_before_anything_but_a_cosine_is_refused() -> None:
    with pytest.raises(Unconvertible, match="nothing alike"):
        to_keras((calando.warmup(10) | calando.linear_decay()).bind(100), 0.3)
