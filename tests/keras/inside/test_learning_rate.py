"""LearningRate gives peak * schedule(t), whatever a step is and wherever it is computed."""

import copy
import json
import pickle
import random
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import calando
from calando.errors import BadFile, BadName, BadValue, CalandoError, DoesNotFit, NotSerialisable, OutOfRange
from calando.keras import LearningRate
from tests.keras.inside.helpers import BACKEND, close, compiled
from tests.plans import build
from tests.strategies import SIZES, collides, grow, plain

PLANS = [
    "warmup(5%) | cosine(end=0.1)",
    "one_cycle()",
    "warm_restarts(first=10%, growth=1.5, peak_decay=0.7, end=0.01)",
    "cyclical(low=0.1, half=50, mode=triangular2)",
    "wsd(warmup=10, cooldown=20%, cooldown_shape=1-sqrt)",
    "multistep(milestones=[10%, 50%])",
    "points(at=[0, 10%, 100%], values=[0, 1, 0.1], between=cubic)",
    "repeat(warmup(10) | cosine(length=90), decay=0.5)",
    "clip(inverse_sqrt(warmup=100), low=0.2)",
    "polynomial_decay(power=2, cycle=true, length=100)",
    "hold(linear_decay(), every=10)",
    "minimum(cosine(), constant(0.3))",
    "exponential_decay(factor=0.9999, every=10, staircase=true)",
    "exponential_decay(end=1e-5)",
    "inverse_time(rate=1, every=100)",
    "shift(linear_decay(), by=10%)",
    "stretch(step_decay(every=10%), by=1.5)",
    "reverse(cosine())",
]
COSINE = calando.parse("warmup(5%) | cosine(end=0.1)").bind(1000)


@pytest.mark.parametrize("horizon", [2_000, 10_000_000])
@pytest.mark.parametrize("text", PLANS)
def test_inside_a_compiled_function_it_keeps_the_tolerances_of_the_design(text: str, horizon: int) -> None:
    schedule = calando.parse(text).bind(horizon)
    steps = np.arange(2_000) if horizon == 2_000 else np.random.default_rng(0).integers(0, horizon, 500)
    steps = np.concatenate([steps, [0, horizon - 1, horizon, horizon + 5]]).astype("int32")
    rate = LearningRate(schedule, 0.3)
    close(compiled(rate)(ops.convert_to_tensor(steps)), 0.3 * schedule(steps), top=0.3)


def test_on_random_plans_every_kind_of_step_gives_what_the_schedule_says() -> None:
    chance = random.Random(3)
    seen = 0
    while seen < 60:
        grown = plain(grow(chance, depth=chance.choice((1, 2, 3))))
        if collides(grown):
            continue
        schedule = build(grown.tree).bind(grown.horizon, **SIZES)
        steps = np.unique([0, 1, *(chance.randrange(grown.horizon + 20) for _ in range(40)), grown.horizon])
        rate, wanted = LearningRate(schedule, 0.1), 0.1 * schedule(steps)
        if "function(" not in repr(schedule):  # which knows plain numbers only
            close(rate(ops.convert_to_tensor(steps.astype("int32"))), wanted, top=0.1 * schedule.facts.peak)
        for step, value in list(zip(steps.tolist(), wanted.tolist(), strict=True))[::8]:
            assert float(rate(step)) == np.float32(value)
            assert float(rate(ops.convert_to_tensor(step, "int32"))) == np.float32(value)
        seen += 1


@pytest.mark.parametrize(
    "step",
    [
        25,
        25.0,
        np.int64(25),
        np.uint8(25),
        np.float32(25.0),
        np.asarray(25),
        lambda: ops.convert_to_tensor(25, "int32"),
        lambda: ops.convert_to_tensor(25, "uint8"),
        lambda: ops.convert_to_tensor(25.0, "float32"),
        lambda: keras.Variable(25, dtype="int32", trainable=False),
        lambda: keras.Variable(25.0, trainable=False),
    ],
)
def test_a_step_may_be_any_one_whole_number(step: Any) -> None:
    value = LearningRate(COSINE, 0.1)(step() if callable(step) else step)
    assert keras.ops.is_tensor(value)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == np.float32(0.1 * COSINE(25))


@pytest.mark.parametrize("kind", ["int32", "int64", "uint8", "float32"])
def test_inside_a_compiled_function_a_step_may_be_of_any_of_keras_types(kind: str) -> None:
    if kind == "int64" and BACKEND == "jax":
        kind = "int16"  # JAX has no int64 unless it is told to
    call = compiled(LearningRate(COSINE, 0.1))
    close(call(ops.convert_to_tensor(25, kind)), 0.1 * COSINE(25), top=0.1)


def test_a_symbolic_step_becomes_part_of_a_model() -> None:
    step = keras.Input((), dtype="int32")

    class Rate(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return LearningRate(COSINE, 0.1)(x)

    model = keras.Model(step, Rate()(step))
    close(model(np.arange(1000).astype("int32")), 0.1 * COSINE(np.arange(1000)), top=0.1)
    assert isinstance(LearningRate(COSINE, 0.1)(step), keras.KerasTensor)


def test_neighbouring_steps_stay_apart_where_float32_cannot_tell_them() -> None:
    edge = 2**24
    schedule = calando.multistep([edge + 1], factor=0.5).bind(2**26)
    rate = LearningRate(schedule, 1.0)
    for call in (rate, compiled(rate)):
        got = [float(call(ops.convert_to_tensor(step, "int32"))) for step in (edge - 1, edge, edge + 1, edge + 2)]
        assert got == [1.0, 1.0, 0.5, 0.5]


def test_a_known_step_is_the_float64_of_plain_python_rounded_once() -> None:
    schedule = calando.cosine().bind(10_000_019)
    rate = LearningRate(schedule, 0.1)
    steps = random.Random(0).sample(range(schedule.horizon), 200)
    assert [float(rate(step)) for step in steps] == [float(np.float32(0.1 * schedule(step))) for step in steps]


def test_the_clock_counts_updates_where_gradients_are_accumulated() -> None:
    rate = LearningRate(COSINE, 0.1, calls_per_update=4)
    traced = compiled(rate)
    for call in (0, 3, 4, 99, 100, 4000):
        assert float(rate(call)) == np.float32(0.1 * COSINE(call // 4))
        close(traced(ops.convert_to_tensor(call, "int32")), 0.1 * COSINE(call // 4), top=0.1)


def test_it_survives_keras_config_and_json_copy_and_pickle() -> None:
    rate = LearningRate(COSINE, 0.1, calls_per_update=2)
    config = json.loads(json.dumps(rate.get_config()))
    assert config["schedule"]["kind"] == "schedule"
    assert LearningRate.from_config(config) == rate
    assert LearningRate.from_config({**config, "schedule": COSINE.to_json()}) == rate
    schedules = keras.optimizers.schedules
    assert schedules.deserialize(json.loads(json.dumps(schedules.serialize(rate)))) == rate
    optimizer = keras.optimizers.AdamW(rate)
    for again in (
        keras.optimizers.deserialize(json.loads(json.dumps(keras.optimizers.serialize(optimizer)))),
        keras.optimizers.AdamW.from_config(optimizer.get_config()),
    ):
        assert again._learning_rate == rate
    for other in (copy.copy(rate), copy.deepcopy(rate), pickle.loads(pickle.dumps(rate))):
        assert other == rate
        assert hash(other) == hash(rate)
        assert float(other(50)) == float(rate(50))


def test_it_is_equal_to_what_says_the_same_and_to_nothing_else() -> None:
    rate = LearningRate(COSINE, 0.1)
    assert rate != LearningRate(COSINE, 0.2)
    assert rate != LearningRate(COSINE.plan.bind(999), 0.1)
    assert rate != LearningRate(COSINE, 0.1, calls_per_update=2)
    assert eval(repr(rate), {**vars(calando), "LearningRate": LearningRate}) == rate  # noqa: S307


def test_a_cloned_model_trains_under_the_same_rate() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(LearningRate(COSINE, 0.1)), loss="mse")
    clone = keras.models.clone_model(model)
    clone.compile_from_config(model.get_compile_config())
    assert clone.optimizer is not model.optimizer
    assert clone.optimizer._learning_rate == model.optimizer._learning_rate


LISTENER = calando.reduce_on_plateau(calando.cosine()).bind(10)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: LearningRate(calando.cosine(), 0.1), BadValue, "bind it to the run"),
        (lambda: LearningRate("cosine()", 0.1), BadValue, "calando.parse(text).bind"),
        (lambda: LearningRate(3, 0.1), BadValue, "calando.cosine().bind"),
        (lambda: LearningRate(LISTENER, 0.1), BadValue, "calando.keras.attach"),
        (lambda: LearningRate(calando.bundle(calando.cosine(), momentum=0.9).bind(9), 0.1), BadValue, "attach"),
        (lambda: LearningRate(COSINE, 0.0), BadValue, "a number > 0"),
        (lambda: LearningRate(COSINE, float("nan")), BadValue, "a number > 0"),
        (lambda: LearningRate(COSINE, True), BadValue, "a number > 0"),
        (lambda: LearningRate(COSINE, "0.1"), BadValue, "a number > 0"),
        (lambda: LearningRate(COSINE, 0.1, calls_per_update=0), BadValue, "whole number >= 1"),
        (lambda: LearningRate(COSINE, 0.1)(-1), OutOfRange, "count updates from 0"),
        (lambda: LearningRate(COSINE, 0.1)(2.5), BadValue, "whole"),
        (lambda: LearningRate(COSINE, 0.1)(float("nan")), BadValue, "whole"),
        (lambda: LearningRate(COSINE, 0.1)(True), BadValue, "whole"),
        (lambda: LearningRate(COSINE, 0.1)("3"), BadValue, "whole"),
        (lambda: LearningRate(COSINE, 0.1)(None), BadValue, "whole"),
        (lambda: LearningRate(calando.cosine().bind(5, strict=True), 0.1)(6), OutOfRange, "0 to 5"),
        (lambda: LearningRate.from_config({"peak": 0.1}), BadFile, "schedule and peak"),
        (lambda: LearningRate.from_config({"schedule": {}, "peak": 0.1}), BadFile, '"calando": 1'),
        (lambda: LearningRate.from_config({"schedule": calando.cosine().to_json(), "peak": 1}), BadFile, "bind"),
        (lambda: LearningRate.from_config(LearningRate(COSINE, 1).get_config() | {"peek": 1}), BadName, "'peak'"),
        (lambda: LearningRate.from_config(LearningRate(COSINE, 1).get_config() | {"peak": -1}), BadValue, "> 0"),
    ],
)
def test_what_is_wrong_is_told_in_four_parts(make: Any, error: type[CalandoError], says: str) -> None:
    with pytest.raises(error) as raised:
        make()
    told = str(raised.value)
    assert says in told
    assert told.count("\n") == 2


def test_a_broken_schedule_in_a_model_file_names_the_place() -> None:
    config = LearningRate(COSINE, 0.1).get_config()
    config["schedule"]["plan"]["plans"][1]["end"] = -1
    with pytest.raises(BadValue, match=r"\$\.plan\.plans\[1\]\.end"):
        LearningRate.from_config(config)
    config["schedule"]["plan"] = {"name": "warmup", "length": 5000}
    with pytest.raises(DoesNotFit):
        LearningRate.from_config(config)


def test_a_function_of_python_drives_eager_training_and_says_that_it_cannot_be_saved() -> None:
    schedule = calando.function(lambda t: 1 / (1 + t)).bind(10)
    rate = LearningRate(schedule, 0.1)
    assert float(rate(keras.Variable(3, dtype="int32", trainable=False))) == np.float32(0.025)
    with pytest.raises(NotSerialisable, match=r"calando\.register"):
        rate.get_config()
