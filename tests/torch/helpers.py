"""Small optimizers, a loop, and a trip through a checkpoint."""

import io
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import SGD

PLANS = {
    "anneal": "anneal(end=0.1, over=30.5, shape=cosine)",
    "bundle": "bundle(cosine(), momentum=linear_decay(end=0.85, start=0.95))",
    "clip": "clip(cosine(), low=0.1, high=0.9)",
    "constant": "constant(0.7)",
    "cosine": "warmup(5) | cosine(end=0.1)",
    "cyclic_cosine": "cyclic_cosine(period=12, low=0.1)",
    "cyclical": "cyclical(low=0.1, half=4, mode=triangular2)",
    "exponential_decay": "exponential_decay(factor=0.5, every=10)",
    "extend": "extend(cosine(), horizon=40, at=20)",
    "hold": "hold(cosine(), every=1ep)",
    "inverse_sqrt": "inverse_sqrt(warmup=5)",
    "inverse_time": "inverse_time(rate=0.1)",
    "linear_decay": "linear_decay()",
    "maximum": "maximum(cosine(), constant(0.3))",
    "minimum": "minimum(cosine(), constant(0.6))",
    "multistep": "multistep(milestones=[10, 3ep, 40], factor=0.1)",
    "one_cycle": "one_cycle(peak_at=30%, phases=3)",
    "points": "points(at=[0, 10, 50], values=[0, 1, 0.1], between=cubic)",
    "polynomial_decay": "polynomial_decay(power=2, end=0.05)",
    "product": "product(warmup(10), exponential_decay(end=0.1))",
    "reduce_on_plateau": "reduce_on_plateau(warmup(5) | cosine(end=0.1), patience=1, factor=0.5)",
    "repeat": "repeat(cosine(length=10), growth=2, decay=0.5)",
    "reverse": "reverse(cosine())",
    "scale": "scale(cosine(), by=0.5)",
    "shift": "shift(linear_decay(), by=10)",
    "splice": "splice(plans=[warmup(5) | cosine(), linear_decay(end=0.1)], at=[20])",
    "step_decay": "step_decay(every=1ep, factor=0.8)",
    "stretch": "stretch(warmup(5), by=3) | constant()",
    "then": "warmup(10%) | constant(length=20) | linear_decay()",
    "warm_restarts": "warm_restarts(first=7, growth=2, peak_decay=0.8)",
    "warmup": "warmup(10, shape=1-sqrt, first=step) | constant()",
    "wsd": "wsd(warmup=5, cooldown=20%, cooldown_shape=1-sqrt)",
}
"""One plan of every name that has a text form, each busy within 50 steps (of 10 epochs)."""

STEPS = 50


def bound(text: str, horizon: int = STEPS, **sizes: Any) -> Any:
    """A schedule out of text."""
    from calando import parse

    return parse(text).bind(horizon, **{"steps_per_epoch": 5, **sizes})


def optimizer_of(*rates: Any, kind: Any = SGD, **options: Any) -> Any:
    """A real optimizer with one group, of one parameter, for each learning rate."""
    groups = [{"params": [Parameter(torch.ones(2))], "lr": rate} for rate in rates]
    return kind(groups, **options)


def rates(optimizer: Any) -> list[float]:
    """The learning rate of each group, as floats."""
    return [float(group["lr"]) for group in optimizer.param_groups]


def update(optimizer: Any) -> None:
    """One optimizer update on made-up gradients."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()


def metric(step: int) -> float:
    """A validation loss that falls, stalls and falls again."""
    return 1.0 / (1 + min(step, 10) + max(step - 30, 0))


def run(optimizer: Any, scheduler: Any, first: int, last: int) -> list[list[float]]:
    """The rates that the updates `first` to `last` used; metrics are fed every third step where they are wanted."""
    used = []
    for step in range(first, last):
        used.append(rates(optimizer))
        update(optimizer)
        scheduler.step()
        if step % 3 == 2 and scheduler.tracks[0].rule is not None:
            scheduler.step(metric(step))
    return used


def through_disk(value: Any) -> Any:
    """What a checkpoint gives back, loaded the safe way."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
