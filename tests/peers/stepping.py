"""torch optimizers with several groups, stepped under a scheduler, and what the converted plans say beside it."""

import warnings
from collections.abc import Callable
from typing import Any

import torch

from calando.peers import Converted

STEPS = 200
RATES = (0.1, 0.03, 1.0)
Make = Callable[[torch.optim.Optimizer], Any]


def optimizer(rates: tuple[float, ...] = RATES, kind: str = "sgd", *, tensors: bool = False) -> torch.optim.Optimizer:
    """One parameter for each rate."""
    groups: list[dict[str, Any]] = [
        {
            "params": [torch.nn.Parameter(torch.zeros(1))],
            "lr": torch.tensor(rate, dtype=torch.float64) if tensors else rate,
        }
        for rate in rates
    ]
    return (
        torch.optim.SGD(groups, lr=rates[0], momentum=0.9) if kind == "sgd" else torch.optim.AdamW(groups, lr=rates[0])
    )


def momentum(group: dict[str, Any]) -> float:
    return float(group["momentum"] if "momentum" in group else group["betas"][0])


def stepped(made: torch.optim.Optimizer, scheduler: Any, steps: int) -> tuple[list[list[float]], list[list[float]]]:
    """The rates and momenta in force at each update."""
    rates, momenta = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, on the order of steps and on closed forms
        for _ in range(steps):
            rates.append([float(group["lr"]) for group in made.param_groups])
            momenta.append([momentum(group) for group in made.param_groups])
            made.step()
            scheduler.step()
    return rates, momenta


def worst(converted: Converted, rates: list[list[float]], momenta: list[list[float]], **sizes: Any) -> float:
    """The largest distance from the peer in units of what is allowed: 1e-12 of the value.

    A peer that multiplies step by step comes to 0 within its own rounding: 1e-14 of its largest rate is allowed.
    """
    steps = len(rates)
    horizon = max(converted.horizon or steps, steps)
    out = 0.0
    for g, schedule in enumerate(converted.schedules(horizon, **sizes)):
        theirs = [row[g] for row in rates]
        top = max(abs(rate) for rate in theirs)
        for t, rate in enumerate(theirs):
            values = schedule.at(t)
            gap = abs(converted.bases[g] * values["lr"] - rate)
            out = max(out, gap / (1e-12 * abs(rate) + 1e-14 * top + 1e-300))
            if "momentum" in values:
                out = max(out, abs(values["momentum"] - momenta[t][g]) / 1e-12)
    return out
