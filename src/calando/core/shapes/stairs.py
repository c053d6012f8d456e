"""Drops at fixed times: every so often, or at milestones."""

from typing import Annotated, Any

from calando.core.clock import Clock, Length, length_of
from calando.core.curve import Curve, Smooth, Stairs
from calando.core.formula import Array, Ops
from calando.core.kinds import Items, Lengths, OptionalSpan, Positive, PositiveSpan, Switch
from calando.core.plan import Leaf
from calando.errors import BadValue, DoesNotFit

__all__ = ["multistep", "step_decay"]


class step_decay(Leaf):
    """A drop by `factor` every so many steps; the new value is in force at the milestone.

    Formula: factor^floor(t/every); with staircase=False the smooth factor^(t/every).

    Args:
        every: the time between drops, a length > 0.
        factor: what a drop multiplies by, > 0.
        staircase: drop at whole intervals (True) or decay smoothly at the same pace.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        DoesNotFit: when `every` is less than half a step.

    Example:
        >>> import calando
        >>> steps = calando.step_decay(every="30ep", factor=0.1).bind("90ep", steps_per_epoch=10)
        >>> steps(299), steps(300)
        (1.0, 0.1)

    Source: torch.optim.lr_scheduler.StepLR; He et al. 2016 for the custom of dropping by ten.
    """

    kind = "shape"
    sources = ("he2016",)

    every: PositiveSpan
    factor: Positive = 0.1
    staircase: Switch = True
    length: OptionalSpan = None

    def lower(self, steps: int, clock: Clock) -> Curve:
        factor = self.factor
        if not self.staircase:
            pace = clock.interval(length_of(self.every), "step_decay.every", whole=False)
            return Smooth(steps, lambda t, ops: ops.power(factor, ops.ratio(t, pace)))
        every = clock.whole(length_of(self.every), "step_decay.every", least=1)
        return Stairs(
            steps, lambda t, ops: ops.power(factor, ops.real(t // every)), range(every, steps + 1, every), level=True
        )


class multistep(Leaf):
    """A drop by `factor` at each milestone; the new value is in force at the milestone.

    Formula: factor^(number of milestones <= t).

    Args:
        milestones: lengths from the start of the piece, rising, such as ["30ep", "60ep"].
        factor: what a drop multiplies by, > 0.
        length: n, a length >= 0; left out it takes the rest of the horizon.

    Raises:
        BadValue: for milestones of one unit that do not rise.
        DoesNotFit: for milestones that do not rise once they are whole steps.

    Example:
        >>> import calando
        >>> drops = calando.multistep(["30ep", "60ep"]).bind("90ep", steps_per_epoch=10)
        >>> drops(299), drops(300)
        (1.0, 0.1)

    Source: torch.optim.lr_scheduler.MultiStepLR. Keras drops one step later and timm one earlier.
    """

    kind = "shape"

    milestones: Annotated[Any, Items(Lengths())]
    factor: Positive = 0.1
    length: OptionalSpan = None

    def check(self) -> None:
        check_rising("multistep.milestones", self.milestones)

    def lower(self, steps: int, clock: Clock) -> Curve:
        marks = whole_rising("multistep.milestones", self.milestones, clock)
        starts = [0, *marks] if marks[0] else marks
        values = [self.factor ** float(i + (marks[0] == 0)) for i in range(len(starts))]

        def formula(step: Array, ops: Ops) -> Array:
            return ops.table(step, starts, values)[0]

        return Stairs(steps, formula, [mark for mark in marks if 0 < mark <= steps], level=True)


def check_rising(where: str, lengths: tuple[Length, ...]) -> None:
    """Lengths of the same unit must rise.

    Raises:
        BadValue: naming the first pair that does not.
    """
    for a, b in zip(lengths, lengths[1:], strict=False):
        if a.unit == b.unit and a.amount >= b.amount:
            raise BadValue(
                given=f"{b} after {a}",
                allowed="lengths that rise, each once",
                where=where,
                fix="sort them and drop the repeated ones",
            )


def whole_rising(where: str, lengths: tuple[Length, ...], clock: Clock) -> list[int]:
    """Lengths as whole steps, which must rise.

    Raises:
        DoesNotFit: naming the first pair that does not.
    """
    marks = [clock.whole(length, where) for length in lengths]
    for i, (a, b) in enumerate(zip(marks, marks[1:], strict=False)):
        if a >= b:
            raise DoesNotFit(
                given=f"{lengths[i + 1]} at step {b}, after {lengths[i]} at step {a}",
                allowed="whole steps that rise",
                where=where,
                fix="space them by at least one step of this run",
            )
    return marks
