"""A run of `model.fit` that is steered: what ran is what the record says, and a checkpoint goes on under it."""

import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import calando
import calando.keras
from calando.errors import BadValue
from calando.records.live import read_answered, send

PLAN = calando.parse("warmup(10) | cosine()")
X = np.random.default_rng(0).random((320, 4)).astype("float32")
ASKED = {29: "scale 0.5", 59: "cooldown 40"}


def built(schedule: calando.Schedule) -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(calando.keras.attach(keras.optimizers.SGD(0.1), schedule), loss="mse")
    return model


def fitted(model: Any, *callbacks: Any) -> Any:
    model.fit(X, X[:, :1], batch_size=16, epochs=10, shuffle=False, verbose=0, callbacks=list(callbacks))
    return model


class Asking(keras.callbacks.Callback):
    """Somebody who steers while the model trains."""

    def __init__(self, watched: Any, folder: Path) -> None:
        super().__init__()
        self.watched, self.folder = watched, folder

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        text = ASKED.get(self.watched.step)
        if text is not None:
            send(self.folder, text)
            time.sleep(0.06)  # the inbox is looked into twenty times a second


def test_a_steered_fit_trains_as_one_under_the_schedule_that_its_record_tells(tmp_path: Path) -> None:
    model = built(PLAN.bind(200))
    watched = calando.watch("fit", folder=tmp_path)
    fitted(model, Asking(watched, tmp_path / "fit"), calando.keras.Watching(watched))
    answered = read_answered(tmp_path / "fit")
    ran = answered.schedule
    assert [event.data["text"] for event in answered.applied] == list(ASKED.values())
    assert ran is not None
    assert ran.horizon == model.optimizer.position
    lines = [json.loads(line) for line in (tmp_path / "fit/record.jsonl").read_text().splitlines()]
    rates = {line["s"]: line["m"]["lr"] for line in lines if "lr" in line.get("m", {})}
    assert sorted(rates) == list(range(ran.horizon))
    assert all(rate == pytest.approx(0.1 * ran(step), rel=1e-6) for step, rate in rates.items())

    class Ending(keras.callbacks.Callback):
        made = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.made += 1
            again.stop_training = self.made >= ran.horizon

    again = built(ran)
    fitted(again, Ending())
    for mine, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.allclose(mine, theirs, rtol=1e-6, atol=1e-8)

    path = str(tmp_path / "m.weights.h5")
    model.save_weights(path)
    fresh = built(PLAN.bind(200))
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(path)
    assert fresh.optimizer.schedule == ran
    assert fresh.optimizer.position == ran.horizon
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").optimizer.schedule == ran


def test_another_listener_is_no_change_of_the_schedule() -> None:
    optimizer = calando.keras.attach(keras.optimizers.SGD(0.1), PLAN.bind(200))
    with pytest.raises(BadValue, match="same listener"):
        optimizer.change(calando.reduce_on_plateau(PLAN).bind(200))
