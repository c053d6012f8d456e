"""Ignite's engines: a scheduler that follows its optimizer needs no handler, and Ignite's own handler reads it, too."""

from typing import Any

import pytest
import torch

import calando
from calando.torch import attach
from tests.clients.small import digits, model

# PyTorch's own call of what it is about to drop, when Ignite is imported.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")

OPEN = calando.parse("warmup(10%) | cosine(end=0.1)").bind(40)
WANTED = [0.01 * OPEN(t) for t in range(40)]


def trained(schedule: Any, handler: bool = False, metric: bool = False) -> list[dict[str, float]]:
    """What each of 40 updates used: 4 epochs of 10 batches."""
    from ignite.engine import Engine, Events
    from ignite.handlers.param_scheduler import LRScheduler

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    scheduler = attach(optimizer, schedule, follow=not handler)
    used: list[dict[str, float]] = []
    optimizer.register_step_pre_hook(
        lambda o, *_: used.append({key: o.param_groups[0][key] for key in ("lr", "momentum")})
    )

    def update(engine: Any, batch: Any) -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(batch[0]), batch[1]).backward()
        optimizer.step()

    trainer, evaluator = Engine(update), Engine(lambda engine, batch: 1.0)
    if handler:
        trainer.add_event_handler(Events.ITERATION_STARTED, LRScheduler(scheduler))
    if metric:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run([0]))
        evaluator.add_event_handler(Events.COMPLETED, lambda engine: scheduler.step(engine.state.output))
    x, y = digits(100)
    trainer.run([(x[i : i + 10], y[i : i + 10]) for i in range(0, 100, 10)], max_epochs=4)
    return used


@pytest.mark.parametrize("handler", [False, True], ids=["without a handler", "by Ignite's handler"])
def test_each_update_uses_its_rate(handler: bool) -> None:
    assert [values["lr"] for values in trained(OPEN, handler=handler)] == WANTED


def test_a_bundle_needs_no_handler() -> None:
    schedule = calando.bundle(OPEN.plan, momentum=calando.linear_decay(start=0.95, end=0.85)).bind(40)
    used = trained(schedule)
    assert used == [{"lr": 0.01 * schedule(t), "momentum": schedule.at(t)["momentum"]} for t in range(40)]


def test_an_evaluator_tells_a_plan_that_listens() -> None:
    schedule = calando.reduce_on_plateau(OPEN.plan, patience=0, factor=0.5).bind(40)
    used = [values["lr"] for values in trained(schedule, metric=True)]
    assert used == pytest.approx([WANTED[t] * 0.5 ** max(t // 10 - 1, 0) for t in range(40)])
