"""The run contract: the object that a train function is given."""

import math
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

from calando.errors import BadValue, LabError, shown
from calando.lab.feed import endless
from calando.lab.gauge import Gauge, set_peak
from calando.lab.logged import Explosion, read_name, read_number
from calando.lab.protocols import Optimizer, Scheduler
from calando.lab.stop import BROKEN, StopRun
from calando.records.run import Curve, Status

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Run"]

TICK = 0.25  # seconds between two reports to whoever watches

FROM_THE_RUN: Final = {
    "optax": "build it from the run: calando.optax.inject(optax.adamw, run.schedule, run.peak)",
    "flax": "build its transformation from the run: calando.optax.inject(optax.adamw, run.schedule, run.peak)",
    "keras": "drive it from the run: calando.keras.attach(optimizer, run.schedule, peak=run.peak)",
}
"""What to do with an optimizer whose rate is no number in a group, by the root module of its class."""


class Run:
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

    def __init__(
        self,
        schedule: "Schedule",
        *,
        seed: int = 0,
        peak: float | None = None,
        label: str = "",
        evals: int = 20,
        metric: str = "val_loss",
        mode: str = "min",
        tick: Callable[["Run"], None] | None = None,
    ) -> None:
        self._schedule = schedule
        self.seed = seed
        self.peak = peak
        self.label = label
        self.metric = metric
        self.horizon: int = schedule.horizon
        self.notes: list[str] = []
        self.kept: dict[str, object] = {}
        # The metric may be an accuracy; only things that are minimised can explode.
        self._losses = {"train_loss", "val_loss", "loss"} | ({metric} if mode == "min" else set())
        self._must_be_finite = self._losses | {metric}
        every = min(evals, self.horizon)
        self._evals = frozenset((2 * i * self.horizon + every) // (2 * every) - 1 for i in range(1, every + 1))
        self._curves: dict[str, tuple[array[int], array[float]]] = {}
        self._explosions: dict[str, Explosion] = {}
        self._sent: dict[str, int] = {}
        self._gauges: list[Gauge] = []
        self._schedulers: list[Scheduler] = []
        self._step = 0  # the update that is under way
        self._next = 0  # updates taken
        self._inside = False
        self._by_hand = False
        self._stopped: StopRun | None = None
        self._state = None if schedule.rule is None else schedule.rule.initial()
        self._tick = tick
        self._due = 0.0

    @property
    def schedule(self) -> "Schedule":
        """The candidate bound to the horizon: `run.schedule(t)` is the factor of update `t`.

        Where no front door is used, the rate to use is `run.peak * run.schedule(t)`, or `run.lr`.
        """
        self._by_hand = True
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

    def attach(self, optimizer: Any) -> Any:
        """Put the candidate in force on an optimizer; gives the scheduler to step after each update.

        The largest parameter group's base becomes the candidate's peak and the others keep their ratio
        to it; without a peak the optimizer's own rates stand. The framework's front door does the rest.
        Under a peak there is one optimizer: two would both get it, and lose the ratio of their rates.

        Args:
            optimizer: a PyTorch-like optimizer (with `param_groups`), before its first update.

        Raises:
            LabError: for something else, for rates that are not positive, after the first update, or for
                a second optimizer under a peak.
        """
        from calando.core.hosts import door_for

        if not isinstance(optimizer, Optimizer):
            root = type(optimizer).__module__.partition(".")[0]
            raise LabError(
                given=f"{shown(optimizer)}",
                allowed="an optimizer with param_groups",
                where="run.attach",
                fix=FROM_THE_RUN.get(root, "attach the optimizer itself, or use run.lr in a loop of your own"),
            )
        if self._next or self._inside:
            raise LabError(
                given=f"an optimizer at update {self._step}",
                allowed="attaching before the first update",
                where="run.attach",
                fix="move run.attach above the loop over run.steps",
            )
        if self._gauges and self.peak is not None:
            raise LabError(
                given="a second optimizer: each would get the candidate's peak, and the ratio of their rates be lost",
                allowed="one optimizer, which may have several groups",
                where="run.attach",
                fix="give one optimizer a parameter group with its own lr for each, or compare without --peaks",
            )
        door = door_for(optimizer)
        bases = set_peak(optimizer, self.peak)
        scheduler: Scheduler = door(optimizer, self._schedule)
        self._gauges.append(Gauge(optimizer, self._factor, bases, self._break))
        self._schedulers.append(scheduler)
        return scheduler

    def keep(self, **objects: object) -> None:
        """Name what a snapshot of this run holds. Snapshots are not taken yet: runs restart from 0.

        Accepts the model, the optimizer, the scheduler, the loader and anything else that must come
        back, and does nothing with them so far; a later version resumes and branches runs from them.
        """
        self.kept.update(objects)

    def steps(self, loader: Iterable[Any] | None = None) -> Iterator[Any]:
        """Hand out one batch per update until the horizon, passing over the data as often as it takes.

        Args:
            loader: anything that can be iterated again and again; None hands out the step number.

        Raises:
            LabError: for an empty loader, one that cannot be iterated twice, or a loop inside the loop.
        """
        if self._inside:
            raise LabError(
                given="run.steps inside run.steps",
                allowed="one loop: the run passes over the data by itself",
                where="run.steps",
                fix="drop the loop over epochs and keep `for batch in run.steps(loader)`",
            )
        batches = endless(loader)
        try:
            while self._next < self.horizon:
                batch = next(batches)
                self._begin_update()
                yield batch
                self._end_update()
        finally:
            self._inside = False

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
        step = self._step
        for name, given in metrics.items():
            if name not in self._curves:
                read_name(name)
            if name == "lr":
                raise BadValue(
                    given="lr", allowed="names of your own", where="run.log", fix="drop it: the run records the rate"
                )
            value = read_number(name, given)
            self._record(name, step, value)
            if name in self._must_be_finite:
                self._judge(name, step, value)
            if name == self.metric:
                self._listen(value)

    def curves(self) -> dict[str, Curve]:
        """Everything recorded so far, by name; "lr" is the rate that was really used."""
        return {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in self._curves.items()}

    def drain(self) -> "dict[str, tuple[array[int], array[float]]]":
        """What was recorded since the last call; for whoever ships it elsewhere."""
        fresh = {}
        for name, (steps, values) in self._curves.items():
            sent = self._sent.get(name, 0)
            if len(steps) > sent:
                fresh[name] = (steps[sent:], values[sent:])
                self._sent[name] = len(steps)
        return fresh

    def outcome(self) -> tuple[Status, str, float | None]:
        """How the run stands after the train function came back: status, reason, final metric."""
        if self._stopped is not None:  # also when the train function swallowed it
            return self._stopped.status, self._stopped.reason, None
        if self._next < self.horizon:
            short = f"came back after {self._next} of {self.horizon} updates; loop over run.steps to its end"
            return "failed", f"{BROKEN}: the train function {short}", None
        if any(gauge.hooked and not gauge.total for gauge in self._gauges):
            idle = "the attached optimizer made no update in the whole run; attach the optimizer that trains"
            return "failed", f"{BROKEN}: {idle}", None
        steps, values = self._curves.get(self.metric, (array("q"), array("d")))
        if not steps or steps[-1] != self.horizon - 1:
            names = ", ".join(sorted(self._curves)) or "nothing"
            how = f"write `if run.eval_due: run.log({self.metric}=...)` inside the loop, or name another --metric"
            return "failed", f"{BROKEN}: {self.metric} was not logged at the end (logged: {names}); {how}", None
        return "done", "", values[-1]

    @property
    def stopped(self) -> StopRun | None:
        """Why the run is over before its end, whether or not the train function let it pass."""
        return self._stopped

    def _stop(self, status: Status, reason: str) -> NoReturn:
        if self._stopped is None:
            self._stopped = StopRun(status, reason)
        raise StopRun(self._stopped.status, self._stopped.reason)

    def _break(self, reason: str) -> NoReturn:
        self._stop("failed", f"{BROKEN}: {reason}")

    def _asked(self, step: int) -> float:
        return self._factor(step) * (1.0 if self.peak is None else self.peak)

    def _factor(self, step: int) -> float:
        factor: float = self._schedule(step)
        return factor if self._state is None else factor * self._state.scale

    def _listen(self, value: float) -> None:
        """Tell a feedback rule the metric, and everyone who holds a copy of its state."""
        rule = self._schedule.rule
        if rule is not None and self._state is not None:
            self._state = rule.update(self._state, value)
            for scheduler in self._schedulers:
                scheduler.step(value)

    def _begin_update(self) -> None:
        if self._stopped is not None:
            raise StopRun(self._stopped.status, self._stopped.reason)
        self._step = self._next
        if not self._gauges and not self._by_hand and self._step > 0:
            self._break("nothing uses the candidate; call run.attach(optimizer)")
        for gauge in self._gauges:
            gauge.before(self._step)
        self._inside = True

    def _end_update(self) -> None:
        self._inside = False
        step = self._step
        if self._gauges:
            self._record("lr", step, self._gauges[0].after())
            if all(gauge.hooked and gauge.updates != 1 for gauge in self._gauges):
                self._note(f"update {step}: {self._gauges[0].updates} updates of the optimizer in one turn of the loop")
        else:
            self._record("lr", step, self._asked(step))
        self._next = step + 1
        if self._tick is not None and ((now := time.monotonic()) >= self._due or step in self._evals):
            self._due = now + TICK
            self._tick(self)

    def _record(self, name: str, step: int, value: float) -> None:
        columns = self._curves.get(name)
        if columns is None:
            columns = self._curves[name] = (array("q"), array("d"))
        columns[0].append(step)
        columns[1].append(value)

    def _judge(self, name: str, step: int, value: float) -> None:
        if not math.isfinite(value):
            self._stop("diverged", f"{name} is {value} at step {step}")
        if name not in self._losses:
            return
        explosion = self._explosions.get(name)
        if explosion is None:
            explosion = self._explosions[name] = Explosion(value)
        elif explosion.at(value):
            self._stop("diverged", f"{name} exploded to {value:.4g} at step {step} (it began at {explosion.first:.4g})")

    def _note(self, text: str) -> None:
        if len(self.notes) < 3:
            self.notes.append(text)
