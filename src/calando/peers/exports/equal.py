"""A peer's own schedule is given only where it equals ours at every step; a near miss is told with size and place."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from calando.core.kinds import ABOVE_ZERO
from calando.core.plan import told
from calando.core.schedule import Schedule
from calando.errors import BadValue, Unconvertible, shown

__all__ = ["Candidate", "checked", "chosen"]

TOLERANCE = 1e-12
"""What two float64 formulas may differ by, as a share of the largest learning rate."""

MOST = 100_000
"""Steps at which values are compared one by one; longer runs are compared at so many, and around every turn."""


class Candidate(NamedTuple):
    """One way to say a schedule in a peer's own words.

    Args:
        name: what it is called there.
        config: what would be handed out.
        value: the peer's learning rate at update t, by the formula in its source.
    """

    name: str
    config: Any
    value: Callable[[int], float]


class Miss(NamedTuple):
    """Where and by how much two schedules differ: the first step, and the step of the largest difference."""

    first: int
    worst: int
    size: float


def checked(schedule: object, peak: object, who: str) -> tuple[Schedule, float]:
    """A schedule and a peak that can be exported.

    Raises:
        BadValue: for anything but a schedule and a rate above 0.
        Unconvertible: for a schedule of several quantities.
    """
    if not isinstance(schedule, Schedule):
        raise BadValue(
            given=f"{shown(schedule)} ({type(schedule).__name__})",
            allowed="a schedule: a plan bound to a horizon",
            where=f"{who}(schedule)",
            fix="bind it to the run: plan.bind(horizon)",
        )
    rate = float(ABOVE_ZERO.check(peak, f"{who}(peak)"))
    if len(schedule.quantities) > 1:
        raise Unconvertible(
            given="a bundle of " + ", ".join(schedule.quantities),
            allowed="the learning rate alone: a peer's own schedule holds nothing else",
            where=f"{who}(schedule)",
            fix="export the code of that host instead (--form code)",
        )
    return schedule, rate


def chosen(schedule: Schedule, peak: float, candidates: Iterable[Candidate], *, who: str, has: str) -> Any:
    """The config of the first candidate that equals the schedule at every step of its run.

    Raises:
        Unconvertible: when none does, with the nearest, and how far it is off and where.
    """
    nearest: tuple[Miss, Candidate] | None = None
    for candidate in candidates:
        miss = _miss(schedule, peak, candidate.value)
        if miss is None:
            return candidate.config
        if nearest is None or miss.size < nearest[0].size:
            nearest = miss, candidate
    plan = shown(told(schedule.plan), 80)
    if nearest is None:
        raise Unconvertible(
            given=f"{plan}, for which there is nothing alike",
            allowed=has,
            where=who,
            fix="export the code of that host instead (--form code)",
        )
    miss, candidate = nearest
    raise Unconvertible(
        given=f"{plan}; the nearest, {candidate.name}, differs from step {miss.first} on, "
        f"by {100 * miss.size:.3g} % of the peak at step {miss.worst}",
        allowed=f"what is equal at every step; {has}",
        where=who,
        fix="export the code of that host instead (--form code)",
    )


def _miss(schedule: Schedule, peak: float, value: Callable[[int], float]) -> Miss | None:
    top = max(schedule.facts.peak, 1e-300) * peak
    first, worst, size = -1, -1, 0.0
    for step in _steps(schedule):
        try:
            off = abs(value(step) - peak * schedule(step)) / top
        except (ArithmeticError, ValueError):
            off = float("inf")
        if not off <= TOLERANCE:
            first = step if first < 0 else first
            if not off <= size:
                worst, size = step, off
    return None if first < 0 else Miss(first, worst, size)


def _steps(schedule: Schedule) -> Iterator[int]:
    """The steps to compare at, in order."""
    horizon = schedule.horizon
    if horizon <= MOST:
        return iter(range(horizon))
    marks = {step + near for step in (0, *schedule.breaks(MOST // 10), horizon) for near in (-2, -1, 0, 1, 2)}
    spread = {horizon * i // MOST for i in range(MOST)}
    return iter(sorted(step for step in marks | spread if 0 <= step < horizon))
