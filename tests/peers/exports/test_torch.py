"""PyTorch's own schedulers, built by the code that is handed out, stepped and resumed."""

from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as lrs

import calando
from calando.errors import Unconvertible
from calando.peers import from_torch
from calando.peers.exports import to_torch
from tests.peers.exports.likely import exported, hold_equal, likely


def built(code: str) -> Any:
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["optimizer"], scope["scheduler"]


def stepped(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.fixture(scope="module")
def said() -> list[tuple[calando.Schedule, str]]:
    return exported(likely(1), to_torch)


def test_enough_can_be_said(said: list[Any]) -> None:
    assert len(said) > 60
    names = " ".join(code for _, code in said)
    wanted = ("LambdaLR", "LinearLR", "CosineAnnealingLR", "SequentialLR", "MultiStepLR", "StepLR", "ExponentialLR")
    wanted += ("PolynomialLR", "ConstantLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR")
    assert [name for name in wanted if f"{name}(" not in names] == []


def test_what_is_said_is_equal_at_every_step(said: list[Any]) -> None:
    for schedule, code in said:
        hold_equal(schedule, stepped(*built(code), schedule.horizon), 1e-12)


def test_a_resumed_run_is_equal_too(said: list[Any]) -> None:
    for schedule, code in said[::4]:
        optimizer, scheduler = built(code)
        first = stepped(optimizer, scheduler, schedule.horizon // 3)
        saved = optimizer.state_dict(), scheduler.state_dict()
        optimizer, scheduler = built(code)
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        hold_equal(schedule, first + stepped(optimizer, scheduler, schedule.horizon - len(first)), 1e-12)


@pytest.mark.parametrize("threshold", ["threshold_mode=absolute", "margin=signed, least_change=0.01"])
def test_a_listener_counts_alike(threshold: str) -> None:
    plan = calando.parse(f"reduce_on_plateau(constant(), factor=0.5, patience=2, cooldown=1, {threshold})")
    schedule = plan.bind(100)
    optimizer, scheduler = built(to_torch(schedule, 0.3))
    rule = schedule.rule
    assert rule is not None
    state = rule.initial()
    for metric in [-1.0, -1.0, -1.1, *[-1.1] * 20, -9.0, *[5.0] * 9]:
        state = rule.update(state, metric)
        scheduler.step(metric)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3 * state.scale, rel=1e-12)
    assert state.scale < 0.3


def test_a_listener_whose_threshold_is_of_the_metrics_size_is_refused() -> None:
    with pytest.raises(Unconvertible, match="below 0 never counts as better") as refusal:
        to_torch(calando.reduce_on_plateau(calando.constant()).bind(100), 0.3)
    assert "margin=signed" in refusal.value.fix


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda optimizer: lrs.CosineAnnealingLR(optimizer, 50, eta_min=0.01), "CosineAnnealingLR"),
        (lambda optimizer: lrs.CosineAnnealingLR(optimizer, 70), "CosineAnnealingLR"),
        (lambda optimizer: lrs.CosineAnnealingWarmRestarts(optimizer, 20), "CosineAnnealingWarmRestarts"),
        (lambda optimizer: lrs.LinearLR(optimizer, 0.2, total_iters=30), "LinearLR"),
        (lambda optimizer: lrs.StepLR(optimizer, 20), "StepLR"),
        (lambda optimizer: lrs.PolynomialLR(optimizer, 50, 2.0), "PolynomialLR"),
        (lambda optimizer: lrs.ExponentialLR(optimizer, 0.95), "ExponentialLR"),
    ],
)
def test_what_was_imported_can_be_said_again(made: Any, name: str) -> None:
    living = made(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3))
    schedule = from_torch(living).plan.bind(50)
    code = to_torch(schedule, 0.3)
    assert f"{name}(optimizer" in code
    hold_equal(schedule, stepped(*built(code), 50), 1e-12)


def test_what_pytorch_lacks_is_refused_with_what_it_has() -> None:
    with pytest.raises(Unconvertible, match="nothing alike") as refusal:
        to_torch(calando.inverse_sqrt(warmup=10).bind(100), 0.3)
    assert "warm restarts" in refusal.value.allowed
    assert "--form code" in refusal.value.fix
