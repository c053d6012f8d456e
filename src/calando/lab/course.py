"""What stands behind a run: where it is, what it remembers, and how it ends."""

import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from calando.core.keepers import State
from calando.errors import LabError
from calando.lab.driven import DrivenGauge
from calando.lab.gauge import Gauge
from calando.lab.keeping import Keeping, ReachedCall
from calando.lab.knobs import Choice, Knobs
from calando.lab.ledger import Ledger
from calando.lab.protocols import Scheduler
from calando.lab.stages.due import evaluation_steps
from calando.lab.stop import BROKEN, StopRun
from calando.records.run import Status

if TYPE_CHECKING:
    from calando.core.schedule import Schedule
    from calando.lab.feed import Feed
    from calando.lab.snapshot import Snapshot

__all__ = ["Course"]

TICK = 0.25  # seconds between two reports to whoever watches


class Course:
    """The inside of a `Run`, which has the calls that a train function makes.

    `began` is the update that it began from, `looked` whether the train function asked for the horizon, `alone`
    whether it asked for the schedule or the label, `grain` the multiples of updates after which snapshots are possible.
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
        tick: Callable[[Any], None] | None = None,
        params: Mapping[str, Choice] | None = None,
        start: "Snapshot | None" = None,
        keep_at: Sequence[int] = (),
        every: float = 0.0,
        place: str = "",
        opened: Callable[[Any], None] | None = None,
        reached: ReachedCall | None = None,
        program: str = "",
    ) -> None:
        self._schedule = schedule
        self.seed = seed
        self.peak = peak
        self.metric = metric
        self.notes: list[str] = []
        self.grain = 1
        self.began = 0
        self.looked = self.alone = False
        self._label = label
        self._horizon: int = schedule.horizon
        self._evals = frozenset(evaluation_steps(evals, self._horizon))
        self._ledger = Ledger(metric, mode, self._stop)
        self._gauges: list[Gauge | DrivenGauge] = []
        self._schedulers: list[Scheduler] = []
        self._params = dict(params or {})
        self._knobs = Knobs(self._params)
        self._keeping = Keeping(start, keep_at, every, place, reached)
        self._feed: Feed | None = None
        self._program = program  # a digest of the script, outside a study
        self._turning: weakref.ref[Generator[Any, None, None]] | None = None
        self._step = 0  # the update that is under way
        self._next = 0  # updates taken
        self._inside = False
        self._by_hand = False
        self._stopped: StopRun | None = None
        self._state = None if schedule.rule is None else schedule.rule.initial()
        self._opened = opened
        self._tick = tick
        self._due = 0.0

    def _stop(self, status: Status, reason: str, cause: BaseException | None = None) -> NoReturn:
        if self._stopped is None:
            self._stopped = StopRun(status, reason)
        raise StopRun(self._stopped.status, self._stopped.reason) from cause

    def _break(self, reason: str) -> NoReturn:
        self._stop("failed", f"{BROKEN}: {reason}")

    def _before_the_loop(self, where: str) -> None:
        if self._next or self._inside:
            raise LabError(
                given=f"a call at update {self._step}",
                allowed="a call before the first update",
                where=where,
                fix=f"move {where} above the loop over run.steps",
            )

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
            self._ledger.rate(step, self._gauges[0].after())
            if all(gauge.hooked and gauge.updates != 1 for gauge in self._gauges):
                self._note(f"update {step}: {self._gauges[0].updates} updates of the optimizer in one turn of the loop")
        else:
            self._ledger.rate(step, self._asked(step))
        self._next = step + 1
        if self._tick is not None and ((now := time.monotonic()) >= self._due or step in self._evals):
            self._due = now + TICK
            self._tick(self)

    def _note(self, text: str) -> None:
        if len(self.notes) < 3:
            self.notes.append(text)

    def _capture(self) -> State:
        """What the run itself remembers."""
        rule = self._schedule.rule
        return {
            "ledger": self._ledger.capture(),
            "listener": None if rule is None or self._state is None else rule.to_plain(self._state),
            "updates": [gauge.total for gauge in self._gauges],
            "by_hand": self._by_hand,
            "looked": [self.looked, self.alone],
            "notes": list(self.notes),
        }

    def _restore(self, step: int, state: State) -> None:
        """Stand where the run stood after so many updates."""
        rule = self._schedule.rule
        if rule is not None and state["listener"] is not None:
            self._state = rule.from_plain(state["listener"])
        self._ledger.restore(state["ledger"])
        for gauge, total in zip(self._gauges, state["updates"], strict=True):
            gauge.total = total
        self._by_hand = state["by_hand"]
        looked, alone = state["looked"]
        self.looked, self.alone = self.looked or looked, self.alone or alone
        self.notes[:] = state["notes"]
        self.began = self._next = step
        self._step = step - 1
