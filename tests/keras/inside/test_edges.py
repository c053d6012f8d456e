"""What a user may get wrong at the edges: steps of odd types, numbers that are no rates, checkpoints of others."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import calando
from calando.errors import BadState, BadValue, CalandoError, Frozen, OutOfRange
from calando.keras import LearningRate, attach, rebind
from tests.keras.inside.helpers import BACKEND, compiled, reader, train

LINE = calando.linear_decay()
RATE = LearningRate(LINE.bind(100), 0.1)
FAR = LearningRate(LINE.bind(2**33), 1.0)
STRICT = LINE.bind(100, strict=True)
SGD = keras.optimizers.SGD

# ---- steps


def test_an_array_of_floats_is_counted_exactly_where_an_int32_has_long_ended() -> None:
    assert ops.convert_to_numpy(FAR(np.asarray([2.0**31, 2.0**32, 3 * 2.0**31]))).tolist() == [0.75, 0.5, 0.25]
    assert ops.convert_to_numpy(FAR(ops.convert_to_tensor([2.0**32, 0.0], "float32"))).tolist() == [0.5, 1.0]
    assert float(FAR(2.0**32)) == 0.5


@pytest.mark.skipif(BACKEND == "jax", reason="NOT RUN: JAX has no float64 unless it is told to")
def test_inside_a_graph_a_float64_counts_as_far_as_an_int64() -> None:
    call = compiled(FAR)
    for kind in ("float64", "int64"):
        assert float(call(ops.convert_to_tensor(2**32, kind))) == 0.5


@pytest.mark.parametrize(("kind", "last"), [("float32", 2**24), ("float16", 2**11), ("bfloat16", 2**8)])
def test_inside_a_graph_a_float_that_stops_counting_before_the_end_is_refused(kind: str, last: int) -> None:
    assert float(compiled(LearningRate(LINE.bind(last), 1.0))(ops.convert_to_tensor(last // 2, kind))) == 0.5
    # compilers wrap what happens inside, and PyTorch's tells the place alone (without fullgraph it runs that eagerly)
    with pytest.raises(Exception, match="raise BadValue" if BACKEND == "torch" else f"this one stops at {last}"):
        compiled(LearningRate(LINE.bind(last + 1), 1.0))(ops.convert_to_tensor(5, kind))


def test_a_model_whose_steps_are_such_floats_is_refused_too() -> None:
    with pytest.raises(BadValue, match="count in integers"):
        FAR(keras.KerasTensor((), dtype="float32"))
    if BACKEND != "torch":
        with pytest.raises(BadValue, match="strict=True"):
            LearningRate(STRICT, 0.1)(keras.KerasTensor((), dtype="int32"))


@pytest.mark.parametrize(
    "step",
    [
        lambda: np.asarray([0.5, 1.5]),
        lambda: np.asarray([1.0, np.nan]),
        lambda: np.asarray([True, False]),
        lambda: np.asarray([1j]),
        lambda: np.asarray(["a"]),
        lambda: np.asarray("a"),
        lambda: np.bool_(True),
        lambda: np.datetime64("2020-01-01"),
        lambda: ops.convert_to_tensor([0.5, 1.5]),
        lambda: ops.convert_to_tensor(2.5),
        lambda: ops.convert_to_tensor(True),
        lambda: ops.convert_to_tensor([True]),
        lambda: ops.cast(ops.convert_to_tensor([1.0]), "complex64"),
        lambda: ops.cast(ops.convert_to_tensor(1.0), "complex64"),
    ],
)
def test_what_is_no_whole_number_is_told_in_four_parts_whatever_it_comes_in(step: Any) -> None:
    with pytest.raises(BadValue, match=r"a whole step(.|\n)*LearningRate\(step\)"):
        RATE(step())


def test_steps_outside_the_run_are_told_wherever_they_are_seen() -> None:
    strict = LearningRate(STRICT, 0.1)
    for steps, allowed in (([3, -5], "0 and up"), ([200], "0 to 100"), (-1, "0 and up"), (500, "0 to 100")):
        for kind in (np.asarray, lambda given: ops.convert_to_tensor(given, "int32")):
            for call in (strict, STRICT):
                with pytest.raises(OutOfRange, match=allowed):
                    call(kind(steps))
    for kind in (np.asarray, lambda given: ops.convert_to_tensor(given, "int32")):
        with pytest.raises(OutOfRange, match="0 and up"):
            RATE(kind([1, -1]))


@pytest.mark.skipif(BACKEND == "torch", reason="NOT RUN: PyTorch's tensors are held at the end inside a graph")
@pytest.mark.parametrize("call", [STRICT, LearningRate(STRICT, 0.1)], ids=["the schedule", "the rate"])
def test_a_strict_schedule_is_refused_where_a_graph_hides_its_steps(call: Any) -> None:
    with pytest.raises(Exception, match="without strict=True"):  # TensorFlow wraps what happens inside
        compiled(call)(ops.convert_to_tensor(5, "int32"))


# ---- values


def test_a_rate_is_frozen() -> None:
    before = hash(RATE)
    for name, value in (("peak", 1.0), ("schedule", STRICT), ("calls_per_update", 2), ("peek", 1)):
        with pytest.raises(Frozen, match=r"calando\.keras\.rebind"):
            setattr(RATE, name, value)
    assert hash(RATE) == before


@pytest.mark.parametrize("peak", [b"1", bytearray(b"1"), 1e39, 1e-50, 10**400, np.inf, None])
def test_a_peak_that_float32_does_not_hold_is_refused(peak: Any) -> None:
    for make in (lambda: LearningRate(STRICT, peak), lambda: attach(SGD(0.1), STRICT, peak=peak or "1")):
        with pytest.raises(BadValue, match="peak"):
            make()


def test_an_optimizer_with_a_rate_of_zero_has_no_peak() -> None:
    """It was taken, trained and saved, and the file could not be loaded."""
    with pytest.raises(BadValue, match=r"peak=0\.0(.|\n)*attach\(optimizer\)"):
        attach(SGD(0.0), LINE.bind(10))
    assert attach(SGD(0.0), LINE.bind(10), peak=0.1).peak == 0.1


def test_the_rate_of_an_optimizer_is_read_as_it_was_written_however_numpy_prints() -> None:
    for options in ({"precision": 2}, {"legacy": "1.13"}, {"floatmode": "fixed", "precision": 1}):
        with np.printoptions(**options):  # type: ignore[arg-type]
            assert attach(SGD(0.1234567), LINE.bind(10)).peak == 0.1234567
            assert attach(SGD(3e-7), LINE.bind(10)).peak == 3e-7


# ---- going on


def test_a_saved_model_keeps_its_policy_of_resuming(tmp_path: Path) -> None:
    model = reader(attach(SGD(0.2), LINE.bind(40), resume="rebind"))
    train(model, 1)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "only.weights.h5")
    again = keras.saving.load_model(tmp_path / "model.keras")
    rebind(again, LINE.bind(80))
    again.load_weights(tmp_path / "only.weights.h5")
    assert again.optimizer.values()["lr"] == 0.2 * LINE.bind(80)(8)
    assert "resume" not in attach(SGD(0.2), LINE.bind(40)).get_config()


def test_a_plain_optimizer_s_checkpoint_is_refused_and_taken_up_by_its_recipe(tmp_path: Path) -> None:
    plain = keras.optimizers.Adam(0.01)
    model = reader(plain)
    train(model, 1)
    model.save_weights(tmp_path / "plain.weights.h5")
    schedule = calando.reduce_on_plateau(LINE).bind(40)
    fresh = reader(attach(keras.optimizers.Adam(0.01), schedule))
    with pytest.warns(UserWarning, match="Skipping"), pytest.raises(ValueError, match="no schedule of ours drove"):
        fresh.load_weights(tmp_path / "plain.weights.h5")

    taken = keras.optimizers.Adam(0.01)
    model = reader(taken)
    taken.build(model.trainable_variables)
    model.load_weights(tmp_path / "plain.weights.h5")
    model.compile(attach(taken, schedule), loss=model.loss)
    assert model.optimizer.position == 8
    for got, kept in zip(taken.variables[2:], plain.variables[2:], strict=True):
        assert np.array_equal(ops.convert_to_numpy(got), ops.convert_to_numpy(kept))
    train(model, 1)
    assert model.optimizer.position == 16
    assert model.optimizer.values()["lr"] == 0.01 * schedule(16)


def test_weights_without_any_optimizer_begin_a_schedule(tmp_path: Path) -> None:
    bare = keras.Sequential([keras.Input((64,)), *reader("sgd").layers])
    bare.save_weights(tmp_path / "bare.weights.h5")
    fresh = reader(attach(SGD(0.1), LINE.bind(40)))
    with pytest.warns(UserWarning, match="Skipping"):  # so says Keras, of the inner optimizer's moments
        fresh.load_weights(tmp_path / "bare.weights.h5")
    assert fresh.optimizer.position == 0


@pytest.mark.parametrize("door", ["LearningRate", "attach"])
def test_a_rebind_to_another_plan_speaks_of_the_model_and_of_no_checkpoint(door: str) -> None:
    model = reader(SGD(RATE) if door == "LearningRate" else attach(SGD(0.1), LINE.bind(100)))
    with pytest.raises(BadState) as told:
        rebind(model, calando.cosine().bind(100))
    assert isinstance(told.value, CalandoError)
    assert "another plan than the model follows" in told.value.given
    assert told.value.where == "rebind(schedule)"
    assert "checkpoint" not in str(told.value)
