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
    courses = [_course(readings, lengths, used, g) for g in range(len(groups_of(scheduler)))]
    bases = _bases(scheduler, readings, used[0])
    shaped = [_rebased(course, base) for course, base in zip(courses, bases, strict=True)]
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


def _bases(scheduler: Any, readings: Sequence[Reading], first: int) -> list[float]:
    """The rate that factor 1 of the whole stands for."""
    chosen = []
    for group, course in zip(groups_of(scheduler), readings[first].courses, strict=True):
        initial = rate_of(group.get("initial_lr", course.base), "initial_lr")
        chosen.append(initial if initial > 0 and not readings[first].sets else course.base)
    return chosen


def _rebased(course: "list[tuple[int | None, Course]]", base: float) -> Course:
    """Pieces on their own bases as one course on a common one; the first goes on from that base."""
    exact: list[tuple[int | None, Maker]] = []
    meant: list[tuple[int | None, Maker]] = []
    for i, (length, piece) in enumerate(course):
        by = 1.0 if i == 0 else share(piece.base, base)
        exact.append((length, times(piece.exact, by)))
        meant.append((length, times(piece.meant or piece.exact, by)))
    momentum = _momentum(course)
    return Course(base, segments(*exact), segments(*meant), momentum)


def _course(
    readings: Sequence[Reading], lengths: Sequence[int], used: Sequence[int], group: int
) -> "list[tuple[int | None, Course]]":
    every: list[int | None] = [*lengths, None]
    pieces: list[tuple[int | None, Course]] = []
    for i in used:
        course = readings[i].courses[group]
        if readings[i].follows and pieces:
            course = _continued(course, pieces[-1])
        pieces.append((every[i], course))
    return pieces


def _continued(course: Course, before: "tuple[int | None, Course]") -> Course:
    """SWALR begun where the piece before it ended."""
    length, piece = before
    reached = piece.base * value_of(piece.exact, (length or 1) - 1)
    end = course.base * value_of(course.exact, 10**6)
    return _annealed(course, reached, end)


def _annealed(course: Course, base: float, end: float) -> Course:
    from calando.peers.torch_course import way

    plan = course.exact(None)
    leg = plan.children[0] if plan.children else plan
    steps = getattr(leg, "length", None)
    if steps is None:
        return Course(base, lambda length: level(share(end, base), length))
    shape = "cosine" if type(leg).__name__ == "cosine" else "linear"
    return Course(base, way(shape, 1.0, share(end, base), int(steps.amount)))


def _momentum(pieces: "list[tuple[int | None, Course]]") -> Maker | None:
    """The momentum of the pieces that move one; the others hold what they find, at first what the next starts with."""
    moving = [course.momentum for _, course in pieces if course.momentum is not None]
    if not moving:
        return None
    now = value_of(moving[0], 0)
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
