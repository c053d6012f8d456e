"""What both sides of a check share: a small optimizer, and loops that write down the rate of every update."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.torch.helpers import optimizer_of, rates

Make = Callable[[Any], Any]
"""A scheduler for an optimizer."""


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings that torch's own schedulers give about torch's own calls."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(epoch parameter|lr_scheduler.step).*", category=UserWarning)
        yield


def follow(optimizer: Any, scheduler: Any, updates: int) -> list[float]:
    """The rate of the first group at each of the next updates, one `step()` after each."""
    used = []
    with quietly():
        for _ in range(updates):
            used.append(rates(optimizer)[0])
            optimizer.step()
            scheduler.step()
    return used


def used_by(make: Make, updates: int, lr: float = 1.0, **options: Any) -> list[float]:
    """The rate of every update of a run from its start."""
    optimizer = optimizer_of(lr, **options)
    with quietly():
        scheduler = make(optimizer)
    return follow(optimizer, scheduler, updates)


def went_on(before: Make, after: Make, stop: int, more: int, keep_optimizer: bool = True) -> list[float]:
    """The rates after a restart: a run under `before` is saved at `stop`, and loaded into `after`."""
    first = optimizer_of(1.0)
    with quietly():
        scheduler = before(first)
    follow(first, scheduler, stop)
    second = optimizer_of(1.0)
    with quietly():
        resumed = after(second)
    if keep_optimizer:
        second.load_state_dict(first.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    return follow(second, resumed, more)
