"""A JAX loop with optax."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import Words, refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["jax_code", "optimizer_line", "tell_lines"]


def optimizer_line(told: Words, name: str = "optimizer") -> str:
    """The optimizer: a pure function of the count, or one clock for several quantities and the metric."""
    if told.several:
        return f"{name} = calando.optax.inject(optax.adamw, schedule, {told.rate})  # your optimizer"
    return f"{name} = optax.adamw(calando.optax.learning_rate(schedule, peak={told.rate}))  # your optimizer"


def tell_lines(told: Words, state: str) -> str:
    """Two lines of the loop that tell the rule a metric; nothing where no rule listens."""
    if not told.listens:
        return ""
    return f"""
    if (step + 1) % {told.every} == 0:  # your validation metric, whenever there is a new one
        {state} = calando.optax.tell({state}, schedule, loss)"""


def jax_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete JAX program with optax, the update under `jit`; the step is in the optimizer's state."""
    told = words(schedule, peak, every)
    refuse_own(told, "optax")
    return f"""from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import calando
import calando.optax

{told.plan}

params = {{"w": jnp.zeros((10, 1)), "b": jnp.zeros(1)}}  # your model
{optimizer_line(told)}
opt_state = optimizer.init(params)


def loss_of(params, inputs, targets):
    return jnp.mean((inputs @ params["w"] + params["b"] - targets) ** 2)


@jax.jit
def update(params, opt_state, inputs, targets):
    loss, grads = jax.value_and_grad(loss_of)(params, inputs, targets)
    changes, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, changes), opt_state, loss


checkpoint = Path("checkpoint.npz")
if checkpoint.exists():  # go on where the last run stopped
    with np.load(checkpoint) as saved:
        params, opt_state = jax.tree.unflatten(jax.tree.structure((params, opt_state)), list(saved.values()))

for step in range(calando.optax.clock_of(opt_state), schedule.horizon):
    inputs, targets = np.random.rand(32, 10), np.random.rand(32, 1)  # your data
    params, opt_state, loss = update(params, opt_state, inputs, targets){tell_lines(told, "opt_state")}
    if (step + 1) % {told.save} == 0:
        np.savez(checkpoint, *jax.tree.leaves((params, opt_state)))"""
