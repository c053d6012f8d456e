"""Groups that join while the run goes on, and learning rates that are tensors."""

from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim import SGD, AdamW

from calando.errors import BadName, BadState, BadValue
from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of, rates, update

LINEAR = bound("linear_decay()")


def join(optimizer: torch.optim.Optimizer, **options: object) -> None:
    optimizer.add_param_group({"params": [Parameter(torch.ones(2))], **options})


def test_a_new_group_joins_with_its_own_base_at_the_step_of_the_run() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, LINEAR)
    for _ in range(10):
        update(optimizer)
        scheduler.step()
    join(optimizer, lr=0.02)
    update(optimizer)
    assert rates(optimizer) == [0.1 * LINEAR(10), 0.02 * LINEAR(10)]
    scheduler.step()
    assert rates(optimizer) == [0.1 * LINEAR(11), 0.02 * LINEAR(11)]
    assert scheduler.base_lrs == [0.1, 0.02]
    assert optimizer.param_groups[1]["initial_lr"] == 0.02


def test_the_very_next_update_of_a_new_group_is_scheduled() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("constant(0.5)"))
    scheduler.step()
    weight = Parameter(torch.zeros(1))
    optimizer.add_param_group({"params": [weight], "lr": 0.02})
    weight.grad = torch.ones(1)
    optimizer.step()
    assert weight.item() == pytest.approx(-0.01)


def test_get_lr_knows_a_group_that_has_just_joined() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("constant(0.5)"))
    join(optimizer, lr=0.02)
    assert scheduler.get_lr() == [0.05, 0.01]


def test_a_run_with_a_late_group_resumes_exactly() -> None:
    def begun() -> tuple[torch.optim.Optimizer, object]:
        optimizer = optimizer_of(0.1)
        scheduler = attach(optimizer, LINEAR)
        for _ in range(10):
            scheduler.step()
        join(optimizer, lr=0.02)
        scheduler.step()
        return optimizer, scheduler

    optimizer, scheduler = begun()
    fresh = optimizer_of(0.1, 0.02)
    again = attach(fresh, LINEAR)
    again.load_state_dict(scheduler.state_dict())
    assert rates(fresh) == rates(optimizer)
    later = optimizer_of(0.1)
    again = attach(later, LINEAR)
    join(later, lr=0.02)
    again.load_state_dict(scheduler.state_dict())
    assert rates(later) == rates(optimizer)


def test_a_state_with_more_groups_says_to_add_them_first() -> None:
    scheduler = attach(optimizer_of(0.1, 0.02), LINEAR)
    with pytest.raises(BadState, match="add groups before loading"):
        attach(optimizer_of(0.1), LINEAR).load_state_dict(scheduler.state_dict())


def test_a_group_without_a_schedule_cannot_join() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, groups={0: LINEAR})
    join(optimizer, lr=0.02)
    with pytest.raises(BadValue, match="no schedule for it"):
        scheduler.step()


def test_a_group_that_was_taken_away_is_noticed() -> None:
    optimizer = optimizer_of(0.1, 0.2)
    scheduler = attach(optimizer, LINEAR)
    del optimizer.param_groups[1]
    with pytest.raises(BadState, match="1 groups where there were 2"):
        scheduler.step()


def test_a_group_that_lacks_a_scheduled_quantity_cannot_join() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound("bundle(cosine(), momentum=constant(0.9))"))
    join(optimizer, lr=0.02)
    del optimizer.param_groups[1]["momentum"]
    with pytest.raises(BadName, match="momentum"):
        scheduler.step()


def test_tensor_rates_are_filled_in_place() -> None:
    rate = torch.tensor(0.1, dtype=torch.float64)
    optimizer = AdamW([Parameter(torch.ones(1))], lr=rate)
    scheduler = attach(optimizer, LINEAR)
    for t in range(50):
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == 0.1 * LINEAR(t)
        scheduler.step()
    assert isinstance(optimizer.param_groups[0]["initial_lr"], torch.Tensor)
    assert optimizer.param_groups[0]["initial_lr"].item() == 0.1


def test_floats_stay_floats_beside_tensors() -> None:
    rate = torch.tensor(0.1)
    optimizer = optimizer_of(rate, 0.2)
    scheduler = attach(optimizer, LINEAR)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert type(optimizer.param_groups[1]["lr"]) is float


def test_a_rate_that_becomes_a_tensor_on_the_way_is_filled_from_then_on() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, LINEAR)
    scheduler.step()
    rate = optimizer.param_groups[0]["lr"] = torch.tensor(0.0)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.1 * LINEAR(2))


def test_groups_that_share_one_tensor_are_separated_where_their_rates_differ() -> None:
    parameters = [{"params": [Parameter(torch.ones(1))]} for _ in range(2)]
    optimizer = SGD(parameters, lr=torch.tensor(0.5))
    assert optimizer.param_groups[0]["lr"] is optimizer.param_groups[1]["lr"]
    attach(optimizer, bound("constant()"), bases=[0.5, 0.25])
    assert rates(optimizer) == [0.5, 0.25]


def test_a_late_group_that_takes_the_default_tensor_joins_at_the_base_and_not_at_the_rate_of_the_moment() -> None:
    optimizer = SGD([Parameter(torch.ones(1))], lr=torch.tensor(0.5))
    scheduler = attach(optimizer, LINEAR)
    for _ in range(25):
        scheduler.step()
    join(optimizer)
    assert float(optimizer.param_groups[1]["lr"]) == 0.25
    scheduler.step()
    assert scheduler.base_lrs == [0.5, 0.5]


def test_what_is_handed_out_never_aliases_the_optimizer() -> None:
    optimizer = optimizer_of(torch.tensor(0.5))
    scheduler = attach(optimizer, bound("constant()"))
    for given_out in (scheduler.get_last_lr()[0], scheduler.get_lr()[0]):
        assert isinstance(given_out, torch.Tensor)
        given_out.zero_()
    assert rates(optimizer) == [0.5]
    optimizer.param_groups[0]["initial_lr"].zero_()
    scheduler.step()
    assert rates(optimizer) == [0.5]


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (torch.tensor(1), "would round every value"),
        (torch.tensor(0.1, requires_grad=True), "requires_grad=True"),
        (torch.tensor(0.1, device="meta"), "without memory"),
        (torch.tensor([0.1, 0.2]), "of 2 numbers"),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"bases": [0.1]}], ids=str)
def test_a_tensor_that_cannot_be_filled_is_refused(rate: torch.Tensor, words: str, options: Any) -> None:
    optimizer = optimizer_of(0.1)
    optimizer.param_groups[0]["lr"] = rate
    with pytest.raises(BadValue, match=words):
        attach(optimizer, LINEAR, **options)
    assert "initial_lr" not in optimizer.param_groups[0]


def test_a_late_group_with_a_tensor_that_cannot_be_filled_is_refused() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, LINEAR)
    join(optimizer, lr=torch.tensor(1))
    with pytest.raises(BadValue, match="would round every value"):
        update(optimizer)
    assert len(scheduler.base_lrs) == 1
