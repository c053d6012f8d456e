"""The clock inside a state can be read, set and saved, and a run that is resumed goes on without a jump."""

import io
import json
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest

import calando
from calando.errors import BadState, BadValue
from calando.optax import Count, clock_of, follow, inject, learning_rate, tell, with_clock

PLAN = calando.reduce_on_plateau(calando.parse("warmup(5) | linear_decay(end=0.1)"), factor=0.5, patience=1)
SCHEDULE = PLAN.bind(40)
METRICS = [1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, float("nan"), 0.7, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6, 0.6]
PARAMS = {"w": jnp.ones((2, 3)), "b": jnp.zeros(3)}


def optimizer() -> Any:
    """A chain with several kinds of state in it."""
    inner = inject(optax.adamw, calando.bundle(PLAN, weight_decay=0.1).bind(40), 0.01)
    return optax.chain(optax.clip_by_global_norm(1.0), inner, follow(calando.constant().bind(40), 0.5))


@jax.jit
def update(params: Any, state: Any, metric: Any) -> Any:
    grads = jax.tree.map(lambda leaf: leaf * 0.1 + 1.0, params)
    change, state = optimizer().update(grads, state, params, value=metric)
    return optax.apply_updates(params, change), state


def trained(params: Any, state: Any, metrics: list[float]) -> tuple[Any, Any]:
    for metric in metrics:
        params, state = update(params, state, metric)
    return params, state


def equal(a: Any, b: Any) -> bool:
    """Whether two trees are the same, leaf for leaf and bit for bit."""
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        np.array_equal(np.asarray(x), np.asarray(y)) and x.dtype == y.dtype
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def through_flax(tree: Any, folder: Path) -> Any:
    return flax.serialization.from_bytes(fresh(), flax.serialization.to_bytes(tree))


def through_npz(tree: Any, folder: Path) -> Any:
    file = io.BytesIO()
    np.savez(file, **{str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))})
    file.seek(0)
    with np.load(file, allow_pickle=False) as saved:
        leaves = [saved[str(i)] for i in range(len(saved.files))]
    return jax.tree.unflatten(jax.tree.structure(fresh()), leaves)


def through_orbax(tree: Any, folder: Path) -> Any:
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / "saved", tree)
        checkpointer.wait_until_finished()
        return checkpointer.restore(folder / "saved", fresh())


def fresh() -> Any:
    return PARAMS, optimizer().init(PARAMS)


@pytest.mark.parametrize("through", [through_flax, through_npz, through_orbax])
def test_a_run_resumed_from_a_checkpoint_goes_on_to_the_last_bit(through: Any, tmp_path: Path) -> None:
    whole = trained(*fresh(), METRICS)
    half = trained(*fresh(), METRICS[:7])
    params, state = through(half, tmp_path)
    assert equal((params, state), half)
    assert equal(trained(params, state, METRICS[7:]), whole)


def test_the_state_is_arrays_alone() -> None:
    leaves = jax.tree.leaves(optimizer().init(PARAMS))
    assert all(isinstance(leaf, jax.Array) for leaf in leaves)
    json.dumps([np.asarray(leaf).tolist() for leaf in leaves if np.isfinite(np.asarray(leaf)).all()])


def test_a_fresh_clock_begins_the_schedule_and_the_rule_anew_and_leaves_the_moments() -> None:
    """kingoflolz/mesh-transformer-jax#25, optax#1036: a fine-tuning run began at the end of the pre-training's rate."""
    _, state = trained(*fresh(), METRICS)
    before = state[1]
    assert clock_of(state) == len(METRICS)
    assert float(before.heard.scale) < 1.0
    again = with_clock(state)
    assert clock_of(again) == 0
    assert equal(again[1].inner_state, before.inner_state)
    assert equal(again[1].heard, optimizer().init(PARAMS)[1].heard)
    _, after = update(PARAMS, again, 1.0)
    assert float(after[1].hyperparams["learning_rate"]) == pytest.approx(0.01 * SCHEDULE(0), abs=1e-12)
    kept = with_clock(state, 3, forget=False)
    assert clock_of(kept) == 3
    assert equal(kept[1].heard, before.heard)


def test_optaxs_own_clocks_are_set_too_and_adams_is_not() -> None:
    rate = learning_rate(calando.linear_decay().bind(100), 0.1)
    for theirs in (
        optax.adamw(rate),
        optax.inject_hyperparams(optax.adam)(rate, b1=rate),
        optax.MultiSteps(optax.adam(rate), 1),
        optax.multi_transform({"a": optax.adam(rate), "b": optax.set_to_zero()}, {"w": "a", "b": "b"}),
    ):
        params, state = PARAMS, theirs.init(PARAMS)
        for _ in range(3):
            _, state = theirs.update(PARAMS, state, params)
        assert clock_of(state) == 3
        moved = with_clock(state, 70)
        assert clock_of(moved) == 70
        (adam,) = {
            int(value) for path, value in optax.tree_utils.tree_get_all_with_path(moved, "count") if "Adam" in str(path)
        }
        assert adam == 3
        with pytest.raises(BadValue, match="2147483647"):
            with_clock(state, 2**31)


def test_a_state_without_a_clock_or_with_several_is_refused() -> None:
    plain = optax.adam(0.1).init(PARAMS)
    for ask in (clock_of, with_clock):
        with pytest.raises(BadState, match="without a clock"):
            ask(plain)
    with pytest.raises(BadState, match=r"clocks at \[3, 5\]"):
        clock_of((Count.at(3), Count.at(5)))


def test_a_metric_that_is_known_between_updates_can_be_told() -> None:
    schedule = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0).bind(40)
    told = inject(optax.sgd, schedule, 1.0)
    state, used = told.init(jnp.float32(0)), []
    for epoch in range(4):
        for _ in range(2):
            change, state = told.update(jnp.float32(1), state)
            used.append(-float(change))
        state = tell(state, schedule, [1.0, 0.5, 0.5, 0.5][epoch])
    assert used == [1.0] * 6 + [0.5] * 2
    assert float(state.heard.scale) == 0.25
    with pytest.raises(BadState, match="no rule listens"):
        tell(optax.sgd(0.1).init(PARAMS), schedule, 1.0)


def test_a_clock_is_set_inside_jit_too() -> None:
    _, state = trained(*fresh(), METRICS[:3])
    assert clock_of(jax.jit(with_clock)(state)) == 0


def test_a_horizon_that_changes_at_the_resume_follows_the_new_schedule_from_the_saved_step() -> None:
    short, longer = (calando.linear_decay().bind(horizon) for horizon in (10, 20))
    _, state = follow(short, 1.0).update(jnp.float32(1), follow(short, 1.0).init(None))
    change, state = follow(longer, 1.0).update(jnp.float32(1), state)
    assert -float(change) == pytest.approx(longer(1))


@pytest.mark.filterwarnings("ignore:Some donated buffers were not usable")
def test_a_state_may_be_donated_from_its_first_update_on_and_after_its_clock_was_set() -> None:
    step = jax.jit(lambda params, state: optimizer().update(params, state, params, value=1.0)[1], donate_argnums=1)
    params, state = fresh()
    for _ in range(2):
        state = step(params, state)
    state = step(params, with_clock(state))
    state = step(params, tell(state, SCHEDULE, 2.0))
    assert clock_of(state) == 2
    clocks = with_clock((state, state[1].clock, state[2].clock), 5)
    buffers = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(clocks) if leaf.dtype == "uint32"]
    assert len(buffers) == 8
    assert len(set(buffers)) == 8
