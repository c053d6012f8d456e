"""Resuming: exactly as if never interrupted, or on another horizon in one of two ways that are asked for by name."""

import copy
import json
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import ConstantLR, SequentialLR

import calando
from calando.errors import BadName, BadState
from calando.torch import attach
from tests.torch.helpers import PLANS, STEPS, bound, optimizer_of, rates, run, through_disk, update


def test_every_named_plan_has_an_example_here() -> None:
    named = {entry.name for entry in calando.catalog.entries()} - {"function"}
    assert named <= set(PLANS)


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_resume_at_every_step_equals_the_run_never_interrupted(name: str) -> None:
    schedule = bound(PLANS[name])
    optimizer = optimizer_of(0.1, 0.03, momentum=0.9)
    scheduler = attach(optimizer, schedule)
    whole, states, kept = [], [], []
    for step in range(STEPS):
        states.append(through_disk({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}))
        kept.append([group["momentum"] for group in optimizer.param_groups])
        whole += run(optimizer, scheduler, step, step + 1)
    for step, state in enumerate(states):
        fresh = optimizer_of(0.1, 0.03, momentum=0.9)
        again = attach(fresh, schedule)
        again.load_state_dict(state["scheduler"])
        assert [group["momentum"] for group in fresh.param_groups] == kept[step]
        assert run(fresh, again, step, STEPS) == whole[step:]


@pytest.mark.parametrize("order", ["optimizer first", "scheduler first", "optimizer before attach"])
@pytest.mark.parametrize("lr", ["float", "tensor"])
@pytest.mark.parametrize("resume", ["exact", "rebind", "extend"])
def test_the_order_of_loading_does_not_matter(order: str, lr: str, resume: Any) -> None:
    def rate(value: float) -> Any:
        return torch.tensor(value, dtype=torch.float64) if lr == "tensor" else value

    optimizer = optimizer_of(rate(0.1), rate(0.03), kind=AdamW)
    scheduler = attach(optimizer, bound("cosine()"), peak=0.3)
    for _ in range(20):
        update(optimizer)
        scheduler.step()
    state = through_disk({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})

    fresh = optimizer_of(rate(0.1), rate(0.03), kind=AdamW)
    horizon = STEPS if resume == "exact" else 80
    if order == "optimizer before attach":
        fresh.load_state_dict(state["optimizer"])
    again = attach(fresh, bound("cosine()", horizon), peak=0.3, resume=resume)
    if order == "optimizer first":
        fresh.load_state_dict(state["optimizer"])
    again.load_state_dict(state["scheduler"])
    if order == "scheduler first":
        fresh.load_state_dict(state["optimizer"])
    wanted = [0.3 * bound("cosine()", horizon)(20)] * 2 if resume == "rebind" else rates(optimizer)
    assert rates(fresh)[0] == pytest.approx(wanted[0], rel=1e-12)
    if resume != "rebind":
        assert rates(fresh) == rates(optimizer)
    update(fresh)
    again.step()
    if resume == "exact":
        scheduler.step()
        assert rates(fresh) == rates(optimizer)


def test_the_state_is_plain() -> None:
    scheduler = attach(optimizer_of(torch.tensor(0.1), momentum=0.9), bound(PLANS["bundle"]))
    state = scheduler.state_dict()
    assert json.loads(json.dumps(state)) == state
    assert through_disk(state) == state


def test_the_state_of_a_listener_is_plain_too() -> None:
    scheduler = attach(optimizer_of(0.1), bound(PLANS["reduce_on_plateau"]))
    scheduler.step()
    scheduler.step(torch.tensor(0.5))
    state = scheduler.state_dict()
    assert through_disk(state) == state


@given(st.integers(0, 60), st.sampled_from(sorted(PLANS)))
def test_a_state_that_is_loaded_and_saved_again_is_the_same(step: int, name: str) -> None:
    scheduler = attach(optimizer_of(0.1, momentum=0.9), bound(PLANS[name]))
    scheduler.step(epoch=step)
    state = scheduler.state_dict()
    again = attach(optimizer_of(0.1, momentum=0.9), bound(PLANS[name]))
    again.load_state_dict(state)
    assert again.state_dict() == state


def saved_at(step: int, text: str, horizon: int = STEPS, **options: Any) -> dict[str, Any]:
    """The state of a run of a plan after some updates."""
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text, horizon), **options)
    run(optimizer, scheduler, 0, step)
    return scheduler.state_dict()


def resumed(state: dict[str, Any], text: str, horizon: int, resume: Any, **options: Any) -> tuple[Any, Any]:
    """A fresh optimizer and scheduler that went on from a state."""
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text, horizon), resume=resume, **options)
    scheduler.load_state_dict(state)
    return optimizer, scheduler


@pytest.mark.parametrize(
    ("text", "horizon", "options", "words"),
    [
        ("cosine()", 100, {}, "horizon 50 -> 100"),
        ("cosine(end=0.1)", 50, {}, "plan cosine() -> cosine(end=0.1)"),
        ("linear_decay()", 70, {}, "plan cosine() -> linear_decay()"),
        ("cosine()", 50, {"peak": 0.2}, "bases [0.1] -> [0.2]"),
        ("cosine()", 50, {"interval": "epoch"}, "interval step -> epoch"),
        ("reduce_on_plateau(cosine())", 50, {}, "reduce_on_plateau(cosine())"),
    ],
)
def test_another_schedule_is_refused_and_the_difference_shown(
    text: str, horizon: int, options: dict[str, Any], words: str
) -> None:
    state = saved_at(20, "cosine()")
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text, horizon), **options)
    before = scheduler.state_dict()
    with pytest.raises(BadState) as caught:
        scheduler.load_state_dict(state)
    assert words in str(caught.value)
    assert ("rebind" in caught.value.fix) == (words[:7] in ("horizon", "bases [")), "named where it would be taken"
    assert ("scheduler.step(epoch=" in caught.value.fix) == ("rebind" not in caught.value.fix)
    assert scheduler.state_dict() == before


def test_another_length_of_epoch_is_another_schedule() -> None:
    scheduler = attach(optimizer_of(0.1), bound("cosine()"))
    other = attach(optimizer_of(0.1), bound("cosine()", steps_per_epoch=7))
    with pytest.raises(BadState, match="steps_per_epoch 5 -> 7"):
        other.load_state_dict(scheduler.state_dict())


def test_rebind_goes_on_at_the_same_step_of_the_new_horizon() -> None:
    optimizer, scheduler = resumed(saved_at(20, "cosine()"), "cosine()", 100, "rebind")
    longer = bound("cosine()", 100)
    assert run(optimizer, scheduler, 20, 100) == [[0.1 * longer(t)] for t in range(20, 100)]


def test_rebind_takes_the_new_bases() -> None:
    optimizer, _ = resumed(saved_at(20, "constant()"), "constant()", 100, "rebind", peak=0.5)
    assert rates(optimizer) == [0.5]


def test_rebind_keeps_what_the_listener_knows() -> None:
    text = "reduce_on_plateau(constant(), patience=0, factor=0.5)"
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text))
    scheduler.step(1.0)
    scheduler.step(2.0)
    fresh, again = resumed(scheduler.state_dict(), text, 100, "rebind")
    assert rates(fresh) == [0.05]
    again.step(3.0)
    assert rates(fresh) == [0.025]


@pytest.mark.parametrize("resume", ["rebind", "extend"])
def test_another_plan_is_no_rebind_and_no_extension(resume: Any) -> None:
    with pytest.raises(BadState, match="plan cosine"):
        resumed(saved_at(20, "cosine()"), "linear_decay()", 100, resume)


@given(st.integers(1, 49), st.integers(51, 150), st.sampled_from(sorted(set(PLANS) - {"reduce_on_plateau"})))
def test_extend_goes_on_without_a_jump_and_ends_where_the_run_would_have_ended(at: int, to: int, name: str) -> None:
    text = PLANS[name]
    old = bound(text)
    try:
        bound(text, to)
    except calando.CalandoError:
        return
    optimizer, scheduler = resumed(saved_at(at, text), text, to, "extend")
    assert rates(optimizer) == [0.1 * old(at)]
    used = []
    for _ in range(at, to + 1):
        used += rates(optimizer)
        scheduler.step()
    # What the old curve was heading for before a jump counts as its own.
    rest = [0.1 * value for t in range(at, STEPS + 1) for value in (old(t), old.limit(t))]
    assert used[-1] == 0.1 * old(STEPS)
    assert all(min(rest) - 1e-15 <= rate <= max(rest) + 1e-15 for rate in used)


def test_extend_to_twice_the_rest_passes_every_value_and_the_middles() -> None:
    optimizer, scheduler = resumed(saved_at(20, "linear_decay()"), "linear_decay()", 80, "extend")
    used = [rate for (rate,) in run(optimizer, scheduler, 20, 80)]
    old = bound("linear_decay()")
    assert used[::2] == [0.1 * old(t) for t in range(20, 50)]
    assert used[1::2] == pytest.approx([0.1 * (old(t) + old(t + 1)) / 2 for t in range(20, 50)])


def test_extend_keeps_steps_as_steps() -> None:
    text = "multistep(milestones=[30], factor=0.1)"
    optimizer, scheduler = resumed(saved_at(20, text), text, 80, "extend")
    used = [round(rate, 12) for (rate,) in run(optimizer, scheduler, 20, 80)]
    assert used == [0.1] * 20 + [0.01] * 40


def test_extend_may_shorten_what_is_left() -> None:
    optimizer, scheduler = resumed(saved_at(20, "linear_decay()"), "linear_decay()", 35, "extend")
    used = [rate for (rate,) in run(optimizer, scheduler, 20, 36)]
    assert used == pytest.approx([0.1 * (1 - t / 50) for t in range(20, 51, 2)])


def test_an_extended_run_is_itself_resumed_and_extended() -> None:
    text = "linear_decay()"
    optimizer, scheduler = resumed(saved_at(20, text), text, 80, "extend")
    run(optimizer, scheduler, 20, 40)
    state = through_disk(scheduler.state_dict())
    whole = run(optimizer, scheduler, 40, 80)
    assert run(*resumed(state, text, 80, "extend"), 40, 80) == whole
    with pytest.raises(BadState, match="rest stretched to 80 steps"):
        resumed(state, text, 80, "exact")
    fresh, again = resumed(state, text, 120, "extend")
    used = [rate for (rate,) in run(fresh, again, 40, 121)]
    assert used == pytest.approx([0.1 * (0.4 - 0.4 * i / 80) for i in range(81)])
    assert again.state_dict()["tracks"][0]["knots"] == [[20, 20, 1], [40, 30, 1], [120, 50, 1]]


def test_a_run_that_has_ended_has_nothing_left_to_extend() -> None:
    with pytest.raises(BadState, match="nothing is left"):
        resumed(saved_at(50, "cosine()"), "cosine()", 100, "extend")


def test_a_horizon_that_is_already_past_cannot_be_extended_to() -> None:
    with pytest.raises(BadState, match="past that"):
        resumed(saved_at(40, "cosine()"), "cosine()", 30, "extend")


def test_the_policy_may_be_given_to_one_load_alone() -> None:
    scheduler = attach(optimizer_of(0.1, momentum=0.9), bound("cosine()", 100))
    scheduler.load_state_dict(saved_at(20, "cosine()"), resume="rebind")
    assert scheduler.last_epoch == 20
    with pytest.raises(BadName, match="did you mean 'rebind'"):
        scheduler.load_state_dict(saved_at(20, "cosine()"), resume="rebound")


@pytest.mark.parametrize("resume", ["exact", "extend"])
def test_bases_that_differ_by_a_rounding_are_the_same_and_the_saved_ones_win(resume: Any) -> None:
    # As when a float32 tensor kept them, or a ratio to the peak was computed twice.
    state = saved_at(20, "cosine()")
    optimizer, scheduler = resumed(state, "cosine()", 50, resume, bases=[float(torch.tensor(0.1))])
    assert scheduler.base_lrs == [0.1]
    assert rates(optimizer) == [optimizer.param_groups[0]["initial_lr"] * bound("cosine()")(20)]


@pytest.mark.parametrize("factor", [1.005, 0.995, 1.00001])
@pytest.mark.parametrize("resume", ["exact", "extend"])
def test_bases_that_differ_by_more_than_a_rounding_are_other_bases(resume: Any, factor: float) -> None:
    with pytest.raises(BadState, match="bases"):
        resumed(saved_at(20, "cosine()"), "cosine()", 50, resume, bases=[0.1 * factor])


def test_a_scheduler_that_waits_its_turn_in_a_sequence_is_saved_and_resumed() -> None:
    def sequence() -> tuple[Any, Any]:
        optimizer = optimizer_of(0.1)
        first = ConstantLR(optimizer, factor=0.5, total_iters=10)
        return optimizer, SequentialLR(optimizer, [first, attach(optimizer, bound("cosine()"))], milestones=[4])

    optimizer, both = sequence()
    for _ in range(2):
        update(optimizer)
        both.step()
    state = through_disk(optimizer.state_dict()), through_disk(both.state_dict()["_schedulers"][1])
    fresh, again = sequence()
    again._schedulers[1].load_state_dict(state[1])
    fresh.load_state_dict(state[0])
    assert rates(fresh) == rates(optimizer) == [0.05]
    used = []
    for _ in range(6):
        used += rates(fresh)
        update(fresh)
        again.step()
    assert used == [0.05] * 4 + [0.1 * bound("cosine()")(t) for t in range(2)]


def test_a_strict_schedule_is_not_resumed_past_its_end() -> None:
    state = saved_at(40, "cosine()")
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound("cosine()", 30, strict=True), resume="rebind")
    with pytest.raises(BadState, match="step 40, which is past the horizon 30 of a strict schedule"):
        scheduler.load_state_dict(state)
    assert (scheduler.last_epoch, rates(optimizer)) == (0, [0.1])


def test_an_extension_counted_in_epochs_wants_epochs_of_the_same_length() -> None:
    state = saved_at(4, "linear_decay()", interval="epoch")
    optimizer, _ = resumed(state, "linear_decay()", 80, "extend", interval="epoch")
    assert rates(optimizer) == [0.1 * bound("linear_decay()")(20)]
    longer = bound("linear_decay()", 80, steps_per_epoch=8)
    scheduler = attach(optimizer_of(0.1, momentum=0.9), longer, interval="epoch", resume="extend")
    with pytest.raises(BadState, match="steps_per_epoch 5 -> 8"):
        scheduler.load_state_dict(state)


def test_another_number_of_processes_goes_on_at_the_same_update() -> None:
    state = saved_at(20, "cosine()")
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound("cosine()"), calls_per_update=4)
    scheduler.load_state_dict(state)
    assert rates(optimizer) == [0.1 * bound("cosine()")(20)]
    assert scheduler.last_epoch == 80


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
@pytest.mark.parametrize("text", ["cosine()", PLANS["bundle"], PLANS["reduce_on_plateau"]])
def test_copies_go_their_own_way(copied: Any, text: str) -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, bound(text))
    run(optimizer, scheduler, 0, 20)
    other, again = copied((optimizer, scheduler))
    assert again.optimizer is other
    before = rates(optimizer)
    whole = run(other, again, 20, 50)
    assert rates(optimizer) == before
    assert run(optimizer, scheduler, 20, 50) == whole


def test_a_copied_scheduler_brings_its_optimizer_and_still_hears_it_load() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("cosine()"))
    state = optimizer.state_dict()
    again = copy.deepcopy(scheduler)
    again.step(epoch=25)
    again.optimizer.load_state_dict(state)
    assert rates(again.optimizer) == [0.1 * bound("cosine()")(25)]
    assert isinstance(again.optimizer, SGD)
