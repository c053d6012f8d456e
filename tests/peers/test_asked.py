"""What importers are asked beside their source: junk is refused in four parts, by all of them alike."""

from collections.abc import Callable
from typing import Any

import pytest

from calando.errors import CalandoError
from calando.peers import from_deepspeed, from_ignite, from_keras, from_optax, from_timm, from_torch, from_transformers

KERAS = {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10}}
WARMUP = {"type": "WarmupLR", "params": {"warmup_num_steps": 5, "warmup_max_lr": 0.1}}
COSINE = {"type": "WarmupCosineLR", "params": {"total_num_steps": 50, "warmup_num_steps": 5}}
CYCLE = {"cycle_min_lr": 0.1, "cycle_max_lr": 1.0, "cycle_first_step_size": 10}

IMPORTERS: dict[str, Callable[..., Any]] = {
    "keras": lambda **more: from_keras(KERAS, **more),
    "deepspeed": lambda **more: from_deepspeed(WARMUP, **more),
    "optax": lambda **more: from_optax(0.1, **more),
    "ignite": lambda **more: from_ignite(object(), **more),
    "torch": lambda **more: from_torch(object(), **more),
    "timm": lambda **more: from_timm(_timm(), **more),
    "transformers": lambda **more: from_transformers("linear", num_training_steps=9, **more),
    "plateau": lambda **more: from_transformers("reduce_lr_on_plateau", **more),
}


def _timm() -> Any:
    return type("CosineLRScheduler", (), {"base_values": [0.1]})()


def refused(call: Callable[[], Any], word: str) -> None:
    with pytest.raises(CalandoError) as caught:
        call()
    error = caught.value
    assert word in f"{error.given} {error.allowed} {error.where}"
    assert all((error.given, error.allowed, error.where, error.fix))


@pytest.mark.parametrize("quirks", ["no", None, 1, []])
@pytest.mark.parametrize("peer", IMPORTERS)
def test_quirks_are_true_or_false(peer: str, quirks: Any) -> None:
    refused(lambda: IMPORTERS[peer](quirks=quirks), "quirks=")


@pytest.mark.parametrize("horizon", [-1, 0, "x", 2.5, True, 10**30, [3]])
@pytest.mark.parametrize("peer", ["keras", "deepspeed", "optax", "ignite"])
def test_a_horizon_is_a_whole_number_of_steps(peer: str, horizon: Any) -> None:
    refused(lambda: IMPORTERS[peer](horizon=horizon), "horizon=")


@pytest.mark.parametrize("per", ["foo", 3, []])
@pytest.mark.parametrize("peer", ["ignite", "torch", "timm", "transformers", "plateau"])
def test_a_clock_is_step_or_epoch(peer: str, per: Any) -> None:
    refused(lambda: IMPORTERS[peer](per=per), "per=")


TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "min_lr of lr=0": ("cosine_with_min_lr", {"lr": 0, "min_lr": 0.1}),
    "a plateau at lr=0": ("reduce_lr_on_plateau", {"lr": 0, "num_training_steps": None}),
    "too few floors": ("reduce_lr_on_plateau", {"lr": [1, 2], "min_lr": [0.1], "num_training_steps": None}),
    "another threshold_mode": ("reduce_lr_on_plateau", {"threshold_mode": "foo", "num_training_steps": None}),
    "no rates": ("linear", {"lr": []}),
    "lr_end": ("polynomial", {"lr_end": "x"}),
    "lr_end of nothing": ("polynomial", {"lr_end": None}),
    "num_decay_steps": ("warmup_stable_decay", {"num_decay_steps": "x"}),
    "num_warmup_steps": ("warmup_stable_decay", {"num_decay_steps": 2, "num_warmup_steps": None}),
    "num_warmup_steps in words": ("linear", {"num_warmup_steps": "many"}),
    "num_training_steps": ("linear", {"num_training_steps": "10"}),
    "warmup_type": ("warmup_stable_decay", {"num_decay_steps": 2, "warmup_type": "foo"}),
    "decay_type": ("warmup_stable_decay", {"num_decay_steps": 2, "decay_type": []}),
    "power": ("polynomial", {"power": None}),
    "timescale": ("inverse_sqrt", {"timescale": float("nan")}),
    "min_lr_rate": ("cosine_with_min_lr", {"min_lr_rate": "x"}),
    "warmup_lr_rate": ("cosine_warmup_with_min_lr", {"min_lr_rate": 0.1, "warmup_lr_rate": [1]}),
}


@pytest.mark.parametrize("which", TRANSFORMERS)
def test_every_argument_of_transformers_is_checked(which: str) -> None:
    name, arguments = TRANSFORMERS[which]
    refused(lambda: from_transformers(name, **{"num_training_steps": 10, **arguments}), "")


DEEPSPEED: dict[str, tuple[Any, dict[str, Any]]] = {
    "a word as lr": (COSINE, {"lr": "x"}),
    "lr=nan": (COSINE, {"lr": float("nan")}),
    "no lr": (COSINE, {"lr": []}),
    "negative stairs": ({"type": "OneCycle", "params": CYCLE | {"cycle_first_stair_count": -3}}, {}),
    "negative second stairs": ({"type": "OneCycle", "params": CYCLE | {"cycle_second_stair_count": -3}}, {}),
    "another warmup_type": ({"type": "WarmupLR", "params": {"warmup_type": "foo", "warmup_max_lr": 0.1}}, {}),
    "params as a list": ({"type": "WarmupLR", "params": []}, {"lr": 0.1}),
    "a word as the optimizer's lr": ({"optimizer": {"params": {"lr": "x"}}, "scheduler": COSINE}, {}),
    "an optimizer without params": ({"optimizer": {"params": None}, "scheduler": COSINE}, {}),
}


@pytest.mark.parametrize("which", DEEPSPEED)
def test_every_parameter_of_deepspeed_is_checked(which: str) -> None:
    source, arguments = DEEPSPEED[which]
    refused(lambda: from_deepspeed(source, **arguments), "")
