"""A count in two words goes on where an int32 stops, under jit and without x64."""

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.errors import BadValue, OutOfRange
from calando.optax import Count, learning_rate

SPOTS = [
    *(2**24 + d for d in (-1, 0, 1)),
    *(2**31 + d for d in (-1, 0, 1)),
    *(2**32 + d for d in (-1, 0, 1)),
    *(2**40 + d for d in (-1, 0, 1)),
    2**53 - 1,
]
PLANS = [
    "warmup(5%) | cosine(end=0.1)",
    "linear_decay()",
    "one_cycle()",
    "wsd(warmup=1%, cooldown=20%, cooldown_shape=1-sqrt)",
    "inverse_sqrt(warmup=1%)",
    "warm_restarts(first=1%, growth=1.5, end=0.01)",
    "cyclical(low=0.1, half=1099511627)",
    "points(at=[0, 10%, 100%], values=[0, 1, 0.1], between=cubic)",
    "repeat(linear_decay(length=3000000001), decay=0.99999)",
    "hold(cosine(), every=4294967297)",
    "polynomial_decay(power=2, cycle=true, length=5000000000)",
]


def words(steps: list[int]) -> Count:
    """Many counts in one."""
    whole = np.array(steps)
    return Count(jnp.asarray(whole >> 32, dtype="uint32"), jnp.asarray(whole & 0xFFFFFFFF, dtype="uint32"))


def test_optax_itself_stops_at_the_last_int32_and_this_goes_on() -> None:
    theirs = optax.safe_increment(jnp.int32(2**31 - 1))
    assert int(theirs) == 2**31 - 1
    assert int(Count.at(2**31 - 1).advance()) == 2**31


def test_it_advances_exactly_over_every_edge_under_jit() -> None:
    step = jax.jit(Count.advance)
    for spot in SPOTS[:-1]:
        clock = Count.at(spot - 3)
        for taken in range(1, 6):
            clock = step(clock)
            assert int(clock) == spot - 3 + taken


def test_it_counts_tokens_in_a_scan() -> None:
    batch = 2**20 + 7

    def count(clock: Count, _: None) -> tuple[Count, Count]:
        return clock.advance(jnp.int32(batch)), clock

    last, passed = jax.jit(lambda clock: jax.lax.scan(count, clock, None, length=5000))(Count.at(0))
    assert int(last) == 5000 * batch > 2**32
    seen = (np.asarray(passed.high, dtype=np.int64) << 32) + np.asarray(passed.low)
    assert np.array_equal(seen, np.arange(5000) * batch)


@pytest.mark.parametrize("text", PLANS)
def test_compiled_rates_are_right_at_steps_that_neither_a_float32_nor_an_int32_can_count(text: str) -> None:
    for horizon in (2**41, 2**53):
        schedule = calando.parse(text).bind(horizon)
        steps = [step for step in (0, 5, 10**7, *SPOTS, horizon // 3, horizon - 1) if step <= horizon]
        exact = np.array([schedule(step) for step in steps])
        got = np.asarray(jax.jit(schedule)(words(steps)), dtype=np.float64)
        allowed = np.where(exact >= 1e-4, 1e-6 * exact, 1e-7 * exact.max())
        assert (np.abs(got - exact) <= allowed).all(), (horizon, got, exact)


@pytest.mark.parametrize("spot", [2**24, 2**31, 2**32, 2**40, 2**53 - 1])
def test_neighbouring_steps_are_told_apart(spot: int) -> None:
    schedule = calando.multistep([spot], factor=0.5).bind(2**53)
    steps = [spot - 2, spot - 1, spot, spot + 1]
    assert jax.jit(schedule)(words(steps)).tolist() == [1.0, 1.0, 0.5, 0.5]
    (tooth,) = {calando.parse("repeat(linear_decay(length=1001))").bind(2**53)}
    exact = [tooth(step) for step in steps]
    assert np.allclose(jax.jit(tooth)(words(steps)), exact, rtol=1e-6, atol=1e-7)


def test_in_a_short_run_it_is_an_int32_and_held_at_the_end() -> None:
    schedule = calando.linear_decay(end=0.25).bind(100)
    assert jax.jit(schedule)(words([0, 50, 100, 2**31, 2**40])).tolist() == [1.0, 0.625, 0.25, 0.25, 0.25]


def test_seen_counts_are_computed_in_float64_on_the_host() -> None:
    schedule = calando.cosine().bind(2**53)
    for spot in SPOTS:
        assert float(schedule(Count.at(spot))) == pytest.approx(schedule(spot), rel=1e-7, abs=1e-45)
    with pytest.raises(OutOfRange):
        calando.cosine().bind(10, strict=True)(Count.at(11))


def test_sixty_four_bits_outside_of_jit_are_exact_as_they_are() -> None:
    rate = learning_rate(calando.cosine().bind(2**53), 2.0)
    for spot in SPOTS:
        assert rate(spot) == rate(np.int64(spot)) == rate(np.array([spot]))[0] == rate(np.uint64(spot))


def test_under_x64_it_is_an_int64() -> None:
    schedule = calando.cosine().bind(2**53)
    with jax.enable_x64(True):
        got = jax.jit(schedule)(words(SPOTS))
        assert np.allclose(got, [schedule(step) for step in SPOTS], rtol=1e-14)


def test_an_int32_that_cannot_reach_the_horizon_is_refused() -> None:
    rate = learning_rate(calando.cosine().bind(2**31), 0.1)
    for call in (rate, jax.jit(rate)):
        with pytest.raises(BadValue, match="stops at 2147483647"):
            call(jnp.int32(5))
    assert float(jax.jit(rate)(Count.at(5))) == pytest.approx(0.1)


@pytest.mark.parametrize("bad", [-1, 2**53 + 1, 1.0, True, "3", None])
def test_what_is_no_step_is_refused(bad: Any) -> None:
    with pytest.raises(BadValue):
        Count.at(bad)


def test_it_is_a_value_of_two_arrays() -> None:
    clock = Count.at(2**40 + 5)
    assert int(pickle.loads(pickle.dumps(clock))) == 2**40 + 5
    assert [leaf.dtype for leaf in jax.tree.leaves(clock)] == ["uint32", "uint32"]
    assert int(jax.tree.map(lambda leaf: leaf, clock)) == 2**40 + 5
    assert range(2**41)[clock] == 2**40 + 5
