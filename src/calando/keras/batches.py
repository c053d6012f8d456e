"""Arrays as batches whose order is a function of the seed and the epoch, and how long other data are."""

from typing import Any

import keras
import numpy as np

from calando.errors import BadValue, shown
from calando.keras.backend import in_numpy

__all__ = ["Batches", "are_arrays", "length_of", "pass_over"]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
    """The batches of arrays: those of epoch `e` are in the order that `seed` and `e` give, whatever came before.

    Formula: the order of an epoch is numpy.random.default_rng([seed, epoch]).permutation(samples).

    Args:
        x: arrays of one first dimension, an object or a nesting of them.
        y: targets, an object like it, or None.
        sample_weight: weights, an object like it, or None.
        batch_size: samples in a batch, >= 1; the last one of an epoch may have fewer.
        seed: a number >= 0; None keeps the order.

    Raises:
        BadValue: for arrays of different lengths, or of none.
    """

    def __init__(self, x: Any, y: Any, sample_weight: Any, batch_size: int, seed: int | None) -> None:
        super().__init__()
        parts = (x,) if y is None else (x, y) if sample_weight is None else (x, y, sample_weight)
        self._parts = keras.tree.map_structure(_array, parts)
        lengths = {len(array) for array in keras.tree.flatten(self._parts)}
        if len(lengths) != 1 or min(lengths) < 1 or batch_size < 1:
            raise BadValue(
                given=f"arrays of {sorted(lengths)} samples, in batches of {batch_size}",
                allowed="arrays with the same number of samples, in batches of at least 1",
                where="calando.keras.fit(x, y)",
                fix="give as many targets as samples",
            )
        (self._samples,) = lengths
        self._size, self._seed = batch_size, seed
        self.epoch = 0
        self._order: tuple[int, Any] = (-1, None)

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        return -(-self._samples // self._size)

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> Any:
        if self._order[0] != self.epoch:
            self._order = (self.epoch, self._shuffled(self.epoch))
        chosen = self._order[1][index * self._size : (index + 1) * self._size]
        return keras.tree.map_structure(lambda array: array[chosen], self._parts)

    def _shuffled(self, epoch: int) -> Any:
        if self._seed is None:
            return np.arange(self._samples)
        return np.random.default_rng([self._seed, epoch]).permutation(self._samples)


def are_arrays(parts: tuple[Any, ...]) -> bool:
    """Whether all that was given are arrays, or nestings of them; None is nothing.

    Args:
        parts: objects.

    Example:
        >>> import numpy
        >>> are_arrays((numpy.ones(2), {"a": numpy.ones(2)}, None)), are_arrays(([1, 2], None))
        (True, False)
    """
    flat = [part for part in keras.tree.flatten(parts) if part is not None]
    return bool(flat) and all(hasattr(part, "shape") and hasattr(part, "dtype") for part in flat)


def length_of(data: Any) -> int | None:
    """Batches of one pass over the data; None where they have no end, or do not tell.

    Args:
        data: an object that `model.fit` takes.

    Example:
        >>> length_of([1, 2, 3]), length_of(iter([1]))
        (3, None)
    """
    if isinstance(data, keras.utils.PyDataset):
        count = data.num_batches
        return None if count is None else int(count)
    if hasattr(data, "cardinality"):  # of tf.data: -1 is infinite, -2 unknown
        count = int(in_numpy(data.cardinality()))
        return count if count > 0 else None
    try:
        return len(data)
    except TypeError:
        return None


def pass_over(data: Any) -> None:
    """Take all batches of one epoch, and drop them, as an epoch of `model.fit` would.

    Args:
        data: an object that `length_of` knows the length of.
    """
    if isinstance(data, keras.utils.PyDataset):
        data.on_epoch_begin()
        for index in range(len(data)):
            data[index]
        data.on_epoch_end()
    else:
        for _ in data:
            pass


def _array(part: Any) -> Any:
    """An array of NumPy; floats as Keras keeps them."""
    array = part if isinstance(part, np.ndarray) else np.asarray(in_numpy(keras.ops.convert_to_tensor(part)))
    if not array.ndim:
        raise BadValue(
            given=shown(part), allowed="arrays of samples", where="calando.keras.fit(x, y)", fix="give one row a sample"
        )
    return array.astype(keras.config.floatx()) if np.issubdtype(array.dtype, np.floating) else array
