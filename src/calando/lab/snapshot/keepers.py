"""Who keeps what: frameworks' objects through their doors, and here what Python and NumPy have of their own."""

import functools
import inspect
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any

from calando.core.keepers import Keeper, State, keeper_for
from calando.errors import LabError, shown
from calando.lab.snapshot.plain import pack, unpack

__all__ = ["Value", "keeper_of", "leaves", "refuse_odd_arrays"]

WHOLE = 2**23  # bytes; of a larger array so many are looked at, in pieces
PIECE = 2**12


def leaves(name: str, thing: object) -> Iterator[tuple[str, object, Keeper]]:
    """Each thing inside that is kept by itself, with its path and its keeper; lists and dicts are walked through.

    Raises:
        LabError: for a thing that nobody can keep.

    >>> [path for path, _, _ in leaves("dice", [Random(1), {"b": Random(2)}])]
    ['dice/0', 'dice/1/b']
    """
    keeper = keeper_of(thing)
    if keeper is not None and not getattr(keeper, "rebinds", False):  # one that gives a new value needs run.hold
        yield name, thing, keeper
    elif isinstance(thing, dict):
        for key, inside in thing.items():
            yield from leaves(f"{name}/{key}", inside)
    elif isinstance(thing, list | tuple):
        for place, inside in enumerate(thing):
            yield from leaves(f"{name}/{place}", inside)
    else:
        raise LabError(
            given=f"{name}={shown(thing)} (a {type(thing).__module__}.{type(thing).__qualname__})",
            allowed="what can be put back in place: modules, optimizers, schedulers, loaders, generators, NumPy "
            "arrays, objects with state_dict and load_state_dict, lists and dicts of "
            "these, pairs of functions (get, set)",
            where="run.keep",
            fix=f"hold a plain value by `state = run.hold({name.partition('/')[0]}=...)`, or keep a pair (get, set)",
        )


def keeper_of(thing: object) -> Keeper | None:
    """Who keeps one thing as it is, without a look into lists and dicts; None for a thing that nobody can keep.

    >>> keeper_of([Random(1)]) is None, keeper_of(Random(1)) is None
    (True, False)
    """
    return _own(thing) or keeper_for(thing) or _by_its_state(thing)


class Value:
    """Keeps a value that is replaced rather than changed: plain data, NumPy arrays, or what a framework's door knows.

    >>> box = {"n": (1, 2.5)}
    >>> keeper = Value("n", lambda: box["n"], lambda value: box.update(n=value))
    >>> kept = keeper.capture()
    >>> box["n"] = None
    >>> keeper.restore(kept)
    >>> box
    {'n': (1, 2.5)}
    """

    def __init__(self, name: str, get: Callable[[], Any], put: Callable[[Any], object]) -> None:
        self._name, self.get, self._put = name, get, put

    def capture(self) -> State:
        """The value of this moment."""
        value = self.get()
        packed, plain = pack(value)
        if plain:
            return {"plain": packed}
        return {"kept": self._keeper(value).capture()}

    def restore(self, state: State) -> None:
        """Put the value back."""
        if "plain" in state:
            self._put(unpack(state["plain"]))
            return
        value = self.get()
        new = self._keeper(value).restore(state["kept"])
        self._put(value if new is None else new)

    def _keeper(self, value: object) -> Keeper:
        keeper = keeper_of(value)
        if keeper is None:
            raise LabError(
                given=f"{self._name}={shown(value)} (a {type(value).__module__}.{type(value).__qualname__})",
                allowed="numbers, texts, NumPy arrays, pytrees of JAX arrays, and lists, tuples and dicts of these",
                where="run.hold",
                fix="hold its plain parts, or keep a pair of functions (get, set) that give and take plain data",
            )
        return keeper


class _Dice:
    """Python's own generator."""

    random = True

    def __init__(self, dice: Random) -> None:
        self._dice = dice

    def capture(self) -> State:
        """Its state."""
        return self._dice.getstate()

    def restore(self, state: State) -> None:
        """Put its state back."""
        self._dice.setstate(state)


class _Generator:
    """NumPy's Generator and RandomState, by the state of their bit generator."""

    random = True

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def capture(self) -> State:
        """The bit generator's state, and how many children were spawned."""
        if hasattr(self._generator, "bit_generator"):
            bits = self._generator.bit_generator
            return [pack(bits.state)[0], getattr(getattr(bits, "seed_seq", None), "n_children_spawned", 0)]
        return pack(self._generator.get_state(legacy=False))[0]

    def restore(self, state: State) -> None:
        """Put the state back into the same bit generator.

        Raises:
            LabError: when fewer children were spawned then, and this NumPy cannot go back.
        """
        if hasattr(self._generator, "bit_generator"):
            bits, (numbers, spawned) = self._generator.bit_generator, state
            _respawn(bits, spawned)
            bits.state = unpack(numbers)
        else:
            self._generator.set_state(unpack(state))


def _respawn(bits: Any, spawned: int) -> None:
    """Count the children of a bit generator's seed as so many."""
    seeds: Any = getattr(bits, "seed_seq", None)
    now = getattr(seeds, "n_children_spawned", 0)
    if spawned > now:
        seeds.spawn(spawned - now)
    elif spawned < now:
        import numpy as np

        again = np.random.SeedSequence(
            seeds.entropy, spawn_key=seeds.spawn_key, pool_size=seeds.pool_size, n_children_spawned=spawned
        )
        with suppress(TypeError, ValueError, KeyError):
            bits.__setstate__((bits.state, again))
        if bits.seed_seq.n_children_spawned != spawned:
            raise LabError(
                given=f"a generator that spawned {now} children where the run that was kept had {spawned}",
                allowed="a generator that spawned no more",
                where="run.keep",
                fix="spawn inside the loop only, or update NumPy to 2.0",
            )


class _NumPyArray:
    """An array whose numbers are put back into the same memory."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def capture(self) -> State:
        """The numbers."""
        return pack(self._array)[0]

    def restore(self, state: State) -> None:
        """Put the numbers back."""
        saved = unpack(state)
        if saved.shape != self._array.shape or saved.dtype != self._array.dtype:
            raise LabError(
                given=f"{saved.dtype} numbers of shape {saved.shape} for an array of {self._array.dtype} and shape "
                f"{self._array.shape}",
                allowed="arrays of the same kind as in the run that was kept",
                where="run.keep",
                fix="build it with the same shape from the same seed",
            )
        self._array[...] = saved

    def parts(self) -> list[int]:
        """What tells its memory from all other; that of a framework's array is the framework's."""
        root = _root(self._array)
        if _is_array(root):
            return [root.__array_interface__["data"][0]] if root.flags.writeable and root.size else []
        keeper: Any = keeper_for(root)
        return list(keeper.marks()) if hasattr(keeper, "marks") else []

    def marks(self) -> dict[int, object]:
        """A checksum of its numbers, and the array whose memory it is; nothing for what cannot be written to."""
        root = _root(self._array)
        if not _is_array(root):
            keeper: Any = keeper_for(root)
            return dict(keeper.marks()) if hasattr(keeper, "marks") else {}
        return {part: (_checksum(root), root) for part in self.parts()}


def _is_array(thing: object) -> bool:
    return hasattr(thing, "__array_interface__") and hasattr(thing, "flags")


def _root(array: Any) -> Any:
    """The array or the framework's object whose memory it is, of which an array may be a view."""
    while (base := getattr(array, "base", None)) is not None and (_is_array(base) or _is_known(base)):
        array = base
    return array


def _is_known(base: object) -> bool:
    return hasattr(keeper_for(base), "marks")


def _checksum(array: Any) -> int:
    """A CRC-32 of an array's bytes; of a large one, of pieces at even distances."""
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = array.copy()
    flat = array.reshape(-1, order="A").view("u1")
    if flat.nbytes <= WHOLE:
        return zlib.crc32(flat)
    found = zlib.crc32(flat[-PIECE:])
    for begin in range(0, flat.nbytes - PIECE, flat.nbytes // (WHOLE // PIECE)):
        found = zlib.crc32(flat[begin : begin + PIECE], found)
    return found


class _Stateful:
    """Anything that gives plain data by state_dict and takes it by load_state_dict."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def capture(self) -> State:
        """Its state."""
        packed, plain = pack(self._thing.state_dict())
        if not plain:
            raise LabError(
                given=f"{type(self._thing).__qualname__}.state_dict() with more in it than plain data and NumPy arrays",
                allowed="numbers, texts, NumPy arrays, lists, tuples and dicts",
                where="run.keep",
                fix="keep it by a pair of functions (get, set) that give and take plain data",
            )
        return packed

    def restore(self, state: State) -> None:
        """Put its state back."""
        self._thing.load_state_dict(unpack(state))


def refuse_odd_arrays(name: str, value: object) -> None:
    """Raises a LabError for a NumPy array that would come back as another kind of array.

    >>> refuse_odd_arrays("n", {"a": [1, 2.5]})
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            refuse_odd_arrays(name, part)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and not pack(value)[1]:
        raise LabError(
            given=f"{name}, an array of type {type(value).__qualname__} and dtype {value.dtype}",
            allowed="numpy.ndarray itself, of numbers",
            where="run.hold",
            fix="hold numpy.array(value), and each field of a structured array by itself",
        )


def _own(thing: Any) -> Keeper | None:
    if isinstance(thing, Random):
        return _Dice(thing)
    if isinstance(thing, tuple) and len(thing) == 2 and all(_is_function(part) for part in thing):
        return Value(getattr(thing[0], "__name__", "pair"), *thing)
    if (numpy := sys.modules.get("numpy")) is not None:
        if isinstance(thing, numpy.random.Generator | numpy.random.RandomState):
            return _Generator(thing)
        if type(thing) is numpy.ndarray and not thing.dtype.hasobject and not thing.dtype.names:
            return _NumPyArray(thing)
    return None


def _by_its_state(thing: Any) -> Keeper | None:
    if isinstance(thing, type):
        return None
    both = callable(getattr(thing, "state_dict", None)) and callable(getattr(thing, "load_state_dict", None))
    return _Stateful(thing) if both else None


def _is_function(thing: object) -> bool:
    return inspect.isroutine(thing) or isinstance(thing, functools.partial)
