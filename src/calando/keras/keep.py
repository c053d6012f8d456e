"""Keeps what Keras trains: models, layers, optimizers, metrics and sources of random numbers, in place."""

import random
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import keras

from calando.core.keepers import Array, Keeper, State
from calando.core.kept_arrays import numpy_of, plain_array
from calando.errors import LabError
from calando.keras.backend import BACKEND, in_numpy

__all__ = ["Variables", "generators", "keeper_for"]


class Variables:
    """Captures the variables of an object of Keras in the order in which it has them, and puts them back in place.

    Formula: of a layer or a model its weights, moving statistics, seeds and metrics; of a compiled model its optimizer,
    too; of an optimizer its count, moments and all else that it keeps, those of an optimizer inside it among them.

    Args:
        thing: a built object of Keras.

    Example:
        >>> import keras
        >>> saved = Variables(keras.random.SeedGenerator(1)).capture()
        >>> seeds = keras.random.SeedGenerator(2)
        >>> Variables(seeds).restore(saved)
        >>> int(seeds.state[0])
        1
    """

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self.random = isinstance(thing, keras.random.SeedGenerator)

    @property
    def covers(self) -> tuple[object, ...]:
        """Other objects whose state this one has, too: the optimizers of a compiled model."""
        return tuple(_chain(_optimizer(self._thing)))

    def capture(self) -> State:
        """The numbers of every variable.

        Raises:
            LabError: for what is not built, or whose numbers are elsewhere for the moment.
        """
        return {part: [_taken(variable) for variable in found] for part, found in self._parts().items()}

    def restore(self, state: State) -> None:
        """Put the numbers back into the variables, in place.

        Raises:
            LabError: when there are others than were captured, naming the first that differs.
        """
        parts = self._parts()
        for part, found in parts.items():
            _check(self._thing, part, found, state.get(part, []))
        for part, found in parts.items():
            for variable, saved in zip(found, state[part], strict=True):
                variable.assign(numpy_of(saved["value"]))

    def marks(self) -> dict[int, object]:
        """Each variable's memory or the variable itself, and what is another once its numbers were changed.

        Raises:
            LabError: for what is not built.
        """
        return dict(_mark(variable) for found in self._parts().values() for variable in found)

    def parts(self) -> list[int]:
        """The identities that `marks` has, without a look at the numbers.

        Raises:
            LabError: for what is not built.
        """
        return [_part(variable) for found in self._parts().values() for variable in found]

    def _parts(self) -> dict[str, list[Any]]:
        thing = self._thing
        if isinstance(thing, keras.Variable):
            return {"variable": [thing]}
        if isinstance(thing, keras.random.SeedGenerator):
            return {"seed": [thing.state]}
        if isinstance(thing, keras.optimizers.Optimizer):
            _check_built(thing.built, thing, "optimizer.build(model.trainable_variables)")
            return {"optimizer": _unique(variable for one in _chain(thing) for variable in one.variables)}
        if isinstance(thing, keras.metrics.Metric):
            return {"metric": list(thing.variables)}
        if BACKEND == "jax" and getattr(thing, "_jax_state", None):
            thing.jax_state_sync()  # inside fit the numbers are not in the model
        _check_built(thing.built, thing, "call it on a batch, or give it an Input")
        parts = {"variables": _unique(thing.variables), "metrics": _unique(thing.metrics_variables)}
        optimizer = _optimizer(thing)
        if optimizer is not None:
            if not optimizer.built:
                optimizer.build(thing.trainable_variables)
            parts |= Variables(optimizer)._parts()
        return parts


def _part(variable: Any) -> int:
    if BACKEND == "torch":
        return int(variable.value.untyped_storage().data_ptr()) or id(variable)
    return id(variable)


def _mark(variable: Any) -> tuple[int, object]:
    """By what tells a variable from all others what tells its numbers from others, and what holds on to the former."""
    value = variable.value
    if BACKEND == "torch":
        held = value.untyped_storage()
        return _part(variable), (value._version, variable if not held.data_ptr() else held)
    if BACKEND == "jax":  # its arrays never change: the variable gets another one
        return id(variable), (value, variable)
    return id(variable), (zlib.crc32(in_numpy(value).tobytes()), variable)


class _GlobalSeeds:
    """Keras' global SeedGenerator, which unseeded random functions draw from; it comes to be when first drawn from."""

    random = True

    def capture(self) -> State:
        """Its state; None where there is none yet."""
        seeds = _global_seeds()
        return None if seeds is None else Variables(seeds).capture()

    def restore(self, state: State) -> None:
        """Put its state back, or do without it again."""
        from keras.src.backend.common import global_state

        if state is None:
            global_state.set_global_attribute("global_seed_generator", None)
            return
        seeds = _global_seeds()
        if seeds is None:
            seeds = keras.random.SeedGenerator(0)
            global_state.set_global_attribute("global_seed_generator", seeds)
        Variables(seeds).restore(state)


class _EagerSeeds:
    """What TensorFlow's own random functions draw their seeds from outside of graphs, after `tf.random.set_seed`."""

    random = True

    def capture(self) -> State:
        """The state; None without a seed."""
        dice = getattr(_context(), "_rng", None)
        return list(dice.getstate()) if isinstance(dice, random.Random) else None

    def restore(self, state: State) -> None:
        """Put the state back."""
        if state is not None:
            version, words, gauss = state
            dice = getattr(_context(), "_rng", None)
            if isinstance(dice, random.Random):
                dice.setstate((version, tuple(words), gauss))
                _context().clear_kernel_cache()  # an operation of a seed that was drawn before would go on, not begin


def keeper_for(thing: Any) -> Keeper | None:
    """Who keeps a model, layer, optimizer, metric, variable or SeedGenerator of Keras; None for anything else.

    Args:
        thing: any object.

    Example:
        >>> import keras
        >>> keeper_for(keras.Variable(1.0)) is None, keeper_for([1.0]) is None
        (False, True)
    """
    kinds = (
        keras.layers.Layer, keras.optimizers.Optimizer, keras.metrics.Metric, keras.random.SeedGenerator, keras.Variable
    )  # fmt: skip
    return Variables(thing) if isinstance(thing, kinds) else None


def generators() -> Mapping[str, Keeper]:
    """Keras' global source of seeds, and TensorFlow's where that is the backend.

    Example:
        >>> "keras" in generators()
        True
    """
    ours: dict[str, Keeper] = {"keras": _GlobalSeeds()}
    return ours | ({"tensorflow": _EagerSeeds()} if BACKEND == "tensorflow" else {})


def _optimizer(thing: Any) -> Any:
    found = getattr(thing, "optimizer", None) if isinstance(thing, keras.Model) else None
    return found if isinstance(found, keras.optimizers.Optimizer) else None


def _chain(optimizer: Any) -> list[Any]:
    """An optimizer and those inside it, outermost first."""
    chain = []
    while optimizer is not None:
        chain.append(optimizer)
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return chain


def _unique(variables: Any) -> list[Any]:
    return list({id(variable): variable for variable in variables}.values())


def _check_built(built: bool, thing: Any, how: str) -> None:
    if not built:
        raise LabError(
            given=f"a {type(thing).__name__} whose variables are not made yet",
            allowed="what is built before the loop begins",
            where="run.keep",
            fix=f"build it first: {how}",
        )


def _taken(variable: Any) -> dict[str, Any]:
    try:
        value = plain_array(in_numpy(variable))
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise LabError(
            given=f"the variable {_path(variable)}, whose numbers are elsewhere ({type(error).__name__})",
            allowed="variables that hold their numbers",
            where="run.keep",
            fix="keep the model that is trained, or hold what a stateless loop passes around: run.hold(variables=...)",
        ) from error
    return {"type": str(keras.backend.standardize_dtype(variable.dtype)), "value": value}


def _check(thing: Any, part: str, found: list[Any], saved: list[dict[str, Any]]) -> None:
    """Whether the variables at hand are those that were captured, by their number, shapes and types."""
    fresh = [(tuple(variable.shape), str(keras.backend.standardize_dtype(variable.dtype))) for variable in found]
    old = [(tuple(_array(one).shape), one["type"]) for one in saved]
    if fresh == old:
        return
    place = next((i for i, pair in enumerate(zip(fresh, old, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(fresh), len(old))
        more = found[place] if len(fresh) > len(old) else None
        told = f"{_path(more)}, which the snapshot has not" if more is not None else f"no {_of(old[place])}"
    else:
        told = f"{_path(found[place])} of {_of(fresh[place])} where {_of(old[place])} was captured"
    late = part == "metrics" and len(fresh) < len(old)
    raise LabError(
        given=f"a {type(thing).__name__} with {told} ({part})",
        allowed="the variables that were captured",
        where="run.keep",
        fix="metrics are made by the first batch: call model.test_on_batch(x[:1], y[:1]) and model.reset_metrics() "
        "before run.steps" if late else "build it as before: the same layers, the same optimizer, the same types",
    )  # fmt: skip


def _array(saved: dict[str, Any]) -> Array:
    kept: Array = saved["value"]
    return kept


def _of(kind: tuple[tuple[int, ...], str]) -> str:
    return f"{kind[1]} {kind[0]}"


def _path(variable: Any) -> str:
    return str(getattr(variable, "path", None) or getattr(variable, "name", "a variable"))


def _global_seeds() -> Any:
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute("global_seed_generator")


def _context() -> Any:
    return sys.modules["tensorflow.python.eager.context"].context()
