"""An Equinox loop with optax."""

from typing import TYPE_CHECKING

from calando.core.snippet.jax import optimizer_line, tell_lines
from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["equinox_code"]


def equinox_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete Equinox program, the update under `eqx.filter_jit`; the step is in the optimizer's state."""
    told = words(schedule, peak, every)
    refuse_own(told, "equinox")
    return f"""from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import calando
import calando.optax

{told.plan}

model = eqx.nn.Linear(10, 1, key=jax.random.key(0))  # your model
{optimizer_line(told)}
opt_state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))


def loss_of(model, inputs, targets):
    return jnp.mean((jax.vmap(model)(inputs) - targets) ** 2)


@eqx.filter_jit
def update(model, opt_state, inputs, targets):
    loss, grads = eqx.filter_value_and_grad(loss_of)(model, inputs, targets)
    changes, opt_state = optimizer.update(grads, opt_state, eqx.filter(model, eqx.is_inexact_array))
    return eqx.apply_updates(model, changes), opt_state, loss


checkpoint = Path("checkpoint.eqx")
if checkpoint.exists():  # go on where the last run stopped
    model, opt_state = eqx.tree_deserialise_leaves(checkpoint, (model, opt_state))

for step in range(calando.optax.clock_of(opt_state), schedule.horizon):
    inputs, targets = np.random.rand(32, 10), np.random.rand(32, 1)  # your data
    model, opt_state, loss = update(model, opt_state, inputs, targets){tell_lines(told, "opt_state")}
    if (step + 1) % {told.save} == 0:
        eqx.tree_serialise_leaves(checkpoint, (model, opt_state))"""
