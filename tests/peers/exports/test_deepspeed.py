"""DeepSpeed's own schedulers, built from the blocks that are handed out, stepped and resumed."""

from typing import Any

import pytest
import torch

import calando
from calando.errors import Unconvertible
from calando.peers.exports import to_deepspeed
from tests.peers.exports.likely import exported, hold_equal, likely

lr_schedules = pytest.importorskip("deepspeed.runtime.lr_schedules")


def built(block: dict[str, Any]) -> Any:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    return optimizer, getattr(lr_schedules, block["type"])(optimizer, **block["params"])


def stepped(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return rates


@pytest.fixture(scope="module")
def said() -> list[tuple[calando.Schedule, dict[str, Any]]]:
    found = exported(likely(3, 600), to_deepspeed)
    assert {block["type"] for _, block in found} == {"WarmupLR", "WarmupDecayLR"}
    return found


def test_what_is_said_is_equal_at_every_step(said: list[Any]) -> None:
    assert len(said) > 20
    for schedule, block in said:
        hold_equal(schedule, stepped(*built(block), schedule.horizon), 1e-12)


def test_a_resumed_run_is_equal_too(said: list[Any]) -> None:
    for schedule, block in said[::3]:
        optimizer, scheduler = built(block)
        first = stepped(optimizer, scheduler, schedule.horizon // 3)
        saved = optimizer.state_dict(), scheduler.state_dict()
        optimizer, scheduler = built(block)
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        hold_equal(schedule, first + stepped(optimizer, scheduler, schedule.horizon - len(first)), 1e-12)


def test_a_warmup_that_does_not_wait_is_refused_because_deepspeed_is_one_update_late() -> None:
    with pytest.raises(Unconvertible) as refusal:
        to_deepspeed((calando.warmup(10) | calando.constant()).bind(100), 0.3)
    assert "WarmupLR, differs from step 1 on, by 10 % of the peak" in refusal.value.given
    assert "one update late" in refusal.value.allowed


def test_a_cosine_is_refused_because_deepspeed_begins_it_a_step_in() -> None:
    with pytest.raises(Unconvertible, match="WarmupCosineLR"):
        to_deepspeed((calando.constant(0.0, 1) | calando.warmup(10) | calando.cosine()).bind(100), 0.3)
