"""How far a converted schedule is from the peer's own values."""

import math
from typing import Any

from calando import from_json
from tests.peers.living import Answer


def schedules(answer: Answer, steps: int) -> list[Any]:
    """The plans bound for at least so many steps; those of epochs with one step in each."""
    horizon = answer["horizon"] or steps
    length = f"{horizon}ep" if answer["per"] == "epoch" else horizon
    sizes = {"steps_per_epoch": 1} if answer["per"] == "epoch" else {}
    return [from_json(plan).bind(length, **sizes) for plan in answer["plans"]]


def worst(answer: Answer, steps: int, besides: tuple[int, ...] = ()) -> float:
    """The largest error relative to the peer's value (to its largest one where it is 0), inside its horizon."""
    largest = 0.0
    for group, (schedule, base) in enumerate(zip(schedules(answer, steps), answer["bases"], strict=True)):
        theirs = [row[group] for row in answer["rows"]]
        top = max(theirs) or 1.0
        inside = min(len(theirs) - 1, answer["horizon"] or steps)
        for t in range(inside + 1):
            if t not in besides:
                gap = abs(schedule(t) * base - theirs[t])
                largest = max(largest, gap / top if gap < 1e-15 * top else gap / (abs(theirs[t]) or top))
    return largest


def worst_of_top(answer: Answer, steps: int, besides: tuple[int, ...] = ()) -> float:
    """The largest error relative to the peer's largest value, as float32 allows."""
    largest = 0.0
    for group, (schedule, base) in enumerate(zip(schedules(answer, steps), answer["bases"], strict=True)):
        theirs = [row[group] for row in answer["rows"]]
        inside = min(len(theirs) - 1, answer["horizon"] or steps)
        top = max(abs(value) for value in theirs if math.isfinite(value)) or 1.0
        found = [abs(schedule(t) * base - theirs[t]) / top for t in range(inside + 1) if t not in besides]
        largest = max(largest, *found)
    return largest
