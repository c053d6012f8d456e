"""The run contract: the object that a train function is given."""

import weakref
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from calando.errors import LabError
from calando.lab.attaching import attached
from calando.lab.course import Course
from calando.lab.ending import outcome_of
from calando.lab.held import Held
from calando.lab.ledger import Columns
from calando.lab.stop import StopRun
from calando.records.run import Curve, Status
from calando.records.stage import Knob

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Run"]


class Run(Course):
    """One training: which seed, which schedule, how long, and where its numbers go.

    Made by a study or by `calando.standalone`, never by hand. A train function keeps five promises:
    everything random comes from `run.seed`; the optimizer is attached by `run.attach` and nothing else
    sets its rate; the loop is `for batch in run.steps(loader)` with one update a turn; `run.log` gets
    the training loss; and the metric is logged whenever `run.eval_due`.

    Example:
        >>> from calando.lab import standalone
        >>> run = standalone("linear_decay()", horizon=4, peak=0.1, quiet=True)
        >>> w = 1.0
        >>> for _ in run.steps():
        ...     w -= run.lr * 2 * w
        ...     run.log(train_loss=w * w)
        >>> [round(lr, 4) for lr in run.curves()["lr"].values]
        [0.1, 0.075, 0.05, 0.025]
    """

    @property
    def label(self) -> str:
        """The name that readers know the candidate by; a run that reads it shares stages with no other candidate."""
        self.alone = True
        return self._label

    @property
    def horizon(self) -> int:
        """Updates of the whole run; a run that reads it shares stages only with runs of the same horizon."""
        self.looked = True
        return self._horizon

    @property
    def schedule(self) -> "Schedule":
        """The candidate bound to the horizon: `run.schedule(t)` is the factor of update `t`.

        Where no front door is used, the rate to use is `run.peak * run.schedule(t)`, or `run.lr`. It tells the future:
        a run that reads it shares stages with no other candidate. `run.attach` and `run.lr` do not.
        """
        self.alone = self._by_hand = True
        return self._schedule

    @property
    def lr(self) -> float:
        """The rate of the update that is under way: peak x factor (the factor itself without a peak)."""
        self._by_hand = True
        return self._asked(self._step)

    @property
    def step(self) -> int:
        """The update that is under way, counted from 0."""
        return self._step

    @property
    def done(self) -> int:
        """Updates taken so far."""
        return self._next

    @property
    def steps_per_epoch(self) -> int | None:
        """Updates per pass over the data; None until it is known."""
        return self._schedule.steps_per_epoch

    @property
    def eval_due(self) -> bool:
        """Whether to evaluate and log the metric after this update; True at the very last one."""
        return self._inside and self._step in self._evals

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of what a snapshot of this run holds; empty when none can be taken."""
        return self._keeping.memory.names

    @property
    def unkept(self) -> str:
        """Why none can be taken, although the train function keeps something; empty where one can."""
        return self._keeping.memory.unkept

    @property
    def refused(self) -> str:
        """Why the run did not begin from the snapshot that it was given; empty where it did, or was given none."""
        return self._keeping.refused

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """What the train function declared by `suggest`, so far."""
        return self._knobs.declared

    def attach(self, optimizer: Any, **arguments: Any) -> Any:
        """Put the candidate in force on an optimizer; the framework's front door does the work.

        PyTorch: gives the scheduler to step after each update. Keras: gives the optimizer to compile the model with.
        JAX: takes the function of optax that makes an optimizer, `run.attach(optax.adamw, learning_rate=1e-3)`, and
        gives the optimizer; hold its state by `run.hold`, so that the run sees the rate that was used.

        The largest parameter group's base becomes the candidate's peak and the others keep their ratio
        to it; without a peak the optimizer's own rates stand.
        Under a peak there is one optimizer: two would both get it, and lose the ratio of their rates.

        Args:
            optimizer: a PyTorch-like optimizer (with `param_groups`), one of Keras, or a function that makes one of
                optax; before its first update.
            arguments: what such a function takes, objects that are handed on.

        Raises:
            LabError: for something else, for rates that are not positive, after the first update, or for
                a second optimizer under a peak.
        """
        late = bool(self._next or self._inside)
        gauge, scheduler = attached(self, optimizer, arguments, late=late, second=bool(self._gauges))
        self._gauges.append(gauge)
        if not getattr(scheduler, "pure", False):
            self._schedulers.append(scheduler)
        return scheduler

    def keep(self, **objects: object) -> None:
        """Name what a snapshot of this run holds, so that the run can be resumed and shared from the middle.

        Name the model, the optimizer, the loader, and whatever else changes while training: other schedulers, an AMP
        scaler, averaged weights, generators. What was kept is put back in place when the loop begins: parameters stay
        the same tensors. Python's, NumPy's and the frameworks' global generators are kept without being named, as
        is the run's own position in the data.

        Args:
            objects: name = a module, optimizer, scheduler, loader, generator, NumPy array, an object with state_dict
                and load_state_dict, a list or dict of these, or a pair of functions (get, set); None is left out.

        Raises:
            LabError: for something that nobody can put back in place, and inside the loop.

        Example:
            >>> import random
            >>> from calando.lab import standalone
            >>> run = standalone("cosine()", horizon=4, quiet=True)
            >>> run.keep(dice=random.Random(run.seed))
            >>> run.kept
            ('dice',)
        """
        self._before_the_loop("run.keep")
        self._keeping.memory.keep(objects)

    def hold(self, **values: Any) -> Held:
        """Keep values that the loop replaces instead of changing; read and set them on what this gives.

        Args:
            values: name = a number, a text, NumPy arrays, a pytree of JAX arrays, or a tuple, list or dict of these.

        Raises:
            LabError: inside the loop.

        Example:
            >>> from calando.lab import standalone
            >>> run = standalone("cosine()", horizon=4, quiet=True)
            >>> state = run.hold(best=float("inf"))
            >>> state.best = 0.5
            >>> state.best
            0.5
        """
        self._before_the_loop("run.hold")
        return self._keeping.memory.hold(values)

    def suggest(self, name: str, low: Any, high: Any = None, *, log: bool = False, default: Any = None) -> Any:
        """A number or a choice that a study may search along with the schedule; outside of a search the default.

        Args:
            name: the name it has in reports, 1 to 200 printable characters.
            low: the least value, a number; or a list of choices. Two whole numbers give a whole number.
            high: the greatest value, a number above `low`; left out for choices.
            log: True searches on a logarithmic scale; both ends are above 0 then.
            default: the value without a search; left out, the middle of the range, or the first choice.

        Raises:
            BadValue: for a range that holds nothing, or a default outside it.
            LabError: for a name that was given another range before, and inside the loop.

        Example:
            >>> from calando.lab import standalone
            >>> run = standalone("cosine()", horizon=4, quiet=True)
            >>> run.suggest("weight_decay", 1e-4, 1e-2, log=True), run.suggest("width", [64, 128])
            (0.001, 64)
        """
        self._before_the_loop("run.suggest")
        return self._knobs.suggest(name, low, high, log=log, default=default)

    def steps(self, loader: Iterable[Any] | None = None) -> Iterator[Any]:
        """Hand out one batch per update until the horizon, passing over the data as often as it takes.

        A run that goes on from a snapshot stands where that was taken when the first batch is handed out.

        Args:
            loader: anything that can be iterated again and again; None hands out the step number.

        Raises:
            LabError: for an empty loader, one that cannot be iterated twice, or a loop inside the loop.
        """
        turns = self._turns(loader)
        self._turning = weakref.ref(turns)
        return turns

    @property
    def _loop(self) -> Iterator[Any] | None:
        return None if self._turning is None else self._turning()

    def _turns(self, loader: Iterable[Any] | None) -> Generator[Any, None, None]:
        if self._inside:
            raise LabError(
                given="run.steps inside run.steps",
                allowed="one loop: the run passes over the data by itself",
                where="run.steps",
                fix="drop the loop over epochs and keep `for batch in run.steps(loader)`",
            )
        first = self._feed is None
        feed = self._feed = self._keeping.begin(self, loader, [gauge.optimizer for gauge in self._gauges])
        if first and self._opened is not None:
            self._opened(self)
        try:
            while self._next < self._horizon:
                batch = feed.take()
                self._begin_update()
                yield batch
                self._end_update()
                self._keeping.after(self, feed)
        finally:
            self._inside = False
            feed.close()
            self._keeping.close()

    def log(self, **metrics: Any) -> None:
        """Record numbers for the update under way; microseconds.

        A loss that is not finite, or above a thousand times the size of its first value (at least 1), ends the
        run as "diverged". A schedule that listens (reduce_on_plateau) is told the metric here; the train
        function need not.

        Args:
            metrics: name = one number (a float, or a one-element array or tensor, which is read at once); a
                name has 1 to 200 printable characters.

        Raises:
            BadValue: for something that is not one number, or a name that cannot be kept.
        """
        heard = self._ledger.log(self._step, metrics)
        if heard is not None:
            self._listen(heard)

    def curves(self) -> dict[str, Curve]:
        """Everything recorded so far, by name; "lr" is the rate that was really used."""
        return self._ledger.curves()

    def drain(self) -> dict[str, Columns]:
        """What was recorded since the last call, or since the snapshot; for whoever ships it elsewhere."""
        return self._ledger.drain()

    def digest(self) -> str:
        """A SHA-256 in hex of everything kept and every source of random numbers, as they stand now."""
        return self._keeping.digest()

    def unnamed(self) -> list[str]:
        """Remarks about what the attached optimizers train and `keep` does not name."""
        from calando.lab.checking.unkept import unkept

        return unkept(self._keeping.memory.everything(), [gauge.optimizer for gauge in self._gauges])

    def outcome(self) -> tuple[Status, str, float | None]:
        """How the run stands after the train function came back: status, reason, final metric."""
        if self._stopped is not None:  # also when the train function swallowed it
            return self._stopped.status, self._stopped.reason, None
        return outcome_of(self._next, self._horizon, self.metric, self._ledger.columns, self._gauges)

    @property
    def stopped(self) -> StopRun | None:
        """Why the run is over before its end, whether or not the train function let it pass."""
        return self._stopped
