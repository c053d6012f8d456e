"""A learning rate is a pure function of the count: in optax, under jit, and as a value."""

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.errors import BadValue, Frozen, OutOfRange
from calando.optax import learning_rate

SCHEDULE = calando.parse("warmup(10%) | cosine(end=0.1)").bind(2_000)
RATE = learning_rate(SCHEDULE, 3e-4)


def test_every_kind_of_count_gives_its_own_kind_of_number() -> None:
    assert RATE(100) == 3e-4 * SCHEDULE(100)
    assert type(RATE(100)) is float
    assert np.array_equal(RATE(np.arange(2001)), 3e-4 * SCHEDULE(np.arange(2001)))
    assert RATE(np.int64(7)) == RATE(7)
    assert isinstance(RATE(jnp.int32(7)), jax.Array)


def test_it_is_within_the_tolerance_at_every_step_of_a_compiled_run() -> None:
    exact = RATE(np.arange(2_001))
    got = np.asarray(jax.jit(RATE)(jnp.arange(2_001)), dtype=float)
    assert (np.abs(got - exact) <= np.where(exact >= 1e-4 * 3e-4, 1e-6 * exact, 1e-7 * 3e-4)).all()


def test_a_compiled_step_is_traced_once_and_uses_the_rate_of_its_own_update() -> None:
    optimizer = optax.sgd(RATE)
    traces = []

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        traces.append(1)
        updates, state = optimizer.update(jnp.ones(()), state, params)
        return optax.apply_updates(params, updates), state

    params, state = jnp.zeros(()), optimizer.init(jnp.zeros(()))
    used = []
    for _ in range(300):
        moved, state = step(params, state)
        used.append(-float(moved))
    assert len(traces) == 1
    assert np.allclose(used, RATE(np.arange(300)), rtol=1e-6, atol=1e-7 * 3e-4)


def test_the_first_value_is_not_skipped() -> None:
    """google-deepmind/optax#415: wrappers that began at count 1 lost f(0)."""
    counting = learning_rate(calando.linear_decay(start=1, end=9).bind(8))
    optimizer = optax.sgd(counting)
    state, moved = optimizer.init(jnp.zeros(())), []
    for _ in range(4):
        updates, state = optimizer.update(jnp.ones(()), state)
        moved.append(-float(updates))
    assert moved == [1.0, 2.0, 3.0, 4.0]


def test_it_is_a_constant_to_what_is_differentiated() -> None:
    def loss(weight: Any, count: Any) -> Any:
        return RATE(count) * weight**2

    assert jax.jit(jax.grad(loss))(3.0, 100) == pytest.approx(6 * RATE(100))
    with pytest.raises(TypeError, match="real"):
        jax.grad(RATE)(jnp.int32(100))
    by_both = jax.grad(lambda weight, count: loss(weight, count), argnums=(0, 1), allow_int=True)
    assert by_both(3.0, jnp.int32(100))[1].dtype == jax.dtypes.float0


def test_vmap_over_counts_and_over_peaks() -> None:
    counts = jnp.arange(0, 2000, 100)
    assert np.allclose(jax.vmap(RATE)(counts), RATE(np.arange(0, 2000, 100)), rtol=1e-6)
    unit = learning_rate(SCHEDULE)
    found = jax.jit(jax.vmap(lambda peak: peak * unit(jnp.int32(100))))(jnp.asarray([0.1, 0.2]))
    assert np.allclose(found, [0.1 * SCHEDULE(100), 0.2 * SCHEDULE(100)], rtol=1e-6)
    with pytest.raises(BadValue, match="multiply outside"):
        learning_rate(SCHEDULE, jnp.float32(0.1))


def test_equal_rates_are_one_static_argument() -> None:
    traces = []

    def value(rate: Any, count: Any) -> Any:
        traces.append(1)
        return rate(count)

    compiled = jax.jit(value, static_argnums=0)
    again = learning_rate(calando.parse("warmup(10%) | cosine(end=0.1)").bind(2_000), 3e-4)
    assert again == RATE
    assert hash(again) == hash(RATE)
    assert again != learning_rate(SCHEDULE, 1e-4)
    compiled(RATE, 3)
    compiled(again, 4)
    assert len(traces) == 1


def test_it_is_pickled_printed_and_frozen() -> None:
    assert pickle.loads(pickle.dumps(RATE)) == RATE
    assert repr(RATE) == f"learning_rate({SCHEDULE!r}, peak=0.0003)"
    assert str(RATE) == f"0.0003 x {SCHEDULE}"
    with pytest.raises(Frozen):
        RATE.peak = 1.0  # type: ignore[misc]


def test_wrong_steps_are_refused() -> None:
    for step, error in (
        (-1, OutOfRange),
        (1.5, BadValue),
        (True, BadValue),
        (jnp.float32(1), BadValue),
        ("3", BadValue),
    ):
        with pytest.raises(error):
            RATE(step)


@pytest.mark.parametrize("schedule", ["cosine()", calando.cosine(), None, 0.1, optax.constant_schedule(0.1)])
def test_what_is_no_schedule_is_refused_with_the_way_to_one(schedule: Any) -> None:
    with pytest.raises(BadValue) as told:
        learning_rate(schedule)
    assert "bind" in told.value.fix


@pytest.mark.parametrize("peak", [0, -1.0, float("nan"), float("inf"), "1", None, True])
def test_a_peak_is_a_positive_number(peak: Any) -> None:
    with pytest.raises(BadValue):
        learning_rate(SCHEDULE, peak)


def test_a_schedule_that_listens_is_refused_because_it_would_be_deaf() -> None:
    with pytest.raises(BadValue, match="inject or follow"):
        learning_rate(calando.reduce_on_plateau(calando.cosine()).bind(100))


def test_groups_have_their_own_peaks_on_one_schedule() -> None:
    optimizer = optax.multi_transform(
        {"body": optax.sgd(learning_rate(SCHEDULE, 0.1)), "head": optax.sgd(learning_rate(SCHEDULE, 1.0))},
        {"w": "body", "v": "head"},
    )
    params = {"w": jnp.zeros(()), "v": jnp.zeros(())}
    state = optimizer.init(params)
    for step in range(4):
        updates, state = optimizer.update({"w": jnp.ones(()), "v": jnp.ones(())}, state, params)
        assert -float(updates["w"]) == pytest.approx(0.1 * SCHEDULE(step), rel=1e-6)
        assert -float(updates["v"]) == pytest.approx(SCHEDULE(step), rel=1e-6)
