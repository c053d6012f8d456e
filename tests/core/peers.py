"""Stepping torch's own schedulers, and reading what the optimizer then sees."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

import calando

STEPS = 60
CLOSE = 1e-11
"""Relative; torch's recursive classes drift from their own closed forms by up to 4e-13 in 1e5 steps."""

Make = Callable[[torch.optim.Optimizer], Any]


def optimizer(lr: float = 1.0, momentum: float = 0.0) -> torch.optim.Optimizer:
    """An SGD over one parameter that never gets a gradient."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=momentum)


def seen(make: Make, steps: int, lr: float = 1.0, momentum: float = 0.0, what: str = "lr") -> list[float]:
    """The value in the first group for updates 0 .. steps-1, stepping as the manual says."""
    sgd = optimizer(lr, momentum)
    values = []
    with warnings.catch_warnings():  # SequentialLR calls its own deprecated step(epoch) at milestones
        warnings.filterwarnings("ignore", message=".*epoch parameter.*", category=UserWarning)
        scheduler = make(sgd)
        for _ in range(steps):
            values.append(float(sgd.param_groups[0][what]))
            sgd.step()
            scheduler.step()
    return values


def assert_parity(plan: calando.Plan, make: Make, lr: float, horizon: int = STEPS, base: float = 0.0) -> None:
    """Torch's learning rate is (base or lr) x schedule(t), at every step up to the horizon and at the horizon."""
    schedule = plan.bind(horizon)
    theirs = seen(make, horizon + 1, lr)
    ours = [(base or lr) * schedule(t) for t in range(horizon + 1)]
    assert ours == pytest.approx(theirs, rel=CLOSE, abs=1e-15 * (base or lr))
