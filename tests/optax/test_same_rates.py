"""Runs whose rates have been the same so far are the same so far, to the last bit, whatever their formulas."""

import jax
import jax.numpy as jnp
import optax

import calando
import calando.optax

HORIZON, PEAK = 48, 0.02
PLANS = ("constant()", "wsd()")


def losses(plan: str) -> list[float]:
    """A compiled step of one's own, with what a compiler likes to put together."""
    attached = calando.optax.attach(optax.adamw, calando.parse(plan).bind(HORIZON), peak=PEAK)
    chain = optax.MultiSteps(optax.chain(optax.clip_by_global_norm(1.0), attached), 1)
    key, one, two = jax.random.split(jax.random.key(0), 3)
    params = {"a": jax.random.normal(one, (4, 8)) * 0.5, "b": jnp.zeros(8), "c": jax.random.normal(two, (8, 1)) * 0.5}
    state = chain.init(params)

    @jax.jit
    def step(params, state, key):
        key, one, two = jax.random.split(key, 3)
        x = jax.random.normal(one, (8, 4))

        def loss(p):
            hidden = jnp.tanh(x @ p["a"] + p["b"])
            hidden = jnp.where(jax.random.bernoulli(two, 0.9, hidden.shape), hidden / 0.9, 0.0)
            return jnp.mean((hidden @ p["c"] - jnp.sin(x[:, :1])) ** 2)

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = chain.update(grads, state, params)
        return optax.apply_updates(params, updates), state, key, value

    found = []
    for _ in range(HORIZON):
        params, state, key, value = step(params, state, key)
        found.append(float(value))
    return found


def test_compiled_steps_with_the_same_rates_round_alike() -> None:
    """A constant that the compiler may see is multiplied in another order than one that comes out of a formula."""
    first, second = (calando.parse(plan).bind(HORIZON) for plan in PLANS)
    part = next(step for step in range(HORIZON) if first(step) != second(step))
    assert part >= 30
    one, other = (losses(plan) for plan in PLANS)
    assert one[: part + 1] == other[: part + 1]
    assert one != other
