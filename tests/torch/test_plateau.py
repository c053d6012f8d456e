"""Schedules that listen: stepped per update, fed by `step(metric)`, equal to PyTorch's own where PyTorch is right."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ReduceLROnPlateau

from calando.errors import BadValue, OutOfRange
from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of, rates, update

METRICS = st.lists(st.sampled_from([0.1, 0.5, 0.9, 0.91, 1.0, 1.5, 2.0]), min_size=1, max_size=40)


@given(
    METRICS,
    st.sampled_from(["min", "max"]),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from([("rel", "relative"), ("abs", "absolute")]),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_over_a_constant_it_equals_pytorchs_own(
    metrics: list[float], mode: Any, patience: int, cooldown: int, names: tuple[Any, str], threshold: float
) -> None:
    theirs, ours = optimizer_of(1.0), optimizer_of(1.0)
    peer = ReduceLROnPlateau(theirs, mode, 0.5, patience, threshold, names[0], cooldown, eps=0.0)
    text = (
        f"reduce_on_plateau(constant(), factor=0.5, patience={patience}, cooldown={cooldown}, "
        f"threshold={threshold}, threshold_mode={names[1]}, mode={mode})"
    )
    scheduler = attach(ours, bound(text))
    for value in metrics:
        peer.step(value)
        scheduler.step(value)
        assert rates(ours) == pytest.approx(rates(theirs), rel=1e-12)


def test_the_schedule_goes_on_under_the_scale() -> None:
    schedule = bound("reduce_on_plateau(warmup(5) | cosine(), patience=0, factor=0.5)")
    optimizer = optimizer_of(0.1, 0.02)
    scheduler = attach(optimizer, schedule)
    scale = 1.0
    for t in range(50):
        assert rates(optimizer) == pytest.approx([0.1 * schedule(t) * scale, 0.02 * schedule(t) * scale], rel=1e-12)
        update(optimizer)
        scheduler.step()
        if t % 10 == 9:
            scheduler.step(1.0)
            scale *= 0.5 if t > 9 else 1.0
    assert scale == 0.5**4


def test_a_metric_takes_effect_at_once() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("reduce_on_plateau(constant(), patience=0, factor=0.5)"))
    scheduler.step(1.0)
    scheduler.step(1.0)
    assert rates(optimizer) == scheduler.get_lr() == [0.05]


@pytest.mark.parametrize("value", [0.5, 1, torch.tensor(0.5), torch.tensor([0.5]), np.float32(0.5), np.array(0.5)])
def test_a_metric_may_be_any_one_number(value: Any) -> None:
    attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())")).step(value)


@pytest.mark.parametrize("value", ["0.5", True, torch.ones(2), [1.0], b"1", 10**400])
def test_what_is_no_number_is_refused(value: Any) -> None:
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"), interval="epoch")
    before = scheduler.state_dict()
    with pytest.raises(BadValue, match="one number"):
        scheduler.step(value)
    with pytest.raises(BadValue, match="one number"):
        scheduler.step(value, epoch=3)
    assert scheduler.state_dict() == before


def test_a_metric_that_is_not_a_number_counts_as_bad() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("reduce_on_plateau(constant(), patience=1, factor=0.5)"))
    for value in (1.0, float("nan"), float("nan")):
        scheduler.step(value)
    assert rates(optimizer) == [0.05]


def test_a_host_that_only_ever_tells_metrics_is_refused_where_the_schedule_would_stand_still() -> None:
    # As the HF Trainer and Lightning treat every ReduceLROnPlateau.
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(warmup(5) | cosine())"))
    with pytest.raises(BadValue, match="follow=True"):
        scheduler.step(1.0)


def test_such_a_host_is_served_by_following_the_optimizer() -> None:
    schedule = bound("reduce_on_plateau(warmup(5) | cosine(), patience=0, factor=0.5)")
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule, follow=True)
    scale = 1.0
    for t in range(50):
        assert rates(optimizer) == pytest.approx([0.1 * schedule(t) * scale])
        update(optimizer)
        if t % 10 == 9:
            scheduler.step(1.0)
            scale *= 0.5 if t > 9 else 1.0


def test_such_a_host_is_served_by_counting_epochs() -> None:
    schedule = bound("reduce_on_plateau(warmup(5) | cosine(), patience=0, factor=0.5)")
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule, interval="epoch")
    for epoch in range(10):
        scale = 0.5 ** max(epoch - 1, 0)
        assert rates(optimizer) == pytest.approx([0.1 * schedule(5 * epoch) * scale])
        scheduler.step(1.0)


def test_groups_may_listen_each_with_a_rule_of_their_own() -> None:
    optimizer = optimizer_of(0.1, 0.1, 0.1)
    one = bound("reduce_on_plateau(constant(), patience=0, factor=0.5)")
    two = bound("reduce_on_plateau(constant(), patience=1, factor=0.1)")
    scheduler = attach(optimizer, bound("constant()"), groups={1: one, 2: two})
    for _ in range(3):
        scheduler.step(1.0)
    assert rates(optimizer) == pytest.approx([0.1, 0.025, 0.01])


def test_a_listener_cannot_be_stepped_several_times_an_update() -> None:
    with pytest.raises(BadValue, match="each metric"):
        attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"), calls_per_update=2)


def test_an_epoch_past_the_end_of_a_strict_schedule_is_not_counted_and_its_metric_not_heard() -> None:
    strict = bound("reduce_on_plateau(constant(), patience=0)", 10, strict=True)
    scheduler = attach(optimizer_of(0.1), strict, interval="epoch")
    scheduler.step(1.0)
    scheduler.step(0.9)
    before = scheduler.state_dict()
    with pytest.raises(OutOfRange, match="step 15; allowed: 0 to 10"):
        scheduler.step(2.0)
    assert scheduler.state_dict() == before
