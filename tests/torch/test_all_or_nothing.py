"""What fails leaves everything as it was: groups, tensors, clock and rule."""

from typing import Any

import pytest
import torch
from torch.optim import AdamW

from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of, rates

PLAN = "bundle(linear_decay(), beta1=linear_decay(start=0.95, end=0.85), dropout=linear_decay())"


class Layer:
    """Something with a dropout rate that it will not set, on demand."""

    def __init__(self) -> None:
        self.refuses = False
        self.value = -1.0

    def set(self, value: float) -> None:
        if self.refuses:
            raise RuntimeError("no such layer")
        self.value = value


def entries(optimizer: Any) -> list[dict[str, Any]]:
    """What the groups hold, in plain numbers."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(plain, value))
        return value.item() if isinstance(value, torch.Tensor) else value

    return [{k: plain(v) for k, v in group.items() if k != "params"} for group in optimizer.param_groups]


def tensors(optimizer: Any) -> list[Any]:
    return [optimizer.param_groups[0]["lr"], *optimizer.param_groups[0]["betas"]]


@pytest.fixture(params=["floats", "tensors"])
def optimizer(request: pytest.FixtureRequest) -> Any:
    if request.param == "floats":
        return optimizer_of(0.1, 0.02, kind=AdamW)
    betas = (torch.tensor(0.9, dtype=torch.float64), torch.tensor(0.999))
    return optimizer_of(torch.tensor(0.1, dtype=torch.float64), kind=AdamW, betas=betas, foreach=False)


def test_attaching(optimizer: Any) -> None:
    layer = Layer()
    layer.refuses = True
    before, objects = entries(optimizer), tensors(optimizer)
    with pytest.raises(RuntimeError, match="no such layer"):
        attach(optimizer, bound(PLAN), setters={"dropout": layer.set}, peak=3.0)
    assert entries(optimizer) == before
    assert all(a is b for a, b in zip(tensors(optimizer), objects, strict=True))
    attach(optimizer, bound("constant()"))
    assert rates(optimizer)[0] == 0.1


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_loading(optimizer: Any, resume: Any) -> None:
    layer = Layer()
    horizon = 50 if resume == "exact" else 80
    scheduler = attach(optimizer, bound(PLAN, horizon), setters={"dropout": layer.set}, resume=resume)
    other = optimizer_of(*rates(optimizer), kind=AdamW)
    first = attach(other, bound(PLAN), setters={"dropout": Layer().set})
    first.step(epoch=20)
    scheduler.step(epoch=5)
    before, state, value = entries(optimizer), scheduler.state_dict(), layer.value
    layer.refuses = True
    with pytest.raises(RuntimeError, match="no such layer"):
        scheduler.load_state_dict(first.state_dict())
    assert entries(optimizer) == before
    assert scheduler.state_dict() == state
    layer.refuses = False
    layer.value = -1.0
    scheduler.step(epoch=5)
    assert (entries(optimizer), layer.value) == (before, value)


def test_a_setter_that_failed_hears_the_value_again() -> None:
    layer = Layer()
    scheduler = attach(optimizer_of(0.1, kind=AdamW), bound(PLAN), setters={"dropout": layer.set})
    layer.refuses = True
    with pytest.raises(RuntimeError):
        scheduler.step()
    assert scheduler.last_epoch == 0
    layer.refuses = False
    scheduler.step()
    assert (scheduler.last_epoch, layer.value) == (1, bound(PLAN).at(1)["dropout"])


@pytest.mark.parametrize("wrong", [-1, 2.5, True, 10**400])
def test_a_jump_to_nowhere_is_not_counted(wrong: Any) -> None:
    scheduler = attach(optimizer_of(0.1), bound("cosine()"))
    with pytest.raises(ValueError, match="step"):
        scheduler.step(wrong)
    assert (scheduler.last_epoch, scheduler._step_count) == (0, 1)
