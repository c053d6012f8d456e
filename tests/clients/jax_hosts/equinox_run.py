"""An Equinox run: `first` trains to the end, and to the cut to save; `rest` resumes, in a process of its own.

python -m tests.clients.jax_hosts.equinox_run FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import equinox
import jax
import optax

from calando.optax import clock_of
from tests.clients.jax_hosts.measure import CUT, batches, optimizer

TRAINER = optimizer()


@equinox.filter_jit
def update(model: Any, state: Any, x: Any, y: Any) -> Any:
    @equinox.filter_value_and_grad
    def loss(model: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(x), y).mean()

    value, grads = loss(model)
    change, state = TRAINER.update(grads, state, equinox.filter(model, equinox.is_array))
    return value, equinox.apply_updates(model, change), state


def made() -> tuple[Any, Any]:
    model = equinox.nn.MLP(64, 10, 32, 1, key=jax.random.key(0))
    return model, TRAINER.init(equinox.filter(model, equinox.is_array))


def train(model: Any, state: Any, start: int, stop: int | None = None) -> tuple[Any, dict[str, Any]]:
    """Where the run ends; the rate that every update used, and the loss that it saw."""
    used, losses = [], []
    for step, (x, y) in enumerate(batches(start), start):
        if step == stop:
            break
        value, model, state = update(model, state, x, y)
        losses.append(float(value))
        used.append(float(state.inner_state[2].used))
    return (model, state), {"used": used, "losses": losses, "clock": clock_of(state)}


def first(folder: Path) -> dict[str, Any]:
    _, whole = train(*made(), 0)
    half, _ = train(*made(), 0, CUT)
    equinox.tree_serialise_leaves(folder / "saved.eqx", half)
    return whole


def rest(folder: Path) -> dict[str, Any]:
    model, state = equinox.tree_deserialise_leaves(folder / "saved.eqx", made())
    return train(model, state, clock_of(state))[1]


if __name__ == "__main__":
    print(json.dumps(rest(Path(sys.argv[1]))))
