"""One scheduler owns an optimizer and listens to it; one that is let go, forgotten or a copy leaves nothing behind."""

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

from calando.errors import BadState
from calando.torch import attach, attached
from tests.torch.helpers import PLANS, bound, metric, optimizer_of, rates, update

COSINE = bound("warmup(5) | cosine(end=0.1)")
LISTENS = bound("reduce_on_plateau(cosine(), patience=0, factor=0.5)")


def hooks(optimizer: Any) -> int:
    """How many hooks hang on an optimizer."""
    names = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_load_state_dict_post_hooks")
    return sum(len(getattr(optimizer, name)) for name in names)


def test_schedulers_that_are_forgotten_take_their_hooks_along() -> None:
    optimizer = optimizer_of(0.1)
    before = hooks(optimizer)
    for _ in range(1000):
        attach(optimizer, COSINE)
    gc.collect()
    assert hooks(optimizer) == before
    update(optimizer)


@pytest.mark.parametrize("follow", [False, True])
def test_a_scheduler_that_lets_go_takes_its_hooks_along(follow: bool) -> None:
    optimizer = optimizer_of(0.1)
    before = hooks(optimizer)
    for _ in range(3):
        attach(optimizer, COSINE, follow=follow).detach()
    assert hooks(optimizer) == before


@pytest.mark.parametrize("follow", [False, True])
def test_an_optimizer_and_its_scheduler_are_forgotten_together(follow: bool) -> None:
    optimizer = optimizer_of(0.1)
    gone = weakref.ref(optimizer), weakref.ref(attach(optimizer, COSINE, follow=follow))
    del optimizer
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_a_scheduler_that_was_let_go_leaves_the_next_one_alone() -> None:
    optimizer = optimizer_of(0.1)
    old = attach(optimizer, COSINE)
    old.detach()
    new = attach(optimizer, bound("constant(0.5)"))
    old.detach()
    for use in (old.step, old.get_lr, lambda: old.step(3), lambda: old.load_state_dict(new.state_dict())):
        with pytest.raises(BadState, match="detached"):
            use()
    assert attached(optimizer) is new
    assert rates(optimizer) == [0.05]
    assert optimizer.param_groups[0]["initial_lr"] == 0.1


@pytest.mark.parametrize("schedule", [COSINE, LISTENS, bound(PLANS["bundle"])])
@pytest.mark.parametrize("follow", [False, True])
def test_a_shallow_copy_neither_owns_the_optimizer_nor_listens_to_it(schedule: Any, follow: bool) -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    scheduler = attach(optimizer, schedule, follow=follow)
    count = hooks(optimizer)
    other = copy.copy(scheduler)
    assert other.optimizer is optimizer
    assert attached(optimizer) is scheduler
    assert hooks(optimizer) == count
    other.detach()
    assert attached(optimizer) is scheduler
    assert hooks(optimizer) == count
    del other
    gc.collect()
    assert attached(optimizer) is scheduler
    assert hooks(optimizer) == count
    optimizer.load_state_dict(optimizer.state_dict())
    assert rates(optimizer) == [0.1 * schedule(0)]


def test_a_shallow_copy_looks_ahead_with_a_clock_and_a_rule_of_its_own() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, LISTENS)
    other = copy.copy(scheduler)
    other.last_epoch = 10
    assert other.get_lr() == [0.1 * LISTENS(10)]
    for t in range(3):
        other.step(metric(t) + t)
    assert (other.best, scheduler.best, scheduler.last_epoch) == (metric(0), float("inf"), 0)
    assert scheduler.get_lr() == [0.1]


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s)), lambda s: copy.deepcopy(copy.copy(s))]
)
def test_a_deep_copy_owns_the_optimizer_that_it_brings_unless_the_copied_owned_none(again: Any) -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    other = again(scheduler)
    assert other.optimizer is not optimizer
    assert attached(optimizer) is scheduler
    assert attached(other.optimizer) in (other, None)
    other.step()
    assert rates(other.optimizer) == [0.1 * COSINE(1)]
    assert rates(optimizer) == [0.1 * COSINE(0)]
