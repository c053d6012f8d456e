"""`attach(..., tensors=True)`: scheduled numbers in tensors that stay the same objects, and are saved as plain ones."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import SGD, Adam, AdamW

import calando
from calando.errors import BadValue
from calando.torch import attach
from calando.torch.tensors import Dial, dial
from tests.torch.helpers import optimizer_of, rates, through_disk, update

BUNDLE = calando.bundle(calando.linear_decay(), momentum=calando.points(at=[0, 10], values=[0.95, 0.85])).bind(10)


def test_the_tensors_are_filled_and_never_replaced() -> None:
    optimizer = optimizer_of(0.1, 0.02, momentum=0.9)
    scheduler = attach(optimizer, BUNDLE, tensors=True)
    kept = [(group["lr"], group["momentum"]) for group in optimizer.param_groups]
    for t in range(10):
        assert rates(optimizer) == [0.1 * BUNDLE(t), 0.02 * BUNDLE(t)]
        assert [float(group["momentum"]) for group in optimizer.param_groups] == [BUNDLE.at(t)["momentum"]] * 2
        update(optimizer)
        scheduler.step()
    again = [(group["lr"], group["momentum"]) for group in optimizer.param_groups]
    assert all(a is c and b is d for (a, b), (c, d) in zip(kept, again, strict=True))


def test_a_load_in_the_middle_leaves_the_tensors_the_same_objects() -> None:
    for kind, options in ((SGD, {"momentum": 0.9}), (AdamW, {"betas": (0.9, 0.99)})):
        optimizer = optimizer_of(0.1, 0.02, kind=kind, **options)
        scheduler = attach(optimizer, BUNDLE, tensors=True)
        kept = [entries(group) for group in optimizer.param_groups]
        for _ in range(3):
            update(optimizer)
            scheduler.step()
        saved = through_disk({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})
        saved["optimizer"]["param_groups"][0].update({"betas": (0.9, 0.95)} if kind is AdamW else {})
        for _ in range(2):
            scheduler.step()
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        again = [entries(group) for group in optimizer.param_groups]
        assert all(a is b for mine, other in zip(kept, again, strict=True) for a, b in zip(mine, other, strict=True))
        assert rates(optimizer) == [0.1 * BUNDLE(3), 0.02 * BUNDLE(3)]
        assert float(again[0][1]) == BUNDLE.at(3)["momentum"]
        if kind is AdamW:
            assert [float(group[2]) for group in again] == [0.95, 0.99], "what is not scheduled is as it was loaded"


def entries(group: Any) -> list[Any]:
    return [group["lr"], *(group["betas"] if "betas" in group else [group["momentum"]])]


def test_a_group_without_parameters_has_its_numbers_where_the_others_are() -> None:
    groups: list[Any] = [{"params": []}, {"params": [Parameter(torch.ones(2))]}]
    optimizer = AdamW(groups, lr=0.1, capturable=True)
    attach(optimizer, BUNDLE, tensors=True)
    assert [group["lr"].device.type for group in optimizer.param_groups] == ["cpu", "cpu"]
    attach(Wrapped(capturable=True), calando.cosine().bind(10), tensors=True)  # no "params" at all


class Wrapped:
    """What shows groups like an optimizer."""

    def __init__(self, **group: Any) -> None:
        self.param_groups = [{"lr": 0.1, **group}]


def test_betas_are_both_tensors_since_pytorch_wants_both_or_none() -> None:
    optimizer = optimizer_of(0.1, kind=AdamW)
    scheduler = attach(optimizer, BUNDLE, tensors=True)
    first = optimizer.param_groups[0]["betas"]
    update(optimizer)
    scheduler.step()
    assert all(isinstance(beta, Tensor) for beta in first)
    assert optimizer.param_groups[0]["betas"] is first
    assert [float(beta) for beta in first] == [BUNDLE.at(1)["momentum"], 0.999]


def test_what_is_not_scheduled_stays_a_float() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9, weight_decay=0.1)
    attach(optimizer, calando.cosine().bind(10), tensors=True)
    assert isinstance(optimizer.param_groups[0]["lr"], Tensor)
    assert (optimizer.param_groups[0]["momentum"], optimizer.param_groups[0]["weight_decay"]) == (0.9, 0.1)


def test_a_tensor_that_is_there_is_taken() -> None:
    rate = torch.tensor(0.1)
    optimizer = optimizer_of(rate)
    attach(optimizer, calando.cosine().bind(10), tensors=True)
    assert optimizer.param_groups[0]["lr"] is rate


def test_states_hold_plain_tensors_and_come_back_as_dials() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, BUNDLE, tensors=True)
    for _ in range(3):
        update(optimizer)
        scheduler.step()
    saved = through_disk({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})
    assert type(saved["optimizer"]["param_groups"][0]["momentum"]) is Tensor
    again = optimizer_of(0.1, momentum=0.9)
    other = attach(again, BUNDLE, tensors=True)
    again.load_state_dict(saved["optimizer"])
    other.load_state_dict(saved["scheduler"])
    assert type(again.param_groups[0]["momentum"]) is Dial
    assert float(again.param_groups[0]["momentum"]) == BUNDLE.at(3)["momentum"]
    assert rates(again) == [0.1 * BUNDLE(3)]


def test_a_group_that_joins_gets_tensors_too() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, BUNDLE, tensors=True)
    scheduler.step()
    optimizer.add_param_group({"params": [Parameter(torch.ones(1))], "lr": 0.5, "momentum": 0.9})
    update(optimizer)
    assert type(optimizer.param_groups[1]["momentum"]) is Dial
    assert rates(optimizer) == [0.1 * BUNDLE(1), 0.5 * BUNDLE(1)]


def test_sgd_begins_with_buffers_that_change_no_update() -> None:
    def weights(tensors: bool, **options: Any) -> tuple[Tensor, bool]:
        optimizer = optimizer_of(0.1, momentum=0.9, **options)
        scheduler = attach(optimizer, calando.cosine().bind(10), tensors=tensors)
        (weight,) = optimizer.param_groups[0]["params"]
        begun = "momentum_buffer" in optimizer.state[weight]
        for _ in range(5):
            update(optimizer)
            scheduler.step()
        return weight.detach(), begun

    for options in ({}, {"nesterov": True}, {"maximize": True, "weight_decay": 0.1}):
        (plain, _), (found, begun) = weights(False, **options), weights(True, **options)
        assert begun
        torch.testing.assert_close(found, plain, rtol=1e-6, atol=0)
    (plain, _), (found, begun) = weights(False, dampening=0.5), weights(True, dampening=0.5)
    assert not begun
    torch.testing.assert_close(found, plain, rtol=1e-6, atol=0)


def test_a_dial_is_a_number_like_any_other_but_for_the_question_whether_it_is_none() -> None:
    number = dial(torch.tensor(0.0, dtype=torch.float64))
    assert (number != 0, number == 0, number > 0) == (True, False, True)
    number.fill_(0.5)
    assert bool(number == 0.5)
    assert bool(number < 1)
    assert float(number) == 0.5
    assert type(number * 2) is Tensor
    twin = copy.deepcopy(number)
    number.fill_(0.25)
    assert type(twin) is Dial
    assert (float(twin), float(number)) == (0.5, 0.25)
    assert repr(number).startswith("tensor(0.25")


@pytest.mark.parametrize("value", [1, "yes", None])
def test_the_option_is_true_or_false(value: Any) -> None:
    with pytest.raises(BadValue, match="tensors"):
        attach(optimizer_of(0.1), calando.cosine().bind(10), tensors=value)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_floats_and_tensors_train_alike(kind: Any) -> None:
    found = []
    for tensors in (False, True):
        optimizer = optimizer_of(0.1, kind=kind, **({"momentum": 0.9} if kind is SGD else {}))
        scheduler = attach(optimizer, BUNDLE, tensors=tensors)
        for _ in range(10):
            update(optimizer)
            scheduler.step()
        found.append(optimizer.param_groups[0]["params"][0].detach())
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-7)
