"""Transformers' own schedulers, built from the arguments that are handed out, stepped and resumed."""

from pathlib import Path
from typing import Any

import pytest
import torch

import calando
from calando.errors import Unconvertible
from calando.peers.exports import to_transformers
from tests.complaints.installed import importing
from tests.peers.exports.likely import exported, hold_equal, likely

transformers = importing("transformers")


def built(given: dict[str, Any]) -> Any:
    """What the Trainer builds from its arguments."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=given["learning_rate"])
    scheduler = transformers.get_scheduler(
        given["lr_scheduler_type"],
        optimizer,
        num_warmup_steps=given["warmup_steps"],
        num_training_steps=given["max_steps"],
        scheduler_specific_kwargs=given["lr_scheduler_kwargs"],
    )
    return optimizer, scheduler


def stepped(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.fixture(scope="module")
def said() -> list[tuple[calando.Schedule, dict[str, Any]]]:
    found = exported(likely(2, 400), to_transformers)
    found += exported(
        [calando.parse(text).bind(90) for text in (
            "warmup(9, start=0.1) | cosine(end=0.1, inclusive=true)",
            "warmup(10, shape=1-sqrt) | constant() | cosine(length=20)",
            "warm_restarts(30)",
        )],
        to_transformers,
    )  # fmt: skip
    return found


def test_every_closed_kind_can_be_said(said: list[Any]) -> None:
    kinds = {given["lr_scheduler_type"] for _, given in said}
    theirs = {kind.value for kind in transformers.SchedulerType}
    assert theirs - kinds == {"reduce_lr_on_plateau", "greedy"}
    assert len(said) > 80


def test_what_is_said_is_equal_at_every_step(said: list[Any]) -> None:
    for schedule, given in said:
        hold_equal(schedule, stepped(*built(given), schedule.horizon), 1e-12)


def test_a_resumed_run_is_equal_too(said: list[Any]) -> None:
    for schedule, given in said[::6]:
        optimizer, scheduler = built(given)
        first = stepped(optimizer, scheduler, schedule.horizon // 3)
        saved = optimizer.state_dict(), scheduler.state_dict()
        optimizer, scheduler = built(given)
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        hold_equal(schedule, first + stepped(optimizer, scheduler, schedule.horizon - len(first)), 1e-12)


def test_training_arguments_take_them_as_they_are(said: list[Any], tmp_path: Path) -> None:
    schedule, given = next(pair for pair in said if pair[1]["lr_scheduler_type"] == "cosine_with_min_lr")
    arguments = transformers.TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to=[], **given)
    assert arguments.max_steps == schedule.horizon
    assert arguments.get_warmup_steps(arguments.max_steps) == given["warmup_steps"]
    assert arguments.lr_scheduler_kwargs == given["lr_scheduler_kwargs"]


def test_a_listener_becomes_theirs() -> None:
    plan = calando.parse("reduce_on_plateau(constant(), factor=0.5, patience=1, min_scale=0.25, threshold=0)")
    schedule = plan.bind(100)
    optimizer, scheduler = built(to_transformers(schedule, 0.3))
    rule = schedule.rule
    assert rule is not None
    state = rule.initial()
    for metric in [3.0, 2.0, *[2.0] * 9, -1.0, *[-1.0] * 9]:
        state = rule.update(state, metric)
        scheduler.step(metric)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3 * state.scale, rel=1e-12)
    assert state.scale == 0.25


def test_a_rise_that_has_its_first_step_done_is_refused_with_the_difference() -> None:
    with pytest.raises(Unconvertible) as refusal:
        to_transformers((calando.warmup(10, first="step") | calando.linear_decay()).bind(100), 0.3)
    assert "differs from step 0 on, by 10 % of the peak at step 0" in refusal.value.given


def test_a_floor_that_their_wsd_would_also_start_from_is_refused() -> None:
    with pytest.raises(Unconvertible, match="warmup_stable_decay, differs from step 0 on, by 10 %"):
        to_transformers(calando.wsd(warmup=10, end=0.1).bind(100), 0.3)


@pytest.mark.parametrize("plan", [calando.bundle(calando.cosine(), momentum=0.9), calando.multistep([5, 9])])
def test_what_they_lack_is_refused(plan: calando.Plan) -> None:
    with pytest.raises(Unconvertible) as refusal:
        to_transformers(plan.bind(100), 0.3)
    assert "--form code" in refusal.value.fix
