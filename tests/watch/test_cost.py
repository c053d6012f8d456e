"""What a call of `log` costs; the loops it stands in are measured in bench/watch/overhead.py."""

import time
from pathlib import Path

import torch

import calando
from calando.torch import attach

BUDGET = 20.0


def test_a_call_with_two_numbers_and_the_rate_takes_less_than_twenty_microseconds(tmp_path: Path) -> None:
    """CPU time, the least of some batches: what other work on the machine adds is not ours."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = attach(optimizer, calando.parse("warmup(5%) | cosine(end=0.1)").bind(10**6))
    loss = (weight + 0.5).sum()
    found = []
    with calando.watch("a", scheduler=scheduler, folder=tmp_path) as watched:
        for _ in range(30):
            spent = 0
            for _ in range(50):
                optimizer.step()
                scheduler.step()
                begun = time.process_time_ns()
                watched.log(train_loss=loss, accuracy=0.5)
                spent += time.process_time_ns() - begun
            found.append(spent / 50 / 1000)
    print(f"watched.log: {min(found):.1f} us CPU, least of 30 batches; budget {BUDGET:g}")
    assert min(found) < BUDGET
