"""Schedules on JAX arrays: pure functions of the step under jit, vmap, scan and grad; seen values come from the host.

Version that this was written against: jax 0.10.2.
"""

from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import calando
from calando.core import jax_arrays
from calando.errors import BadValue, OutOfRange
from tests.plans import build
from tests.strategies import SIZES, collides, grow, plain

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
    "exponential_decay(end=1e-8)",
    "warmup(10%, start=1e-4, shape=exponential) | exponential_decay(rate=9, every=90%)",
]


def traced(schedule: Any, steps: Any) -> np.ndarray:
    """What the compiled schedule gives, as float64."""
    return np.asarray(jax.jit(schedule)(steps), dtype=np.float64)


def excess(got: Any, exact: Any, relative: float = 1e-6) -> float:
    """The largest error in units of what is allowed: 1e-6 of a factor of at least 1e-4, else 1e-7 of the top."""
    exact = np.asarray(exact, dtype=np.float64)
    allowed = np.where(exact >= 1e-4, relative * exact, 1e-7 * exact.max())
    return float((np.abs(np.asarray(got, dtype=np.float64) - exact) / np.maximum(allowed, 1e-300)).max())


@pytest.mark.parametrize("text", PLANS)
def test_jit_in_float32_keeps_the_tolerances_of_the_design(text: str) -> None:
    for horizon in (2_000, 10_000_000):
        schedule = calando.parse(text).bind(horizon)
        steps = np.arange(2_000) if horizon == 2_000 else np.random.default_rng(0).integers(0, horizon, 2_000)
        steps = np.concatenate([steps, [0, horizon - 1, horizon, horizon + 5]])
        assert excess(traced(schedule, jnp.asarray(steps, dtype="int32")), schedule(steps)) <= 1.0, horizon


def test_every_step_of_a_rate_times_its_peak_is_within_the_tolerance_too() -> None:
    schedule = calando.parse("exponential_decay(end=1e-5)").bind(2_000)
    got = jax.jit(lambda step: 3e-4 * schedule(step))(jnp.arange(2_001))
    assert excess(np.asarray(got, dtype=float) / 3e-4, schedule(np.arange(2_001))) <= 1.0


def test_one_step_inside_vmap_scan_and_grad() -> None:
    schedule = calando.parse("warmup(5%) | cosine(end=0.1)").bind(1000)
    steps = jnp.arange(1000)
    wanted = schedule(np.arange(1000))
    assert np.allclose(jax.vmap(schedule)(steps), wanted, rtol=1e-6)
    _, scanned = jax.lax.scan(lambda carry, step: (carry + 1, schedule(carry)), jnp.int32(0), steps)
    assert np.allclose(scanned, wanted, rtol=1e-6, atol=1e-7)
    assert jax.grad(lambda peak: peak * schedule(jnp.int32(25)))(2.0) == pytest.approx(0.5)
    assert jax.jit(jax.grad(lambda peak, step: peak * schedule(step)))(2.0, 25) == pytest.approx(0.5)


def test_a_seen_array_is_computed_on_the_host_and_compiles_nothing() -> None:
    schedule = calando.parse("one_cycle() | exponential_decay(end=0.1, length=10%)").bind(1000)
    steps = np.arange(1001)
    value = schedule(jnp.asarray(steps))
    assert isinstance(value, jax.Array)
    assert not isinstance(value, jax.core.Tracer)
    assert np.array_equal(np.asarray(value), schedule(steps).astype("float32"))
    assert schedule(jnp.int32(7)).shape == ()
    with jax.log_compiles(False), jax.disable_jit():
        assert float(schedule(jnp.int32(7))) == np.float32(schedule(7))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_every_kind_of_integer_counts_as_it_is(kind: str) -> None:
    schedule = calando.parse("warmup(10) | linear_decay(length=2990)").bind(3000)
    steps = np.array([0, 5, 100, min(np.iinfo(kind).max, 65_000)], dtype=kind)
    assert np.allclose(traced(schedule, jnp.asarray(steps)), schedule(steps.astype("int64")), rtol=1e-6, atol=1e-7)


def test_the_type_of_a_value_is_strong_and_always_the_same() -> None:
    for text in (
        "constant(0.3)",
        "linear_decay()",
        "multistep(milestones=[10%])",
        "cosine()",
        "points(at=[0, 5], values=[1, 0])",
    ):
        schedule = calando.parse(text).bind(100)
        for call in (schedule, jax.jit(schedule)):
            value = call(jnp.int32(3))
            assert value.dtype == np.float32
            assert not value.weak_type


def test_x64_is_exact_and_is_switched_on_in_here_alone() -> None:
    with jax.enable_x64(True):
        for i, text in enumerate(PLANS):
            schedule = calando.parse(text).bind(10_000_000)
            steps = np.random.default_rng(1).integers(0, 10_000_001, 300)
            got = jax.jit(schedule)(jnp.asarray(steps, dtype=("int32", "int64")[i % 2]))
            assert got.dtype == np.float64
            assert np.allclose(got, schedule(steps), rtol=4e-15, atol=1e-17), text
    assert jnp.asarray(1.0).dtype == np.float32


def test_x64_keeps_steps_up_to_2_to_the_53() -> None:
    schedule = calando.parse("multistep(milestones=[1099511627776], factor=0.5)").bind(2**53)
    with jax.enable_x64(True):
        steps = jnp.asarray([2**40 - 1, 2**40, 2**53 - 1])
        assert jax.jit(schedule)(steps).tolist() == [1.0, 0.5, 0.5]


def test_a_length_far_beyond_the_horizon_needs_no_room_in_an_int32() -> None:
    for text in (
        "step_decay(every=1099511627776)",
        "multistep(milestones=[10, 1099511627776])",
        "inverse_time(rate=3, every=1099511627776, staircase=true)",
        "exponential_decay(factor=0.5, every=1099511627776)",
        "hold(linear_decay(), every=1099511627776)",
    ):
        schedule = calando.parse(text).bind(100)
        assert np.allclose(traced(schedule, jnp.arange(101)), schedule(np.arange(101)), rtol=1e-6), text


def test_values_that_are_seen_are_refused_as_everywhere_and_traced_ones_are_held() -> None:
    schedule = calando.parse("linear_decay(end=0.5)").bind(100)
    with pytest.raises(OutOfRange):
        schedule(jnp.asarray([3, -1]))
    assert traced(schedule, jnp.asarray([-1, 0, 100, 2**31 - 1])).tolist() == [1.0, 1.0, 0.5, 0.5]
    for steps in (jnp.asarray([1.0]), jnp.asarray([True])):
        for call in (schedule, jax.jit(schedule)):
            with pytest.raises(BadValue):
                call(steps)


def test_a_strict_schedule_raises_where_it_sees_and_says_so_where_it_cannot() -> None:
    schedule = calando.cosine().bind(100, strict=True)
    assert float(schedule(jnp.int32(100))) == 0.0
    with pytest.raises(OutOfRange):
        schedule(jnp.int32(101))
    with pytest.raises(BadValue, match="without strict=True"):
        jax.jit(schedule)(jnp.int32(3))


def test_a_python_function_runs_on_the_host_and_is_a_table_under_jit() -> None:
    schedule = (calando.warmup(3) | calando.stretch(calando.function(lambda step: 1 / (1 + step)), by=2.5)).bind(100)
    steps = np.arange(104)
    assert np.array_equal(schedule(jnp.asarray(steps)), schedule(steps).astype("float32"))
    assert np.array_equal(traced(schedule, jnp.asarray(steps)), schedule(steps).astype("float32"))
    assert float(jax.vmap(schedule)(jnp.arange(5, 6))[0]) == np.float32(schedule(5))


def test_a_function_of_too_many_steps_for_a_table_is_refused_under_jit() -> None:
    schedule = calando.function(lambda step: 1 / (1 + step)).bind(1_000_001)
    assert float(schedule(jnp.int32(1_000_000))) == np.float32(1 / 1_000_001)
    with pytest.raises(BadValue, match="points"):
        jax.jit(schedule)(jnp.int32(3))


def test_what_a_function_gives_is_checked_when_the_table_is_made() -> None:
    schedule = calando.function(lambda step: -1.0 if step == 50 else 1.0).bind(100)
    with pytest.raises(BadValue, match="at step 50"):
        jax.jit(schedule)(jnp.int32(0))


@pytest.mark.parametrize("words", [1, 2])
def test_random_deep_plans_keep_the_tolerance_under_jit_in_one_word_and_in_two(
    monkeypatch: pytest.MonkeyPatch, words: int
) -> None:
    if words == 2:
        monkeypatch.setattr(jax_arrays, "_ROOM", 0)
    for seed in range(1000 * words, 1000 * words + 16 // words):
        grown = plain(grow(Random(seed)))
        if not collides(grown):
            schedule = build(grown.tree).bind(grown.horizon, **SIZES)
            steps = np.arange(grown.horizon + 2)
            assert excess(traced(schedule, jnp.asarray(steps)), schedule(steps)) <= 1.0, str(grown)
