"""Plain floats, NumPy and mpmath agree within 4 ulp x (1 + |exponent|).

NumPy and plain floats at every one of a million steps; mpmath at thousands of them, both ends of every stretch
among them, and at steps up to 10^12. The exponent is the one that the formula raises something to.
"""

import math
from functools import lru_cache
from random import Random

import numpy as np
import pytest
import torch

import calando
from tests.oracles.evaluate import Clock, value
from tests.oracles.exact import Value
from tests.oracles.tree import read

MILLION, TRILLION = 10**6, 10**12

PLANS = (
    "constant(0.3)",
    "warmup(10%) | constant()",
    "warmup(10%, start=0.001) | constant()",
    "warmup(10%, first=step) | constant()",
    "warmup(10%, start=1e-4, shape=exponential) | constant()",
    "warmup(10%, shape=cosine) | constant()",
    "warmup(10%, shape=1-sqrt) | constant()",
    "linear_decay()",
    "linear_decay(start=0.0001, end=1)",
    "linear_decay(end=1e-9, inclusive=true)",
    "cosine()",
    "cosine(end=1e-7)",
    "cosine(start=1e-7, end=1)",
    "cosine(inclusive=true)",
    "polynomial_decay(power=0.5)",
    "polynomial_decay(power=3.7, end=1e-12)",
    "polynomial_decay(power=2, end=0.01, cycle=true, length=13%)",
    "step_decay(every=7%, factor=0.3)",
    "step_decay(every=1%, factor=0.9, staircase=false)",
    "multistep(milestones=[10%, 33%, 34%, 90%], factor=0.1)",
    "exponential_decay(rate=12, every=100%)",
    "exponential_decay(rate=0.3, every=3%, staircase=true)",
    "exponential_decay(rate=0.001, every=0.1%, staircase=true)",
    "exponential_decay(factor=0.1, every=10%, delay=5%)",
    "exponential_decay(end=1e-8)",
    "exponential_decay(end=1e-8, every=1%, staircase=true, delay=10%)",
    "inverse_sqrt(warmup=1%)",
    "inverse_sqrt(timescale=100)",
    "inverse_time(rate=0.5, every=1%)",
    "inverse_time(rate=0.5, every=1%, staircase=true)",
    "warm_restarts(first=1%, growth=2, peak_decay=0.7, end=0.001)",
    "warm_restarts(first=3.7%, growth=1)",
    "warm_restarts(first=1%, growth=1.3)",
    "cyclic_cosine(period=7%)",
    "cyclic_cosine(period=7%, low=0.01)",
    "one_cycle()",
    "one_cycle(phases=3, anneal=linear)",
    "anneal(over=77.7%)",
    "anneal(over=7777.7, end=1e-9, offset=-3.1)",
    "anneal(over=314159.265358979, end=0.3, shape=cosine, offset=0.7071067811865476)",
    "anneal(over=90.5%, start=1e-6, end=1, shape=cosine)",
    "anneal(over=90.5%, shape=1-sqrt, offset=0.25)",
    "anneal(over=90.5%, shape=power, power=2.5, end=0.001)",
    "anneal(over=33.3%, shape=exponential, end=1e-5, cycle=mirror)",
    "anneal(over=3.3%, end=0.01, shape=cosine, cycle=restart, offset=0.5)",
    "anneal(over=1234.56, shape=cosine, cycle=mirror)",
    "anneal(over=9.25, end=0.1, cycle=restart)",
    "cyclical(low=0.001, half=3%)",
    "cyclical(low=0, half=3%, down=9%, mode=triangular2)",
    "cyclical(low=0.1, half=10%, mode=exp_range, gamma=0.99999)",
    "cyclical(low=0.8, high=0.95, half=3%, inverse=true)",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=linear)",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=cosine)",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=1-sqrt)",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=exponential, end=1e-6)",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=power, power=2.5)",
    "wsd(warmup=1%, stable=inverse_sqrt, cooldown=20%)",
    "wsd(warmup=1%, stable=power, power=0.3, cooldown=20%, cooldown_shape=1-sqrt, end=0.01)",
    "points(at=[0, 30%, 100%], values=[1, 0.5, 0])",
    "points(at=[0, 30%, 100%], values=[1, 0.5, 0], between=step)",
    "points(at=[0, 30%, 60%, 100%], values=[1, 0.5, 0.4, 0], between=cubic)",
    "product(cosine(), exponential_decay(end=0.001))",
    "scale(cosine(), by=0.37)",
    "clip(cosine(), low=0.1, high=0.9)",
    "shift(cosine(), by=10%)",
    "stretch(step_decay(every=1%, factor=0.9), by=3)",
    "reverse(cosine())",
    "repeat(cosine(length=10%), times=10, decay=0.8)",
    "repeat(linear_decay(length=1%), growth=1.7, decay=0.8, floor=0.1)",
    "minimum(cosine(), linear_decay(end=0.3))",
    "maximum(cosine(), linear_decay(end=0.3))",
    "hold(cosine(), every=0.1%)",
    "splice(plans=[cosine(), linear_decay(end=0.1)], at=[30%])",
    "extend(cosine(), horizon=70%, at=50%)",
)


def allowed(exact: Value, value_: float) -> float:
    """4 ulp x (1 + |exponent|)."""
    return 4 * math.ulp(value_) * (1 + exact.exponent)


def worst(plan: str, steps: list[int], horizon: int) -> float:
    """The largest error over the steps, in units of what is allowed."""
    schedule, tree, clock = calando.parse(plan).bind(horizon), read(plan), Clock(horizon)
    out = 0.0
    for t in steps:
        exact = value(tree, clock, horizon, t)
        ours = schedule(t)
        error = abs(float(exact.number - ours))
        if error:
            out = max(out, error / allowed(exact, float(exact.number)))
    return out


@lru_cache(maxsize=1)
def interesting(horizon: int) -> list[int]:
    """Both ends, both sides of every hundredth, and steps drawn evenly and logarithmically."""
    chance = Random(7)
    steps = {0, 1, 2, 3, horizon - 3, horizon - 2, horizon - 1, horizon}
    for percent in range(1, 100):
        edge = horizon * percent // 100
        steps |= {edge - 1, edge, edge + 1}
    steps |= {chance.randrange(horizon) for _ in range(400)}
    steps |= {int(horizon ** chance.random()) for _ in range(150)}
    steps |= {horizon - int(horizon ** chance.random()) for _ in range(150)}
    return sorted(steps)


@pytest.mark.parametrize("plan", PLANS)
def test_plain_floats_agree_with_mpmath_within_a_million_steps(plan: str) -> None:
    assert worst(plan, interesting(MILLION), MILLION) <= 1.0


@pytest.mark.parametrize("plan", PLANS)
def test_plain_floats_agree_with_mpmath_at_steps_up_to_ten_to_the_twelve(plan: str) -> None:
    assert worst(plan, interesting(TRILLION), TRILLION) <= 1.0


@pytest.mark.parametrize("plan", PLANS)
def test_numpy_agrees_with_plain_floats_at_every_one_of_a_million_steps(plan: str) -> None:
    schedule, tree, clock = calando.parse(plan).bind(MILLION), read(plan), Clock(MILLION)
    arrays = schedule(np.arange(MILLION + 1))
    plain = np.fromiter(map(schedule, range(MILLION + 1)), dtype=float, count=MILLION + 1)
    assert arrays.dtype == np.float64
    apart = np.abs(arrays - plain)
    suspects = np.flatnonzero(apart > 4 * np.spacing(np.maximum(plain, np.finfo(float).tiny)))
    for t in suspects[np.linspace(0, len(suspects) - 1, min(len(suspects), 200)).astype(int)].tolist():
        assert apart[t] <= allowed(value(tree, clock, MILLION, t), plain[t]), t


@pytest.mark.parametrize("plan", PLANS)
def test_numpy_agrees_with_plain_floats_at_steps_up_to_ten_to_the_twelve(plan: str) -> None:
    schedule, tree, clock = calando.parse(plan).bind(TRILLION), read(plan), Clock(TRILLION)
    steps = interesting(TRILLION)
    for t, array_value in zip(steps, schedule(np.array(steps)).tolist(), strict=True):
        exact = value(tree, clock, TRILLION, t)
        assert abs(float(exact.number - array_value)) <= allowed(exact, float(exact.number)), t


def test_neighbouring_steps_beyond_float32_are_told_apart() -> None:
    line = calando.linear_decay().bind(2**53)
    assert line(2**53 - 1) == 2.0**-53
    assert line(2**24) != line(2**24 + 1)
    steps = np.array([2**31 - 1, 2**31, 2**31 + 1], dtype=np.int64)
    assert len(set(calando.linear_decay().bind(2**33)(steps).tolist())) == 3


@pytest.mark.parametrize("plan", PLANS)
def test_float32_tensors_keep_seven_digits_up_to_ten_million_steps(plan: str) -> None:
    horizon = 10**7
    schedule = calando.parse(plan).bind(horizon)
    steps = interesting(horizon)
    tensor = schedule(torch.tensor(steps))
    assert tensor.dtype == torch.float32
    exact = np.array([schedule(t) for t in steps])
    bound = np.where(exact >= 1e-4, 1e-6 * exact, 1e-7 * exact.max())
    apart = np.abs(tensor.numpy().astype(float) - exact)
    assert (apart <= bound).all(), [(steps[i], exact[i], apart[i]) for i in np.flatnonzero(apart > bound)[:5]]


def test_float64_tensors_agree_with_plain_floats() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        for plan in PLANS:
            schedule, steps = calando.parse(plan).bind(MILLION), interesting(MILLION)
            exact = [schedule(t) for t in steps]
            np.testing.assert_allclose(schedule(torch.tensor(steps)).numpy(), exact, rtol=1e-14, atol=1e-300)
    finally:
        torch.set_default_dtype(torch.float32)
