"""The schedules of what was converted, held against the peer's own rates."""

from collections.abc import Sequence
from typing import NamedTuple

from calando.cli.converting.source import Found
from calando.core.schedule import Schedule
from calando.errors import BadValue
from calando.peers.base import Converted

__all__ = ["Measured", "bound", "measured"]

STEPPED, ASKED = 100_000, 2_000
"""How many steps of a peer are looked at: of one that is stepped, and of one that is asked for each."""


class Measured(NamedTuple):
    """The peer's rates at some steps, by group, and the largest gap relative to the peer's largest rate."""

    steps: list[int]
    rows: list[tuple[float, ...]]
    largest: float
    at: int
    of: int


def bound(found: Converted, horizon: int | None) -> tuple[tuple[Schedule, ...], int]:
    """The schedules of all groups, and the steps that are looked at."""
    length = found.horizon or horizon
    if length is None:
        raise BadValue(
            given="a peer without an end of its own, and no --horizon", allowed="the length of your run",
            where="--horizon", fix="add --horizon 10000",
        )  # fmt: skip
    sizes = {"steps_per_epoch": 1} if found.per == "epoch" else {}
    return found.schedules(length, **sizes), length


def measured(found: Found, schedules: Sequence[Schedule], length: int) -> Measured | None:
    """The peer's rates at its steps beside the schedules; None for a peer that listens to a metric."""
    living = found.living
    if living is None or living.rates is None:
        return None
    stepped = len(found.exact.plans) > 0 and living.rates.__qualname__.startswith("_stepped")
    most = STEPPED if stepped else ASKED
    steps = list(range(length)) if length <= most else sorted({length * i // most for i in range(most)})
    if stepped and length > STEPPED:
        steps = list(range(STEPPED))
    rows = living.rates(steps)
    top = max((abs(value) for row in rows for value in row), default=0.0) or 1.0
    largest, at = 0.0, 0
    for step, row in zip(steps, rows, strict=True):
        for schedule, base, theirs in zip(schedules, found.exact.bases, row, strict=False):
            gap = abs(schedule(step) * base - theirs) / top
            if gap > largest:
                largest, at = gap, step
    return Measured(steps, rows, largest, at, length)
