"""timm's own schedulers, built from the arguments that are handed out, and asked at every update."""

from typing import Any

import pytest
import torch

import calando
from calando.errors import Unconvertible
from calando.peers.exports import to_timm
from tests.complaints.installed import importing
from tests.peers.exports.likely import exported, hold_equal, likely


def built(given: dict[str, Any]) -> Any:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler, _ = importing("timm.scheduler").create_scheduler_v2(optimizer, **given)
    return optimizer, scheduler


def stepped(optimizer: Any, scheduler: Any, steps: range) -> list[float]:
    rates = []
    for step in steps:
        scheduler.step_update(step)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


@pytest.fixture(scope="module")
def said() -> list[tuple[calando.Schedule, dict[str, Any]]]:
    return exported(likely(4), to_timm)


def test_every_kind_but_tanh_and_plateau_can_be_said(said: list[Any]) -> None:
    kinds = {"cosine", "poly", "step", "multistep", "constant", "wsd", "rsqrt"}
    assert {given["sched"] for _, given in said} == kinds
    assert len(said) > 50


def test_what_is_said_is_equal_at_every_step(said: list[Any]) -> None:
    for schedule, given in said:
        hold_equal(schedule, stepped(*built(given), range(schedule.horizon)), 1e-12)


def test_a_resumed_run_is_equal_too(said: list[Any]) -> None:
    for schedule, given in said[::5]:
        first = stepped(*built(given), range(schedule.horizon // 3))
        hold_equal(schedule, first + stepped(*built(given), range(len(first), schedule.horizon)), 1e-12)


def test_a_peak_that_is_not_the_optimizers_rate_is_refused() -> None:
    with pytest.raises(Unconvertible, match="sched=cosine, differs from step 0 on, by 100 %"):
        to_timm(calando.cosine(start=0.5).bind(100), 0.3)
