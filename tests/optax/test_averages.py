"""Averages of JAX parameters: pure functions that agree with PyTorch's and hold under jit and scan."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import calando.optax
import calando.torch
from calando.errors import BadValue, LabError


def test_they_are_those_of_the_pytorch_door() -> None:
    ours, model = calando.optax.averages(), torch.nn.Linear(3, 1, bias=False)
    theirs = calando.torch.averages(model)
    values = np.random.default_rng(0).normal(size=(300, 1, 3)).cumsum(0).astype(np.float32)
    state = ours.init(jnp.zeros((1, 3)))
    update = jax.jit(ours.update)
    for value in values:
        state = update(state, jnp.asarray(value))
        with torch.no_grad():
            model.weight.copy_(torch.tensor(value))
        theirs.update()
    for window, kept in zip(ours.windows, state.kept, strict=True):
        np.testing.assert_allclose(kept, theirs.model(window).module.weight.detach(), rtol=1e-5, atol=1e-5)


def test_a_scan_keeps_types_counts_and_low_precision_in_float32() -> None:
    ours = calando.optax.averages([0.5])
    params = {"w": jnp.zeros(2, jnp.bfloat16), "n": jnp.zeros((), jnp.int32)}

    def one(state, value):
        return ours.update(state, {"w": jnp.full(2, value, jnp.bfloat16), "n": value.astype(jnp.int32)}), None

    state, _ = jax.lax.scan(one, ours.init(params), jnp.arange(1, 101).astype(jnp.float32))
    assert (state.kept[0]["w"].dtype, int(state.kept[0]["n"]), int(state.count)) == (jnp.float32, 100, 100)
    assert ours.evaluate(state, lambda p: p["w"].mean())[0.5] == pytest.approx(75, abs=1)  # the mean of 50 to 100


def test_what_cannot_be_averaged_is_refused() -> None:
    ours = calando.optax.averages([0.5])
    with pytest.raises(LabError, match="averages of nothing"):
        ours.evaluate(ours.init(jnp.zeros(1)), lambda p: 0.0)
    for windows in ([], [0.0], [0.7], [0.1, 0.1], "a", 3):
        with pytest.raises(BadValue, match="different shares"):
            calando.optax.averages(windows)
