"""Gradient scaling that really skips updates: the clock counts the updates that were made, and nobody warns falsely."""

import warnings
from typing import Any

import pytest
import torch

import calando
from calando.torch import attach
from tests.clients.small import digits, model

SCHEDULE = calando.parse("warmup(10%) | cosine(end=0.1)").bind(30)


def trained(follow: bool, scheduler_of: Any = None) -> tuple[list[float], Any, int]:
    """40 batches with a scale so large that it overflows at first, and infinite losses now and then."""
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scheduler = attach(optimizer, SCHEDULE, follow=follow) if scheduler_of is None else scheduler_of(optimizer)
    used: list[float] = []
    optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=5)
    x, y = digits(400)
    batches = 0
    while len(used) < 30:
        mine = slice(10 * (batches % 40), 10 * (batches % 40) + 10)
        loss = torch.nn.functional.cross_entropy(net(x[mine]), y[mine]) * (float("inf") if batches % 7 == 3 else 1.0)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        before = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if not follow and scaler.get_scale() >= before:
            scheduler.step()
        batches += 1
    return used, scheduler, batches


@pytest.mark.parametrize("follow", [True, False], ids=["followed", "told by the loop"])
def test_skipped_updates_are_not_counted_and_nobody_warns(follow: bool) -> None:
    used, scheduler, batches = trained(follow)
    assert batches > 33  # some were skipped indeed, the first among them
    assert used == [0.01 * SCHEDULE(t) for t in range(30)]
    assert scheduler.position() == 30


def test_pytorchs_own_scheduler_warns_falsely_when_the_first_update_is_skipped() -> None:
    # pytorch#44511: step() is called after every batch, as its documentation shows, and the first batches overflow.
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    theirs = torch.optim.lr_scheduler.LinearLR(optimizer)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    scaler.scale((optimizer.param_groups[0]["params"][0] * float("inf")).sum()).backward()
    scaler.step(optimizer)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        theirs.step()
    ours = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = attach(ours, SCHEDULE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
