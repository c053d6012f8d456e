"""`model.fit` and loops of one's own under a run: rates, metrics, the horizon, ends, and going on from snapshots."""

import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import calando.keras
from calando.errors import LabError
from calando.lab import StopRun, standalone
from calando.lab.snapshot import load
from calando.records.stage import SnapshotRef
from tests.contracts.source import ROOT
from tests.keras.inside.going_on import HORIZON, TRAINS, a_run, told
from tests.keras.inside.helpers import BACKEND, digits
from tests.keras.inside.trains import BATCH, LOSS, PER_EPOCH, SAMPLES, fitted, reader

EPOCHS = [PER_EPOCH, 3 * PER_EPOCH]
STEPS = sorted(random.Random(2).sample(range(1, HORIZON), 4))


def test_fit_at_epochs_and_a_loop_anywhere_go_on_in_a_fresh_process_bit_for_bit(tmp_path: Path) -> None:
    """Dropout, moving statistics, running metrics and shuffled data among what has to come back."""
    wanted, lines = {}, []
    for name, steps in (("fitted", EPOCHS), ("looped", STEPS)):

        def reached(run: Any, step: int, ref: SnapshotRef | None, why: str, name: str = name) -> None:
            assert ref is not None, why
            lines.append([name, step, ref.url, ref.sha256, ref.size])

        lines.append([name, 0, "", "", 0])
        run = a_run(keep_at=steps, place=str(tmp_path / name), reached=reached)
        TRAINS[name](run)
        wanted[name] = json.loads(json.dumps(told(run)))
        assert run.outcome()[0] == "done"
    assert len(lines) == 2 + len(EPOCHS) + len(STEPS)
    (tmp_path / "snapshots").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "tests.keras.inside.going_on", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(found) == len(lines)
    for name, step, began, refused, told_again in found:
        assert (began, refused) == (step, ""), (name, step)
        assert told_again == wanted[name], (name, step)


def test_fit_makes_as_many_updates_as_the_run_has_logs_what_keras_shows_and_evaluates_where_it_is_due() -> None:
    run = a_run()
    model = fitted(run)
    curves = run.curves()
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == run.done == HORIZON
    assert curves["lr"].values == pytest.approx([0.01 * run.schedule(step) for step in range(HORIZON)], rel=1e-6)
    assert curves["train_loss"].steps == tuple(range(HORIZON))
    ends = {min((due // PER_EPOCH + 1) * PER_EPOCH, HORIZON) - 1 for due in run._evals}
    assert set(curves["val_loss"].steps) == ends
    shown = model.evaluate(*(part[SAMPLES:] for part in digits()), batch_size=BATCH, verbose=0, return_dict=True)
    assert curves["val_loss"].last == pytest.approx(shown["loss"], rel=1e-5)
    assert curves["val_accuracy"].last == pytest.approx(shown["accuracy"])


def test_the_train_function_looked_at_nothing_and_snapshots_stand_between_epochs() -> None:
    run = a_run()
    fitted(run)
    assert not run.looked
    assert (run.kept, run.grain) == (("model",), PER_EPOCH)


class _Changing(keras.utils.PyDataset):  # type: ignore[misc]
    """A data set that shuffles itself at the end of every epoch."""

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__()
        self._x, self._y, self._chance = x, y, np.random.default_rng(0)
        self._order = np.arange(len(x))

    def __len__(self) -> int:
        return math.ceil(len(self._x) / BATCH)

    def __getitem__(self, index: int) -> Any:
        chosen = self._order[index * BATCH : (index + 1) * BATCH]
        return self._x[chosen], self._y[chosen]

    def on_epoch_end(self) -> None:
        self._order = self._chance.permutation(len(self._x))


def _data_set(x: Any, y: Any) -> dict[str, Any]:
    return {"x": _Changing(x, y)}


@pytest.mark.parametrize("how", [{"gradient_accumulation_steps": 2}, {"data": _data_set}])
def test_updates_are_counted_not_batches_and_data_sets_are_passed_over_again(how: Any, tmp_path: Path) -> None:
    refs: list[SnapshotRef | None] = []
    run = a_run(keep_at=[6], place=str(tmp_path), reached=lambda run, step, ref, why: refs.append(ref))
    fitted(run, **how)
    assert run.curves()["lr"].steps == tuple(range(HORIZON))
    assert refs[0] is not None
    again = a_run(start=load(refs[0]))
    fitted(again, **how)
    assert (again.began, told(again)) == (6, told(run))


def test_a_listener_hears_what_fit_logs() -> None:
    run = a_run("reduce_on_plateau(constant(), factor=0.5, patience=0, threshold=1e9, threshold_mode=absolute)")
    model = fitted(run)
    rates = run.curves()["lr"].values
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] < 0.006
    assert model.optimizer.scale < 0.6


def test_a_loss_that_diverges_ends_fit_and_the_run() -> None:
    run = a_run()
    x, y = digits()
    bad = {"x": x[:SAMPLES], "y": y[:SAMPLES], "sample_weight": np.full(SAMPLES, np.nan), "batch_size": BATCH}
    with pytest.raises(StopRun, match="train_loss is nan at step 0"):
        fitted(run, data=lambda *_: bad)
    assert run.outcome()[0] == "diverged"


def test_what_fit_cannot_do_is_told_before_it_begins() -> None:
    x, y = digits()
    run = standalone("cosine()", horizon=4, peak=0.1, quiet=True)
    model = reader()
    model.compile(keras.optimizers.SGD(0.1), loss=LOSS)
    with pytest.raises(LabError, match=r"model\.compile\(run\.attach\(optimizer\)"):
        calando.keras.fit(run, model, x, y)
    model.compile(run.attach(keras.optimizers.SGD(0.1)), loss=LOSS)
    with pytest.raises(LabError, match="one owner"):
        calando.keras.fit(run, model, x, y, callbacks=[keras.callbacks.ReduceLROnPlateau()])
    with pytest.raises(LabError, match="leave it out"):
        calando.keras.fit(run, model, x, y, steps_per_epoch=3)


def test_a_model_of_other_layers_is_refused_by_the_first_variable_that_differs() -> None:
    from calando.keras.keep import Variables

    saved = Variables(reader()).capture()
    other = keras.Sequential([keras.Input((64,)), keras.layers.Dense(8)])
    with pytest.raises(LabError, match=r"kernel of float32 \(64, 8\) where float32 \(64, 16\)"):
        Variables(other).restore(saved)
    with pytest.raises(LabError, match=r"optimizer\.build"):
        Variables(keras.optimizers.SGD(0.1)).capture()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="NOT RUN: a generator of TensorFlow's own")
def test_seeds_that_tensorflow_draws_outside_of_graphs_come_back() -> None:
    import tensorflow as tf

    from calando.keras.keep import generators

    tf.random.set_seed(3)
    saved = {name: one.capture() for name, one in generators().items()}
    first = tf.random.uniform((3,)).numpy()
    for name, one in generators().items():
        one.restore(saved[name])
    assert np.array_equal(first, tf.random.uniform((3,)).numpy())


def beside(run: Any, what: str) -> None:
    """A loop of one's own that keeps its layer and, beside it, changes something of Keras' that is not named."""
    layer, shadow = keras.layers.Dense(1), keras.layers.Dense(1)
    layer.build((None, 2))
    shadow.build((None, 2))
    seen, seeds = keras.metrics.Mean(), keras.random.SeedGenerator(run.seed)
    kernel = layer.kernel
    run.keep(layer=layer)
    for _ in run.steps():
        kernel.assign(0.9 * kernel)
        if what == "shadow":
            shadow.kernel.assign(0.9 * shadow.kernel + 0.1 * kernel)
        if what == "seen":
            seen.update_state(run.lr)
        if what == "seeds":
            keras.random.normal((1,), seed=seeds)
        run.log(train_loss=run.lr, val_loss=1.0)


@pytest.mark.parametrize("what", ["", "shadow", "seen", "seeds"])
def test_what_changes_beside_the_loop_and_is_not_kept_is_seen(what: str, tmp_path: Path) -> None:
    found: list[tuple[bool, str]] = []
    beside(
        a_run(keep_at=[5], place=str(tmp_path), reached=lambda run, step, ref, why: found.append((ref is None, why))),
        what,
    )
    told = f"the loop changes objects, which no snapshot has ({what}); name them by run.keep; what each turn "
    told += "overwrites before it reads it may be made inside the loop instead"
    assert found == [(True, told) if what else (False, "")]
