"""What a snapshot holds of JAX: every leaf to the last bit and in its own type, in the structure that was built."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from calando.errors import LabError
from calando.lab import standalone
from calando.lab.left_out import LeftOut
from calando.lab.snapshot.codec import digest
from calando.optax.keep import InPlace, Pytree, generators, keeper_for

LEAVES = {
    "float32": jnp.asarray([1.5, -0.0, jnp.nan, 1e-45]),
    "bfloat16": jnp.ones(3, "bfloat16") * 1.1,
    "float8": jnp.asarray([0.1, 448.0]).astype("float8_e4m3fn"),
    "float8 of another kind": jnp.asarray([0.1, 2.0]).astype("float8_e5m2fnuz"),
    "int4": jnp.arange(-8, 8).astype("int4"),
    "bool": jnp.asarray([True, False]),
    "complex": jnp.asarray([1 + 2j]),
    "empty": jnp.zeros((0, 3)),
    "weak": jnp.asarray(2.5),
    "weak whole": jnp.asarray([1, 2, 3])[0] * 1,
    "key": jax.random.key(3),
    "keys of another kind": jax.random.split(jax.random.key(1, impl="rbg"), 3),
    "raw key": jax.random.PRNGKey(4),
    "numpy": np.arange(6, dtype=">f8").reshape(2, 3),
    "a number of numpy": np.float32(0.1),
    "int": 2**70,
    "float": 0.1,
    "true": True,
    "text": "relu",
    "complex of Python": 1 - 2j,
}


def fresh(value: Any) -> Any:
    """The same kind of leaf with another value."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return jax.random.split(jax.random.key(9, impl=jax.random.key_impl(value)), value.shape) if value.shape else (
            jax.random.key(9, impl=jax.random.key_impl(value))
        )  # fmt: skip
    return jnp.zeros_like(value) if isinstance(value, jax.Array) else type(value)()


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_comes_back_to_the_last_bit_and_as_what_it_was(name: str) -> None:
    value = LEAVES[name]
    saved = Pytree({"here": [value]}).capture()
    like = fresh(value) if not isinstance(value, np.ndarray) else np.zeros(value.shape, value.dtype)
    back = Pytree({"here": [like]}).restore(saved)["here"][0]
    assert type(back) is type(value)
    assert digest(Pytree({"here": [back]}).capture()) == digest(saved)
    if isinstance(value, jax.Array):
        assert back.dtype == value.dtype
        assert getattr(back, "weak_type", None) == getattr(value, "weak_type", None)
    else:
        assert np.array_equal(back, value)


def test_a_restored_state_can_be_donated_and_does_not_compile_again() -> None:
    seen = []

    def step(state: Any) -> Any:
        seen.append(1)
        return jax.tree.map(lambda leaf: leaf + 1, state)

    jitted = jax.jit(step, donate_argnums=0)
    state = {"w": jnp.ones(3), "weak": jnp.asarray(1.0)}
    saved = Pytree(state).capture()
    after = jitted(Pytree(state).restore(saved))
    again = jitted(Pytree({"w": jnp.zeros(3), "weak": jnp.asarray(0.0)}).restore(saved))
    assert len(seen) == 1
    assert np.array_equal(after["w"], again["w"])


def tree(**changes: Any) -> Any:
    return {"w": jnp.ones((2, 3)), "opt": optax.adam(0.1).init({"w": jnp.ones(2)}), "act": jax.nn.relu} | changes


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (tree(more=jnp.ones(1)), r"\['more'\], which the snapshot has not"),
        ({"w": jnp.ones((2, 3))}, r"no \['act'\], which the snapshot has"),
        (tree(w=jnp.ones((3, 2))), r"shape \(3, 2\) at \['w'\], where one of shape \(2, 3\)"),
        (tree(w=jnp.ones((2, 3), "bfloat16")), r"bfloat16 at \['w'\], where one of float32"),
        (tree(opt=optax.sgd(0.1, momentum=0.9).init({"w": jnp.ones(2)})), r"\['opt'\]\[0\]\.trace\['w'\]"),
        (tree(act=jax.nn.gelu), r"gelu at \['act'\], where relu"),
    ],
)
def test_another_structure_is_refused_by_the_name_of_the_first_place_that_differs(other: Any, words: str) -> None:
    with pytest.raises(LabError, match=words):
        Pytree(other).restore(Pytree(tree()).capture())


def test_what_is_no_data_is_refused_by_its_place(tmp_path: Any) -> None:
    with (tmp_path / "log").open("w") as file, pytest.raises(LabError, match=r"at \['log'\]"):
        Pytree({"w": jnp.ones(1), "log": file}).capture()


def test_an_array_that_was_donated_away_tells_to_assign_what_the_update_gives() -> None:
    state = jnp.ones(3)
    jax.jit(lambda x: x + 1, donate_argnums=0)(state)
    with pytest.raises(LabError, match="assign what each update gives back"):
        Pytree({"w": state}).capture()


def test_a_key_that_grew_out_of_a_number_or_an_array_of_numpy_keeps_what_it_became() -> None:
    saved = Pytree({"count": jnp.asarray(3), "w": jnp.ones(2)}).capture()
    back = Pytree({"count": 0, "w": np.zeros(2)}).restore(saved)
    assert isinstance(back["count"], jax.Array)
    assert isinstance(back["w"], jax.Array)


def test_an_array_stays_on_the_device_it_was_put_on() -> None:
    put = jax.device_put(jnp.ones(2), jax.devices()[0])
    assert Pytree([put]).restore(Pytree([put]).capture())[0].committed
    free = jnp.ones(2)
    assert not Pytree([free]).restore(Pytree([free]).capture())[0].committed


def test_objects_of_nnx_are_kept_in_place() -> None:
    from flax import nnx

    class Net(nnx.Module):  # type: ignore[misc]
        def __init__(self, seed: int) -> None:
            self.layers = nnx.List([nnx.Linear(2, 2, rngs=nnx.Rngs(seed)), nnx.BatchNorm(2, rngs=nnx.Rngs(seed))])
            self.drop = nnx.Dropout(0.5, rngs=nnx.Rngs(seed))

    first, other = Net(0), Net(1)
    weight = other.layers[0].kernel
    first.drop(jnp.ones(3))  # which moves its stream of random numbers
    keeper = keeper_for(other)
    assert isinstance(keeper, InPlace)
    assert keeper.restore(InPlace(first).capture()) is None
    assert other.layers[0].kernel is weight
    assert digest(InPlace(other).capture()) == digest(InPlace(first).capture())


@pytest.mark.parametrize("what", ["", "draws", "counts"])
def test_what_changes_in_objects_of_nnx_that_nobody_keeps_is_seen(what: str) -> None:
    from flax import nnx

    model, draws, counts = nnx.Linear(2, 1, rngs=nnx.Rngs(0)), nnx.Rngs(1), nnx.metrics.Average()
    teacher, kernel = nnx.Linear(2, 1, rngs=nnx.Rngs(2)), model.kernel
    around = LeftOut({"draws": draws, "counts": counts, "teacher": teacher, "kernel": kernel}, lambda: [InPlace(model)])

    @nnx.jit  # type: ignore[misc]
    def step(model: nnx.Linear, teacher: nnx.Linear) -> jax.Array:
        model.kernel.set_value(model.kernel.get_value() * 0.9)
        return jnp.mean(model(jnp.ones((1, 2))) - teacher(jnp.ones((1, 2))))

    loss = step(model, teacher)
    if what == "draws":
        draws()
    if what == "counts":
        counts.update(values=loss)
    assert around.changed() == ([what] if what else [])


def test_plain_data_are_left_to_others_and_trees_of_jax_are_values_that_only_hold_takes() -> None:
    assert keeper_for({"a": [1, "b", np.ones(2)]}) is None
    assert keeper_for(jax.nn.relu) is None
    assert keeper_for(optax.sgd(0.1).init(jnp.ones(1))) is not None
    assert generators() == {}
    run = standalone("cosine()", horizon=2, quiet=True)
    run.keep(params={"w": jnp.ones(2)})
    with pytest.raises(LabError, match=r"run\.hold\(params=\.\.\.\)"):
        next(run.steps())
