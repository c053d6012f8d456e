"""Facts of a schedule that are known without training."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Facts", "Jump", "Stretch", "facts_of"]

EVERY_STEP_UP_TO = 1_000_000
STRATA = 32_768
IN_A_ROW = 64
MOST_JUMPS = 1000
MOST_PIECES = 1000
VISIBLE = 1e-3


class Jump(NamedTuple):
    """A step at which the factor leaps: `before` is what the curve was heading for, `after` what it is."""

    step: int
    before: float
    after: float


class Stretch(NamedTuple):
    """A stretch of steps, first and last included, over which the factor rises, falls or is level."""

    first: int
    last: int
    direction: str


class Facts(NamedTuple):
    """What a schedule is like.

    Args:
        peak: the largest factor of any update.
        peak_step: the first update that has it.
        end: the factor at the horizon and past it.
        last: the factor of the last update.
        area: the sum of the factors over the run, in steps.
        mean: area / horizon.
        jumps: leaps of at least a thousandth of the value there, the first 1000.
        pieces: monotone stretches, the first 1000.
        lowest: the smallest factor of any update.
        exact: whether every step was looked at; beyond a million steps 65536 of them and all
            joins are, and the area is an estimate.

    Example:
        >>> import calando
        >>> facts = calando.linear_decay().bind(4).facts
        >>> facts.peak, facts.end, facts.area, facts.mean
        (1.0, 0.0, 2.5, 0.625)
    """

    peak: float
    peak_step: int
    end: float
    last: float
    area: float
    mean: float
    jumps: tuple[Jump, ...]
    pieces: tuple[Stretch, ...]
    lowest: float
    exact: bool


def facts_of(schedule: "Schedule") -> Facts:
    """Evaluate a schedule and say what it is like."""
    import numpy as np

    horizon, breaks = schedule.horizon, schedule.breaks()
    exact = horizon <= EVERY_STEP_UP_TO
    steps, scattered = (np.arange(horizon, dtype=np.int64),) * 2 if exact else looked_at(horizon - 1, breaks)
    values = schedule(steps)
    at = int(np.argmax(values))
    peak = float(values[at])
    area = _sum(values) if exact else float(schedule(scattered).mean()) * horizon
    return Facts(
        peak=peak,
        peak_step=int(steps[at]),
        end=schedule(horizon),
        last=schedule(horizon - 1),
        area=area,
        mean=area / horizon,
        jumps=_jumps(schedule, breaks, peak),
        pieces=_stretches(steps, values, peak),
        lowest=float(values.min()),
        exact=exact,
    )


def _sum(values: Any) -> float:
    """The exactly rounded sum; of factors whose sum leaves the floats, infinity."""
    try:
        return math.fsum(values.tolist())
    except OverflowError:
        return math.inf


def looked_at(last: int, breaks: Sequence[int]) -> tuple[Any, Any]:
    """Steps to look at where there are too many to see all, and those of them that are spread evenly at random.

    One step at a random place in each of 32768 equal strata, so that no wave can hide between even distances; 64 in a
    row at 512 places, for waves that are quicker than the strata; and the steps around every join.
    """
    import numpy as np

    chance = np.random.default_rng(0).random(STRATA)
    scattered = ((np.arange(STRATA) + chance) * ((last + 1) / STRATA)).astype(np.int64)
    rows = scattered[:: STRATA // 512, None] + np.arange(IN_A_ROW)
    near = np.asarray([0, last, *(step + d for step in breaks for d in (-1, 0, 1))], dtype=np.int64)
    steps = np.unique(np.concatenate([scattered, rows.ravel(), near]))
    return steps[(steps >= 0) & (steps <= last)], scattered


def _jumps(schedule: "Schedule", breaks: tuple[int, ...], peak: float) -> tuple[Jump, ...]:
    found = []
    for step in breaks:
        before, after = schedule.limit(step), schedule(step)
        if abs(after - before) >= max(VISIBLE * max(before, after), 1e-12 * peak) and after != before:
            found.append(Jump(step, before, after))
            if len(found) == MOST_JUMPS:
                break
    return tuple(found)


def _stretches(steps: Any, values: Any, peak: float) -> tuple[Stretch, ...]:
    import numpy as np

    if len(steps) == 1:
        return (Stretch(int(steps[0]), int(steps[0]), "level"),)
    change = np.diff(values)
    sign = np.where(np.abs(change) <= 1e-15 * peak, 0, np.sign(change)).astype(int)
    turns = np.flatnonzero(np.diff(sign)) + 1
    marks = [0, *turns.tolist()[:MOST_PIECES], len(steps) - 1]
    names = {1: "rises", -1: "falls", 0: "level"}
    return tuple(
        Stretch(int(steps[a]), int(steps[b]), names[int(sign[a])])
        for a, b in zip(marks[:MOST_PIECES], marks[1:], strict=False)
    )
