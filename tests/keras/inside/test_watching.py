"""`model.fit` under watch, on whichever backend this is: each batch's loss and rate, and commands that rule."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import calando
import calando.keras
from calando.errors import BadValue
from calando.records.live import Tail, read_answered, send

EPOCHS, BATCHES = 3, 8


class Batch(keras.callbacks.Callback):  # type: ignore[misc]
    """Says a word after some batch."""

    def __init__(self, say: Any) -> None:
        super().__init__()
        self.say, self.made = say, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.made += 1
        self.say(self.made)


def fit(watched: Any, optimizer: Any, say: Any = lambda made: None) -> Any:
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(16 * BATCHES, 4)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss="mse", metrics=["mae"])
    callbacks = [Batch(say), calando.keras.Watching(watched)]
    history = model.fit(
        x, y, batch_size=16, epochs=EPOCHS, shuffle=False, verbose=0, validation_data=(x, y), callbacks=callbacks
    )
    return history.history


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    assert tail.problems == []
    return tail


@pytest.mark.parametrize("kind", ["attached", "a rate", "a number"])
def test_each_batch_has_its_loss_and_the_rate_of_its_update(tmp_path: Path, kind: str) -> None:
    schedule = calando.linear_decay().bind(EPOCHS * BATCHES)
    rate = calando.keras.LearningRate(schedule, peak=0.01)
    optimizer = {
        "attached": lambda: calando.keras.attach(keras.optimizers.SGD(0.01), schedule),
        "a rate": lambda: keras.optimizers.SGD(rate),
        "a number": lambda: keras.optimizers.SGD(0.01),
    }[kind]()
    told = fit(calando.watch("a", folder=tmp_path), optimizer)
    tail = tail_of(tmp_path / "a")
    losses, rates = tail.columns["train_loss"], tail.columns["lr"]
    assert losses.steps.tolist() == rates.steps.tolist() == list(range(EPOCHS * BATCHES))
    wanted = [0.01 if kind == "a number" else 0.01 * schedule(t) for t in range(EPOCHS * BATCHES)]
    assert np.allclose(rates.values, wanted, rtol=1e-6)
    assert np.allclose(losses.values.reshape(EPOCHS, BATCHES).mean(axis=1), told["loss"], rtol=1e-4)
    assert np.allclose(tail.columns["val_loss"].values, told["val_loss"])
    assert tail.columns["val_loss"].steps.tolist() == [BATCHES - 1, 2 * BATCHES - 1, 3 * BATCHES - 1]
    assert (tail.horizon, tail.ended and tail.ended.data["status"]) == (EPOCHS * BATCHES, "done")


def test_a_command_rules_from_the_next_batch_and_the_training_ends_where_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calando.watch.steer.PAUSE", 0.0)
    schedule = calando.constant().bind(EPOCHS * BATCHES)
    optimizer = calando.keras.attach(keras.optimizers.SGD(0.01), schedule)
    used: list[float] = []

    def say(made: int) -> None:
        used.append(float(optimizer.schedule(made - 1)))
        if made == 10:
            send(tmp_path / "a", "cooldown 5")

    fit(calando.watch("a", folder=tmp_path), optimizer, say)
    tail = tail_of(tmp_path / "a")
    followed = read_answered(tmp_path / "a").schedule
    assert followed is not None
    assert [event.step for event in tail.events if event.kind == "applied"] == [10]
    assert len(used) == followed.horizon == 15
    assert used == [followed(t) for t in range(15)]
    assert np.allclose(tail.columns["lr"].values, [0.01 * followed(t) for t in range(15)], rtol=1e-6)
    assert used[14] == pytest.approx(0.2)


def test_the_weights_move_by_the_rates_that_are_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calando.watch.steer.PAUSE", 0.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    optimizer = calando.keras.attach(keras.optimizers.SGD(0.5), calando.linear_decay().bind(12))
    model.compile(optimizer, loss=lambda y, given: keras.ops.mean(given))  # of gradient 1 everywhere
    weights = [0.0]

    class Weigh(Batch):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            weights.append(float(keras.ops.convert_to_numpy(self.model.layers[0].kernel).item()))
            super().on_train_batch_end(batch, logs)

    orders = {4: "scale 0.5", 8: "cooldown 2"}
    weigh = Weigh(lambda made: made in orders and send(tmp_path / "a", orders[made]))
    ones = np.ones((48, 1), "float32")
    watched = calando.watch("a", folder=tmp_path)
    model.fit(ones, ones, batch_size=4, verbose=0, callbacks=[weigh, calando.keras.Watching(watched)])
    rates = tail_of(tmp_path / "a").columns["lr"].values
    assert len(rates) == 10
    assert np.allclose(-np.diff(weights), rates, rtol=1e-4)
    assert rates[5] == pytest.approx(0.5 * 0.5 * (1 - 5 / 12))


def test_what_is_no_watched_run_is_refused() -> None:
    with pytest.raises(BadValue, match=r"what calando\.watch gave"):
        calando.keras.Watching("runs/first")
