"""A Flax NNX run: `first` trains to the end, and to the cut to save; `rest` resumes, in a process of its own.

python -m tests.clients.jax_hosts.flax_run FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import optax
import orbax.checkpoint
from flax import nnx

from calando.optax import clock_of
from tests.clients.jax_hosts.measure import CUT, batches, optimizer


class Net(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(64, 32, rngs=rngs)
        self.last = nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.last(nnx.relu(self.first(x)))


@nnx.jit
def update(model: Net, trainer: nnx.Optimizer, x: Any, y: Any) -> Any:
    def loss(model: Net) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    value, grads = nnx.value_and_grad(loss)(model)
    trainer.update(model, grads)
    return value


def made() -> tuple[Net, nnx.Optimizer]:
    model = Net(nnx.Rngs(0))
    return model, nnx.Optimizer(model, optimizer(), wrt=nnx.Param)


def train(model: Net, trainer: nnx.Optimizer, start: int, stop: int | None = None) -> dict[str, Any]:
    """The rate that every update used, and the loss that it saw."""
    used, losses = [], []
    for step, (x, y) in enumerate(batches(start), start):
        if step == stop:
            break
        losses.append(float(update(model, trainer, x, y)))
        used.append(float(trainer.opt_state.inner_state[2].used[...]))
    return {"used": used, "losses": losses, "clock": clock_of(trainer.opt_state)}


def first(folder: Path) -> dict[str, Any]:
    whole = train(*made(), 0)
    model, trainer = made()
    train(model, trainer, 0, CUT)
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / "saved", nnx.to_pure_dict(nnx.state((model, trainer))))
    return whole


def rest(folder: Path) -> dict[str, Any]:
    model, trainer = made()
    state = nnx.state((model, trainer))
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        nnx.replace_by_pure_dict(state, checkpointer.restore(folder / "saved", nnx.to_pure_dict(state)))
    nnx.update((model, trainer), state)
    return train(model, trainer, clock_of(trainer.opt_state))


if __name__ == "__main__":
    print(json.dumps(rest(Path(sys.argv[1]))))
