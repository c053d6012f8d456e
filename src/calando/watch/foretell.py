"""Where a run under way is going: the final loss of the rest of its schedule, and of a cooldown that began now.

The laws are those of `calando.forecast`, fitted to the run's own curve. Nothing here runs in the process that trains.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calando.errors import CalandoError
from calando.forecast.curve import LossCurve
from calando.forecast.doubts import COMES_DOWN, unseen
from calando.forecast.forecasting import ends_of, fitted, foretold

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from calando.core.schedule import Schedule

    FloatArray = NDArray[np.float64]

__all__ = ["COOLED", "Cooled", "Foreteller", "Foretold", "foretell"]

COOLED: Final = (0.1, 0.2)
"""Lengths of the cooldowns that are told of, as shares of the updates made."""

LONGEST: Final = 10_000_000
LEVEL: Final = 0.8
SOONEST: Final = 5.0
"""Seconds between two forecasts of one run."""

MORE: Final = 0.02
"""So much more of the horizon makes another forecast worth its while."""

UNTRIED: Final = (
    f"the rate has not come below {100 * COMES_DOWN:.0f} % of its peak yet, and till then a law guesses what the loss"
    " gains by a fall: on our own runs cooldowns of a tenth ended 2 to 16 % above what was told, on recorded"
    " language models up to 70 %"
)

RESTS: Final = 10
"""After a forecast of so many seconds, this many times as long is waited."""


@dataclass(frozen=True, slots=True)
class Cooled:
    """What a linear cooldown to 0 that began now and took so many steps would give, and its band.

    >>> Cooled(100, 2.5, 2.4, 2.6).steps
    100
    """

    steps: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Foretold:
    """The loss at the end of a run's schedule, with its band; None where there is no schedule or no trust.

    `metric` is the loss that was fitted, `done` the updates made by then, `level` the bands' nominal share; `cooled`
    what cooldowns from here would give; `refused` why nothing is told, empty where something is; `doubts` why less is
    to be believed.

    >>> Foretold("val_loss", 10, 100, refused="too few losses").words
    'too few losses'
    """

    metric: str
    done: int
    horizon: int | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    cooled: tuple[Cooled, ...] = ()
    refused: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line that says it."""
        if self.refused:
            return self.refused
        if self.value is None or self.low is None or self.high is None:
            return f"where {self.metric} ends is not known: no schedule tells what is still to come"
        told = f"{self.metric} ends near {self.value:.4g}, {100 * self.level:.0f} % band {self.low:.4g}-{self.high:.4g}"
        less = [doubt for doubt in self.doubts if doubt != UNTRIED]
        return told + (f" (less sure: {less[0]})" if less else "")


@dataclass(frozen=True, slots=True, eq=False)
class _Going:
    """The rates of one way to go on; reads like a candidate of a forecast."""

    plan: str
    peak: float
    ahead: "FloatArray"

    @property
    def horizon(self) -> int:
        return len(self.ahead)

    def rates(self) -> "FloatArray":
        return self.ahead


def foretell(
    steps: "ArrayLike",
    losses: "ArrayLike",
    schedule: "Schedule | None" = None,
    peak: float | None = None,
    *,
    rates: "ArrayLike | None" = None,
    metric: str = "val_loss",
    cooled: Sequence[float] = COOLED,
    level: float = LEVEL,
    guesses: bool = False,
) -> Foretold:
    """The final loss of a run under way, and what cooldowns that began now would give.

    Formula: the mean of the laws that fit the run's own curve, over the rates used so far and those still to come; the
    band is `calando.forecast.bands.band`. What the laws themselves have reason to doubt is refused, or its band is
    widened, as in `calando.forecast`. Falls of the rate that the run has not shown are not told of.

    Args:
        steps: n rising numbers of updates, each the one just made when a loss was taken, counted from 0.
        losses: n losses of one kind, > 0; lower is better.
        schedule: a bound schedule, the one in force: with all that was changed under way; None where none is known.
        peak: learning rate of its factor 1, > 0.
        rates: numbers >= 0, the rate of every update made, where no schedule tells.
        metric: name of the losses, for the words.
        cooled: list of lengths of cooldowns, each a share of the updates made, > 0.
        level: number, the bands' nominal share, 0.5 to 0.99.
        guesses: whether to tell of falls that the run has not shown all the same; to measure how wrong that is.

    Example:
        >>> import calando
        >>> schedule = calando.linear_decay().bind(2000)
        >>> steps = list(range(19, 1500, 20))
        >>> found = foretell(steps, [2 + 20 / (t + 50) ** 0.5 for t in steps], schedule, 0.1)
        >>> found.refused, found.low < found.value < found.high, [one.steps for one in found.cooled]
        ('', True, [150, 300])
    """
    at, values = np.asarray(steps, dtype=np.int64) + 1, np.asarray(losses, dtype=np.float64)
    done = int(at[-1]) if len(at) else 0
    horizon = schedule.horizon if schedule is not None and peak is not None else None

    def refuse(why: str) -> Foretold:
        return Foretold(metric, done, horizon, level=level, refused=why)

    if not len(at):
        return refuse(f"no {metric} was logged yet")
    if not np.isfinite(values[-1]):
        return refuse(f"the last {metric} is not finite")
    sound = np.isfinite(values)
    at, values = at[sound], values[sound]
    if (values <= 0).any():
        return refuse(f"{metric} is not above 0 everywhere: the laws are about losses")
    if max(horizon or 0, round(done * (1 + max(cooled, default=0)))) > LONGEST:
        return refuse(f"more than {LONGEST:,} updates")
    whole = _rates(schedule, peak, rates, done)
    if whole is None or not whole[:done].any():
        return refuse("the learning rates of the updates made are not known")
    top = float(whole.max())
    ways = [_Going("to the end", top, whole)] if horizon is not None and horizon > done else []
    last = float(whole[done - 1])
    lengths = [max(round(share * done), 1) for share in cooled] if last > 0 else []
    ways += [_Going(f"cooldown {n}", top, _cooled(whole[:done], last, n)) for n in lengths]
    if not ways:
        return refuse("it is at its end")
    try:
        curve = LossCurve(metric, at, values, whole if horizon is not None else whole[:done], peak=top)
        fits, _ = fitted([curve])
        found, doubts, _ = foretold([curve], fits, ways, ends_of(fits, ways), level)  # type: ignore[arg-type]
    except CalandoError as error:
        return refuse(f"{error.given}: {error.fix}")
    refusing = [doubt for doubt in doubts if doubt.refuses and doubt.name != "no cooldown seen"]
    if refusing:
        return refuse(refusing[0].words)
    guessed = unseen([curve], np.array([way.rates()[-1] / way.rates().max() for way in ways]))
    hidden = {way.plan for way, guess in zip(ways, guessed, strict=True) if guess and not guesses}
    if len(hidden) == len(ways):
        return refuse(UNTRIED)
    by = {one.plan: one for one in found if one.plan not in hidden}
    end = by.get("to the end")
    return Foretold(
        metric, done, horizon,
        None if end is None else end.loss, None if end is None else end.low, None if end is None else end.high,
        level, tuple(Cooled(n, p.loss, p.low, p.high) for n in lengths if (p := by.get(f"cooldown {n}"))),
        doubts=(*(doubt.words for doubt in doubts if not doubt.refuses), *([UNTRIED] if guessed.any() else [])),
    )  # fmt: skip


def _rates(
    schedule: "Schedule | None", peak: float | None, rates: "ArrayLike | None", done: int
) -> "FloatArray | None":
    """The rate of every update, up to the horizon where it is known."""
    if schedule is not None and peak is not None and schedule.rule is None:
        length = max(schedule.horizon, done)
        return peak * np.asarray(schedule(np.arange(length)), dtype=np.float64)
    if rates is None:
        return None
    known = np.asarray(rates, dtype=np.float64)[:done]
    fits = len(known) == done and bool((np.isfinite(known) & (known >= 0)).all())
    return known if fits else None


def _cooled(past: "FloatArray", last: float, steps: int) -> "FloatArray":
    return np.concatenate([past, last * (1 - np.arange(steps) / steps)])


class Foreteller:
    """Forecasts of one run, made again when enough more of it came; for a thread beside the page, not the training.

    Example:
        >>> import calando
        >>> again = Foreteller()
        >>> again.look({}, "val_loss", "min", calando.linear_decay().bind(100), 0.1) is None
        True
    """

    def __init__(self) -> None:
        self._found: Foretold | None = None
        self._asked: tuple[Any, ...] = ()
        self._due = 0.0

    def look(
        self,
        columns: Mapping[str, Any],
        metric: str,
        mode: str,
        schedule: "Schedule | None",
        peak: float | None,
    ) -> Foretold | None:
        """The latest forecast; None where nothing that could be forecast was logged.

        Args:
            columns: mapping of names to objects with `steps` and `values`, as a Tail has them.
            metric: name of what the run is judged by.
            mode: "min" or "max".
            schedule: a bound schedule, the one in force, or None.
            peak: learning rate of its factor 1, > 0, or None.
        """
        name = _curve_in(columns, metric, mode)
        if name is None:
            return None
        column = columns[name]
        done = int(column.steps[-1]) + 1
        ahead = schedule.horizon if schedule is not None else done
        asked = (name, schedule, peak)
        now = time.monotonic()
        same = self._found is not None and asked == self._asked
        if same and self._found is not None and not 0 <= done - self._found.done < max(MORE * ahead, 1):
            same = now < self._due
        if self._found is not None and (same or now < self._due):
            return self._found
        known = _used(columns.get("lr"), done) if schedule is None or peak is None else None
        self._found = foretell(column.steps, column.values, schedule, peak, rates=known, metric=name)
        self._asked = asked
        took = time.monotonic() - now
        self._due = now + max(SOONEST, RESTS * took)
        return self._found


def _curve_in(columns: Mapping[str, Any], metric: str, mode: str) -> str | None:
    """The loss to forecast: the metric where it is one, else the training loss."""
    names = [metric] if mode == "min" else []
    for name in [*names, "val_loss", "train_loss", "loss"]:
        column = columns.get(name)
        if column is not None and len(column.steps) and bool((np.asarray(column.values) > 0).any()):
            return name
    return None


def _used(rates: Any, done: int) -> "FloatArray | None":
    """The rate of every update made, from those that were logged."""
    if rates is None or not len(rates.steps) or done > LONGEST:
        return None
    known = np.asarray(rates.values, dtype=np.float64)
    return np.interp(np.arange(done), np.asarray(rates.steps), known)
