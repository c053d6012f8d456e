"""Averages of weights, on whichever backend this is: torch's numbers, an untouched run, bands in the record."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import calando
import calando.keras
from calando.errors import BadState, BadValue, LabError
from calando.records.live import Tail
from tests.keras.inside.helpers import BACKEND

WINDOWS = (0.01, 0.05, 0.2)


def net(seed: int = 0, normal: bool = False) -> Any:
    keras.utils.set_random_seed(seed)
    layers: list[Any] = [keras.Input((4,)), keras.layers.Dense(3, activation="relu")]
    if normal:
        layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
    return keras.Sequential([*layers, keras.layers.Dense(1)])


def data(rows: int = 96) -> tuple[Any, Any]:
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype("float32")
    return x, (x.sum(axis=1, keepdims=True) + np.random.default_rng(1).normal(size=(rows, 1))).astype("float32")


def weights_of(model: Any) -> list[Any]:
    return [np.array(keras.ops.convert_to_numpy(one)) for one in model.trainable_variables]


def averaged(kept: Any) -> dict[float, list[Any]]:
    """The weights that stand in the model for each window."""
    found: list[list[Any]] = []
    kept.evaluate(lambda model: found.append(weights_of(model)) or 0.0)
    return dict(zip(kept.windows, found, strict=True))


def by_formula(history: list[list[Any]]) -> dict[float, list[Any]]:
    kept = {window: [np.zeros_like(one, dtype=np.float64) for one in history[0]] for window in WINDOWS}
    for number, weights in enumerate(history, 1):
        for window, own in kept.items():
            share = 1 - (1 - 1 / number) ** (2 / window - 1)
            kept[window] = [old + share * (new - old) for old, new in zip(own, weights, strict=True)]
    return kept


def same(found: dict[float, list[Any]], wanted: dict[float, list[Any]], tolerance: float = 2e-6) -> bool:
    return all(
        np.allclose(one, other, rtol=tolerance, atol=tolerance)
        for window in WINDOWS
        for one, other in zip(found[window], wanted[window], strict=True)
    )


def test_the_averages_are_the_formulas_and_torchs() -> None:
    """PyTorch joins on its own backend alone: imported here, it would be one more source of random numbers to runs."""
    model = net()
    mine, chance, history = calando.keras.averages(model), np.random.default_rng(3), []
    for _ in range(60):
        history.append([chance.normal(size=tuple(one.shape)).astype("float32") for one in model.trainable_variables])
        for variable, value in zip(model.trainable_variables, history[-1], strict=True):
            variable.assign(value)
        mine.update()
    wanted = by_formula(history)
    assert mine.windows == WINDOWS
    assert same(averaged(mine), wanted)
    assert not same(averaged(mine), dict.fromkeys(WINDOWS, wanted[0.2]), 1e-3)
    if BACKEND == "torch":
        assert same(averaged(mine), of_torch(history))


def of_torch(history: list[list[Any]]) -> dict[float, list[Any]]:
    import torch

    import calando.torch

    module = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(value.shape)) for value in history[0]])
    averages = calando.torch.averages(module)
    for values in history:
        for parameter, value in zip(module, values, strict=True):
            parameter.data.copy_(torch.from_numpy(value))
        averages.update()
    return {w: [np.array(one.detach().tolist()) for one in averages.model(w).module] for w in averages.windows}


class Remembers(keras.callbacks.Callback):  # type: ignore[misc]
    """The weights after each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[list[Any]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.history.append(weights_of(self.model))


@pytest.mark.parametrize("every", [1, 3])
def test_fit_takes_in_the_weights_of_every_update(every: int) -> None:
    x, y = data()
    model, remembers = net(), Remembers()
    model.compile(keras.optimizers.Adam(0.05), loss="mse")
    averaging = calando.keras.Averaging(lambda one: 0.0, lambda losses: None, every=every)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[remembers, averaging])
    assert averaging.averages.count == 36 // every
    assert same(averaged(averaging.averages), by_formula(remembers.history[every - 1 :: every]), 1e-5)


def trained(callbacks: list[Any]) -> tuple[Any, dict[str, list[float]], list[Any]]:
    x, y = data()
    model = net(normal=True)
    model.compile(keras.optimizers.Adam(0.05), loss="mse", metrics=["mae"])
    told = model.fit(x, y, batch_size=8, epochs=3, verbose=0, validation_split=0.25, callbacks=callbacks)
    every = [*model.variables, *model.optimizer.variables]
    return model, told.history, [np.array(keras.ops.convert_to_numpy(one)) for one in every]


@pytest.mark.parametrize("told", ["epoch", 4])
def test_a_run_that_is_averaged_is_bit_for_bit_the_run_that_is_not(told: str | int) -> None:
    x, y = data()
    losses: list[dict[float, float]] = []
    averaging = calando.keras.Averaging(lambda one: one.evaluate(x, y, verbose=0)[0], losses.append, told=told)
    _, plain, before = trained([])
    _, history, after = trained([averaging])
    assert history == plain
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert len(losses) == (3 if told == "epoch" else 27 // 4)
    assert len({loss for one in losses for loss in one.values()}) > len(losses)


def test_averages_take_the_noise_of_a_high_rate_away_and_stand_in_the_record_with_their_bands(tmp_path: Path) -> None:
    x, y = data(256)
    watched = calando.watch("a", folder=tmp_path)
    averaging = calando.keras.Averaging(
        lambda model: model.evaluate(x, y, verbose=0, return_dict=True)["loss"],
        lambda losses: calando.watch.virtual_cooldown(watched, losses),
    )
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(
        calando.keras.attach(keras.optimizers.SGD(0.2), calando.constant().bind(192)), loss="mse", jit_compile=False
    )
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[calando.keras.Watching(watched), averaging])
    tail = Tail(tmp_path / "a")
    tail.poll()
    assert tail.problems == []
    told = [event for event in tail.events if event.kind == "virtual"]
    assert [event.step for event in told] == [63] * 3 + [127] * 3 + [191] * 3
    assert [event.data["source"] for event in told[-3:]] == [f"average of the last {p} %" for p in (1, 5, 20)]
    best = min(float(event.data["value"]) for event in told[-3:])
    assert best < model.evaluate(x, y, verbose=0)


def test_the_statistics_of_batch_normalisations_are_taken_anew_from_data() -> None:
    x, y = data()
    model = net(normal=True)
    model.compile(keras.optimizers.SGD(0.01), loss="mse")
    averaging = calando.keras.Averaging(lambda one: 0.0, lambda losses: None, windows=(0.2,))
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[averaging])
    layer = next(one for one in model.layers if isinstance(one, keras.layers.BatchNormalization))
    own = np.array(keras.ops.convert_to_numpy(layer.moving_mean))
    means: list[Any] = []

    def look(one: Any) -> float:
        means.append(np.array(keras.ops.convert_to_numpy(layer.moving_mean)))
        means.append(np.array(keras.ops.convert_to_numpy(one.layers[0](x))).mean(axis=0))
        return 0.0

    averaging.averages.evaluate(look, data=[x[:48], (x[48:], y[48:])])
    assert means[0] == pytest.approx(means[1], abs=1e-5)  # those of the averaged weights, on the data given
    assert means[0] != pytest.approx(own, abs=1e-3)
    assert np.array_equal(np.array(keras.ops.convert_to_numpy(layer.moving_mean)), own)
    assert layer.momentum == keras.layers.BatchNormalization().momentum


def test_averages_that_were_kept_go_on_as_if_nothing_had_happened() -> None:
    model = net()
    kept, again = calando.keras.averages(model), calando.keras.averages(model)

    def shaken(*which: Any) -> None:
        for variable in model.trainable_variables:
            variable.assign(np.array(keras.ops.convert_to_numpy(variable)) * 0.9 + 0.1)
        for one in which:
            one.update()

    for _ in range(5):
        shaken(kept)
    state = kept.state_dict()
    plain = json.loads(
        json.dumps({**state, "kept": [[name, [one.tolist() for one in own]] for name, own in state["kept"]]})
    )
    again.load_state_dict(plain)
    for _ in range(5):
        shaken(kept, again)
    assert same(averaged(again), averaged(kept), 0.0)
    fresh = calando.keras.averages(model)
    fresh.load_state_dict(calando.keras.averages(model).state_dict())  # nothing was averaged yet
    assert fresh.count == 0
    for bad in ({}, {"count": 1, "calls": 1, "kept": []}, {**state, "count": -1}, None):
        with pytest.raises(BadState, match="averages over"):
            fresh.load_state_dict(bad)  # type: ignore[arg-type]
    with pytest.raises(BadState, match="averages over"):
        calando.keras.averages(model, windows=[0.3]).load_state_dict(state)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: calando.keras.averages(net(), windows=[0.0]), "windows"),
        (lambda: calando.keras.averages(net(), every=0), "every=0"),
        (lambda: calando.keras.averages("a model"), "Keras model"),
        (lambda: calando.keras.Averaging(None, print), "evaluate=None"),
        (lambda: calando.keras.Averaging(print, 3), "tell=3"),
        (lambda: calando.keras.Averaging(print, print, told="batch"), "told='batch'"),
        (lambda: calando.keras.Averaging(print, print, told=True), "told=True"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, text: str) -> None:
    with pytest.raises(BadValue, match=text):
        make()


def test_nothing_is_evaluated_before_anything_was_averaged() -> None:
    with pytest.raises(LabError, match="averages of nothing"):
        calando.keras.averages(net()).evaluate(lambda model: 0.0)
    with pytest.raises(LabError, match="no model yet"):
        _ = calando.keras.Averaging(print, print).averages
