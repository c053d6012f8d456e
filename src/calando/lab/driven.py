"""An optimizer that its schedule drives from inside: what it says of itself, held against what was asked."""

import math
from collections.abc import Callable, Iterable
from typing import NoReturn, Protocol, runtime_checkable

from calando.errors import counted
from calando.lab.gauge import TOLERANCE

__all__ = ["Driven", "DrivenGauge"]


@runtime_checkable
class Driven(Protocol):
    """What a front door makes of an optimizer without parameter groups: it counts its own updates."""

    @property
    def peak(self) -> float:
        """The rate that factor 1 stands for."""

    @property
    def pure(self) -> bool:
        """Whether it keeps nothing itself, and all of its state is in values that the train function holds."""

    def reading(self, held: Iterable[object]) -> tuple[int, float] | None:
        """Updates made and the rate of the last one; None where that cannot be read now."""

    def step(self, metric: float | None = None, /) -> object:
        """Nothing without a metric; with one, tell the schedule's listener."""


class DrivenGauge:
    """Watches one attached optimizer that has no parameter groups, as `Gauge` does one that has.

    Args:
        driven: the optimizer, which tells where it stands.
        held: gives everything in which its state may lie: what the run holds and keeps.
        factor: step -> the factor that must be in force.
        broken: ends the run with the reason that it is given.
        note: takes a remark.
    """

    hooked = False
    updates = 1
    total = 1

    def __init__(
        self,
        driven: Driven,
        held: Callable[[], Iterable[object]],
        factor: Callable[[int], float],
        broken: Callable[[str], NoReturn],
        note: Callable[[str], None],
    ) -> None:
        self.optimizer, self._held, self._factor = driven, held, factor
        self._end, self._note = broken, note
        self._step = 0
        self._asked = math.nan
        self._seen: tuple[int, int] | None = None  # a step and the updates made before it
        self._moved = False

    def before(self, step: int) -> None:
        """Note what update `step` must use, before a metric of its own may change what is asked."""
        self._step, self._asked = step, self.optimizer.peak * self._factor(step)
        if self._seen is None:
            reading = self.optimizer.reading(self._held())
            if reading is not None:
                self._seen = (step, reading[0])
                if reading[0] != step:
                    self._end(
                        f"the optimizer's clock stands at {reading[0]} when step {step} begins; attach a fresh "
                        "optimizer, or turn its clock back to 0"
                    )

    def after(self) -> float:
        """The rate that the update used, as the optimizer's state tells it, else the one asked."""
        reading = self.optimizer.reading(self._held())
        if reading is None:
            return self._asked
        made, used = reading
        step, before = self._seen or (self._step, made - 1)
        self._seen = (self._step + 1, made)
        turns, updates = self._step + 1 - step, made - before
        self._moved = self._moved or updates > 0
        if updates == 0 and not self._moved:
            self._end(
                f"the attached optimizer did nothing in step {self._step}; train with what run.attach gave, and assign "
                "what each update returns to the held values: state.opt_state = ..."
            )
        if updates > turns:
            self._end(
                f"step {self._step}: {updates} updates of the optimizer in {turns} turns of the loop; make one in each"
            )
        if updates < turns:
            self._note(f"step {self._step}: the optimizer left out {counted(turns - updates, 'update')}")
            return used
        if made != self._step + 1:  # it left some out before, and is behind by as many
            return used
        asked = self._asked
        if not abs(used - asked) <= max(2 * TOLERANCE * abs(asked), 2e-7 * self.optimizer.peak):
            self._end(
                f"step {self._step} asked for the rate {asked:.6g} and used {used:.6g}; let the schedule be its only "
                "source, and tell a schedule that listens every metric that is logged"
            )
        return used
