"""The scheduler in the hands of hosts: each drives it in a way of its own, and sees the same rates."""

import gc
import weakref
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, SequentialLR

from calando.errors import BadValue
from calando.torch import attach, attached
from tests.torch.helpers import PLANS, STEPS, bound, optimizer_of, rates, run, through_disk, update

COSINE = bound("warmup(5) | cosine(end=0.1)")


@pytest.mark.parametrize("name", sorted(set(PLANS) - {"reduce_on_plateau"}))
def test_a_host_that_moves_last_epoch_and_reads_get_lr_sees_every_value(name: str) -> None:
    # As ignite does: it never calls step().
    scheduler = attach(optimizer_of(0.1, 0.02, momentum=0.9), bound(PLANS[name]))
    schedule = bound(PLANS[name])
    for t in range(1, STEPS + 5):
        scheduler.last_epoch += 1
        assert scheduler.get_lr() == [0.1 * schedule(t), 0.02 * schedule(t)]
        assert scheduler.get_lr() == scheduler.get_lr()


def test_a_skipped_update_is_not_counted_unless_it_is_told() -> None:
    # As with a GradScaler that met an overflow: neither optimizer.step() nor scheduler.step().
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    used = []
    for batch in range(20):
        if batch % 3 != 1:
            used += rates(optimizer)
            update(optimizer)
            scheduler.step()
    assert used == [0.1 * COSINE(t) for t in range(len(used))]


def test_followed_updates_are_counted_by_the_optimizer_itself() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE, follow=True)
    used = []
    for batch in range(60):
        if batch % 3 == 1:
            scheduler.step()  # the host's own call counts nothing
        else:
            used += rates(optimizer)
            update(optimizer)
    assert used == [0.1 * COSINE(t) for t in range(len(used))]


def test_a_followed_optimizer_keeps_its_scheduler_alive() -> None:
    optimizer = optimizer_of(0.1)
    attach(optimizer, COSINE, follow=True)
    gc.collect()
    update(optimizer)
    assert rates(optimizer) == [0.1 * COSINE(1)]


def test_otherwise_nothing_keeps_it_alive() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = weakref.ref(attach(optimizer, COSINE))
    gc.collect()
    assert scheduler() is None
    optimizer.load_state_dict(optimizer.state_dict())
    update(optimizer)


def test_a_host_that_asks_whether_it_is_a_factory_learns_that_it_is_none() -> None:
    # As DeepSpeed does.
    assert not callable(attach(optimizer_of(0.1), COSINE))


def test_it_shows_what_hosts_read_and_not_what_would_stop_it_early() -> None:
    # As Accelerate does: it stops at total_steps where there is such a name, and moves _step_count.
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    assert not hasattr(scheduler, "total_steps")
    assert scheduler.optimizer is optimizer
    assert (scheduler.last_epoch, scheduler._step_count, scheduler.base_lrs) == (0, 1, [0.1])
    scheduler._step_count += 1
    scheduler.step()
    assert (scheduler.last_epoch, scheduler._step_count) == (1, 3)
    assert scheduler.get_last_lr() == scheduler._last_lr == rates(optimizer)


class Wrapper:
    """An optimizer in a coat, as DeepSpeed's and Accelerate's are."""

    def __init__(self, inner: torch.optim.Optimizer) -> None:
        self.inner = inner

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return self.inner.param_groups

    def step(self) -> None:
        self.inner.step()


class Rewrapper(Wrapper):
    """One that hands out a new list each time, and cannot be a key."""

    __hash__ = None  # type: ignore[assignment]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return list(self.inner.param_groups)


@pytest.mark.parametrize("wrapper", [Wrapper, Rewrapper])
def test_a_wrapped_optimizer_will_do(wrapper: type[Wrapper]) -> None:
    optimizer = optimizer_of(0.1)
    wrapped = wrapper(optimizer)
    scheduler = attach(wrapped, COSINE)
    assert scheduler.optimizer is wrapped
    assert run(wrapped, scheduler, 0, 50) == [[0.1 * COSINE(t)] for t in range(50)]
    again = attach(wrapper(optimizer_of(0.1)), COSINE)
    again.load_state_dict(scheduler.state_dict())
    assert rates(again.optimizer) == rates(optimizer)


class Accelerated(torch.optim.Optimizer):
    """A wrapper that is an Optimizer by name and has none of its parts, as Accelerate's is."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        return self.optimizer.param_groups

    def step(self, closure: Any = None) -> None:
        self.optimizer.step(closure)


def test_the_optimizer_inside_a_wrapper_is_listened_to() -> None:
    optimizer = optimizer_of(0.1)
    wrapped = Accelerated(optimizer)
    scheduler = attach(wrapped, COSINE, follow=True)
    assert scheduler.optimizer is wrapped
    assert attached(optimizer) is attached(wrapped) is scheduler
    for t in range(20):
        assert rates(optimizer) == [0.1 * COSINE(t)]
        update(wrapped)
    optimizer.load_state_dict(optimizer.state_dict())
    assert rates(optimizer) == [0.1 * COSINE(20)]


def test_an_optimizer_that_cannot_be_listened_to_cannot_be_followed() -> None:
    optimizer = optimizer_of(0.1)
    with pytest.raises(BadValue, match="register_step_post_hook"):
        attach(Wrapper(optimizer), COSINE, follow=True)
    assert rates(optimizer) == [0.1]


@pytest.mark.parametrize("fused", [False, True])
def test_an_update_that_a_grad_scaler_skips_is_not_followed(fused: bool) -> None:
    weight = Parameter(torch.ones(2))
    optimizer = AdamW([weight], lr=0.1, fused=fused)
    scheduler = attach(optimizer, COSINE, follow=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for batch in range(6):
        optimizer.zero_grad()
        scaler.scale((weight * (float("inf") if batch % 2 else 1.0)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert scheduler.last_epoch == 3


def test_it_can_be_one_of_pytorchs_sequence() -> None:
    optimizer = optimizer_of(0.1)
    first = ConstantLR(optimizer, factor=0.5, total_iters=10)
    both = SequentialLR(optimizer, [first, attach(optimizer, COSINE)], milestones=[4])
    used = []
    for _ in range(20):
        used += rates(optimizer)
        update(optimizer)
        both.step()
    assert used == [0.05] * 4 + [0.1 * COSINE(t) for t in range(16)]


@pytest.mark.parametrize("optimizer_last", [False, True], ids=["optimizer first", "optimizer last"])
@pytest.mark.parametrize("saved_at", [2, 6])
def test_as_an_earlier_member_of_pytorchs_sequence_it_leaves_the_rate_to_the_one_whose_turn_it_is(
    optimizer_last: bool, saved_at: int
) -> None:
    def made() -> tuple[Any, Any]:
        optimizer = optimizer_of(0.1)
        members = [attach(optimizer, COSINE), ConstantLR(optimizer, factor=0.5, total_iters=100)]
        return optimizer, SequentialLR(optimizer, members, milestones=[4])

    def used(optimizer: Any, both: Any, steps: int) -> list[float]:
        seen = []
        for _ in range(steps):
            seen += rates(optimizer)
            update(optimizer)
            both.step()
        return seen

    wanted = [0.1 * COSINE(t) for t in range(4)] + [0.05] * 6
    optimizer, both = made()
    assert used(optimizer, both, saved_at) == wanted[:saved_at]
    saved = through_disk({"optimizer": optimizer.state_dict(), "both": both.state_dict()})
    optimizer, both = made()
    for name in ("both", "optimizer") if optimizer_last else ("optimizer", "both"):
        {"both": both, "optimizer": optimizer}[name].load_state_dict(saved[name])
    assert used(optimizer, both, 10 - saved_at) == wanted[saved_at:]


def test_a_step_may_jump_to_any_position() -> None:
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, COSINE)
    for position in (30, 3, 1000, 0):
        scheduler.step(position)
        assert rates(optimizer) == [0.1 * COSINE(position)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_compiled_optimizer_is_compiled_once(kind: Any) -> None:
    weight = Parameter(torch.ones(3))
    optimizer = kind([weight], lr=torch.tensor(0.1))
    scheduler = attach(optimizer, bound("linear_decay()"))
    graphs = []

    def counting(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(optimizer.step, backend=counting)
    for _ in range(6):
        weight.grad = torch.ones(3)
        compiled()
        scheduler.step()
    assert len(graphs) == 1
    torch.compiler.reset()


def test_every_scheduler_is_its_own_kind_of_pytorchs() -> None:
    assert issubclass(type(attach(optimizer_of(0.1), COSINE)), LRScheduler)
