"""`model.fit` under a run: the run says how long, when to evaluate and what to keep; Keras trains."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import keras

from calando.core.keepers import generators
from calando.errors import LabError, shown
from calando.keras.batches import Batches, are_arrays, length_of, pass_over
from calando.keras.door import driven
from calando.keras.follow import Follow
from calando.keras.scheduled import Scheduled

__all__ = ["TrainingRun", "fit"]


class TrainingRun(Protocol):
    """What `fit` needs of a run: `calando.Run` has all of it."""

    seed: int
    grain: int
    _horizon: int  # the public one counts as a look at the horizon, after which fewer runs share stages
    _evals: frozenset[int]

    @property
    def step(self) -> int:
        """The update that is under way."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of what a snapshot holds."""

    def keep(self, **objects: object) -> None:
        """Name what a snapshot holds."""

    def steps(self, loader: Any = None) -> Iterator[Any]:
        """One turn for each update."""

    def log(self, **metrics: Any) -> None:
        """Record numbers for the update under way."""


def fit(
    run: TrainingRun,
    model: Any,
    x: Any,
    y: Any = None,
    *,
    batch_size: int = 32,
    sample_weight: Any = None,
    validation_data: Any = None,
    callbacks: Sequence[Any] = (),
    shuffle: bool = True,
    class_weight: Any = None,
    steps_per_epoch: int | None = None,
    validation_batch_size: int | None = None,
    validation_steps: int | None = None,
    verbose: int = 0,
) -> Any:
    """Train a compiled model by `model.fit` for as many updates as the run has; gives Keras' History.

    Formula: after every update the loss and the metrics are logged as `train_...`, as Keras shows them: means of the
    epoch so far. At the end of each epoch in which the run wants an evaluation, and at the very end, `val_...` of the
    validation data are. The last epoch is cut short where the horizon falls into it.

    The model is compiled with `run.attach(optimizer)`. Unless the train function kept something, the model is kept:
    snapshots are taken between two epochs (a loop of one's own can take them anywhere). The order of arrays is a
    function of `run.seed` and the epoch; other data are passed over again when a run goes on, and with data that never
    end there are no snapshots.

    Args:
        run: the object that the train function was given.
        model: an object compiled with `run.attach(optimizer)`.
        x: arrays (also in lists or dicts), a keras.utils.PyDataset, a tf.data.Dataset or a DataLoader: an object.
        y: the targets of arrays, objects like them.
        batch_size: samples in a batch of arrays, a number >= 1.
        sample_weight: weights of arrays, an object like them.
        validation_data: what `model.fit` takes, an object.
        callbacks: a list of Keras' callbacks; none that sets the learning rate or tells a listener.
        shuffle: true for another order of arrays in every epoch.
        class_weight: a dict, as in `model.fit`.
        steps_per_epoch: batches of an epoch, a number >= 1; needed for data that never end, and refused for arrays.
        validation_batch_size: samples in a batch of validation arrays, a number.
        validation_steps: batches of validation data to use, a number.
        verbose: what Keras prints, 0 to 2.

    Raises:
        LabError: for a model that is not compiled with what `run.attach` gave, a second owner of the rate, or numbers
            of batches that do not go together.

    Example:
        >>> import keras, numpy, calando.keras
        >>> from calando.lab import standalone
        >>> def train(run):
        ...     keras.utils.set_random_seed(run.seed)
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile(run.attach(keras.optimizers.SGD(0.1)), loss="mse")
        ...     x = numpy.ones((10, 2))
        ...     calando.keras.fit(run, model, x, x[:, :1], batch_size=5, validation_data=(x, x[:, :1]))
        >>> run = standalone("linear_decay()", horizon=5, quiet=True)
        >>> train(run)
        >>> run.done, [round(rate, 3) for rate in run.curves()["lr"].values]
        (5, [0.1, 0.08, 0.06, 0.04, 0.02])

    Source: keras.Model.fit, keras.callbacks.BackupAndRestore.
    """
    scheduled = _scheduled(model)
    _check_callbacks(callbacks)
    arrays = are_arrays((x, y, sample_weight))
    if arrays:
        if steps_per_epoch is not None:
            raise _misfit(f"steps_per_epoch={steps_per_epoch} with arrays", "leave it out: an epoch is all of them")
        x, y, sample_weight = Batches(x, y, sample_weight, batch_size, run.seed if shuffle else None), None, None
    pace = _Pace(run, model, scheduled, steps_per_epoch or length_of(x))
    _make_variables(model, x)
    if not run.kept and length_of(x) is not None:
        run.keep(model=model)
    turns = run.steps(None if arrays else _Position(x, pace))
    next(turns)
    under = Under(run, scheduled, turns, pace, x)
    more = {"class_weight": class_weight, "validation_data": validation_data, "verbose": verbose}
    more |= {"steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps}
    history = model.fit(
        x, shuffle=shuffle and not arrays and isinstance(x, keras.utils.PyDataset), callbacks=[under, *callbacks],
        epochs=pace.epochs, initial_epoch=pace.begun // pace.per_epoch, validation_freq=pace.evaluated(),
        validation_batch_size=validation_batch_size or batch_size, **more,
    )  # fmt: skip
    under.finish()
    return history


class _Pace:
    """How updates, batches and epochs go together."""

    def __init__(self, run: TrainingRun, model: Any, scheduled: Scheduled, per_epoch: int | None) -> None:
        self._run = run
        self.per_update: int = getattr(scheduled.inner_optimizer, "gradient_accumulation_steps", None) or 1
        self.batches = run._horizon * self.per_update
        if per_epoch is None:
            raise _misfit("data without an end", "give steps_per_epoch=N, the batches of what counts as an epoch")
        self.per_epoch = per_epoch
        self.at_once: int = getattr(model, "steps_per_execution", 1) or 1
        if self.at_once > 1 and (per_epoch % self.at_once or self.batches % self.at_once):
            given = f"steps_per_execution={self.at_once} with {per_epoch} batches an epoch and {self.batches} in all"
            raise _misfit(given, "let it divide both, or leave it out")
        run.grain = math.lcm(per_epoch, self.per_update) // self.per_update
        self.epochs = -(-self.batches // per_epoch)

    @property
    def begun(self) -> int:
        """Batches before the update under way."""
        return self._run.step * self.per_update

    def evaluated(self) -> list[int]:
        """The epochs, counted from 1, at whose end Keras validates."""
        ends = {((step + 1) * self.per_update - 1) // self.per_epoch + 1 for step in self._run._evals}
        return sorted(ends | {self.epochs})


class Under(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """The callback by which a run follows `model.fit`; `fit` makes it, first in the list."""

    def __init__(self, run: TrainingRun, scheduled: Scheduled, turns: Iterator[Any], pace: _Pace, data: Any) -> None:
        super().__init__()
        self._run, self._scheduled, self._turns, self._pace, self._data = run, scheduled, turns, pace, data
        self._done = pace.begun  # batches
        self._begun = True  # the turn of the update under way was taken
        self._random = [(one, one.capture()) for one in generators().values()]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The epoch before is over, with all that other callbacks made of it, and the next one begins."""
        if isinstance(self._data, Batches):
            self._data.epoch = epoch
        self._take_turn()
        for one, state in self._random:  # what Keras drew while it made ready; a run that goes on draws it twice
            one.restore(state)
        self._random = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """The next update begins."""
        self._take_turn()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Log what Keras shows, and stop at the horizon."""
        pace = self._pace
        before = self._done // pace.per_update
        self._done += pace.at_once
        updates = self._done // pace.per_update - before
        if updates:
            with self._scheduled.out_of_reach():
                for _ in range(updates - 1):  # made by one call, with several batches in it
                    next(self._turns)
            self._begun = False
            self._run.log(**{f"train_{name}": value for name, value in (logs or {}).items()})
        if self._done >= pace.batches:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Log the validation, where there was one."""
        found = {name: value for name, value in (logs or {}).items() if name.startswith("val_")}
        if found:
            self._run.log(**found)

    def finish(self) -> None:
        """End the last update."""
        if not self._begun:
            next(self._turns, None)

    def _take_turn(self) -> None:
        if not self._begun:
            next(self._turns)
            self._begun = True

    def _stop(self) -> None:
        self._model.stop_training = True  # not self.model: on JAX that would copy everything back


class _Position:
    """The loader that a run sees in place of data that Keras passes over: it tells how many passes were made."""

    def __init__(self, data: Any, pace: _Pace) -> None:
        self._data, self._pace = data, pace

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None

    def state_dict(self) -> dict[str, int]:
        """Whole passes over the data before the update under way."""
        return {"passes": (self._pace.begun + self._pace.per_update) // self._pace.per_epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Pass over the data as often, so that what shuffles them stands where it stood."""
        for _ in range(state["passes"]):
            pass_over(self._data)


def _make_variables(model: Any, data: Any) -> None:
    """Make every variable of the model, its metrics and its optimizer, as `fit` would at its first batch."""
    make = getattr(model, "_symbolic_build", None)
    if make is not None:
        batch = data[0] if isinstance(data, keras.utils.PyDataset) else next(iter(data))
        make(data_batch=batch)
    elif not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _scheduled(model: Any) -> Scheduled:
    found = driven(getattr(model, "optimizer", None))
    if isinstance(found, Scheduled):
        return found
    raise LabError(
        given=f"a model whose optimizer is {shown(getattr(model, 'optimizer', None))}",
        allowed="a model compiled with what run.attach gave",
        where="calando.keras.fit(model)",
        fix="write model.compile(run.attach(optimizer), loss=...)",
    )


def _check_callbacks(callbacks: Sequence[Any]) -> None:
    owners = (Follow, keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
    for one in callbacks:
        if isinstance(one, owners):
            raise LabError(
                given=f"{type(one).__name__} among the callbacks",
                allowed="one owner of the learning rate: the run's candidate, which hears what is logged",
                where="calando.keras.fit(callbacks)",
                fix="drop it",
            )


def _misfit(given: str, fix: str) -> LabError:
    return LabError(
        given=given, allowed="batches, epochs and updates that go together", where="calando.keras.fit", fix=fix
    )
