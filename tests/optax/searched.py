"""A train function for a search: the function that makes the optimizer is attached, and no rate is named anywhere."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import calando

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(64, 4)).astype("float32")
Y = X @ np.array([1.0, -2.0, 0.5, 3.0], "float32")


@jax.jit
def slope(weights: Any, x: Any, y: Any) -> Any:
    return jax.value_and_grad(lambda w: jnp.mean((x @ w - y) ** 2))(weights)


@calando.declare(steps=64, evals=4)
def train(run: calando.Run) -> None:
    chance = np.random.default_rng(run.seed)
    optimizer = run.attach(optax.adamw)
    weights = jnp.asarray(chance.normal(size=4).astype("float32"))
    state = run.hold(weights=weights, opt_state=optimizer.init(weights))
    run.keep(chance=chance)
    for _ in run.steps():
        batch = chance.integers(len(X), size=16)
        loss, grads = slope(state.weights, X[batch], Y[batch])
        changes, state.opt_state = optimizer.update(grads, state.opt_state, state.weights)
        state.weights = optax.apply_updates(state.weights, changes)
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=slope(state.weights, X, Y)[0])
