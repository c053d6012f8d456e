"""Complaints about order: the first update, the update that was skipped."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.installed import timm_scheduler, transformers_scheduler
from tests.complaints.sides import Make, used_by
from tests.torch.helpers import optimizer_of, rates


def test_pytorch_44511_55585_67590_lightning_21339_a_false_warning_when_amp_skips_an_update() -> None:
    def run(make: Make) -> tuple[list[str], float]:
        """What is said when the first update overflows, and the rate that the next update will use."""
        optimizer = optimizer_of(1.0)
        scheduler, scaler = make(optimizer), torch.amp.GradScaler("cpu")
        parameter = optimizer.param_groups[0]["params"][0]
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            scaler.scale((parameter * float("inf")).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
        return [str(warning.message) for warning in said], rates(optimizer)[0]

    def check(make: Make) -> None:
        said, rate = run(make)
        assert said == [], "it warns"
        assert rate == 1.0, "an update that was not made is counted"

    decay = calando.exponential_decay(factor=0.5).bind(10)
    told_apart(
        check,
        living=lambda o: peers.ExponentialLR(o, 0.5),
        ours=lambda o: attach(o, decay, follow=True),
        because="it warns",
    )


def test_timm_2125_the_first_update_uses_the_rate_of_the_optimizer_and_not_the_first_of_the_schedule() -> None:
    def theirs(optimizer: Any) -> Any:
        scheduler = timm_scheduler("TanhLRScheduler", optimizer, t_initial=10, lb=-2.0, t_in_epochs=False)
        return scheduler, scheduler._get_lr(0)[0]

    def ours(optimizer: Any) -> Any:
        schedule = calando.parse("warmup(5, start=0.1) | constant()").bind(10)
        return attach(optimizer, schedule), schedule(0)

    def check(make: Callable[[Any], tuple[Any, float]]) -> None:
        optimizer = optimizer_of(1.0)
        _, first = make(optimizer)
        assert first < 1.0
        assert rates(optimizer)[0] == first, "the first update has another rate"

    told_apart(check, living=theirs, ours=ours, because="the first update has another rate")


def test_transformers_34754_bert_1293_a_warm_up_wastes_its_first_update() -> None:
    def theirs(optimizer: Any) -> Any:
        return transformers_scheduler("constant_with_warmup", optimizer, 5)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(5, first=step) | constant()").bind(10))

    def check(make: Make) -> None:
        used = used_by(make, 7)
        assert used[0] > 0, "the first update moves nothing"
        assert used == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0])

    told_apart(check, living=theirs, ours=ours, because="the first update moves nothing")
