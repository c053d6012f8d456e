"""Keeps what JAX trains: pytrees, as values that are made anew, and objects of Flax NNX, in place."""

import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from calando.core.keepers import Keeper, State
from calando.errors import LabError, shown
from calando.optax.leaves import pack, unpack

__all__ = ["InPlace", "Pytree", "generators", "keeper_for"]

_PLAIN = (dict, list, tuple)


class Pytree:
    """Captures a pytree leaf by leaf, by the names of their places, and makes an equal one of another's structure.

    Formula: the structure (classes, keys, functions) is that of the pytree at hand; every leaf is the captured one to
    the last bit, with its type (bfloat16, float8, a weak type, a typed PRNG key), on the devices of the leaf it
    replaces. Python's numbers and NumPy's arrays stay what they are.

    Args:
        tree: an object of arrays of JAX and NumPy, numbers and texts, in any nesting that JAX knows.

    Example:
        >>> import jax.numpy as jnp
        >>> saved = Pytree({"w": jnp.arange(3.0), "step": 4}).capture()
        >>> Pytree({"w": jnp.zeros(3), "step": 0}).restore(saved)
        {'step': 4, 'w': Array([0., 1., 2.], dtype=float32)}
    """

    rebinds = True
    """Restoring gives a new value, which someone has to take: `run.hold` does."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    def capture(self) -> State:
        """Every leaf as plain data, under the name of its place.

        Raises:
            LabError: for a leaf that is no data, such as an open file, naming its place.
        """
        return {name: pack(name, leaf) for name, leaf in _named(self._tree)}

    def restore(self, state: State) -> Any:
        """A pytree of the structure at hand with the captured leaves.

        Raises:
            LabError: when the structures or the shapes differ, naming the first place that does.
        """
        fresh = _named(self._tree)
        check_places([name for name, _ in fresh], state)
        leaves = [unpack(name, leaf, state[name]) for name, leaf in fresh]
        return jax.tree.unflatten(jax.tree.structure(self._tree), leaves)


class InPlace:
    """Captures an object of Flax NNX (a module, an optimizer, Rngs, a metric) and puts its state back in place.

    Args:
        node: an object of nnx; references to it and to its variables stay good.

    Example:
        >>> from flax import nnx
        >>> model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
        >>> saved = InPlace(model).capture()
        >>> sorted(saved)
        ["['bias'].value", "['kernel'].value"]
        >>> InPlace(nnx.Linear(2, 3, rngs=nnx.Rngs(1))).restore(saved) is None
        True
    """

    def __init__(self, node: Any) -> None:
        self._node = node

    def capture(self) -> State:
        """Every variable as plain data, under the name of its place.

        Raises:
            LabError: for a variable that holds no data, naming its place.
        """
        return Pytree(_nnx().state(self._node)).capture()

    def marks(self) -> dict[int, object]:
        """A checksum of every variable's numbers by the variable; nnx.jit gives new arrays to what stands still."""
        return {id(part): (_checksum(part.get_value()), part) for part in self._variables()}

    def parts(self) -> list[int]:
        """The identities that `marks` has, without a look at the numbers."""
        return [id(part) for part in self._variables()]

    def restore(self, state: State) -> None:
        """The captured variables, put into the object.

        Raises:
            LabError: when the structures or the shapes differ, naming the first place that does.
        """
        nnx = _nnx()
        nnx.update(self._node, Pytree(nnx.state(self._node)).restore(state))

    def _variables(self) -> list[Any]:
        nnx = _nnx()
        return [part for _, part in nnx.iter_graph(self._node) if isinstance(part, nnx.Variable)]


def keeper_for(thing: Any) -> Keeper | None:
    """Who keeps an object of Flax NNX, or a pytree in which there is something of JAX; None for anything else.

    Args:
        thing: any object.

    Example:
        >>> import jax.numpy as jnp
        >>> type(keeper_for((jnp.ones(2), 3))).__name__, keeper_for([1, 2, 3])
        ('Pytree', None)
    """
    if "flax.nnx" in sys.modules and isinstance(thing, _nodes()):
        return InPlace(thing)
    return Pytree(thing) if _is_ours(thing) else None


def generators() -> Mapping[str, Keeper]:
    """JAX has no global source of random numbers: keys are values, which `run.hold` keeps.

    Example:
        >>> generators()
        {}
    """
    return {}


def check_places(fresh: list[str], state: Mapping[str, Any]) -> None:
    """Hold the places of what was built against those of what was captured; LabError names the first that differ."""
    known = set(fresh)
    missing = [name for name in fresh if name not in state]
    spare = [name for name in state if name not in known]
    if missing or spare:
        told = [f"{missing[0]}, which the snapshot has not"] if missing else []
        told += [f"no {spare[0]}, which the snapshot has"] if spare else []
        raise LabError(
            given="a pytree with " + " and ".join(told),
            allowed="the structure that was captured",
            where="run.hold",
            fix="build it as before: the same model, the same optimizer, every field filled from the beginning",
        )


def _named(tree: Any) -> list[tuple[str, Any]]:
    """The leaves and the names of their places, such as `['w'][0].bias`; two never share one."""
    named: list[tuple[str, Any]] = []
    seen: set[str] = set()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = jax.tree_util.keystr(path) or "value"
        if name in seen:
            raise LabError(
                given=f"a pytree with two leaves at {shown(name)}",
                allowed="a pytree whose places have different names",
                where="run.hold",
                fix="give the class a flatten with keys: jax.tree_util.register_pytree_with_keys",
            )
        seen.add(name)
        named.append((name, leaf))
    return named


def _is_ours(thing: Any) -> bool:
    """Whether something in it is of JAX: an array, or a node of a class that only JAX knows as one."""
    if isinstance(thing, Iterator):  # a leaf to JAX, and it warns of every one
        return False
    return any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(thing)) or _has_node(thing)


def _has_node(thing: Any) -> bool:
    if type(thing) not in _PLAIN:
        return thing is not None and not jax.tree_util.all_leaves([thing])
    return any(_has_node(part) for part in (thing.values() if isinstance(thing, dict) else thing))


def _checksum(value: Any) -> int:
    found = 0
    for leaf in jax.tree.leaves(value):
        if isinstance(leaf, jax.Array):
            keys = jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            array = np.asarray(jax.random.key_data(leaf) if keys else leaf)
            found = zlib.crc32(array.tobytes(), found)
        elif isinstance(leaf, bool | int | float | str):
            found = zlib.crc32(repr(leaf).encode(), found)
    return found


def _nnx() -> Any:
    return sys.modules["flax.nnx"]


def _nodes() -> tuple[type, ...]:
    return tuple(
        getattr(_nnx(), name) for name in ("Pytree", "Object") if isinstance(getattr(_nnx(), name, None), type)
    )
