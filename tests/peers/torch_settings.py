"""Random settings for every class of torch.optim.lr_scheduler, the odd ones among them."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.peers.stepping import RATES, STEPS


def odd(chance: Random, low: int, high: int) -> Any:
    """A number of steps, now and then one that makes no sense."""
    return chance.choice((0, -3, 7.5)) if chance.random() < 0.2 else chance.randint(low, high)


def falling(chance: Random) -> Callable[[int], float]:
    """A function of the step."""
    gamma = chance.uniform(0.9, 1.0)
    return lambda t: gamma**t


def milestones(chance: Random) -> list[float]:
    """Unsorted, with repetitions, sometimes between two steps."""
    return [chance.randint(0, 150) + 0.5 * (chance.random() < 0.1) for _ in range(chance.randint(1, 6))]


def cycle(c: Random) -> dict[str, Any]:
    """CyclicLR."""
    return {
        "base_lr": [c.uniform(0.001, 0.05) for _ in RATES],
        "max_lr": [c.uniform(0.1, 1) for _ in RATES],
        "step_size_up": c.randint(1, 60),
        "step_size_down": c.choice((None, c.randint(1, 60))),
        "mode": c.choice(("triangular", "triangular2", "exp_range")),
        "gamma": c.uniform(0.97, 1.0),
        "cycle_momentum": c.random() < 0.7,
        "base_momentum": c.uniform(0.5, 0.8),
        "max_momentum": c.uniform(0.8, 0.99),
    }


def one_cycle(c: Random) -> dict[str, Any]:
    """OneCycleLR."""
    return {
        "max_lr": [c.uniform(0.1, 1) for _ in RATES],
        "total_steps": c.randint(STEPS, 300),
        "pct_start": c.choice((0.3, 0.25, c.uniform(0.02, 0.98))),
        "anneal_strategy": c.choice(("cos", "linear")),
        "three_phase": c.random() < 0.5,
        "cycle_momentum": c.random() < 0.7,
        "div_factor": c.uniform(2, 30),
        "final_div_factor": c.uniform(2, 1e4),
    }


MAKERS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "StepLR": lambda c: {
        "step_size": c.choice((c.randint(1, 80), 2.5)),
        "gamma": c.choice((0.1, c.uniform(0.3, 1.05), 0.0, 1.0)),
    },
    "MultiStepLR": lambda c: {"milestones": milestones(c), "gamma": c.choice((0.1, c.uniform(0.3, 0.9)))},
    "ConstantLR": lambda c: {"factor": c.uniform(0.05, 1), "total_iters": odd(c, 1, 150)},
    "LinearLR": lambda c: {
        "start_factor": c.uniform(0.01, 1),
        "end_factor": c.choice((0.0, 1.0, c.random())),
        "total_iters": odd(c, 1, 180),
    },
    "ExponentialLR": lambda c: {"gamma": c.choice((c.uniform(0.9, 1.01), 1.0, 0.0))},
    "PolynomialLR": lambda c: {
        "total_iters": odd(c, 1, 250),
        "power": c.choice((1.0, 2.0, c.uniform(0.3, 4), 0.0)),
    },
    "CosineAnnealingLR": lambda c: {
        "T_max": c.choice((c.randint(1, 250), 70.5)),
        "eta_min": c.choice((0.0, c.uniform(0, 0.05))),
    },
    "CosineAnnealingWarmRestarts": lambda c: {
        "T_0": c.randint(1, 90),
        "T_mult": c.randint(1, 3),
        "eta_min": c.choice((0.0, c.uniform(0, 0.05))),
    },
    "CyclicLR": cycle,
    "OneCycleLR": one_cycle,
    "LambdaLR": lambda c: {"lr_lambda": c.choice((falling(c), [falling(c) for _ in RATES]))},
    "MultiplicativeLR": lambda c: {"lr_lambda": c.choice((falling(c), [falling(c) for _ in RATES]))},
    "SWALR": lambda c: {
        "swa_lr": c.choice((0.05, [c.uniform(0.001, 0.5) for _ in RATES])),
        "anneal_epochs": c.choice((0, 1, c.randint(2, 150))),
        "anneal_strategy": c.choice(("cos", "linear")),
    },
}
