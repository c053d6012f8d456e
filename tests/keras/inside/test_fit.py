"""Real training: the rate that every update used is the schedule's, and a run cut in two is the run never cut."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import calando
from calando.keras import LearningRate, attach
from tests.contracts.source import ROOT
from tests.keras.inside.helpers import BACKEND, Recording, asked, close, modes, rates_of, reader, train

PLAN = calando.parse("warmup(10%) | cosine(end=0.1)")
EPOCHS, PER_EPOCH = 5, 8
SCHEDULE = PLAN.bind(EPOCHS * PER_EPOCH, steps_per_epoch=PER_EPOCH)


@pytest.mark.parametrize("how", modes(), ids=str)
@pytest.mark.parametrize("door", ["LearningRate", "attach"])
def test_every_update_of_fit_uses_the_rate_of_its_step(how: dict[str, Any], door: str) -> None:
    recording = Recording(LearningRate(SCHEDULE, 0.2)) if door == "LearningRate" else Recording(0.2)
    model = reader(recording if door == "LearningRate" else attach(recording, SCHEDULE), **how)
    history = train(model, EPOCHS)
    close(rates_of(recording), asked(SCHEDULE, 0.2), top=0.2)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]


@pytest.mark.skipif(BACKEND != "torch", reason="NOT RUN: the others are compiled by themselves")
def test_every_update_of_fit_under_torch_compile_uses_the_rate_of_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.compiler.reset()
    real, seen, weights = torch.compile, [], []

    def traced_only(call: Any) -> Any:
        seen.append(call)
        return real(call, backend="eager")  # what is traced is what is tested; its machine code would take a minute

    monkeypatch.setattr(torch, "compile", traced_only)
    schedule = PLAN.bind(12)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(LearningRate(schedule, 0.5)), loss=_slope_one, jit_compile=True)

    def note(batch: int, logs: Any) -> None:
        weights.append(model.get_weights()[0].item())

    before, ones = model.get_weights()[0].item(), np.ones((12, 1))
    model.fit(ones, ones, batch_size=1, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)])
    assert seen
    np.testing.assert_allclose(-np.diff([before, *weights]), asked(schedule, 0.5), atol=1e-6)


@pytest.mark.skipif(BACKEND != "torch", reason="NOT RUN: the others are compiled by themselves")
def test_an_attached_optimizer_inside_torch_compile_uses_the_values_of_its_step_and_compiles_once() -> None:
    import torch

    torch.compiler.reset()
    schedule = calando.bundle(PLAN, momentum=calando.linear_decay(start=0.9, end=0.1)).bind(12)
    optimizer, weight, made = attach(keras.optimizers.SGD(0.5), schedule), keras.Variable(3.0), []
    optimizer.build([weight])

    def counted(graph: Any, _: Any) -> Any:
        made.append(graph)
        return graph.forward

    @torch.compile(backend=counted)
    def update(x: Any) -> None:
        optimizer.apply([x * 2.0], [weight])

    wanted, speed = 3.0, 0.0
    for t in range(12):
        update(torch.full((), 0.5))
        now = schedule.at(t)
        speed = now["momentum"] * speed - 0.5 * now["lr"]
        wanted += speed
        assert float(weight.value.detach()) == pytest.approx(wanted, abs=1e-5)
    assert len(made) == 1


def _slope_one(_: Any, y_pred: Any) -> Any:
    return ops.mean(y_pred)


def test_once_an_epoch_is_a_schedule_held_for_an_epoch() -> None:
    schedule = calando.hold(PLAN, every="1ep").bind("5ep", steps_per_epoch=PER_EPOCH)
    recording = Recording(LearningRate(schedule, 0.2))
    train(reader(recording), EPOCHS)
    used = rates_of(recording).reshape(EPOCHS, PER_EPOCH)
    assert (used == used[:, :1]).all()
    close(used[:, 0], 0.2 * PLAN.bind(EPOCHS * PER_EPOCH)(np.arange(EPOCHS) * PER_EPOCH), top=0.2)


@pytest.mark.parametrize("door", ["LearningRate", "attach"])
def test_accumulated_gradients_move_the_clock_once_an_update(door: str) -> None:
    schedule = PLAN.bind(EPOCHS * PER_EPOCH // 4)
    if door == "LearningRate":
        recording = Recording(LearningRate(schedule, 0.2, calls_per_update=4), gradient_accumulation_steps=4)
        model = reader(recording)
    else:
        recording = Recording(0.2, gradient_accumulation_steps=4)
        model = reader(attach(recording, schedule))
    train(model, EPOCHS)
    close(rates_of(recording), asked(schedule, 0.2), top=0.2)


def test_a_weight_that_moves_by_the_rate_alone_shows_the_rate_of_each_optimizer_of_keras() -> None:
    schedule = PLAN.bind(12)
    for optimizer in (keras.optimizers.SGD, keras.optimizers.RMSprop, keras.optimizers.Adam, keras.optimizers.Lion):
        for driven in (optimizer(LearningRate(schedule, 0.5)), attach(optimizer(0.5), schedule)):
            seen = []
            weight = keras.Variable(0.0)
            driven.build([weight])
            for _ in range(12):
                before = float(ops.convert_to_numpy(weight.value))
                driven.apply([ops.ones(())], [weight])
                seen.append(before - float(ops.convert_to_numpy(weight.value)))
            scale = _unit_moves(optimizer)
            np.testing.assert_allclose(seen, scale * asked(schedule, 0.5), rtol=2e-4, atol=1e-6)


def _unit_moves(optimizer: Any) -> np.ndarray:
    """What the optimizer makes of a gradient of one, twelve times, at a rate of one."""
    weight, plain, moves = keras.Variable(0.0), optimizer(1.0), []
    plain.build([weight])
    for _ in range(12):
        before = float(ops.convert_to_numpy(weight.value))
        plain.apply([ops.ones(())], [weight])
        moves.append(before - float(ops.convert_to_numpy(weight.value)))
    return np.asarray(moves)


# ---- cut in two

GOES_ON = """
import sys, json, keras, numpy
from pathlib import Path
folder, told = Path(sys.argv[1]), {}
try:
    keras.saving.load_model(folder / "plain.keras")
except TypeError as error:
    told["without the import"] = str(error)

import calando, calando.keras
told["with it"] = repr(keras.saving.load_model(folder / "plain.keras").optimizer._learning_rate)
from tests.keras.inside.helpers import Recording, rates_of, reader, train
from tests.keras.inside.test_fit import EPOCHS, SCHEDULE, listening

model = keras.saving.load_model(folder / "rate.keras")
train(model, EPOCHS, initial_epoch=2)
told["rate"] = rates_of(model.optimizer).tolist()

model = keras.saving.load_model(folder / "attached.keras")
train(model, EPOCHS, initial_epoch=2, callbacks=[calando.keras.Follow("loss")])
told["attached"] = rates_of(model.optimizer.inner_optimizer).tolist()
told["weights"] = [w.tolist() for w in model.get_weights()]

model = listening()
backup = keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False)
train(model, EPOCHS, callbacks=[backup, calando.keras.Follow("loss")])
told["backup"] = rates_of(model.optimizer.inner_optimizer).tolist()
print(json.dumps(told))
"""


def listening() -> Any:
    """A model whose rate falls whenever an epoch's loss is not much better than the one before."""
    plan = calando.reduce_on_plateau(PLAN, factor=0.5, patience=0, threshold=0.5)
    return reader(attach(Recording(0.2), plan.bind(EPOCHS * PER_EPOCH)))


def test_a_run_cut_in_two_and_continued_in_a_new_process_is_the_run_never_cut(tmp_path: Path) -> None:
    whole = listening()
    train(whole, EPOCHS, callbacks=[calando.keras.Follow("loss")])
    wanted = rates_of(whole.optimizer.inner_optimizer)
    assert whole.optimizer.scale < 1.0, "a listener that was never heard proves nothing"
    assert len(set(np.round(wanted[1:] / asked(SCHEDULE, 0.2)[1:], 4))) > 2

    reader(keras.optimizers.SGD(LearningRate(SCHEDULE, 0.2))).save(tmp_path / "plain.keras")
    first = reader(Recording(LearningRate(SCHEDULE, 0.2)))
    train(first, 2)
    first.save(tmp_path / "rate.keras")
    first = listening()
    train(first, 2, callbacks=[calando.keras.Follow("loss")])
    first.save(tmp_path / "attached.keras")
    with pytest.raises(KeyboardInterrupt):
        train(listening(), EPOCHS, callbacks=[
            keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False),  # would save before Follow
            calando.keras.Follow("loss"), Interruption(at=3),
        ])  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GOES_ON, str(tmp_path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    # Keras loads no package by itself, and names the class and the module that it wants
    assert "calando>LearningRate" in told["without the import"]
    assert "calando.keras.learning_rate" in told["without the import"]
    assert told["with it"] == repr(LearningRate(SCHEDULE, 0.2))
    close(told["rate"], asked(SCHEDULE, 0.2), top=0.2)
    assert told["attached"] == wanted.tolist()
    for got, kept in zip(told["weights"], whole.get_weights(), strict=True):
        np.testing.assert_allclose(got, kept, rtol=1e-5, atol=1e-6)
    # what Keras restored began at epoch 3; the updates before it are those of the run that was cut
    assert told["backup"] == wanted.tolist()


class Interruption(keras.callbacks.Callback):
    """Somebody presses control-C."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.at:
            raise KeyboardInterrupt
