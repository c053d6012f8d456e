"""Clocks other than one update at a time: epochs, changing accumulation, tokens and samples beyond 2^24 and 2^31."""

from typing import Any

import pytest
import torch

import calando
from calando.torch import attach
from tests.clients.small import digits, model
from tests.torch.helpers import optimizer_of, rates, through_disk, update


def test_a_loop_that_steps_once_an_epoch_goes_on_from_its_checkpoint() -> None:
    schedule = calando.parse("warmup(2ep) | cosine(end=0.1)").bind("8ep", steps_per_epoch=10)

    def epochs(first: int, last: int, saved: Any = None) -> tuple[list[float], Any]:
        net = model()
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        scheduler = attach(optimizer, schedule, interval="epoch")
        if saved is not None:
            net.load_state_dict(saved["model"])
            optimizer.load_state_dict(saved["optimizer"])
            scheduler.load_state_dict(saved["scheduler"])
        used: list[float] = []
        optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
        x, y = digits(100)
        for _ in range(first, last):
            for i in range(0, 100, 10):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(x[i : i + 10]), y[i : i + 10]).backward()
                optimizer.step()
            scheduler.step()
        parts = {"model": net, "optimizer": optimizer, "scheduler": scheduler}
        return used, through_disk({name: part.state_dict() for name, part in parts.items()})

    wanted = [0.01 * schedule(t // 10 * 10) for t in range(80)]
    half, saved = epochs(0, 3)
    rest, _ = epochs(3, 8, saved)
    assert half + rest == wanted


def test_changing_the_accumulation_changes_nothing_per_update() -> None:
    schedule = calando.parse("warmup(10%) | cosine()").bind(30)
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule)
    used = []
    accumulated, each = 0, 2
    for batch in range(2 * 15 + 5 * 15):
        if batch == 30:
            accumulated, each = 0, 5
        accumulated += 1
        if accumulated == each:
            used += rates(optimizer)
            update(optimizer)
            scheduler.step()
            accumulated = 0
    assert used == [0.1 * schedule(t) for t in range(30)]


@pytest.mark.parametrize("tokens_per_step", [1_000, 524_288, 4_194_304])
def test_tokens_beyond_2_to_the_31_are_exact_steps(tokens_per_step: int) -> None:
    # 15e12 tokens: 2^31 is passed after 2 billion of them; the warm-up ends at its step, not a neighbour.
    plan = calando.parse("warmup(2e9tok) | cosine(end=0.1)")
    schedule = plan.bind("15e12tok", tokens_per_step=tokens_per_step)
    ends = (2 * 10**9 * 2 + tokens_per_step) // (2 * tokens_per_step)
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule)
    for step in (0, 1, ends - 1, ends, ends + 1, schedule.horizon // 2, schedule.horizon - 1, schedule.horizon):
        scheduler.step(step)
        assert rates(optimizer) == [0.1 * schedule(step)]
    assert schedule(ends) == 1.0
    assert schedule(ends - 1) < 1.0


@pytest.mark.parametrize("start", [2**24 - 2, 2**31 - 2, 2**33 - 2, 2**52])
def test_a_clock_that_counts_tokens_itself_is_jumped(start: int) -> None:
    """Batches of varying size: one step of the schedule is one token, and `step(tokens)` says how many were seen."""
    schedule = calando.parse("warmup(2e9) | linear_decay(end=0.1)").bind(2**53)
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule)
    seen = start
    for batch in (1, 1, 1, 3, 1000, 7):
        seen += batch
        update(optimizer)
        scheduler.step(seen)
        assert scheduler.position() == seen
        assert rates(optimizer) == [0.1 * schedule(seen)]
    again = attach(optimizer_of(0.1), schedule)
    again.load_state_dict(through_disk(scheduler.state_dict()))
    assert again.position() == seen
    again.step()
    assert again.position() == seen + 1


def test_neighbouring_tokens_are_told_apart_beyond_float32() -> None:
    # A float32 clock cannot tell 2^24 from 2^24 + 1.
    schedule = calando.linear_decay().bind(2**30)
    optimizer = optimizer_of(1.0)
    scheduler = attach(optimizer, schedule)
    seen = []
    for token in (2**24, 2**24 + 1, 2**24 + 2):
        scheduler.step(token)
        seen += rates(optimizer)
    assert seen[0] > seen[1] > seen[2]
    assert torch.tensor(2.0**24) + 1 == torch.tensor(2.0**24)


def test_samples_are_a_unit_like_tokens() -> None:
    plan = calando.parse("warmup(64e6sa) | cosine()")
    schedule = plan.bind(1_000_000, samples_per_step=4096)
    assert schedule(15_625) == 1.0
    assert schedule(15_624) < 1.0
