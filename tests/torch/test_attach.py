"""Attaching: the first value is in force at once, bases are read as PyTorch keeps them, wrong arguments are refused."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, ReduceLROnPlateau

import calando
from calando.core.hosts import door_for
from calando.errors import BadName, BadValue
from calando.torch import PlateauLR, ScheduleLR, attach, attached
from tests.torch.helpers import bound, optimizer_of, rates, run

COSINE = bound("warmup(5) | cosine(end=0.1)")


def test_a_loop_needs_two_lines() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    used = run(optimizer, scheduler, 0, 60)
    assert used == [[0.1 * COSINE(t)] for t in range(60)]


def test_the_first_update_uses_the_first_value() -> None:
    optimizer = optimizer_of(0.1)
    attach(optimizer, bound("warmup(4, first=step) | constant()"))
    assert rates(optimizer) == [0.025]


def test_it_is_a_scheduler_of_pytorch() -> None:
    scheduler = attach(optimizer_of(0.1), COSINE)
    assert isinstance(scheduler, LRScheduler)
    assert isinstance(scheduler, ScheduleLR)
    assert not isinstance(scheduler, ReduceLROnPlateau)


def test_a_schedule_that_listens_is_also_taken_for_a_plateau_scheduler() -> None:
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"))
    assert isinstance(scheduler, LRScheduler)
    assert isinstance(scheduler, ReduceLROnPlateau)
    assert isinstance(scheduler, PlateauLR)


def test_the_lab_finds_this_door_by_the_optimizer() -> None:
    assert door_for(optimizer_of(0.1)) is attach


def test_the_optimizer_is_not_patched_and_nothing_warns(recwarn: pytest.WarningsRecorder) -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    assert "step" not in vars(optimizer)
    scheduler.step()  # before any optimizer.step(), as after an update that a GradScaler skipped
    scheduler.step()
    assert list(recwarn) == []


def test_initial_rates_are_written_where_pytorch_writes_them() -> None:
    optimizer = optimizer_of(0.1, 0.02)
    attach(optimizer, COSINE)
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.1, 0.02]


def test_bases_are_the_initial_rates_of_an_optimizer_that_had_a_schedule() -> None:
    optimizer = optimizer_of(0.1)
    LambdaLR(optimizer, lambda t: 0.5)
    scheduler = attach(optimizer, COSINE)
    assert scheduler.base_lrs == [0.1]


def test_a_peak_is_the_largest_base_and_keeps_the_ratios() -> None:
    optimizer = optimizer_of(0.1, 0.01)
    scheduler = attach(optimizer, bound("constant()"), peak=0.3)
    assert scheduler.base_lrs == pytest.approx([0.3, 0.03])
    assert rates(optimizer) == scheduler.base_lrs


@given(st.lists(st.floats(1e-8, 10), min_size=1, max_size=5), st.floats(1e-8, 10))
def test_the_largest_base_is_exactly_the_peak(own: list[float], peak: float) -> None:
    scheduler = attach(optimizer_of(*own), bound("constant()"), peak=peak)
    assert max(scheduler.base_lrs) == peak
    assert scheduler.base_lrs == pytest.approx([rate / max(own) * peak for rate in own])


def test_bases_may_be_given_one_by_one() -> None:
    optimizer = optimizer_of(0.1, 0.1)
    attach(optimizer, bound("constant(0.5)"), bases=[0.2, 0.4])
    assert rates(optimizer) == [0.1, 0.2]


def test_groups_may_follow_schedules_of_their_own() -> None:
    optimizer = optimizer_of(0.1, 0.1, 0.1)
    scheduler = attach(optimizer, COSINE, groups={1: bound("linear_decay()"), 2: bound("constant()")})
    for t in range(50):
        assert rates(optimizer) == [0.1 * COSINE(t), 0.1 * bound("linear_decay()")(t), 0.1]
        scheduler.step()


def test_each_distinct_schedule_is_evaluated_once_a_step() -> None:
    calls = []

    def counted(step: int) -> float:
        calls.append(step)
        return 0.5

    schedule = calando.function(counted).bind(50)
    scheduler = attach(optimizer_of(*[0.1] * 20), COSINE, groups=dict.fromkeys(range(10, 20), schedule))
    calls.clear()
    scheduler.step()
    assert calls == [1]


def test_the_first_schedule_may_be_left_out_when_every_group_has_its_own() -> None:
    optimizer = optimizer_of(0.1, 0.1)
    attach(optimizer, groups={0: bound("constant(0.5)"), 1: COSINE})
    assert rates(optimizer) == [0.05, 0.0]


def test_a_loop_that_steps_once_an_epoch_sees_the_value_at_each_epoch() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE, interval="epoch")
    used = []
    for _ in range(10):
        used += rates(optimizer)
        scheduler.step()
    assert used == [0.1 * COSINE(epoch * 5) for epoch in range(10)]


def test_a_host_that_steps_once_per_process_is_told_how_many() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE, calls_per_update=4)
    for t in range(50):
        assert rates(optimizer) == [0.1 * COSINE(t)]
        for _ in range(4):
            scheduler.step()


def test_an_optimizer_has_one_owner_until_it_is_let_go() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    assert attached(optimizer) is scheduler
    with pytest.raises(BadValue, match="drives already"):
        attach(optimizer, COSINE)
    scheduler.detach()
    assert attached(optimizer) is None
    assert rates(optimizer) == [0.1]
    assert "initial_lr" not in optimizer.param_groups[0]
    attach(optimizer, bound("constant(0.5)"))
    assert rates(optimizer) == [0.05]


def test_an_optimizer_whose_scheduler_is_gone_is_free() -> None:
    optimizer = optimizer_of(0.1)
    attach(optimizer, COSINE)
    attach(optimizer, bound("constant()"))
    assert rates(optimizer) == [0.1]


def test_its_repr_tells_schedule_step_and_rate() -> None:
    scheduler = attach(optimizer_of(0.1, 0.2), bound("constant(0.5)"))
    scheduler.step()
    assert repr(scheduler) == "ScheduleLR(constant(value=0.5) over 50 steps, at step 1, 2 groups, lr=0.05 to 0.1)"


MODEL = torch.nn.Linear(1, 1)
REFUSED = {
    "no optimizer": (lambda o: attach(MODEL, COSINE), BadValue, "attach(optimizer, schedule)"),
    "swapped": (lambda o: attach(COSINE, o), BadValue, "pass the optimizer first"),
    "a plan": (lambda o: attach(o, calando.cosine()), BadValue, "plan.bind(horizon)"),
    "a text": (lambda o: attach(o, "cosine()"), BadValue, "calando.parse(text).bind(horizon)"),
    "nothing": (lambda o: attach(o, None), BadValue, "cosine().bind(horizon)"),
    "negative peak": (lambda o: attach(o, COSINE, peak=-1), BadValue, "a finite number > 0"),
    "peak as text": (lambda o: attach(o, COSINE, peak="1"), BadValue, "'1' (str)"),
    "peak of nan": (lambda o: attach(o, COSINE, peak=float("nan")), BadValue, "nan"),
    "peak over zeros": (lambda o: attach(optimizer_of(0.0), COSINE, peak=1), BadValue, "bases=[...]"),
    "peak and bases": (lambda o: attach(o, COSINE, peak=1, bases=[1]), BadValue, "peak and bases together"),
    "negative base": (lambda o: attach(o, COSINE, bases=[-0.1]), BadValue, "bases[0]"),
    "too many bases": (lambda o: attach(o, COSINE, bases=[1, 2]), BadValue, "a list of 1 numbers"),
    "unknown group": (lambda o: attach(o, COSINE, groups={3: COSINE}), BadValue, "0 to 0"),
    "groups as list": (lambda o: attach(o, COSINE, groups=[COSINE]), BadValue, "a dict"),
    "group's plan": (lambda o: attach(o, COSINE, groups={0: calando.cosine()}), BadValue, "groups[0]"),
    "odd interval": (lambda o: attach(o, COSINE, interval="epochs"), BadName, "did you mean 'epoch'"),
    "unknown epoch": (
        lambda o: attach(o, calando.cosine().bind(9), interval="epoch"),
        BadValue,
        "steps_per_epoch=len(loader)",
    ),
    "follow by epoch": (lambda o: attach(o, COSINE, interval="epoch", follow=True), BadValue, "drop interval"),
    "odd policy": (lambda o: attach(o, COSINE, resume="extended"), BadName, "did you mean 'extend'"),
    "no calls": (lambda o: attach(o, COSINE, calls_per_update=0), BadValue, ">= 1"),
    "idle setter": (lambda o: attach(o, COSINE, setters={"dropout": print}), BadName, "bundle"),
    "setters as list": (lambda o: attach(o, COSINE, setters=[1]), BadValue, "setters={'dropout': function}"),
    "follow as text": (lambda o: attach(o, COSINE, follow="no"), BadValue, "True or False"),
    "follow as number": (lambda o: attach(o, COSINE, follow=1), BadValue, "True or False"),
    "policy as list": (lambda o: attach(o, COSINE, resume=["exact"]), BadName, "exact, rebind, extend"),
    "empty policy": (lambda o: attach(o, COSINE).load_state_dict({}, resume=""), BadName, "exact, rebind, extend"),
    "peak beyond all floats": (lambda o: attach(o, COSINE, peak=10**400), BadValue, "a finite number > 0"),
    "jump beyond all": (lambda o: attach(o, COSINE).step(10**400), BadValue, "step(metric)"),
    "metric": (lambda o: attach(o, COSINE).step(0.25), BadValue, "reduce_on_plateau(plan)"),
    "negative jump": (lambda o: attach(o, COSINE).step(-1), BadValue, "step(-1)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_with_a_way_out(case: str) -> None:
    call, error, words = REFUSED[case]
    optimizer = optimizer_of(0.1)
    with pytest.raises(error) as caught:
        call(optimizer)
    assert words in str(caught.value)


@pytest.mark.parametrize("case", sorted(set(REFUSED) - {"metric", "negative jump", "jump beyond all", "empty policy"}))
def test_what_is_refused_leaves_the_optimizer_free_while_the_error_is_dealt_with(case: str) -> None:
    optimizer = optimizer_of(0.1)
    try:
        REFUSED[case][0](optimizer)
    except (BadValue, BadName):
        assert attached(optimizer) is None
        assert not optimizer._optimizer_step_pre_hooks
        attach(optimizer, COSINE)


def test_a_refusal_leaves_the_optimizer_as_it_was() -> None:
    optimizer = optimizer_of(0.1)
    before = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
    with pytest.raises(BadName):
        attach(optimizer, bound("bundle(cosine(), beta1=constant(0.9))"), peak=3.0)
    assert {k: v for k, v in optimizer.param_groups[0].items() if k != "params"} == before
    attach(optimizer, COSINE)


def test_integer_rates_become_floats() -> None:
    optimizer = SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
    attach(optimizer, bound("constant(0.5)"))
    assert rates(optimizer) == [0.5]


def test_the_defaults_of_the_optimizer_stay() -> None:
    optimizer = AdamW([torch.nn.Parameter(torch.ones(1))], lr=1e-3, foreach=False, capturable=False)
    attach(optimizer, COSINE)
    group = optimizer.param_groups[0]
    assert (group["foreach"], group["capturable"], group["betas"], group["weight_decay"]) == (
        False,
        False,
        (0.9, 0.999),
        0.01,
    )
