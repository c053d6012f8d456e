"""A scheduled momentum that touches 0: the same model as without tensors, or refused."""

from typing import Any

import pytest
import torch
from torch.optim import SGD, AdamW, RMSprop

import calando
from calando.errors import BadValue
from calando.torch import attach
from tests.torch.helpers import optimizer_of, update

RISING = calando.points(at=[0, 3, 4, 8], values=[0.0, 0.0, 0.9, 0.9])
DIPPING = calando.points(at=[0, 2, 3, 5, 6, 8], values=[0.9, 0.9, 0.0, 0.0, 0.9, 0.9])
ENDING = calando.linear_decay(start=0.9)


def with_momentum(plan: Any) -> Any:
    return calando.bundle(calando.constant(), momentum=plan).bind(8)


def trained(tensors: bool, plan: Any, kind: Any = SGD, **options: Any) -> Any:
    optimizer = optimizer_of(0.1, kind=kind, momentum=0.9, **options)
    scheduler = attach(optimizer, with_momentum(plan), tensors=tensors)
    (parameter,) = optimizer.param_groups[0]["params"]
    for _ in range(8):
        parameter.grad = parameter.detach() * 1.0
        optimizer.step()
        scheduler.step()
    return parameter.detach()


@pytest.mark.parametrize("options", [{}, {"nesterov": True}, {"dampening": 0.3}], ids=str)
@pytest.mark.parametrize("plan", [RISING, DIPPING, ENDING, calando.constant(1e-3)], ids=str)
def test_tensors_train_the_same_model_or_are_refused(plan: Any, options: Any) -> None:
    wanted = trained(False, plan, **options)
    touches = plan in (RISING, DIPPING) or (plan == ENDING and "dampening" in options)
    if touches:
        with pytest.raises(BadValue, match="momentum > 0 at every update"):
            trained(True, plan, **options)
    else:
        torch.testing.assert_close(trained(True, plan, **options), wanted, rtol=1e-6, atol=0)


def test_what_is_refused_would_train_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calando.torch.door.check_momentum", lambda *_: None)
    for plan in (RISING, DIPPING):
        assert not torch.allclose(trained(True, plan), trained(False, plan))


def test_a_refusal_leaves_the_optimizer_alone() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    with pytest.raises(BadValue, match="tensors=False"):
        attach(optimizer, with_momentum(DIPPING), tensors=True)
    assert (optimizer.param_groups[0]["momentum"], "initial_lr" in optimizer.param_groups[0]) == (0.9, False)
    assert calando.torch.attached(optimizer) is None


@pytest.mark.parametrize("tensors", [False, True])
def test_rmsprop_without_buffers_is_refused_before_it_fails_in_the_middle(tensors: bool) -> None:
    with pytest.raises(BadValue, match="momentum"):
        trained(tensors, RISING, RMSprop)
    torch.testing.assert_close(trained(True, ENDING, RMSprop), trained(False, ENDING, RMSprop), rtol=1e-5, atol=0)


def test_rmsprop_itself_fails_where_momentum_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calando.torch.door.check_momentum", lambda *_: None)
    with pytest.raises(KeyError, match="momentum_buffer"):
        trained(False, RISING, RMSprop)


def test_betas_may_touch_0() -> None:
    found = []
    for tensors in (False, True):
        optimizer = optimizer_of(0.1, kind=AdamW)
        scheduler = attach(optimizer, with_momentum(DIPPING), tensors=tensors)
        for _ in range(8):
            update(optimizer)
            scheduler.step()
        found.append(optimizer.param_groups[0]["params"][0].detach())
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-7)
