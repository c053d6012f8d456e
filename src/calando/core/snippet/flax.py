"""A Flax NNX loop with optax."""

from typing import TYPE_CHECKING

from calando.core.snippet.jax import optimizer_line, tell_lines
from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["flax_code"]


def flax_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete Flax NNX program, the update under `nnx.jit`; the step is in the optimizer's state."""
    told = words(schedule, peak, every)
    refuse_own(told, "flax")
    return f"""from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import calando
import calando.optax

{told.plan}

model = nnx.Linear(10, 1, rngs=nnx.Rngs(0))  # your model
{optimizer_line(told, "transform")}
optimizer = nnx.Optimizer(model, transform, wrt=nnx.Param)


@nnx.jit
def update(model, optimizer, inputs, targets):
    loss, grads = nnx.value_and_grad(lambda model: jnp.mean((model(inputs) - targets) ** 2))(model)
    optimizer.update(model, grads)
    return loss


checkpoint = Path("checkpoint.npz")
state = nnx.state((model, optimizer))
if checkpoint.exists():  # go on where the last run stopped
    with np.load(checkpoint) as saved:
        nnx.update((model, optimizer), jax.tree.unflatten(jax.tree.structure(state), list(saved.values())))

for step in range(int(optimizer.step[...]), schedule.horizon):
    inputs, targets = np.random.rand(32, 10), np.random.rand(32, 1)  # your data
    loss = update(model, optimizer, inputs, targets){tell_lines(told, "optimizer.opt_state")}
    if (step + 1) % {told.save} == 0:
        np.savez(checkpoint, *jax.tree.leaves(nnx.state((model, optimizer))))"""
