"""Schedules that hold functions of the user's: known by their plan and by the values that the functions gave."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import calando
from calando.core.shapes import function as functions
from calando.errors import BadState
from calando.torch import attach
from calando.torch.sketch import MOST, steps_of
from tests.torch.helpers import optimizer_of, rates, through_disk


def half(step: int) -> float:
    return 0.5 if step < 30 else 0.25


def saved(plan: Any, horizon: int = 50, at: int = 10, **options: Any) -> Any:
    """What a run of a plan leaves behind at a step."""
    return through_disk(scheduler_of(plan, horizon, at, **options).state_dict())


def scheduler_of(plan: Any, horizon: int = 50, at: int = 0, resume: Any = "exact", **options: Any) -> Any:
    scheduler = attach(optimizer_of(0.1, momentum=0.9), plan.bind(horizon, **options), resume=resume)
    if at:
        scheduler.step(epoch=at)
    return scheduler


HALF = calando.function(half)
OTHERS = {
    "a named curve": calando.cosine(),
    "another function": calando.function(lambda t: 0.7),
    "a function that differs at the end": calando.function(lambda t: half(t) if t < 49 else 0.3),
    "one that differs a little": calando.function(lambda t: half(t) * (1 + 1e-8)),
    "one that fails elsewhere": calando.function(lambda t: half(t) / (t != 7)),
    "the function for part of the run": calando.function(half, length=40) | calando.constant(0.25),
    "the function for the same part, by length": calando.function(half, length=50),
    "the function scaled by one": HALF * 1.0,
    "a listener": calando.reduce_on_plateau(HALF),
    "a bundle": calando.bundle(HALF, momentum=0.9),
}


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_the_same_function_goes_on_under_every_policy(resume: Any) -> None:
    scheduler = scheduler_of(calando.function(lambda t: half(t)), resume=resume)
    scheduler.load_state_dict(saved(HALF))
    assert (scheduler.last_epoch, rates(scheduler.optimizer)) == (10, [0.05])
    scheduler.step(epoch=30)
    assert rates(scheduler.optimizer) == [0.025]


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
@pytest.mark.parametrize("name", OTHERS)
def test_another_plan_is_refused_even_where_it_agrees_at_the_saved_step(name: str, resume: Any) -> None:
    scheduler = scheduler_of(OTHERS[name], resume=resume)
    before = scheduler.state_dict()
    with pytest.raises(BadState, match="a state of another schedule"):
        scheduler.load_state_dict(saved(HALF))
    assert scheduler.state_dict() == before


def test_a_schedule_without_functions_does_not_take_one_with_them_for_itself() -> None:
    def fifth(step: int) -> float:
        return 0.5**step

    state = attach(optimizer_of(0.1), calando.function(fifth).bind(10)).state_dict()
    with pytest.raises(BadState, match="cosine"):
        attach(optimizer_of(0.1), calando.cosine().bind(10)).load_state_dict(state)
    with pytest.raises(BadState, match="fifth"):
        attach(optimizer_of(0.1), calando.function(fifth).bind(10)).load_state_dict(
            attach(optimizer_of(0.1), calando.cosine().bind(10)).state_dict()
        )


def test_the_difference_says_where_the_functions_part() -> None:
    with pytest.raises(BadState, match=r"lr at step 30 0\.25 -> 0\.5"):
        scheduler_of(calando.function(lambda t: 0.5)).load_state_dict(saved(HALF))
    with pytest.raises(BadState, match=r"momentum at step 0 0\.5 -> 0\.6"):
        scheduler_of(calando.bundle(calando.cosine(), momentum=calando.function(lambda t: 0.6))).load_state_dict(
            saved(calando.bundle(calando.cosine(), momentum=HALF))
        )


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_a_function_without_a_name_keeps_its_horizon_and_the_error_says_what_would_help(resume: Any) -> None:
    with pytest.raises(BadState) as caught:
        scheduler_of(HALF, 60, resume=resume).load_state_dict(saved(HALF))
    assert "horizon 50 -> 60" in caught.value.given
    assert "without a name" in caught.value.given
    assert "calando.register" in caught.value.fix


def test_what_a_plan_with_a_function_was_bound_with_counts_where_all_must_be_the_same() -> None:
    state = saved(HALF, steps_per_epoch=5)
    with pytest.raises(BadState, match="steps_per_epoch 5 -> 7"):
        scheduler_of(HALF, steps_per_epoch=7).load_state_dict(state)
    scheduler_of(HALF, steps_per_epoch=7, resume="rebind").load_state_dict(state)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The registered names, put back afterwards."""
    names: dict[str, Any] = dict(functions._REGISTERED)
    monkeypatch.setattr(functions, "_REGISTERED", names)
    return names


def test_a_function_with_a_name_may_be_extended_and_rebound(registry: dict[str, Any]) -> None:
    calando.register("half_for_test", half)
    state = saved(calando.function("half_for_test"), at=20)
    for resume in ("rebind", "extend"):
        scheduler = scheduler_of(calando.function("half_for_test"), 80, resume=resume)
        scheduler.load_state_dict(state)
        scheduler.step(epoch=35)
        assert rates(scheduler.optimizer) == [0.025 if resume == "rebind" else 0.05]


def test_a_run_with_a_named_function_that_was_extended_is_itself_resumed(registry: dict[str, Any]) -> None:
    calando.register("half_for_test", half)
    plan = calando.function("half_for_test")
    longer = scheduler_of(plan, 80, resume="extend")
    longer.load_state_dict(saved(plan, at=20))
    longer.step(epoch=36)
    again = scheduler_of(plan, 80, resume="extend")
    again.load_state_dict(through_disk(longer.state_dict()))
    for _ in range(10):
        assert rates(again.optimizer) == rates(longer.optimizer)
        again.step()
        longer.step()
    registry["half_for_test"] = lambda t: 0.5
    with pytest.raises(BadState, match="step 30"):
        scheduler_of(plan, 80, resume="extend").load_state_dict(longer.state_dict())


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_a_name_that_is_defined_anew_alike_is_the_same(registry: dict[str, Any], resume: Any) -> None:
    calando.register("half_for_test", half)
    plan = calando.function("half_for_test")
    state = saved(plan)
    registry["half_for_test"] = lambda t: half(t)
    for again in (plan, calando.function("half_for_test")):
        scheduler = scheduler_of(again, resume=resume)
        scheduler.load_state_dict(state)
        scheduler.load_state_dict(through_disk(scheduler.state_dict()))
        assert rates(scheduler.optimizer) == [0.05]


@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_a_name_that_stands_for_another_function_now_is_noticed(registry: dict[str, Any], resume: Any) -> None:
    calando.register("half_for_test", half)
    state = saved(calando.function("half_for_test"))
    registry["half_for_test"] = lambda t: 0.5
    with pytest.raises(BadState, match=r"lr at step 30 0\.25 -> 0\.5"):
        scheduler_of(calando.function("half_for_test"), resume=resume).load_state_dict(state)


def test_a_function_that_was_given_its_name_later_is_still_the_same(registry: dict[str, Any]) -> None:
    state = saved(calando.function(half))
    calando.register("half_for_test", half)
    scheduler_of(calando.function("half_for_test")).load_state_dict(state)


def test_two_names_are_two_functions(registry: dict[str, Any]) -> None:
    calando.register("half_for_test", half)
    calando.register("half_once_more", lambda t: half(t))
    loose = calando.function(lambda t: 1.0)
    state = saved(calando.product(loose, calando.function("half_for_test")))
    with pytest.raises(BadState, match="function half_for_test -> half_once_more"):
        scheduler_of(calando.product(loose, calando.function("half_once_more"))).load_state_dict(state)


def test_a_function_that_fails_at_a_step_not_yet_run_does_not_spoil_a_checkpoint() -> None:
    def short(step: int) -> float:
        return [1.0, 0.5, 0.25][step if step < 3 else -1] / (step != 7)

    scheduler = scheduler_of(calando.function(short))
    scheduler.load_state_dict(saved(calando.function(short), at=2))
    assert rates(scheduler.optimizer) == [0.025]


def test_what_a_cosine_leaves_at_its_end_is_nothing() -> None:
    def ends(rest: float) -> Any:
        return calando.function(lambda t: rest if t >= 49 else math.cos(t / 49))

    scheduler_of(ends(0.0)).load_state_dict(saved(ends(6e-17)))
    with pytest.raises(BadState, match="step 49"):
        scheduler_of(ends(0.0)).load_state_dict(saved(ends(6e-12)))


def test_its_repr_tells_a_function_without_a_name() -> None:
    scheduler = scheduler_of(HALF, at=10)
    assert "half" in repr(scheduler)
    assert "at step 10" in repr(scheduler)


@given(st.integers(1, 2**53))
def test_the_steps_compared_are_few_spread_and_reach_both_ends(horizon: int) -> None:
    steps = steps_of(horizon)
    assert len(steps) <= MOST
    assert steps[0] == 0
    assert steps[-2:] == [horizon - 1, horizon]
    assert max(b - a for a, b in itertools.pairwise(steps)) <= horizon / (MOST - 2) + 1
