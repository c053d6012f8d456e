"""Loops as people write them in JAX, on digits: a scan, accumulated batches, an epoch at a time, several devices."""

import json
import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import calando
from calando.optax import clock_of, follow, inject, learning_rate, plateau
from tests.clients.jax_hosts.measure import PEAK, SCHEDULE, UPDATES, batches, measured, optimizer
from tests.contracts.source import ROOT


def net(seed: int = 0) -> Any:
    chance = np.random.default_rng(seed)
    return {"w": jnp.asarray(chance.normal(0, 0.05, (64, 10)), dtype="float32"), "b": jnp.zeros(10)}


def loss(params: Any, x: Any, y: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(x @ params["w"] + params["b"], y).mean()


def data(start: int = 0) -> tuple[Any, Any]:
    """All batches of the run, one after the other."""
    x, y = zip(*batches(start), strict=True)
    return np.stack(x), np.stack(y)


def test_a_training_in_one_scan_uses_the_planned_rates_and_goes_on_in_two() -> None:
    trainer = optimizer()

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, *batch)
        change, state = trainer.update(grads, state, params)
        return (optax.apply_updates(params, change), state), (value, state.inner_state[2].used)

    run = jax.jit(lambda carry, batches: jax.lax.scan(step, carry, batches))
    x, y = data()
    (_, state), (losses, used) = run((net(), trainer.init(net())), (x, y))
    assert np.allclose(used, [PEAK * SCHEDULE(t) for t in range(UPDATES)], rtol=1e-6, atol=1e-9)
    assert float(losses[-5:].mean()) < 0.5 * float(losses[0])
    assert clock_of(state) == UPDATES
    half, _ = run((net(), trainer.init(net())), (x[:30], y[:30]))
    _, (_, again) = run(half, (x[30:], y[30:]))
    assert np.array_equal(again, used[30:])


def test_accumulated_batches_are_one_update() -> None:
    schedule = calando.parse("warmup(20%) | linear_decay()").bind(15)
    link = measured(optax.scale_by_learning_rate(learning_rate(schedule, 0.5)))
    trainer = optax.MultiSteps(optax.chain(optax.identity(), link), every_k_schedule=4)

    @jax.jit
    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        change, state = trainer.update(jax.grad(loss)(params, x, y), state, params)
        return optax.apply_updates(params, change), state

    params, state, used = net(), trainer.init(net()), []
    for x, y in batches(0):
        params, state = step(params, state, x, y)
        used.append(float(state.inner_opt_state[1].used))
    assert len(used) == 60
    assert np.allclose(used[3::4], [0.5 * schedule(t) for t in range(15)], rtol=1e-6, atol=1e-9)


def test_a_loop_that_changes_its_rate_once_an_epoch() -> None:
    """Either the plan is held through each epoch, or epochs are its steps and the loop sets the rate."""
    per_update = calando.hold(calando.linear_decay()).bind("6ep", steps_per_epoch=10)
    per_epoch = calando.linear_decay().bind(6)
    held = optax.chain(measured(optax.scale_by_learning_rate(learning_rate(per_update, 0.5))))
    by_hand = optax.inject_hyperparams(lambda learning_rate: measured(optax.scale(-learning_rate)))(learning_rate=0.0)

    @jax.jit
    def both(params: Any, states: Any, x: Any, y: Any) -> Any:
        grads = jax.grad(loss)(params, x, y)
        change, first = held.update(grads, states[0], params)
        _, second = by_hand.update(grads, states[1], params)
        return optax.apply_updates(params, change), (first, second)

    params, states, used = net(), (held.init(net()), by_hand.init(net())), []
    rate = learning_rate(per_epoch, 0.5)
    for step, (x, y) in enumerate(batches(0)):
        if step % 10 == 0:
            states[1].hyperparams["learning_rate"] = jnp.float32(rate(step // 10))
        params, states = both(params, states, x, y)
        used.append((float(states[0][0].used), float(states[1].inner_state.used)))
    wanted = [0.5 * (1 - epoch / 6) for epoch in range(6) for _ in range(10)]
    assert np.allclose(used, np.array([wanted, wanted]).T, rtol=1e-6)


def test_a_rule_hears_the_loss_of_every_batch_as_a_mean_inside_the_scan() -> None:
    schedule = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=1, threshold=0.3).bind(UPDATES)
    trainer = optax.chain(follow(schedule, 0.5, average=6))

    def step(carry: Any, batch: Any) -> Any:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, *batch)
        change, state = trainer.update(grads, state, params, value=value)
        return (optax.apply_updates(params, change), state), (value, state[0].learning_rate)

    _, (losses, used) = jax.jit(lambda carry, batches: jax.lax.scan(step, carry, batches))(
        (net(), trainer.init(net())), data()
    )
    listener, wanted = plateau(schedule, 0.5, average=6), []
    state = listener.init()
    for t, value in enumerate(np.asarray(losses)):
        state = listener.update(state, value)
        wanted.append(float(listener.learning_rate(state, t)))
    assert wanted[-1] < 0.5
    assert np.allclose(used, wanted, rtol=1e-6)


DEVICES = """
import json, jax, jax.numpy as jnp, numpy as np, optax, calando
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from calando.optax import clock_of, inject
mesh = Mesh(np.array(jax.devices()), ("data",))
schedule = calando.linear_decay(start=1, end=9).bind(8)
trainer = inject(optax.sgd, schedule, 1.0)
everywhere, apart = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
params = jax.device_put(jnp.zeros(()), everywhere)
state = jax.device_put(trainer.init(params), everywhere)
x = jax.device_put(jnp.ones(4), apart)

@jax.jit
def step(params, state, x):
    change, state = trainer.update(jax.grad(lambda p: (p * x).mean())(params), state, params)
    return optax.apply_updates(params, change), state

def local(params, state, x):
    grads = jax.grad(lambda p: jax.lax.pmean((p * x).mean(), "data"))(params)
    change, state = trainer.update(grads, state, params)
    return optax.apply_updates(params, change), state

whole, cut = PartitionSpec(), PartitionSpec("data")
mapped = jax.jit(jax.shard_map(local, mesh=mesh, in_specs=(whole, whole, cut), out_specs=whole))
found = {"devices": jax.device_count()}
for name, call in (("jit", step), ("shard_map", mapped)):
    p, s, passed = params, state, []
    for _ in range(4):
        p, s = call(p, s, x)
        passed.append(float(p))
    found[name] = passed
    found[name + " clock"] = clock_of(s)
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_devices_make_one_update() -> None:
    settings = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    command = [sys.executable, "-c", DEVICES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200, env=settings)
    assert done.returncode == 0, done.stderr
    moved = [-1.0, -3.0, -6.0, -10.0]
    wanted = {"devices": 2, "jit": moved, "jit clock": 4, "shard_map": moved, "shard_map clock": 4}
    assert json.loads(done.stdout) == wanted


def test_fine_tuning_from_a_finished_run_begins_its_own_schedule() -> None:
    trainer = inject(optax.adamw, SCHEDULE, PEAK)
    params = net()
    state = calando.optax.with_clock(trainer.init(params), UPDATES)
    tuned = inject(optax.adamw, SCHEDULE, 0.1 * PEAK)
    ended = tuned.update(params, state, params)[1]
    begun = tuned.update(params, calando.optax.with_clock(state), params)[1]
    assert float(ended.hyperparams["learning_rate"]) == pytest.approx(0.1 * PEAK * SCHEDULE(UPDATES), rel=1e-6)
    assert float(begun.hyperparams["learning_rate"]) == pytest.approx(0.1 * PEAK * SCHEDULE(0), abs=1e-12)
