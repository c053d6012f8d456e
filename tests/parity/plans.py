"""What the matrix holds: every named plan in several settings, and the runs and steps at which it is asked."""

from functools import cache
from random import Random
from typing import Any, NamedTuple

import calando
from tests.oracles.evaluate import FUNCTIONS

TWO_THOUSAND, TEN_MILLION = 2_000, 10_000_000
HORIZONS = (TWO_THOUSAND, TEN_MILLION, 2**25 + 7, 2**32 + 7)
"""A run seen at every step; spots of a long one; and two in which float32 and int32 have long stopped counting."""

CUBE = "cube"
calando.register(CUBE, lambda t: 1.0 / (1.0 + t) ** 3)
FUNCTIONS[CUBE] = lambda t: 1.0 / (1.0 + t) ** 3

SETTINGS: dict[str, tuple[str, ...]] = {
    "anneal": (
        "anneal(end=0.01, over=31.7, shape=cosine, cycle=mirror)",
        "anneal(end=0.1, over=599, length=30%) | constant(0.1)",
    ),
    "bundle": ("bundle(one_cycle(), momentum=one_cycle(start=0.95, peak=0.85, end=0.95))", "bundle(cosine(), wd=0.1)"),
    "clip": ("clip(cosine(), low=0.1, high=0.9)", "clip(inverse_sqrt(warmup=100), low=0.2)"),
    "constant": ("constant(0.3)", "constant()"),
    "cosine": (
        "cosine(end=0.1)",
        "cosine()",
        "cosine(end=1e-7)",
        "cosine(inclusive=true)",
        "cosine(start=1e-7, end=1)",
    ),
    "cyclic_cosine": ("cyclic_cosine(period=7%)", "cyclic_cosine(period=70, low=0.01)"),
    "cyclical": (
        "cyclical(low=0.001, half=3%)",
        "cyclical(low=0, half=30, down=90, mode=triangular2)",
        "cyclical(low=0.1, half=10%, mode=exp_range, gamma=0.99999)",
        "cyclical(low=0.8, high=0.95, half=3%, inverse=true)",
    ),
    "exponential_decay": (
        "exponential_decay(end=0.001)",
        "exponential_decay(rate=12, every=100%)",
        "exponential_decay(factor=0.9, every=10, staircase=true)",
        "exponential_decay(end=1e-8, every=1%, staircase=true, delay=10%)",
    ),
    "extend": (
        "extend(cosine(end=0.1), horizon=70%, at=50%)",
        "extend(multistep(milestones=[30%, 60%]), horizon=80%, at=10%)",
    ),
    "function": (f"function({CUBE})",),
    "hold": ("hold(cosine(), every=0.1%)", "hold(linear_decay(), every=10)"),
    "inverse_sqrt": ("inverse_sqrt(warmup=1%)", "inverse_sqrt(timescale=100)"),
    "inverse_time": ("inverse_time(rate=0.5, every=1%)", "inverse_time(rate=0.5, every=1%, staircase=true)"),
    "linear_decay": ("linear_decay()", "linear_decay(end=1e-9, inclusive=true)", "linear_decay(start=0.0001, end=1)"),
    "maximum": ("maximum(cosine(), linear_decay(end=0.3))", "maximum(constant(0.2), cosine())"),
    "minimum": ("minimum(cosine(), linear_decay(end=0.3))", "minimum(cosine(), constant(0.3))"),
    "multistep": (
        "multistep(milestones=[10%, 33%, 34%, 90%], factor=0.1)",
        "multistep(milestones=[30, 31], factor=0.5)",
    ),
    "one_cycle": ("one_cycle()", "one_cycle(phases=3, anneal=linear)"),
    "points": (
        "points(at=[0, 30%, 60%, 100%], values=[1, 0.5, 0.4, 0], between=cubic)",
        "points(at=[0, 30%, 100%], values=[1, 0.5, 0], between=step)",
        "points(at=[0, 30%, 100%], values=[1, 0.5, 0])",
    ),
    "polynomial_decay": (
        "polynomial_decay(power=2, end=0.01, cycle=true, length=13%)",
        "polynomial_decay(power=0.5)",
        "polynomial_decay(power=3.7, end=1e-12)",
    ),
    "product": ("product(cosine(), exponential_decay(end=0.001))", "product(linear_decay(), constant(0.7))"),
    "reduce_on_plateau": ("reduce_on_plateau(cosine(), patience=3)", "reduce_on_plateau(warmup(5%) | constant())"),
    "repeat": (
        "repeat(linear_decay(length=10%), growth=1.7, decay=0.8, floor=0.1)",
        "repeat(cosine(length=10%), times=10, decay=0.8)",
        "repeat(warmup(10) | cosine(length=90), decay=0.9)",
    ),
    "reverse": ("reverse(cosine())", "reverse(wsd(warmup=10, cooldown=20%))"),
    "scale": ("scale(cosine(), by=0.37)", "scale(one_cycle(), by=3)"),
    "shift": ("shift(cosine(), by=10%)", "shift(linear_decay(), by=7)"),
    "splice": (
        "splice(plans=[cosine(), linear_decay(end=0.1)], at=[30%])",
        "splice(plans=[extend(wsd(cooldown=20%), horizon=50%), shift(cosine(start=0.7), by=40%)], at=[40%])",
    ),
    "step_decay": ("step_decay(every=7%, factor=0.3)", "step_decay(every=1%, factor=0.9, staircase=false)"),
    "stretch": ("stretch(step_decay(every=1%, factor=0.9), by=3)", "stretch(inverse_sqrt(warmup=10), by=1.5)"),
    "then": (
        "warmup(5%) | cosine(end=0.1)",
        "warmup(2%) | constant(length=50%) | linear_decay(end=0.1, length=20%) | cosine(start=0.1, end=0.01)",
    ),
    "warm_restarts": (
        "warm_restarts(first=10%, growth=2, peak_decay=0.7, end=0.001)",
        "warm_restarts(first=3.7%, growth=1)",
        "warm_restarts(first=4%, growth=1.3)",
    ),
    "warmup": (
        "warmup(10%, start=1e-4, shape=exponential) | constant()",
        "warmup(10%, first=step) | constant()",
        "warmup(10%, shape=cosine) | constant()",
        "warmup(10%, shape=1-sqrt) | constant()",
    ),
    "wsd": (
        "wsd(warmup=1%, cooldown=20%, cooldown_shape=1-sqrt)",
        "wsd(warmup=1%, cooldown=20%, cooldown_shape=cosine)",
        "wsd(warmup=1%, cooldown=20%, cooldown_shape=exponential, end=1e-6)",
        "wsd(warmup=1%, cooldown=20%, cooldown_shape=power, power=2.5)",
        "wsd(warmup=1%, stable=inverse_sqrt, cooldown=20%)",
        "wsd(warmup=1%, stable=power, stable_power=0.3, cooldown=20%, cooldown_shape=1-sqrt, end=0.01)",
    ),
}
"""By catalog name; the first setting of each is the one that `torch.compile` compiles."""


class Case(NamedTuple):
    """One row of results: a plan bound to a horizon, asked for one quantity."""

    name: str
    text: str
    horizon: int
    quantity: str = "lr"
    first: bool = False

    def values(self, steps: Any) -> Any:
        """What the library says, on whatever array the steps are."""
        schedule = bound(self)
        return schedule(steps) if self.quantity == "lr" else schedule.at(steps)[self.quantity]


@cache
def bound(case: Case) -> Any:
    """The schedule of a case."""
    plan = calando.function(CUBE) if case.name == "function" else calando.parse(case.text)
    return plan.bind(case.horizon)


def cases(horizon: int) -> list[Case]:
    """Every case of a run of that length."""
    found = [
        Case(name, text, horizon, first=place == 0)
        for name, texts in SETTINGS.items()
        for place, text in enumerate(texts)
    ]
    return [*found, Case("bundle", SETTINGS["bundle"][0], horizon, quantity="momentum")]


@cache
def steps(horizon: int) -> tuple[int, ...]:
    """All of a short run and what lies past its end; of a long one both ends, the hundredths, the limits of
    float32 and int32, and steps drawn evenly and logarithmically."""
    past = {horizon, horizon + 1, horizon + 1000}
    if horizon <= TWO_THOUSAND:
        return tuple(sorted({*range(horizon), *past}))
    chance = Random(7)
    found = {0, 1, 2, 3, horizon - 2, horizon - 1} | past
    for percent in (1, 2, 4, 7, 10, 20, 30, 33, 34, 37, 50, 52, 60, 70, 72, 80, 90):
        edge = horizon * percent // 100
        found |= {edge - 1, edge, edge + 1}
    for edge in (2**24, 2**31, 2**32):
        found |= {step for step in range(edge - 3, edge + 4) if step <= horizon}
    found |= {chance.randrange(horizon) for _ in range(120)}
    found |= {int(horizon ** chance.random()) for _ in range(40)}
    found |= {horizon - int(horizon ** chance.random()) for _ in range(40)}
    return tuple(sorted(found))
