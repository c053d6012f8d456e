"""A schedule as a function of Composer's State, under its Trainer's own loop.

Composer is not installed here (its wheel asks for much else). What stands for it has the names and the order of
composer 0.32.1: compile_composer_scheduler, State.max_duration, and a loop that steps the schedulers before the
timestamp moves. The same runs were made by hand with that release's own Trainer.
"""

import copy
import math
import pickle
from typing import Any

import pytest
import torch
from torch.nn import Parameter

import calando
from calando.composer import Factor
from calando.errors import BadName, BadValue
from calando.torch import attach
from tests.clients.composer_loop import State, Time, Timestamp, compiled

PLAN = "warmup(10%) | cosine(end=0.1)"


def fit(scheduler: Any, duration: Time, batches: int | None = 10, ssr: float = 1.0) -> list[list[float]]:
    """The rates of both groups at each update, in the order of Trainer.__init__ and Trainer._train_loop."""
    groups = [{"params": [Parameter(torch.ones(1))], "lr": rate} for rate in (0.1, 0.02)]
    optimizer = torch.optim.SGD(groups)
    state = State(optimizer, duration, batches)
    stepped = compiled(scheduler(optimizer), state, ssr)
    state.schedulers = [stepped]
    state.max_duration = Time(int(duration.value * ssr), duration.unit)
    updates = state.max_duration.value * (batches or 0) if duration.unit == "ep" else state.max_duration.value
    used = []
    for batch in range(updates):
        used.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        stepped.step()
        state.timestamp = Timestamp(batch + 1)
    return used


def wanted(horizon: int, plan: str = PLAN) -> list[list[float]]:
    schedule = calando.parse(plan).bind(horizon)
    return [[0.1 * schedule(t), 0.02 * schedule(t)] for t in range(horizon)]


@pytest.mark.parametrize("duration", [Time(4, "ep"), Time(40, "ba")], ids=["epochs", "batches"])
def test_each_update_uses_its_own_value_though_composer_asks_one_batch_early(duration: Time) -> None:
    assert fit(lambda _: Factor(PLAN), duration) == wanted(40)


def test_a_function_of_the_timestamp_alone_lags_by_one_update() -> None:
    schedule = calando.parse(PLAN).bind(40)
    used = fit(lambda _: lambda state: schedule(state.timestamp.batch.value), Time(40, "ba"))
    assert used == [wanted(40)[max(t - 1, 0)] for t in range(40)]


@pytest.mark.parametrize("plan", [PLAN, calando.parse(PLAN).bind(40)], ids=["plan", "schedule"])
def test_a_scale_schedule_ratio_spreads_it_over_the_run(plan: Any) -> None:
    for ssr, horizon in ((0.5, 20), (2.0, 80)):
        used = fit(lambda _: Factor(plan), Time(40, "ba"), ssr=ssr)
        assert len(used) == horizon
        inside = [t for t in range(horizon) if t % 2 == 0]
        schedule = calando.parse(PLAN).bind(40)
        assert [used[t][0] for t in inside] == pytest.approx([0.1 * schedule(int(t / ssr)) for t in inside])


def test_epochs_of_the_plan_are_composers() -> None:
    plan = "multistep(milestones=[1ep, 3ep])"
    assert fit(lambda _: Factor(plan), Time(4, "ep")) == wanted(40, "multistep(milestones=[10, 30])")


def test_a_true_scheduler_is_taken_too_and_steps_every_batch() -> None:
    assert fit(lambda o: attach(o, calando.parse(PLAN).bind(40)), Time(40, "ba")) == wanted(40)


@pytest.mark.parametrize(
    ("plan", "duration", "told"),
    [
        ("reduce_on_plateau(cosine())", Time(4, "ep"), "step_schedulers_every_batch"),
        ("bundle(cosine(), momentum=constant(0.9))", Time(4, "ep"), "step_schedulers_every_batch"),
        (PLAN, Time(1000, "tok"), "known number of updates"),
    ],
    ids=["listens", "bundle", "tokens"],
)
def test_what_one_number_cannot_say_is_refused(plan: str, duration: Time, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        fit(lambda _: Factor(plan), duration)


@pytest.mark.parametrize("ssr", [0, 0.0, -1.0, math.nan, math.inf, True, "half", None], ids=repr)
@pytest.mark.parametrize("plan", [PLAN, calando.parse(PLAN).bind(40)], ids=["plan", "schedule"])
def test_a_ratio_that_is_none_is_refused(plan: Any, ssr: Any) -> None:
    state = State(torch.optim.SGD([Parameter(torch.ones(1))], lr=0.1), Time(40, "ba"), 10)
    with pytest.raises(BadValue, match="scale-schedule ratio"):
        Factor(plan)(state, ssr)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda used: pickle.loads(pickle.dumps(used))])
@pytest.mark.parametrize("plan", [PLAN, calando.parse(PLAN).bind(40)], ids=["plan", "schedule"])
def test_a_used_factor_is_copied_and_pickled_and_the_copy_serves_another_trainer(plan: Any, again: Any) -> None:
    factor = Factor(plan)
    assert fit(lambda _: factor, Time(40, "ba")) == wanted(40)
    other = again(factor)
    assert other._state is None
    assert fit(lambda _: other, Time(40, "ba")) == wanted(40)


@pytest.mark.parametrize("junk", [None, 7, 3.5, [PLAN], Factor], ids=repr)
def test_what_is_no_plan_is_refused_at_once(junk: Any) -> None:
    with pytest.raises(BadValue, match=r"calando\.composer\.Factor"):
        Factor(junk)


def test_what_is_misspelt_or_said_for_nothing_is_refused_at_once() -> None:
    with pytest.raises(BadName, match="did you mean"):
        Factor("cosin()")
    with pytest.raises(BadValue, match="bound already"):
        Factor(calando.parse(PLAN).bind(40), tokens_per_step=8)


@pytest.mark.parametrize("junk", [None, 7, {}, Time(1, "ba")], ids=lambda junk: type(junk).__name__)
def test_what_is_no_state_is_refused(junk: Any) -> None:
    for plan in (PLAN, calando.parse(PLAN).bind(40)):
        with pytest.raises(BadValue, match="the State of a Composer Trainer"):
            Factor(plan)(junk)


def test_a_state_without_a_duration_is_refused() -> None:
    state: Any = State(torch.optim.SGD([Parameter(torch.ones(1))], lr=0.1), Time(40, "ba"), 10)
    for duration in (None, Time(40, "sec"), 40):
        state.max_duration = duration
        with pytest.raises(BadValue, match="known number of updates"):
            Factor(PLAN)(state)
