"""What a picture of schedules shows, as data: panels, axes and lines, before any ink."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from calando.core.picture.numbers import decades, labels, rate, round_steps, step_labels, ticks
from calando.core.picture.trace import Point, quantity, trace
from calando.errors import BadValue

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Axis", "Line", "Panel", "Picture", "letter", "picture", "spelled"]

DOTS_UP_TO = 40
DECADES = 9  # of a log axis, at most: below, a rate is as good as none


class Axis(NamedTuple):
    """From `low` to `high`, with marks: places and their texts; on a log axis `low` is above 0."""

    title: str
    low: float
    high: float
    marks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value stands: 0 at `low`, 1 at `high`; what a log axis cannot show stands at 0.

        >>> Axis("", 0.01, 1.0, (), log=True).share(0.1)
        0.5
        """
        if self.log:
            return math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


class Line(NamedTuple):
    """One curve: which schedule it is of, its points, and the steps of its updates where they are few."""

    slot: int
    points: tuple[Point, ...]
    dots: tuple[Point, ...] = ()


class Panel(NamedTuple):
    """One quantity of all schedules that have it."""

    name: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


class Picture(NamedTuple):
    """Panels above each other, on one clock; `names` are the schedules, by slot."""

    names: tuple[str, ...]
    panels: tuple[Panel, ...]


def letter(slot: int) -> str:
    """The sign of a schedule wherever colours may be missing.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'A1')
    """
    return chr(ord("A") + slot % 26) + (str(slot // 26) if slot >= 26 else "")


def spelled(schedule: "Schedule") -> str:
    """The plan as text; as Python where it has no text."""
    from calando.errors import NotSerialisable

    try:
        return str(schedule.plan)
    except NotSerialisable:
        return repr(schedule.plan)


def picture(
    schedules: Sequence["Schedule"],
    *,
    peak: float | None = None,
    log: bool = False,
    buckets: int = 600,
    about: int = 4,
    across: int = 5,
) -> Picture:
    """Schedules over each other: the learning rate (the factor, without a peak), then every other quantity.

    Args:
        schedules: one or more; their horizons may differ.
        peak: learning rate that factor 1 stands for, > 0.
        log: whether the learning rate has a log axis.
        buckets: how finely a long run is looked at: the number of buckets along the x axis.
        about: about how many marks the y axis has.
        across: about how many marks the x axis has.

    Raises:
        BadValue: for no schedule at all.
    """
    if not schedules:
        raise BadValue(given="no schedules", allowed="one or more", where="picture", fix="give a schedule")
    horizon = max(schedule.horizon for schedule in schedules)
    steps = round_steps(horizon, across)
    marks = tuple(zip(map(float, steps), step_labels(steps), strict=True))
    x = Axis("step", 0.0, float(horizon), marks)
    quantities = list(dict.fromkeys(name for schedule in schedules for name in schedule.quantities))
    panels: list[Panel] = []
    for name in quantities:
        by = peak if name == "lr" and peak is not None else 1.0
        lines = tuple(
            _line(slot, quantity(schedule, name), by, buckets)
            for slot, schedule in enumerate(schedules)
            if name in schedule.quantities
        )
        panels.append(
            Panel(
                name, x, _upright(name, lines, peak, about if not panels else about // 2, log=log and not panels), lines
            )
        )
    return Picture(tuple(spelled(schedule) for schedule in schedules), tuple(panels))


def _line(slot: int, schedule: "Schedule", by: float, buckets: int) -> Line:
    points = tuple((step, value * by) for step, value in trace(schedule, buckets))
    horizon = schedule.horizon
    dots = tuple((float(t), schedule(t) * by) for t in range(horizon)) if horizon <= DOTS_UP_TO else ()
    return Line(slot, points, dots)


def _upright(name: str, lines: Sequence[Line], peak: float | None, about: int, *, log: bool) -> Axis:
    values = [value for line in lines for _, value in line.points]
    title = name.replace("_", " ") if name != "lr" else "factor of the peak" if peak is None else "learning rate"
    if log and max(values) > 0:
        high = max(values)
        low = max(min(value for value in values if value > 0), high / 10**DECADES)
        low = 10.0 ** math.floor(math.log10(min(low, high / 2)))
        return Axis(f"{title}, log scale", low, high, tuple((v, rate(v)) for v in decades(low, high, about)), log=True)
    low, high = min(values), max(values)
    if name == "lr" or low < 0.5 * high or low == high:
        low = 0.0
    high = high if high > low else low + 1.0
    if low:
        room = 0.06 * (high - low)
        low, high = low - room, high + room
    places = ticks(low, high, about)
    return Axis(title, low, high, tuple(zip(places, labels(places), strict=True)))
