"""Accelerate with `calando.accelerate`: one position per update made, whatever else it counts."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import calando
import calando.accelerate
from calando.errors import BadValue
from calando.torch import attach
from tests.clients.small import digits, model, with_torchvision

# The host's own calls of what Python and PyTorch are about to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
PLAN = calando.parse("warmup(10%) | cosine(end=0.1)")


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Accelerate's state belongs to the process; each test begins with none."""
    with_torchvision()
    from accelerate.state import AcceleratorState, GradientState

    yield
    AcceleratorState._reset_state(True)
    GradientState._reset_state()


def accelerator_of(**options: Any) -> Any:
    from accelerate import Accelerator

    return Accelerator(cpu=True, **options)


def parts(accelerator: Any, batches: int = 30) -> tuple[Any, Any, Any, list[float]]:
    """A prepared model, optimizer and loader, and the rates that the updates use."""
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    used: list[float] = []
    optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    loader = DataLoader(TensorDataset(*digits(10 * batches)), batch_size=10)
    return *accelerator.prepare(net, optimizer, loader), used


def epoch(accelerator: Any, net: Any, optimizer: Any, loader: Any, scheduler: Any = None) -> None:
    for x, y in loader:
        with accelerator.accumulate(net):
            accelerator.backward(torch.nn.functional.cross_entropy(net(x), y))
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            optimizer.zero_grad()


def wanted(horizon: int) -> list[float]:
    return [0.01 * PLAN.bind(horizon)(t) for t in range(horizon)]


@pytest.mark.parametrize("called", [False, True], ids=["nobody steps it", "the loop steps it, too"])
def test_updates_are_counted_not_batches(called: bool) -> None:
    accelerator = accelerator_of(gradient_accumulation_steps=4)
    net, optimizer, loader, used = parts(accelerator)
    horizon = calando.accelerate.horizon(accelerator, loader, epochs=3)
    scheduler = calando.accelerate.attach(accelerator, optimizer, PLAN.bind(horizon))
    for _ in range(3):
        epoch(accelerator, net, optimizer, loader, scheduler if called else None)
    assert horizon == 24  # 30 batches are 7.5 times 4, and the last ones of an epoch make an update, too
    assert used == wanted(24)


@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("split", [False, True], ids=["a batch each", "split batches"])
def test_however_often_accelerates_wrapper_steps_one_update_is_one_position(split: bool, processes: int) -> None:
    from accelerate.scheduler import AcceleratedScheduler
    from accelerate.state import AcceleratorState

    accelerator = accelerator_of()
    net, optimizer, loader, used = parts(accelerator)
    AcceleratorState().__dict__["num_processes"] = processes  # what the wrapper reads to know how often
    ours = calando.accelerate.attach(accelerator, optimizer, PLAN.bind(30))
    wrapped = AcceleratedScheduler(ours, optimizer, split_batches=split)
    epoch(accelerator, net, optimizer, loader, wrapped)
    assert used == wanted(30)


def test_calls_per_update_undoes_the_wrappers_steps() -> None:
    from accelerate.scheduler import AcceleratedScheduler

    accelerator = accelerator_of()
    net, optimizer, loader, used = parts(accelerator)
    scheduler = attach(optimizer, PLAN.bind(30), calls_per_update=4)

    class OfFour(AcceleratedScheduler):  # type: ignore[misc]
        def step(self, *args: Any, **kwargs: Any) -> None:
            for _ in range(4):  # as in four processes
                super().step(*args, **kwargs)

    epoch(accelerator, net, optimizer, loader, OfFour(scheduler, optimizer))
    assert used == wanted(30)


def test_the_accumulation_may_change_in_the_middle() -> None:
    accelerator = accelerator_of(gradient_accumulation_steps=2)
    net, optimizer, loader, used = parts(accelerator)
    scheduler = calando.accelerate.attach(accelerator, optimizer, PLAN.bind(15 + 6))
    epoch(accelerator, net, optimizer, loader)
    accelerator.gradient_accumulation_steps = 5
    epoch(accelerator, net, optimizer, loader)
    assert used == wanted(21)
    assert scheduler.position() == 21


def test_its_checkpoints_hold_the_position(tmp_path: Path) -> None:
    accelerator = accelerator_of()
    net, optimizer, loader, used = parts(accelerator)
    scheduler = calando.accelerate.attach(accelerator, optimizer, PLAN.bind(60))
    epoch(accelerator, net, optimizer, loader)
    accelerator.save_state(str(tmp_path))
    epoch(accelerator, net, optimizer, loader)
    accelerator.load_state(str(tmp_path))
    assert scheduler.position() == 30
    del used[30:]
    epoch(accelerator, net, optimizer, loader)
    assert used == wanted(60)


def test_a_plan_that_listens_is_told_by_the_loop() -> None:
    accelerator = accelerator_of()
    net, optimizer, loader, used = parts(accelerator)
    plan = calando.reduce_on_plateau(PLAN, patience=0, factor=0.5)
    scheduler = calando.accelerate.attach(accelerator, optimizer, plan.bind(90))
    for _ in range(3):
        epoch(accelerator, net, optimizer, loader, scheduler)
        scheduler.step(1.0)
    assert used == pytest.approx([wanted(90)[t] * 0.5 ** max(t // 30 - 1, 0) for t in range(90)])


def test_the_horizon_is_in_global_updates() -> None:
    accelerator = accelerator_of(gradient_accumulation_steps=4)
    assert [calando.accelerate.horizon(accelerator, range(10), epochs) for epochs in (1, 2)] == [3, 6]
    accelerator.gradient_state.plugin_kwargs["sync_with_dataloader"] = False
    assert [calando.accelerate.horizon(accelerator, range(10), epochs) for epochs in (1, 2)] == [2, 5]
    for loader, epochs in ((iter([]), 1), (range(10), 0), (range(0), 1)):
        with pytest.raises(BadValue, match=r"calando\.accelerate\.horizon"):
            calando.accelerate.horizon(accelerator, loader, epochs)


@pytest.mark.parametrize("follow", [True, False])
def test_follow_is_not_the_callers_to_say(follow: bool) -> None:
    accelerator = accelerator_of()
    _, optimizer, _, _ = parts(accelerator)
    with pytest.raises(BadValue, match=rf"follow={follow}"):
        calando.accelerate.attach(accelerator, optimizer, PLAN.bind(30), follow=follow)
    assert calando.torch.attached(optimizer) is None


@pytest.mark.parametrize("tensors", [False, True])
def test_where_accelerate_fails_the_optimizer_is_as_it_was_and_free(
    tensors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    accelerator = accelerator_of()
    net, optimizer, loader, used = parts(accelerator)
    before = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    with monkeypatch.context() as broken:
        broken.setattr(accelerator, "prepare_scheduler", lambda scheduler: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            calando.accelerate.attach(accelerator, optimizer, PLAN.bind(30), peak=0.5, tensors=tensors)
    assert calando.torch.attached(optimizer) is None
    assert [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups] == before
    scheduler = calando.accelerate.attach(accelerator, optimizer, PLAN.bind(30))
    epoch(accelerator, net, optimizer, loader)
    assert used == wanted(30)
    assert scheduler.position() == 30


@pytest.mark.parametrize("junk", [None, 7, "accelerator", torch.nn.Linear(1, 1)], ids=repr)
def test_what_is_no_accelerator_is_refused_and_the_optimizer_stays_free(junk: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(BadValue, match=r"an accelerate\.Accelerator"):
        calando.accelerate.attach(junk, optimizer, PLAN.bind(30))
    with pytest.raises(BadValue, match=r"an accelerate\.Accelerator"):
        calando.accelerate.horizon(junk, [1], 1)
    assert calando.torch.attached(optimizer) is None
    assert "initial_lr" not in optimizer.param_groups[0]


@pytest.mark.parametrize("junk", [None, 7, SimpleNamespace(param_groups=[7])], ids=repr)
def test_what_is_no_optimizer_is_refused(junk: Any) -> None:
    with pytest.raises(BadValue, match=r"attach\(optimizer\)"):
        calando.accelerate.attach(accelerator_of(), junk, PLAN.bind(30))
