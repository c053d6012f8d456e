"""torch's SequentialLR and ChainedScheduler: pieces in turn, and factors at once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from calando.peers.legs import level
from calando.peers.torch_course import (
    Course,
    Maker,
    Reading,
    groups_of,
    product_of,
    rate_of,
    refuse,
    segments,
    share,
    times,
    value_of,
    way,
)  # fmt: skip

__all__ = ["chained", "sequential"]

Read: TypeAlias = Callable[[Any, bool], Reading]


def sequential(scheduler: Any, read: Read) -> Reading:
    """SequentialLR: the first piece goes on from `initial_lr`, every later one is begun anew by its closed form."""
    inner, marks = list(scheduler._schedulers), list(scheduler._milestones)
    if any(mark != int(mark) for mark in marks) or any(b < a for a, b in zip(marks, marks[1:], strict=False)):
        raise refuse(f"milestones {marks}", "whole milestones that rise", "sort and round them")
    names = [type(one).__name__ for one in inner]
    joined = [name for name in names if name in ("SequentialLR", "ChainedScheduler")]
    if joined:
        raise refuse(
            f"a {joined[0]} inside a SequentialLR, which torch steps once too often or not at all",
            "a sequence of single schedulers", "put its schedulers into one sequence",
        )  # fmt: skip
    starts = [max(int(mark), 0) for mark in marks]
    first = sum(start == 0 for start in starts)
    lengths = [b - a for a, b in zip([0, *starts], [*starts, None], strict=True) if b is not None]
    readings = [read(one, i > first) for i, one in enumerate(inner)]
    used = [i for i, length in enumerate([*lengths, None]) if length != 0]
    for i in used:
        if readings[i].follows and i != first and names[i] != "SWALR":
            raise refuse(
                f"{names[i]} after another scheduler of a sequence, where it goes on from the rate that it finds",
                "schedulers that start from their own base", "put it first, or use a LambdaLR",
            )  # fmt: skip
    ended = [i for i in used[:-1] if readings[i].horizon is not None and names[i] == "OneCycleLR"]
    for i in ended:
        if lengths[i] > (readings[i].horizon or 0):
            raise refuse(
                f"OneCycleLR of {readings[i].horizon} steps in a stretch of {lengths[i]}, where torch raises",
                "a stretch that it fills", "move the milestone",
            )  # fmt: skip
    found = [
        _begun(group, readings[first], course)
        for group, course in zip(groups_of(scheduler), readings[first].courses, strict=True)
    ]
    courses = [_course(readings, lengths, used, course, g) for g, course in enumerate(found)]
    held = [_momentum_found(scheduler, readings, first, g) for g in range(len(found))]
    shaped = [_on_first(pieces, momentum) for pieces, momentum in zip(courses, held, strict=True)]
    last = readings[used[-1]]
    after = sum(lengths)
    return Reading(
        tuple(shaped),
        horizon=None if last.horizon is None else after + last.horizon,
        own=None if last.own is None else after + last.own,
        reasons=tuple(dict.fromkeys(reason for i in used for reason in readings[i].reasons)),
        past=_later(last.past, after),
        notes=tuple(dict.fromkeys(note for i in used for note in readings[i].notes)),
    )


def _later(past: str, after: int) -> str:
    return past if not past or not after else f"{past} (steps counted from step {after})"


def _begun(group: dict[str, Any], reading: Reading, course: Course) -> Course:
    """The first piece from the rate that a sequence sets it back to, which a scheduler made later may have changed."""
    initial = rate_of(group.get("initial_lr", course.base), "initial_lr")
    if reading.sets or initial == course.base:
        return course
    if course.begun is not None:
        return course.begun(initial)
    if initial > 0.0:
        return course._replace(base=initial)
    return course._replace(exact=partial(level, 0.0), meant=None)


def _on_first(pieces: "list[tuple[int | None, Course]]", momentum: float | None) -> Course:
    """Pieces on their own bases as one course on that of the first."""
    base = pieces[0][1].base
    exact: list[tuple[int | None, Maker]] = []
    meant: list[tuple[int | None, Maker]] = []
    for i, (length, piece) in enumerate(pieces):
        by = 1.0 if i == 0 else share(piece.base, base)
        exact.append((length, times(piece.exact, by)))
        meant.append((length, times(piece.meant or piece.exact, by)))
    return Course(base, segments(*exact), segments(*meant), _momentum(pieces, momentum))


def _course(
    readings: Sequence[Reading], lengths: Sequence[int], used: Sequence[int], first: Course, group: int
) -> "list[tuple[int | None, Course]]":
    every: list[int | None] = [*lengths, None]
    pieces: list[tuple[int | None, Course]] = [(every[used[0]], first)]
    for i in used[1:]:
        course = readings[i].courses[group]
        pieces.append((every[i], _continued(course, pieces[-1]) if readings[i].follows else course))
    return pieces


def _continued(course: Course, before: "tuple[int | None, Course]") -> Course:
    """SWALR begun where the piece before it ended."""
    length, piece = before
    reached = piece.base * value_of(piece.exact, (length or 1) - 1)
    end = course.base * value_of(course.exact, 10**6)
    return _annealed(course, reached, end)


def _annealed(course: Course, reached: float, end: float) -> Course:
    plan = course.exact(None)
    leg = plan.children[0] if plan.children else plan
    steps = getattr(leg, "length", None)
    base = max(reached, end) or 1.0
    if steps is None:
        return Course(base, partial(level, share(end, base)))
    shape = "cosine" if type(leg).__name__ == "cosine" else "linear"
    return Course(base, way(shape, share(reached, base), share(end, base), int(steps.amount)))


def _momentum_found(scheduler: Any, readings: Sequence[Reading], first: int, group: int) -> float | None:
    """The momentum at step 0, which is what the scheduler that was made last has left."""
    starts = [value_of(course.momentum, 0) for course in (reading.courses[group] for reading in readings)
              if course.momentum is not None]  # fmt: skip
    if not starts:
        return None
    if scheduler.last_epoch > 0 and len(set(starts)) > 1 and readings[first].courses[group].momentum is None:
        raise refuse(
            f"a sequence at step {scheduler.last_epoch}, whose schedulers leave the momenta "
            f"{', '.join(f'{start:g}' for start in starts)} when they are made",
            "a sequence before its first step there", "convert it before the run",
        )  # fmt: skip
    if scheduler.last_epoch > 0:
        return starts[0]
    held = groups_of(scheduler)[group]
    return float(held["momentum"] if "momentum" in held else held["betas"][0])


def _momentum(pieces: "list[tuple[int | None, Course]]", now: float | None) -> Maker | None:
    """The momentum of the pieces that move one; the others hold what they find."""
    if now is None:
        return None
    parts: list[tuple[int | None, Maker]] = []
    for length, course in pieces:
        parts.append((length, course.momentum or partial(level, now)))
        if course.momentum is not None and length is not None:
            now = value_of(course.momentum, length - 1)
    return segments(*parts)


def chained(scheduler: Any, read: Read) -> Reading:
    """ChainedScheduler: one rate, multiplied by every scheduler in turn."""
    inner = list(_flat(scheduler))
    readings = [read(one, False) for one in inner]
    names = [type(one).__name__ for one in inner]
    outright = [i for i, reading in enumerate(readings) if reading.sets]
    if outright and outright[-1] == len(inner) - 1:
        found = readings[-1]
        if len(inner) == 1:
            return found
        lost = ", ".join(names[:-1])
        return found._replace(
            notes=(*found.notes, f"{names[-1]} writes the rate anew at every step, so that {lost} before it is lost")
        )
    if outright:
        raise refuse(
            f"{names[outright[-1]]} before {names[outright[-1] + 1]} in a chain: it writes the rate anew at every "
            "step, so that what comes after it counts for one step only",
            "chains of schedulers that multiply", "multiply the plans: calando.product(a, b)",
        )  # fmt: skip
    if len(inner) == 1:
        return readings[0]
    for one, name in zip(inner, names, strict=True):
        if name in ("SequentialLR", "SWALR") or (name == "CosineAnnealingLR" and float(one.eta_min) != 0.0):
            raise refuse(
                f"{name}{' with eta_min' if name == 'CosineAnnealingLR' else ''} in a chain, which adds to a rate "
                "that others multiply", "chains of schedulers that multiply",
                "multiply the plans: calando.product(a, b)",
            )  # fmt: skip
    courses = []
    for g in range(len(readings[0].courses)):
        mine = [reading.courses[g] for reading in readings]
        exact = product_of([course.exact for course in mine])
        courses.append(Course(mine[0].base, exact, product_of([course.meant or course.exact for course in mine])))
    ends = [reading.horizon for reading in readings if reading.horizon is not None]
    past = "past its horizon torch adds to a rate of 0 and divides by it, where ours holds" if ends else ""
    return Reading(
        tuple(courses), horizon=min(ends, default=None), past=past,
        reasons=tuple(dict.fromkeys(reason for reading in readings for reason in reading.reasons)),
        follows=any(reading.follows for reading in readings),
    )  # fmt: skip


def _flat(scheduler: Any) -> Sequence[Any]:
    found: list[Any] = []
    for one in scheduler._schedulers:
        found.extend(_flat(one) if type(one).__name__ == "ChainedScheduler" else [one])
    return found
