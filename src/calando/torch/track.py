"""A track: one schedule, the groups that follow it, and where its listener stands."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from calando.core.formula import check_range
from calando.core.schedule import Schedule

if TYPE_CHECKING:
    from calando.torch.quantities import Writer

__all__ = ["Continued", "Track"]

_NONE: Mapping[str, float] = {}


class Track:
    """One schedule among those that a scheduler holds, and the state of its feedback rule.

    Besides the schedule it knows its groups by index, the writer of each quantity other than "lr", and `floats`: the
    key that takes the one such quantity when every number in its groups is a plain float ("" for none, None when
    some are tensors or there is more to write). `begun` is the schedule that it began with, where it was changed since.
    """

    def __init__(self, schedule: "Schedule | Continued") -> None:
        self.schedule = schedule
        self.begun: Schedule | Continued | None = None
        self.rule = schedule.rule
        self.state: Any = None if self.rule is None else self.rule.initial()
        self.groups: list[int] = []
        self.writers: Mapping[str, Writer] = {}
        self.floats: str | None = None

    @property
    def base(self) -> "Schedule | Continued":
        """The schedule that it began with."""
        return self.schedule if self.begun is None else self.begun

    @property
    def scale(self) -> float:
        """What the feedback rule multiplies the learning rate by; 1 without a rule."""
        return 1.0 if self.rule is None else float(self.state.scale)

    def factor(self, position: int) -> float:
        """What the bases are multiplied by at a position."""
        value: float = self.schedule(position)
        return value if self.rule is None else value * self.scale

    def values(self, position: int) -> tuple[float, Mapping[str, float]]:
        """The factor at a position, and the other quantities where some writer wants them."""
        if not self.writers:
            return self.factor(position), _NONE
        values = self.schedule.at(position)
        return (values["lr"] if self.rule is None else values["lr"] * self.scale), values

    def forget(self) -> None:
        """Write everything the next time, whatever was written last."""
        for writer in self.writers.values():
            writer.forget()

    def told(self, metric: float) -> None:
        """Feed the rule, if there is one."""
        if self.rule is not None:
            self.state = self.rule.update(self.state, metric)


class Continued:
    """A schedule whose rest was stretched over another number of steps, once or several times.

    Formula: s(p(t)), where p(t) is piecewise linear through the knots: p(t) = t up to the first one, the last one maps
    the new horizon to the schedule's own. Between two steps of s the rate goes on towards what s was heading for, so a
    jump stays a jump; other quantities are interpolated.

    Args:
        origin: the schedule that the run started with; where it is strict, so is the longer run about its own end.
        knots: (step of the run, step of the origin) in order; the second may lie between two steps.

    Raises:
        OutOfRange: when called for a step below 0, or past the horizon of a strict one.

    Example:
        >>> from calando import linear_decay
        >>> longer = Continued(linear_decay().bind(100), ()).stretched(at=50, horizon=150)
        >>> longer(50), longer(100), longer(150)
        (0.5, 0.25, 0.0)
    """

    def __init__(self, origin: Schedule, knots: Sequence[tuple[int, Fraction]]) -> None:
        self.origin = origin
        self.knots = tuple(knots)
        self.rule = origin.rule
        self.quantities = origin.quantities
        self.steps_per_epoch = origin.steps_per_epoch
        self.strict = origin.strict

    @property
    def horizon(self) -> int:
        """The number of steps of the whole run, as last stretched."""
        return self.knots[-1][0] if self.knots else self.origin.horizon

    def stretched(self, at: int, horizon: int) -> "Continued":
        """The same run up to step `at`, with what is left spread over the steps from there to `horizon`."""
        kept = [knot for knot in self.knots if knot[0] < at]
        return Continued(self.origin, [*kept, (at, self.place(at)), (horizon, Fraction(self.origin.horizon))])

    def place(self, step: int) -> Fraction:
        """The step of the origin, maybe between two, that a step of the run stands for."""
        check_range(step, step, self.horizon, self.strict)
        if not self.knots or step <= self.knots[0][0]:
            return Fraction(step)
        for (a, from_place), (b, to_place) in zip(self.knots, self.knots[1:], strict=False):
            if step <= b:
                return from_place + (to_place - from_place) * Fraction(step - a, b - a)
        last, place = self.knots[-1]
        return place + (step - last)

    def __call__(self, step: int) -> float:
        before, share = divmod(self.place(step), 1)
        value = float(self.origin(before))
        return value + (self.origin.limit(before + 1) - value) * float(share) if share else value

    def at(self, step: int) -> dict[str, float]:
        """Every quantity at a step."""
        before, share = divmod(self.place(step), 1)
        values = {name: float(value) for name, value in self.origin.at(before).items()}
        if share:
            after = self.origin.at(before + 1)
            for name, value in values.items():
                values[name] = value + (float(after[name]) - value) * float(share)
        values["lr"] = self(step)
        return values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Continued) and (self.origin, self.knots) == (other.origin, other.knots)

    def __hash__(self) -> int:
        return hash((self.origin, self.knots))

    def __str__(self) -> str:
        return f"{self.origin}, with its rest stretched to {self.horizon} steps"
