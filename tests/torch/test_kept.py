"""`detach` gives back what was there: rates, momenta, betas, tensors and the choice of a form."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import SGD, AdamW

import calando
from calando.torch import attach
from tests.torch.helpers import optimizer_of, update

BUNDLE = calando.bundle(
    calando.linear_decay(), momentum=calando.points(at=[0, 10], values=[0.95, 0.85]), weight_decay=0.3
).bind(10)


def entries(optimizer: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize(("kind", "options"), [(SGD, {"momentum": 0.9}), (AdamW, {"betas": (0.8, 0.99)})])
def test_a_detached_optimizer_is_as_it_was(kind: Any, options: Any, tensors: bool) -> None:
    optimizer = optimizer_of(0.1, 0.02, kind=kind, weight_decay=0.1, **options)
    was = entries(optimizer)
    scheduler = attach(optimizer, BUNDLE, tensors=tensors)
    for _ in range(3):
        update(optimizer)
        scheduler.step()
    optimizer.add_param_group({"params": [Parameter(torch.ones(1))], "lr": 0.5, "weight_decay": 0.2})
    update(optimizer)
    scheduler.detach()
    assert entries(optimizer)[:2] == was
    assert [type(value) for value in entries(optimizer)[0].values()] == [type(value) for value in was[0].values()]
    assert (optimizer.param_groups[2]["lr"], optimizer.param_groups[2]["weight_decay"]) == (0.5, 0.2)
    assert attach(optimizer, calando.cosine().bind(10)).base_lrs == [0.1, 0.02, 0.5]


@pytest.mark.parametrize("load", [False, True])
def test_tensors_of_the_users_own_come_back(load: bool) -> None:
    rate, momentum = torch.tensor(0.1), torch.tensor(0.9)
    optimizer = optimizer_of(rate, momentum=0.9, weight_decay=0.1)
    optimizer.param_groups[0]["momentum"] = momentum
    scheduler = attach(optimizer, BUNDLE, tensors=True)
    update(optimizer)
    scheduler.step()
    if load:
        optimizer.load_state_dict(optimizer.state_dict())
    assert float(rate) != pytest.approx(0.1)
    scheduler.detach()
    assert optimizer.param_groups[0]["lr"] is rate
    assert optimizer.param_groups[0]["momentum"] is momentum
    assert (float(rate), float(momentum)) == pytest.approx((0.1, 0.9))
    assert type(optimizer.param_groups[0]["weight_decay"]) is float


def test_bases_that_were_chosen_are_the_rates_that_are_left() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9, weight_decay=0.1)
    attach(optimizer, BUNDLE, peak=0.3, tensors=True).detach()
    assert optimizer.param_groups[0]["lr"] == 0.3
    assert not any(isinstance(value, Tensor) for value in entries(optimizer)[0].values())
