"""Random schedules of the kinds that other libraries have, and a little beside them."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random

import pytest

import calando
from calando import Plan, Schedule
from calando.errors import DoesNotFit, Unconvertible

COUNT = 150


def likely(seed: int, count: int = COUNT, horizon: int | None = None) -> list[Schedule]:
    """So many random schedules, of 40 to 200 steps unless told."""
    chance = Random(seed)
    found: list[Schedule] = []
    while len(found) < count:
        with suppress(DoesNotFit):
            found.append(_one(chance, horizon))
    return found


def exported(schedules: Iterable[Schedule], to: Callable[[Schedule, float], object]) -> list[tuple[Schedule, object]]:
    """Those that can be said, with what is said for a peak of 0.3; the rest is refused by name."""
    found = []
    for schedule in schedules:
        with suppress(Unconvertible):
            found.append((schedule, to(schedule, 0.3)))
    return found


def hold_equal(schedule: Schedule, rates: Iterable[float], tolerance: float) -> None:
    """Every update's rate is that of the schedule at a peak of 0.3."""
    used = [float(rate) for rate in rates]
    assert len(used) == schedule.horizon
    wanted = [0.3 * schedule(step) for step in range(schedule.horizon)]
    assert used == pytest.approx(wanted, rel=0, abs=tolerance * max(wanted)), str(schedule)


def _one(chance: Random, horizon: int | None) -> Schedule:
    horizon = horizon or chance.randint(40, 200)
    late = chance.random() < 0.15
    parts: list[Plan] = [calando.constant(0.0, length=1)] if late else []
    if late or chance.random() < 0.5:
        parts.append(_rise(chance, 0.0 if late else chance.choice((0.0, 0.0, 0.1))))
    if chance.random() < 0.25:
        parts.append(calando.constant(1.0, length=chance.randint(1, 9)))
    parts.append(_fall(chance))
    plan = calando.then(*parts) if len(parts) > 1 else parts[0]
    return plan.bind(horizon)


def _rise(chance: Random, start: float) -> Plan:
    length = chance.randint(2, 15)
    shape = chance.choice(("linear", "linear", "linear", "cosine", "1-sqrt"))
    return calando.warmup(length, start=start, shape=shape, first=chance.choice(("start", "start", "start", "step")))


def _fall(chance: Random) -> Plan:
    end = chance.choice((0.0, 0.0, 0.1, 0.25))
    first, power = chance.randint(5, 20), chance.choice((0.5, 2.0, 3))
    marks = sorted(chance.sample(range(1, 25), 3))
    return chance.choice(
        (
            calando.constant(),
            calando.linear_decay(end=end),
            calando.linear_decay(end=end, inclusive=True),
            calando.cosine(end=end),
            calando.cosine(end=end, inclusive=chance.random() < 0.5),
            calando.cosine(end=end, length=chance.randint(5, 20)),
            calando.polynomial_decay(power=power, end=end),
            calando.inverse_sqrt(timescale=chance.choice((None, 30))),
            calando.multistep(marks, factor=0.3),
            calando.step_decay(every=first, factor=0.5),
            calando.exponential_decay(factor=0.97),
            calando.exponential_decay(end=0.01),
            calando.inverse_time(rate=0.1, staircase=chance.random() < 0.5, every=first),
            calando.warm_restarts(first=first, growth=chance.choice((1, 1, 2)), end=end),
            calando.warm_restarts(first=first, peak_decay=0.8),
            calando.wsd(cooldown=chance.randint(5, 15), cooldown_shape=chance.choice(("linear", "cosine", "1-sqrt"))),
            calando.one_cycle(end=chance.choice((0.0, 1e-3)), phases=chance.choice((2, 3))),
            calando.cyclical(low=0.1, half=first, mode=chance.choice(("triangular", "triangular2"))),
        )
    )
