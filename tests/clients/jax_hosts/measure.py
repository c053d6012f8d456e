"""What the clients share: real digits, a bundle on one clock, and a link that measures the rate that was used."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import calando
from calando.optax import inject

UPDATES, CUT, PEAK, BATCH = 60, 23, 0.01, 64
PLAN = calando.bundle(
    calando.parse("warmup(10%) | cosine(end=0.05)"),
    beta1=calando.linear_decay(start=0.95, end=0.85),
    weight_decay=calando.linear_decay(start=0.1, end=0.01),
)
SCHEDULE = PLAN.bind(UPDATES)


class Measured(NamedTuple):
    """The rate by which the last update was really multiplied."""

    used: Any
    inner: Any


def measured(link: Any) -> Any:
    """A link of a chain, and what it makes of the largest number that it is given."""

    def init(params: Any) -> Measured:
        return Measured(jnp.float32(0), link.init(params))

    def update(updates: Any, state: Measured, params: Any = None) -> tuple[Any, Measured]:
        changed, inner = link.update(updates, state.inner, params)
        before, after = (jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(t)]) for t in (updates, changed))
        at = jnp.argmax(jnp.abs(before))
        return changed, Measured(-after[at] / before[at], inner)

    return optax.GradientTransformation(init, update)


def adamw(learning_rate: Any, b1: Any, weight_decay: Any) -> Any:
    """optax.adamw's own chain, its last link measured."""
    return optax.chain(
        optax.scale_by_adam(b1=b1),
        optax.add_decayed_weights(weight_decay),
        measured(optax.scale_by_learning_rate(learning_rate)),
    )


def optimizer() -> Any:
    return inject(adamw, SCHEDULE, PEAK)


def batches(start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches of every update from `start` on, the same in every process."""
    digits, labels = load_digits(return_X_y=True)
    for step in range(start, UPDATES):
        rows = np.random.default_rng(step).integers(0, len(digits), BATCH)
        yield (digits[rows] / 16).astype("float32"), labels[rows]
