"""A run of so many tokens that goes on with another number of them in each update."""

from typing import Any

import pytest

import calando
from calando.errors import BadState
from calando.torch import attach
from tests.torch.helpers import optimizer_of, rates

PLAN = calando.parse("warmup(1e6tok) | cosine(end=0.1)")
OLD = PLAN.bind("1e8tok", tokens_per_step=10**4)  # 10000 updates


def saved(at: int = 5000, schedule: Any = OLD) -> dict[str, Any]:
    scheduler = attach(optimizer_of(0.1), schedule)
    scheduler.step(epoch=at)
    return scheduler.state_dict()


def loaded(schedule: Any, resume: Any, state: Any = None, **options: Any) -> Any:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule, resume=resume, **options)
    scheduler.load_state_dict(saved() if state is None else state)
    return scheduler


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
@pytest.mark.parametrize("at", [3000, 5000])
def test_a_horizon_that_counts_the_updates_made_as_if_they_were_larger_is_refused(resume: Any, at: int) -> None:
    left = (10_000 - at) // 2
    with pytest.raises(BadState) as caught:
        loaded(PLAN.bind("1e8tok", tokens_per_step=2 * 10**4), resume, saved(at))
    assert f"bind({at + left}, tokens_per_step=20000) with resume='extend'" in caught.value.fix
    assert "bind with tokens_per_step=10000, as saved" in caught.value.fix


def test_what_the_message_says_goes_on_at_the_very_token() -> None:
    scheduler = loaded(PLAN.bind(7500, tokens_per_step=2 * 10**4), "extend")
    for step in range(2501):
        assert rates(scheduler.optimizer) == [0.1 * OLD(5000 + 2 * step)]  # twice the tokens in each update
        scheduler.step()
    again = loaded(PLAN.bind(7500, tokens_per_step=2 * 10**4), "extend", scheduler.state_dict())
    assert again.get_last_lr() == scheduler.get_last_lr()


def test_rebind_takes_the_number_of_updates_in_all() -> None:
    longer = PLAN.bind(7500, tokens_per_step=2 * 10**4)
    assert loaded(longer, "rebind").get_last_lr() == [0.1 * longer(5000)]


def test_half_an_update_more_is_rounded() -> None:
    for horizon in (7500, 7501):
        loaded(PLAN.bind(horizon, tokens_per_step=2 * 10**4), "extend", saved(5001))


def test_another_budget_is_bound_with_the_size_that_was_saved() -> None:
    scheduler = loaded(PLAN.bind(12_500, tokens_per_step=10**4), "extend")
    assert scheduler.get_last_lr() == [0.1 * OLD(5000)]


def test_samples_are_asked_alike() -> None:
    plan = calando.parse("warmup(100sa) | cosine()")
    state = saved(30, plan.bind("1000sa", samples_per_step=10))
    with pytest.raises(BadState, match="44 = 30 made"):
        loaded(plan.bind("1000sa", samples_per_step=50), "rebind", state)


def test_functions_without_a_name_are_asked_alike() -> None:
    plan = calando.function(lambda t: 1 / (1 + t))
    state = saved(30, plan.bind(100, tokens_per_step=100))
    with pytest.raises(BadState, match="65 = 30 made"):
        loaded(plan.bind(100, tokens_per_step=200), "rebind", state)


def test_epochs_that_are_counted_convert_by_themselves() -> None:
    sizes = {"steps_per_epoch": 10, "tokens_per_step": 100}
    scheduler = attach(optimizer_of(0.1), calando.cosine().bind("10ep", **sizes), interval="epoch")
    scheduler.step(epoch=3)
    halved = calando.cosine().bind("10ep", steps_per_epoch=5, tokens_per_step=200)
    again = loaded(halved, "rebind", scheduler.state_dict(), interval="epoch")
    assert (again.position(), again.get_last_lr()) == (15, scheduler.get_last_lr())
