"""A scheduler at work changes to another schedule, and its state remembers both."""

import io
from typing import Any

import pytest
import torch

import calando
import calando.torch
from calando.core.steering import Steered, read_change
from calando.errors import BadState, BadValue

PLAN = "warmup(10) | cosine()"


def attached(plan: str = PLAN, horizon: int = 100, lr: Any = 0.1, **options: Any) -> Any:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    return calando.torch.attach(optimizer, calando.parse(plan).bind(horizon), **options)


def run(scheduler: Any, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(float(scheduler.optimizer.param_groups[0]["lr"]))
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def saved(scheduler: Any) -> Any:
    """Its state, as a checkpoint brings it back."""
    file = io.BytesIO()
    torch.save(scheduler.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def steered(text: str, at: int, plan: str = PLAN) -> Any:
    return Steered(calando.parse(plan).bind(100)).apply(at, read_change(text)).schedule


def test_the_next_update_is_the_first_under_another_schedule() -> None:
    scheduler, to = attached(), steered("scale 0.5", 40)
    rates = run(scheduler, 40)
    scheduler.change(to)
    rates += run(scheduler, 60)
    assert rates == [0.1 * to(step) for step in range(100)]


def test_a_rate_that_is_a_tensor_is_filled_in_place() -> None:
    scheduler = attached(lr=torch.tensor(0.1, dtype=torch.float64))
    rate = scheduler.optimizer.param_groups[0]["lr"]
    run(scheduler, 40)
    scheduler.change(steered("scale 0.5", 40))
    assert scheduler.optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == 0.1 * steered("scale 0.5", 40)(40)


def test_a_resumed_run_goes_on_steered() -> None:
    scheduler, to = attached(), steered("cooldown 20", 40)
    run(scheduler, 40)
    scheduler.change(to)
    run(scheduler, 5)
    fresh = attached()
    fresh.load_state_dict(saved(scheduler))
    assert fresh.schedule == to
    assert fresh.get_last_lr() == scheduler.get_last_lr()
    assert run(fresh, 15) == run(scheduler, 15)
    assert saved(fresh) == saved(scheduler)


def test_a_schedule_that_was_changed_since_stays_where_it_goes_on_from_what_was_saved() -> None:
    scheduler = attached()
    run(scheduler, 40)
    scheduler.change(steered("scale 0.5", 40))
    state = saved(scheduler)
    later = Steered(calando.parse(PLAN).bind(100)).apply(40, read_change("scale 0.5")).apply(40, read_change("stop"))
    fresh = attached()
    fresh.change(later.schedule)
    fresh.load_state_dict(state)
    assert fresh.schedule == later.schedule
    other = attached()
    other.change(steered("cooldown 10", 20))  # another past
    other.load_state_dict(state)
    assert other.schedule == scheduler.schedule


def test_a_state_without_changes_is_as_it_always_was() -> None:
    assert saved(attached())["calando"] == 1
    assert "steered" not in saved(attached())["tracks"][0]


def test_who_knows_no_changes_refuses_a_state_with_some() -> None:
    scheduler = attached()
    scheduler.change(steered("scale 0.5", 0))
    assert saved(scheduler)["calando"] == 2
    with pytest.raises(BadState, match="does not hold"):
        attached().load_state_dict({**saved(attached()), "calando": 2})


def test_a_steered_run_is_extended_by_steering() -> None:
    scheduler = attached()
    run(scheduler, 40)
    scheduler.change(steered("scale 0.5", 40))
    with pytest.raises(BadState, match="calando steer"):
        attached(horizon=200).load_state_dict(saved(scheduler), resume="extend")
    rebound = attached(horizon=200)
    rebound.load_state_dict(saved(scheduler), resume="rebind")
    assert rebound.schedule == calando.parse(PLAN).bind(200)


def test_a_listener_keeps_what_it_heard() -> None:
    plan = "reduce_on_plateau(cosine(), factor=0.5, patience=0)"
    scheduler = attached(plan)
    run(scheduler, 10)
    scheduler.step(1.0)
    scheduler.step(1.0)
    to = steered("scale 0.5", 20, plan)
    scheduler.change(to)
    assert run(scheduler, 20)[-1] == 0.1 * (to(29) * 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.change(calando.cosine()), "not yet bound"),
        (lambda s: s.change(calando.bundle(calando.cosine(), momentum=0.9).bind(100)), "the same quantities"),
        (lambda s: s.change(calando.reduce_on_plateau(calando.cosine()).bind(100)), "the same listener"),
        (lambda s: s.change(calando.function(lambda t: 1.0).bind(100)), "saved with the run"),
    ],
)
def test_what_it_cannot_follow_is_refused_and_nothing_changes(change: Any, words: str) -> None:
    scheduler = attached()
    before = saved(scheduler)
    with pytest.raises(BadValue) as caught:
        change(scheduler)
    assert words in str(caught.value)
    assert saved(scheduler) == before


def test_schedules_of_several_groups_are_not_changed_by_one() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    plan = calando.parse(PLAN)
    scheduler = calando.torch.attach(optimizer, plan.bind(100), groups={1: plan.bind(50)})
    with pytest.raises(BadValue, match="one schedule for all groups"):
        scheduler.change(steered("scale 0.5", 0))


def test_a_scheduler_that_was_let_go_changes_nothing() -> None:
    scheduler = attached()
    scheduler.detach()
    with pytest.raises(BadState, match="detached"):
        scheduler.change(steered("scale 0.5", 0))
