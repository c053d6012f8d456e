"""What PyTorch's ReduceLROnPlateau shows, a scheduler that listens shows, too; none of it can be changed in place."""

import math
from typing import Any

import pytest
from torch.optim.lr_scheduler import ReduceLROnPlateau

from calando.errors import BadValue, Frozen
from calando.torch import attach
from tests.torch.helpers import bound, metric, optimizer_of, rates

ATTRIBUTES = (
    "best",
    "cooldown",
    "cooldown_counter",
    "default_min_lr",
    "factor",
    "in_cooldown",
    "min_lrs",
    "mode",
    "mode_worse",
    "num_bad_epochs",
    "patience",
    "threshold",
    "threshold_mode",
)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(("theirs", "ours"), [("rel", "relative"), ("abs", "absolute")])
@pytest.mark.parametrize("min_scale", [0.0, 0.2])
def test_every_attribute_has_the_value_that_pytorchs_has(mode: Any, theirs: Any, ours: str, min_scale: float) -> None:
    text = (
        f"reduce_on_plateau(constant(), patience=0, cooldown=3, factor=0.3, threshold=0.01, mode={mode}, "
        f"threshold_mode={ours}, min_scale={min_scale})"
    )
    scheduler = attach(optimizer_of(0.1), bound(text))
    peer = ReduceLROnPlateau(
        optimizer_of(0.1), mode, 0.3, 0, 0.01, cooldown=3, threshold_mode=theirs, min_lr=0.1 * min_scale, eps=0.0
    )
    for t in range(20):
        assert {name: getattr(scheduler, name) for name in ATTRIBUTES} == {
            name: getattr(peer, name) for name in ATTRIBUTES
        }
        for value in (0.1, 1.0, math.inf, -math.inf):
            assert scheduler.is_better(0.5, value) == scheduler._is_better(0.5, value) == peer._is_better(0.5, value)
        scheduler.step(metric(t))
        peer.step(metric(t))
    assert scheduler.eps == peer.eps


def test_nothing_that_pytorchs_keeps_beside_its_clock_is_missing() -> None:
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"))
    assert [name for name in vars(ReduceLROnPlateau(optimizer_of(0.1))) if not hasattr(scheduler, name)] == []
    assert not hasattr(scheduler, "total_steps")
    assert "reduce_on_plateau" in repr(scheduler)


@pytest.mark.parametrize("name", [*ATTRIBUTES, "eps"])
def test_assigning_is_refused_and_says_to_bind_another_plan(name: str) -> None:
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"))
    before = getattr(scheduler, name)
    with pytest.raises(Frozen, match="bind another plan"):
        setattr(scheduler, name, 0)
    assert getattr(scheduler, name) == before


def test_the_rate_cannot_be_reduced_behind_the_rules_back() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("reduce_on_plateau(constant())"))
    with pytest.raises(Frozen, match=r"scheduler.step\(metric\)"):
        scheduler._reduce_lr(1)
    with pytest.raises(Frozen, match="bind another plan"):
        scheduler._init_is_better("max", 0.1, "abs")
    assert rates(optimizer) == [0.1]


@pytest.mark.parametrize("wrong", ["0.5", None, 10**400])
def test_what_is_no_number_is_not_compared(wrong: Any) -> None:
    scheduler = attach(optimizer_of(0.1), bound("reduce_on_plateau(constant())"))
    for arguments in ((wrong, 1.0), (1.0, wrong)):
        with pytest.raises(BadValue, match="one number"):
            scheduler.is_better(*arguments)


def test_a_reset_forgets_the_metrics_and_keeps_the_rate() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, bound("reduce_on_plateau(constant(), patience=1, cooldown=5, factor=0.5)"))
    for value in (1.0, 1.0, 1.0, 1.0):
        scheduler.step(value)
    assert (scheduler.best, scheduler.in_cooldown, rates(optimizer)) == (1.0, True, [0.05])
    scheduler._reset()
    assert (scheduler.best, scheduler.num_bad_epochs, scheduler.cooldown_counter) == (math.inf, 0, 0)
    scheduler.step(9.0)
    assert (scheduler.best, rates(optimizer)) == (9.0, [0.05])


def test_the_least_rates_are_those_of_each_groups_own_rule() -> None:
    own = {
        1: bound("reduce_on_plateau(constant(), min_scale=0.5)"),
        2: bound("reduce_on_plateau(constant(), min_scale=0.1)"),
    }
    scheduler = attach(optimizer_of(0.1, 0.2, 0.3), bound("constant()"), groups=own)
    assert scheduler.min_lrs == pytest.approx([0.0, 0.1, 0.03])
    assert scheduler.default_min_lr is None


@pytest.mark.parametrize("text", ["cosine()", "reduce_on_plateau(constant())"])
def test_the_record_of_the_last_rates_may_be_assigned_as_pytorchs_own_do_and_stays_true(text: str) -> None:
    scheduler = attach(optimizer_of(0.1), bound(text))
    scheduler._last_lr = [0.7]
    assert scheduler.get_last_lr() == scheduler._last_lr == [0.1]
