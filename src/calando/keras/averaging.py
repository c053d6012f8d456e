"""Averaged weights of a Keras model under training, several windows at once, on all three backends."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
import numpy as np

from calando.core.windows import WINDOWS, bad_averages, check_every, check_windows, head_of, nothing_averaged
from calando.errors import BadValue, LabError, shown
from calando.keras.backend import BACKEND, in_numpy
from calando.keras.moving import moved, noughts

__all__ = ["Averages", "Averaging", "averages"]


class Averages:
    """What `calando.keras.averages` gives: averages of a model's trainable weights that follow its training.

    Formula: after update t of the averages, each is a <- a + (1 - (1 - 1/t)^(2/p - 1)) * (weights - a), so that its
    mean age is that of a plain mean over the last share p of the updates so far. Averages are kept in float32 at least.

    Args:
        model: object, a Keras model.
        windows: numbers above 0, at most 0.5: shares of the updates so far to average over.
        every: number of updates from one taking in of the weights to the next, >= 1.

    Raises:
        LabError: where they are evaluated before anything was averaged.

    Source: Karras et al., arXiv 2312.02696 (power function averages).
    """

    def __init__(self, model: Any, windows: Sequence[float], every: int) -> None:
        self._model, self._windows, self._every = model, tuple(windows), every
        self._calls = self._count = 0
        self._variables: list[Any] = []
        self._kept: list[list[Any]] = []

    @property
    def windows(self) -> tuple[float, ...]:
        """The shares of the updates so far that are averaged over."""
        return self._windows

    @property
    def count(self) -> int:
        """How many times the weights were taken in."""
        return self._count

    def update(self) -> None:
        """Take the weights in; call it after each update."""
        self._calls += 1
        if self._calls % self._every == 0:
            self._begin()
            self._count += 1
            shares = [1 - (1 - 1 / self._count) ** (2 / window - 1) for window in self._windows]
            self._kept = moved(self._kept, [variable.value for variable in self._variables], shares)

    def evaluate(self, loss_of: Callable[[Any], Any], data: Iterable[Any] | None = None) -> dict[float, float]:
        """The loss of the model under each average: what `calando.watch.virtual_cooldown` takes.

        The averages stand in the model while your function runs; afterwards every variable of it, its metrics' among
        them, is what it was, bit for bit.

        Args:
            loss_of: function of a model that gives its loss, such as by `model.evaluate`.
            data: list of batches of inputs to take the statistics of batch normalisations from, for each window anew;
                left out, they are the model's own, which belong to other weights.

        Raises:
            LabError: before anything was averaged.

        Example:
            >>> import keras, calando.keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            >>> kept = calando.keras.averages(model, windows=[0.2])
            >>> kept.update()
            >>> kept.evaluate(lambda averaged: averaged.count_params())
            {0.2: 3.0}
        """
        if not self._count:
            raise nothing_averaged("call update() after each update, or give calando.keras.Averaging to fit")
        batches = None if data is None else list(data)
        found = {}
        for window, kept in zip(self._windows, self._kept, strict=True):
            with _untouched(self._model, self._variables):
                for variable, value in zip(self._variables, kept, strict=True):
                    variable.assign(keras.ops.copy(value))  # JAX gives away what stands in a model
                if batches is not None:
                    _renew(self._model, batches)
                found[window] = float(loss_of(self._model))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Everything, as plain data and NumPy arrays."""
        kept = [
            [repr(window), [np.array(in_numpy(one)) for one in own]]
            for window, own in zip(self._windows, self._kept, strict=False)
        ]
        return {"count": self._count, "calls": self._calls, "kept": kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Args:
            state: dict of another with the same windows, of a model of the same shapes.

        Raises:
            BadState: where it is none, or of others.
        """
        self._begin()
        count, calls, theirs = head_of(state, self._windows)
        try:
            values = [[np.asarray(one) for one in own] for _, own in state["kept"]]
        except (TypeError, ValueError) as error:
            raise bad_averages(state, self._windows) from error
        mine = [repr(window) for window in self._windows]
        shapes = [tuple(variable.shape) for variable in self._variables]
        if count and not (theirs == mine and all([one.shape for one in own] == shapes for own in values)):
            raise bad_averages(theirs, self._windows)
        self._count, self._calls = count, calls
        if count:
            self._kept = moved(self._kept, [], [], values)

    def _begin(self) -> None:
        if not self._variables:
            every = self._model.trainable_variables
            self._variables = [one for one in every if keras.backend.is_float_dtype(one.dtype)]
        if not self._kept:
            self._kept = [noughts([one.value for one in self._variables]) for _ in self._windows]


class Averaging(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Average the weights of `model.fit` over several windows, and tell what each average is worth.

    After every update the weights are taken in; at each epoch's end, or every so many batches, the losses of the
    averages go to `tell`. Nothing of the training is changed by it. Put it behind `Watching`.

    Formula: that of `calando.keras.averages`.

    Args:
        evaluate: function of a model that gives its loss, such as by `model.evaluate` on data held out.
        tell: function that is given the losses by window, such as one that calls `calando.watch.virtual_cooldown`.
        windows: numbers above 0, at most 0.5: shares of the updates so far to average over.
        every: number of updates from one taking in of the weights to the next, >= 1.
        told: "epoch", or a whole number of batches >= 1 from one telling to the next.

    Raises:
        BadValue: for an argument outside its range.

    Example:
        >>> import keras, numpy, calando.keras
        >>> x, losses = numpy.ones((8, 2)), []
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(0.1), loss="mse")
        >>> averaging = calando.keras.Averaging(lambda one: one.evaluate(x, x, verbose=0), losses.append)
        >>> history = model.fit(x, x, batch_size=2, epochs=3, verbose=0, callbacks=[averaging])
        >>> averaging.averages.count, len(losses), sorted(losses[0])
        (12, 3, [0.01, 0.05, 0.2])

    Source: keras.callbacks.SwapEMAWeights, which knows one window.
    """

    def __init__(
        self,
        evaluate: Callable[[Any], Any],
        tell: Callable[[dict[float, float]], Any],
        *,
        windows: Sequence[float] = WINDOWS,
        every: int = 1,
        told: str | int = "epoch",
    ) -> None:
        super().__init__()
        for name, given in (("evaluate", evaluate), ("tell", tell)):
            if not callable(given):
                raise BadValue(
                    given=f"{name}={shown(given)}", allowed="a function", where=f"Averaging({name})",
                    fix="write evaluate=lambda model: model.evaluate(x, y, verbose=0, return_dict=True)['loss']",
                )  # fmt: skip
        if told != "epoch" and (isinstance(told, bool) or not isinstance(told, int) or told < 1):
            raise BadValue(
                given=f"told={shown(told)}", allowed="'epoch', or a number of batches >= 1", where="Averaging(told)",
                fix="leave it out to tell at the end of every epoch",
            )  # fmt: skip
        self.evaluate, self.tell, self.told = evaluate, tell, told
        self._windows, self._every = check_windows(windows), check_every(every)
        self._batches = 0
        self._averages: Averages | None = None

    @property
    def averages(self) -> Averages:
        """The averages; their `state_dict` goes into a checkpoint of your own.

        Raises:
            LabError: before `fit` has named the model.
        """
        if self._averages is None:
            raise LabError(
                given="averages of no model yet", allowed="those of a model that fit has begun to train",
                where="Averaging.averages", fix="call set_model(model) first",
            )  # fmt: skip
        return self._averages

    def set_model(self, model: Any) -> None:
        """Called by `fit` before it begins; the averages of the same model go on."""
        super().set_model(model)
        if self._averages is None or self._averages._model is not self.model:
            self._averages = Averages(self.model, self._windows, self._every)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the weights in."""
        self._batches += 1
        if (self.averages._calls + 1) % self._every == 0:
            _ = self.model  # on JAX this brings the variables up to date
        self.averages.update()
        if isinstance(self.told, int) and self._batches % self.told == 0:
            self._tell()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell what the averages are worth."""
        if self.told == "epoch":
            self._tell()

    def _tell(self) -> None:
        if self.averages.count:
            _ = self.model
            self.tell(self.averages.evaluate(self.evaluate))


def averages(model: Any, *, windows: Sequence[float] = WINDOWS, every: int = 1) -> Averages:
    """Averaged weights beside a training loop of your own: what the model would be worth after a cooldown.

    Each window holds a copy of the trainable weights, on their device, and costs one pass over them per update. For
    `model.fit` there is `calando.keras.Averaging`.

    Formula: after update t of the averages, each is a <- a + (1 - (1 - 1/t)^(2/p - 1)) * (weights - a).

    Args:
        model: object, a built Keras model.
        windows: numbers above 0, at most 0.5: shares of the updates so far to average over.
        every: number of updates from one taking in of the weights to the next, >= 1.

    Raises:
        BadValue: for an argument outside its range.

    Example:
        >>> import keras, calando.keras
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        >>> kept = calando.keras.averages(model, windows=[0.5])
        >>> for value in [1.0, 2.0, 3.0]:
        ...     model.set_weights([keras.ops.full((1, 1), value)])
        ...     kept.update()
        >>> round(kept.evaluate(lambda averaged: averaged.get_weights()[0].item())[0.5], 3)
        2.667

    Source: Karras et al., arXiv 2312.02696.
    """
    if not hasattr(model, "trainable_variables"):
        raise BadValue(
            given=f"model={shown(model)}", allowed="a Keras model", where="averages(model)",
            fix="give the model whose weights are trained",
        )  # fmt: skip
    return Averages(model, check_windows(windows), check_every(every))


@contextmanager
def _untouched(model: Any, more: Iterable[Any]) -> Iterator[None]:
    """Every variable of a model is afterwards what it was, and so are the modes and random numbers of PyTorch."""
    every = {id(one): one for one in (*model.variables, *getattr(model, "metrics_variables", ()), *more)}
    before = [(one, keras.ops.copy(one.value)) for one in every.values()]
    modes = [(one, one.training) for one in model.modules()] if BACKEND == "torch" else []
    with _forked():
        try:
            yield
        finally:
            for variable, value in before:
                variable.assign(value)
            for module, training in modes:
                module.training = training


def _forked() -> AbstractContextManager[Any]:
    """Leaves PyTorch's random numbers alone, which its loaders draw from; the others' are variables of the model."""
    if BACKEND != "torch":
        return nullcontext()
    import torch

    forked: AbstractContextManager[Any] = torch.random.fork_rng(devices=())
    return forked


def _renew(model: Any, batches: list[Any]) -> None:
    """Take the statistics of batch normalisations from some batches, as a plain mean over them."""
    layers = [one for one in model._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    try:
        for number, batch in enumerate(batches):
            for layer in layers:
                layer.momentum = number / (number + 1)
            model(batch[0] if isinstance(batch, tuple | list) else batch, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
