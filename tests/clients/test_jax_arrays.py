"""Schedules on JAX arrays, where JAX is installed: pure functions of the step under jit, vmap, scan and grad.

Version that this was written against: jax 0.10.2.
"""

from typing import Any

import numpy as np
import pytest

import calando

pytestmark = pytest.mark.filterwarnings("ignore")

PLANS = [
    "warmup(5%) | cosine(end=0.1)",
    "one_cycle()",
    "warm_restarts(first=10%, growth=1.5, peak_decay=0.7, end=0.01)",
    "cyclical(low=0.1, half=50, mode=triangular2)",
    "wsd(warmup=10, cooldown=20%, cooldown_shape=1-sqrt)",
    "multistep(milestones=[10%, 50%])",
    "points(at=[0, 10%, 100%], values=[0, 1, 0.1], between=cubic)",
    "repeat(warmup(10) | cosine(length=90), decay=0.5)",
    "clip(inverse_sqrt(warmup=100), low=0.2)",
    "polynomial_decay(power=2, cycle=true, length=100)",
    "hold(linear_decay(), every=10)",
    "minimum(cosine(), constant(0.3))",
    "exponential_decay(factor=0.9, every=10, staircase=true)",
]


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax")


@pytest.mark.parametrize("horizon", [2_000, 10_000_000])
@pytest.mark.parametrize("text", PLANS)
def test_jit_in_float32_keeps_the_tolerances_of_the_design(jax: Any, text: str, horizon: int) -> None:
    schedule = calando.parse(text).bind(horizon)
    steps = np.arange(2_000) if horizon == 2_000 else np.random.default_rng(0).integers(0, horizon, 2_000)
    steps = np.concatenate([steps, [0, horizon - 1, horizon, horizon + 5]])
    exact = schedule(steps)
    got = np.asarray(jax.jit(schedule)(jax.numpy.asarray(steps, dtype="int32")), dtype=np.float64)
    large = exact >= 1e-4
    assert (np.abs(got - exact)[large] <= 1e-6 * exact[large]).all()
    assert (np.abs(got - exact)[~large] <= 1e-7 * exact.max()).all()


def test_one_step_inside_vmap_scan_and_grad(jax: Any) -> None:
    schedule = calando.parse("warmup(5%) | cosine(end=0.1)").bind(1000)
    steps = jax.numpy.arange(1000)
    wanted = schedule(np.arange(1000))
    assert np.allclose(jax.vmap(schedule)(steps), wanted, rtol=1e-6)
    _, scanned = jax.lax.scan(lambda carry, step: (carry + 1, schedule(carry)), jax.numpy.int32(0), steps)
    assert np.allclose(scanned, wanted, rtol=1e-6, atol=1e-7)
    assert jax.grad(lambda peak: peak * schedule(jax.numpy.int32(25)))(2.0) == pytest.approx(0.5)
