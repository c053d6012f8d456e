"""A recorded loss with the learning rates that led to it: what every law is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from calando.errors import BadValue, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["LossCurve", "checked_curves", "checked_numbers", "kept_numbers", "plan_rates", "rise", "seen_numbers"]

MOST_RATE = 1e9
LARGEST_LOSS = 1e12
DENSE = 400
LONGEST_STAIR = 0.25  # of the run
ROUNDED = 1e-14  # of the peak: no change of a rate


@dataclass(frozen=True, slots=True, eq=False)
class LossCurve:
    """One run's losses and the learning rate of each of its updates.

    Args:
        name: of the run, as it is told to the user.
        steps: n >= 1 rising numbers of updates made when each loss was taken, 1 to T.
        losses: n finite numbers > 0.
        rates: T finite numbers >= 0, the learning rate that update t used; T is the run's whole length, which may
            lie beyond the last loss.
        peak: the rate that factor 1 stands for, > 0; left out (0), the largest of `rates`.
        plan: the plan's text where it is known.
        warmup: updates of the initial rise, 0 to T; losses inside it are not fitted. Left out (-1), see `rise`.
        seed: the run's seed where it is known.
        source: where it was read from, as it is told to the user.

    Raises:
        BadValue: naming the first number that does not fit.

    Example:
        >>> curve = LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "warmup(10) | linear_decay()", 1e-3, 100)
        >>> curve.horizon, curve.warmup, curve.rates[[0, 10, 99]].tolist()
        (100, 10, [0.0, 0.001, 1.1111...e-05])
    """

    name: str
    steps: "IntArray"
    losses: "FloatArray"
    rates: "FloatArray"
    peak: float = 0.0
    plan: str = ""
    warmup: int = -1
    seed: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        where = f"the curve {shown(self.name)}"
        rates = checked_numbers(self.rates, where + ", rates", 0.0, MOST_RATE)
        losses = checked_numbers(self.losses, where + ", losses", 0.0, LARGEST_LOSS, above=True)
        steps = _steps(self.steps, len(rates), where)
        if len(steps) != len(losses):
            raise BadValue(
                given=f"{len(steps)} steps and {len(losses)} losses", allowed="as many of both", where=where,
                fix="give one loss for every step",
            )  # fmt: skip
        top = float(rates.max())
        if not top > 0:
            raise BadValue(
                given="learning rates that are all 0", allowed="a rate above 0 somewhere", where=where,
                fix="give the rates that the optimizer used, or the plan and its peak",
            )  # fmt: skip
        peak = top if self.peak == 0 else self.peak
        if not 0 < peak < MOST_RATE:
            raise BadValue(
                given=f"peak={shown(self.peak)}", allowed="a finite rate > 0", where=where, fix="give the peak rate"
            )
        warmup = rise(rates) if self.warmup == -1 else self.warmup
        if isinstance(warmup, bool) or not 0 <= warmup <= len(rates):
            raise BadValue(
                given=f"warmup={shown(self.warmup)}", allowed=f"0 to {len(rates)} updates", where=where,
                fix="leave it out: it is read off the rates",
            )  # fmt: skip
        for name, value in (("rates", rates), ("losses", losses), ("steps", steps), ("peak", float(peak))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "warmup", int(warmup))

    @classmethod
    def from_plan(
        cls, name: str, steps: "ArrayLike", losses: "ArrayLike", plan: str, peak: float, horizon: int, **more: Any
    ) -> "LossCurve":
        """A curve whose rates are those of a plan in text with its peak over a horizon in steps."""
        return cls(name, steps, losses, plan_rates(plan, peak, horizon), peak=peak, plan=plan, **more)  # type: ignore[arg-type]

    @property
    def horizon(self) -> int:
        """Updates of the whole run."""
        return len(self.rates)

    @property
    def finished(self) -> bool:
        """Whether the last loss was taken at the end, or so near that no further one was due."""
        left = self.horizon - int(self.steps[-1])
        gaps = np.diff(self.steps)
        due = min(float(np.median(gaps)), 0.05 * self.horizon) if len(gaps) else 0.0
        return bool(left <= max(0.01 * self.horizon, due))

    @property
    def reached(self) -> int:
        """Updates that its losses were seen for: all of a finished run's, else up to the last loss."""
        return self.horizon if self.finished else int(self.steps[-1])

    @property
    def final(self) -> float:
        """The last loss."""
        return float(self.losses[-1])

    def kept(self, choice: "NDArray[Any]") -> "LossCurve":
        """The same run with the losses that a mask, or a list of places, chooses."""
        return replace(self, steps=self.steps[choice], losses=self.losses[choice])

    def fitted_part(self) -> "LossCurve":
        """Without the losses inside the initial rise; as it is when nothing would be left."""
        inside = self.steps <= self.warmup
        return self if inside.all() else self.kept(~inside)

    def thinned(self, most: int = DENSE) -> "LossCurve":
        """At most so many losses (>= 2), each the mean over a stretch; stretches are shorter where the loss falls fast.

        A dense training loss is noise around its mean, so that averaging keeps what leaving out would lose; a sparse
        validation loss comes back as it is.
        """
        n = len(self.steps)
        if n <= most:
            return self
        share = (self.steps - self.steps[0]) / (self.steps[-1] - self.steps[0])
        grown = np.log(self.steps / self.steps[0]) / np.log(self.steps[-1] / self.steps[0])
        part = np.minimum((0.5 * (share + grown) * most).astype(np.int64), most - 1)
        begins = np.flatnonzero(np.diff(part, prepend=-1))
        counts = np.diff(np.append(begins, n))
        losses = np.add.reduceat(self.losses, begins) / counts
        steps = np.add.reduceat(self.steps, begins) // counts
        return replace(self, steps=steps, losses=losses)

    def picked(self, most: int) -> "LossCurve":
        """At most so many losses (>= 2), evenly chosen, the last one among them."""
        n = len(self.steps)
        return self if n <= most else self.kept(np.linspace(0, n - 1, most).round().astype(np.int64))


def plan_rates(plan: str, peak: float, horizon: int) -> "FloatArray":
    """The learning rates of a plan in text with its peak over a horizon in steps.

    >>> plan_rates("linear_decay()", 0.1, 4).tolist()
    [0.1, 0.075..., 0.05, 0.025]
    """
    from calando.core.text import parse

    schedule = parse(plan).bind(horizon)
    rates = np.require(schedule(np.arange(schedule.horizon)), np.float64, "W")
    rates *= peak
    return rates


def rise(rates: "FloatArray") -> int:
    """Updates of the initial rise, straight or in stairs: those before it reaches its top, or stays for long.

    A rate that stays for more than a quarter of the run before it rises on is no stair of a warm-up.

    >>> rise(np.array([0.0, 1.0, 2.0, 2.0, 2.0, 3.0])), rise(np.array([2.0, 1.0]))
    (2, 0)
    >>> rise(np.repeat([1.0, 2.0, 3.0, 4.0], [2, 2, 2, 10]))
    6
    """
    changes = np.diff(rates)
    changes[np.abs(changes) <= ROUNDED * rates.max()] = 0.0
    falls = np.flatnonzero(changes < 0)
    steps = np.flatnonzero(changes[: falls[0] if len(falls) else None] > 0) + 1
    long = np.flatnonzero(np.diff(steps, prepend=0) > LONGEST_STAIR * len(rates))
    steps = steps[: long[0]] if len(long) else steps
    return int(steps[-1]) if len(steps) else 0


def kept_numbers(given: "ArrayLike") -> "FloatArray":
    """A copy of numbers that nobody can change: what a frozen value holds.

    >>> kept_numbers([1, 2]).flags.writeable
    False
    """
    values = np.array(given, dtype=np.float64)
    values.setflags(write=False)
    return values


def checked_numbers(given: "ArrayLike", where: str, low: float, high: float, above: bool = False) -> "FloatArray":
    """A copy of one row of numbers that all lie from `low` (or above it) to `high`; read-only, or BadValue."""
    values = seen_numbers(given, where, low, high, above).copy()
    values.setflags(write=False)
    return values


def seen_numbers(given: "ArrayLike", where: str, low: float, high: float, above: bool = False) -> "FloatArray":
    """The same without the copy: what was given, where it is an array of floating-point numbers."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(given=shown(given), allowed="numbers", where=where, fix="give a list of numbers") from error
    if values.ndim != 1 or not len(values):
        raise BadValue(
            given=f"an array of shape {values.shape}", allowed="one row of at least one number", where=where,
            fix="give a flat list of numbers",
        )  # fmt: skip
    good = (values > low if above else values >= low) & (values <= high)
    if not good.all():
        at = int(np.argmin(good))
        sign = ">" if above else ">="
        raise BadValue(
            given=f"{float(values[at])!r} at place {at}", allowed=f"finite numbers {sign} {low:g}, at most {high:g}",
            where=where, fix="leave such rows out",
        )  # fmt: skip
    return values


def _steps(given: "ArrayLike", length: int, where: str) -> "IntArray":
    numbers = checked_numbers(given, where + ", steps", 1.0, float(length))
    steps = numbers.astype(np.int64)
    if (steps != numbers).any() or (np.diff(steps) <= 0).any():
        raise BadValue(
            given=f"steps {shown(given)}", allowed="rising whole numbers of updates", where=where + ", steps",
            fix="sort them, and keep one loss a step",
        )  # fmt: skip
    steps.setflags(write=False)
    return steps


def checked_curves(curves: "LossCurve | Sequence[LossCurve]", where: str) -> tuple[LossCurve, ...]:
    """One curve or several as a tuple, or BadValue."""
    found = (curves,) if isinstance(curves, LossCurve) else tuple(curves)
    if not found or not all(isinstance(curve, LossCurve) for curve in found):
        raise BadValue(
            given=shown(curves), allowed="one or more loss curves", where=where,
            fix="read them from logs, or build calando.forecast.LossCurve(name, steps, losses, rates)",
        )  # fmt: skip
    return found
