"""Reduce on plateau: a pure function of state and metric, counting as torch or as Keras counts."""

import copy
import json
import math
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

import calando
from tests.core.peers import optimizer
from tests.oracles.plateau import KerasPlateau, TorchPlateau


def rule(**args: Any) -> Any:
    """The feedback rule of a plan around a constant."""
    return calando.reduce_on_plateau(calando.constant(), **args).bind(1000).rule


def scales(listener: Any, metrics: list[float]) -> list[float]:
    """The scale after every metric."""
    state, out = listener.initial(), []
    for metric in metrics:
        state = listener.update(state, metric)
        out.append(state.scale)
    return out


def settings(chance: Random) -> dict[str, Any]:
    """One random setting of a listener."""
    return {
        "factor": chance.choice((0.1, 0.5, 0.9)),
        "patience": chance.randint(0, 4),
        "cooldown": chance.randint(0, 3),
        "threshold": chance.choice((0.0, 1e-4, 0.01, 0.1)),
        "mode": chance.choice(("min", "max")),
        "min_scale": chance.choice((0.0, 0.01, 0.3)),
    }


def metrics(chance: Random, positive: bool = True) -> list[float]:
    """A random sequence that improves, stalls and worsens."""
    value, out = 1.0, []
    for _ in range(60):
        value *= chance.choice((0.5, 0.9, 0.99, 0.99999, 1.0, 1.0, 1.001, 1.1))
        out.append(value if positive else value - 0.5)
    return out


@pytest.mark.parametrize("seed", range(300))
def test_counting_is_that_of_the_living_torch_class(seed: int) -> None:
    chance = Random(seed)
    args, mode = settings(chance), chance.choice(("relative", "absolute"))
    sequence = metrics(chance, positive=mode == "relative")
    sgd = optimizer(lr=1.0)
    peer = ReduceLROnPlateau(
        sgd,
        mode=args["mode"],
        factor=args["factor"],
        patience=args["patience"],
        threshold=args["threshold"],
        threshold_mode=mode[:3],
        cooldown=args["cooldown"],
        min_lr=args["min_scale"],
        eps=0.0,
    )
    theirs = []
    for metric in sequence:
        sgd.step()
        peer.step(metric)
        theirs.append(sgd.param_groups[0]["lr"])
    ours = scales(rule(**args, threshold_mode=mode, convention="torch"), sequence)
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("seed", range(200))
def test_counting_is_that_of_torchs_transcribed_rule_for_metrics_of_either_sign(seed: int) -> None:
    chance = Random(1000 + seed)
    args, mode = settings(chance), chance.choice(("relative", "absolute"))
    sequence = metrics(chance, positive=False)
    oracle = TorchPlateau(**args, threshold_mode=mode)
    ours = scales(rule(**args, threshold_mode=mode, convention="torch"), sequence)
    assert ours == pytest.approx([oracle.step(metric) for metric in sequence], rel=1e-12)


@pytest.mark.parametrize("seed", range(200))
def test_counting_is_that_of_kerass_transcribed_rule(seed: int) -> None:
    chance = Random(2000 + seed)
    args = settings(chance)
    args["patience"] = max(1, args["patience"])
    sequence = metrics(chance, positive=chance.random() < 0.5)
    oracle = KerasPlateau(**args)
    ours = scales(rule(**args, threshold_mode="absolute", convention="keras"), sequence)
    assert ours == pytest.approx([oracle.step(metric) for metric in sequence], rel=1e-12)


def test_torch_reduces_one_bad_metric_later_than_keras() -> None:
    flat = [1.0] * 8
    torch_says = scales(rule(patience=3, factor=0.5, convention="torch"), flat)
    keras_says = scales(rule(patience=3, factor=0.5, convention="keras"), flat)
    assert torch_says.index(0.5) == 4
    assert keras_says.index(0.5) == 3


@pytest.mark.parametrize("mode", ["min", "max"])
def test_defect_torch_never_fires_on_a_constant_negative_metric_and_ours_does(mode: str) -> None:
    sgd = optimizer(lr=1.0)
    peer = ReduceLROnPlateau(sgd, mode=mode, patience=2, factor=0.5)
    for _ in range(50):
        sgd.step()
        peer.step(-1.0)
    assert sgd.param_groups[0]["lr"] == 1.0
    assert scales(rule(mode=mode, patience=2, factor=0.5), [-1.0] * 50)[-1] < 1e-3


def test_defect_torchs_eps_freezes_small_rates_and_ours_has_none() -> None:
    sgd = optimizer(lr=1e-8)
    peer = ReduceLROnPlateau(sgd, patience=0, factor=0.5)
    for _ in range(5):
        sgd.step()
        peer.step(1.0)
    assert sgd.param_groups[0]["lr"] == 1e-8
    assert scales(rule(patience=0, factor=0.5), [1.0] * 5)[-1] == 0.5**4


def test_a_zero_metric_is_no_trap() -> None:
    assert scales(rule(patience=1, factor=0.5), [0.0] * 4) == [1.0, 1.0, 0.5, 0.5]


def test_nan_counts_as_bad_and_never_as_the_best() -> None:
    listener = rule(patience=1, factor=0.5)
    assert scales(listener, [1.0, math.nan, math.nan]) == [1.0, 1.0, 0.5]
    assert scales(listener, [math.nan, 1.0, 0.5, 0.25]) == [1.0] * 4


def test_infinity_counts_as_bad_when_smaller_is_better() -> None:
    assert scales(rule(patience=1, factor=0.5), [1.0, math.inf, math.inf]) == [1.0, 1.0, 0.5]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_metrics_that_are_infinite_from_the_start_are_bad_ones_as_in_torch(mode: str) -> None:
    worst = math.inf if mode == "min" else -math.inf
    sgd = optimizer(lr=1.0)
    peer = ReduceLROnPlateau(sgd, mode=mode, patience=1, factor=0.5, eps=0.0)
    theirs = []
    for _ in range(4):
        sgd.step()
        peer.step(worst)
        theirs.append(sgd.param_groups[0]["lr"])
    assert scales(rule(mode=mode, patience=1, factor=0.5), [worst] * 4) == theirs


def test_update_is_pure_and_states_are_values() -> None:
    listener = rule(patience=1)
    first = listener.update(listener.initial(), 1.0)
    kept = copy.deepcopy(first)
    assert listener.update(first, 2.0) == listener.update(first, 2.0)
    assert first == kept
    assert listener.initial() == listener.initial()


@pytest.mark.parametrize("convention", ["torch", "keras"])
def test_state_survives_json_at_every_moment(convention: str) -> None:
    chance = Random(5)
    listener = rule(patience=2, cooldown=2, factor=0.5, convention=convention)
    state = listener.initial()
    for metric in [math.nan, math.inf, *metrics(chance)]:
        plain = listener.to_plain(state)
        back = listener.from_plain(json.loads(json.dumps(plain, allow_nan=False)))
        assert back == state
        state = listener.update(back, metric)


@pytest.mark.parametrize("broken", [{}, [], None, "text", 3])
def test_what_is_no_state_is_refused(broken: Any) -> None:
    with pytest.raises(calando.CalandoError):
        rule().from_plain(broken)


@pytest.mark.parametrize("value", ["x", math.nan, math.inf, -1.0, None, True, [1.0]])
def test_a_state_with_an_impossible_scale_is_refused(value: Any) -> None:
    listener = rule()
    with pytest.raises(calando.CalandoError):
        listener.from_plain({**listener.to_plain(listener.initial()), "scale": value})


def test_a_state_with_a_part_too_few_or_too_many_is_refused() -> None:
    listener = rule()
    plain = listener.to_plain(listener.initial())
    for name in plain:
        with pytest.raises(calando.CalandoError):
            listener.from_plain({k: v for k, v in plain.items() if k != name})
    with pytest.raises(calando.CalandoError):
        listener.from_plain({**plain, "other": 1})


@pytest.mark.parametrize("metric", ["0.1", None, [1.0], object(), True, 1j, 10**400, torch.ones(2)])
def test_a_metric_that_is_no_number_is_refused(metric: Any) -> None:
    listener = rule()
    with pytest.raises(calando.CalandoError):
        listener.update(listener.initial(), metric)


def test_a_metric_may_be_any_real_number() -> None:
    listener = rule(patience=0, factor=0.5)
    for one in (1, 1.0, np.float32(1.0), np.int64(1), torch.tensor(1.0)):
        assert scales(listener, [one, one]) == [1.0, 0.5]


def test_the_schedule_itself_is_the_open_loop() -> None:
    inside = calando.warmup(10) | calando.cosine()
    schedule = calando.reduce_on_plateau(inside).bind(100)
    plain = inside.bind(100)
    assert [schedule(t) for t in range(101)] == [plain(t) for t in range(101)]
    assert plain.rule is None
    assert schedule.rule is not None


@pytest.mark.parametrize(
    "bad",
    [
        {"factor": 1.5},
        {"factor": -0.1},
        {"factor": math.nan},
        {"patience": -1},
        {"patience": 2.5},
        {"cooldown": -1},
        {"threshold": -1e-4},
        {"min_scale": -0.1},
        {"mode": "most"},
        {"threshold_mode": "rel"},
        {"convention": "tensorflow"},
    ],
)
def test_impossible_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(calando.CalandoError):
        calando.reduce_on_plateau(calando.constant(), **bad)
