"""What torch's schedulers mean: living ones, read by their class names and attributes."""

import math
from typing import Any, Final

from calando.core.plan import Plan
from calando.errors import Unconvertible, shown
from calando.peers.asked import check_asked
from calando.peers.base import Converted
from calando.peers.finish import Group, finish
from calando.peers.torch_course import Course, Reading, groups_of, rate_of, refuse, value_of
from calando.peers.torch_cycles import cyclic, one_cycled
from calando.peers.torch_joined import chained, sequential
from calando.peers.torch_leaves import LEAVES
from calando.peers.torch_plateau import from_plateau

__all__ = ["from_torch"]

JOINED: Final = {"SequentialLR": sequential, "ChainedScheduler": chained}
CYCLES: Final = {"OneCycleLR": one_cycled, "CyclicLR": cyclic}
OURS: Final = ("PlateauLR", "ScheduleLR")
RECOMPUTED: Final = ("CosineAnnealingWarmRestarts", "CyclicLR", "LambdaLR", "OneCycleLR")


def from_torch(scheduler: Any, *, quirks: bool = True, per: str = "step") -> Converted:
    """A scheduler of torch as plans, one per parameter group.

    Formula: that of torch's class; absolute floors become factors of each group's own rate, momentum makes a bundle.

    Args:
        scheduler: a living scheduler of torch.optim.lr_scheduler, SWALR, or one of our own; it may be anywhere in its
            run: the plan is that of the whole run and `position` says how many steps it has behind it.
        quirks: equal torch at every step, or (False) the plan that was probably meant, all differences listed.
        per: "step" or "epoch": how often the loop steps it; counted in epochs, a value is held for each epoch.

    Raises:
        Unconvertible: with the reason, for what no plan of ours can say, and where rates were changed by hand.
        BadName: for another `per`.

    Example:
        >>> import torch
        >>> import calando
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> found = calando.from_torch(torch.optim.lr_scheduler.StepLR(optimizer, step_size=30))
        >>> str(found.plan), found.bases
        ('step_decay(every=30)', (0.1,))

    Source: torch.optim.lr_scheduler.
    """
    check_asked("from_torch", quirks=quirks, per=per)
    name = kind_of(scheduler)
    if name in OURS:
        return _ours(scheduler)
    if name == "ReduceLROnPlateau":
        return from_plateau(scheduler, quirks, per == "epoch")
    reading = read(scheduler, False)
    position = position_of(scheduler)
    plans = [(course.plan(True), course.plan(quirks)) for course in reading.courses]
    edits = _edits(scheduler, reading, position)
    if edits and quirks and name not in RECOMPUTED:
        raise refuse(
            edits[0], "the rates that the scheduler itself gives, since torch goes on from those that it finds",
            "set them back, load the optimizer's state_dict beside the scheduler's, or pass quirks=False for the plan "
            "without the change",
        )  # fmt: skip
    groups = [Group(exact, chosen, course.base) for (exact, chosen), course in zip(plans, reading.courses, strict=True)]
    by_epoch = per == "epoch"
    for exact, _ in plans if by_epoch else ():
        _check_epochs(exact)
    return finish(
        "torch", groups, quirks, horizon=reading.horizon, own=reading.own, by_epoch=by_epoch,
        reasons=reading.reasons, notes=(*reading.notes, *edits), past=reading.past, position=position,
    )  # fmt: skip


def kind_of(scheduler: Any) -> str:
    """The name of the class of torch (or ours) that a scheduler is of, its base classes searched.

    Raises:
        Unconvertible: for anything else.
    """
    known = {*LEAVES, *JOINED, *CYCLES, *OURS, "ReduceLROnPlateau"}
    for base in type(scheduler).__mro__:
        if base.__name__ in known and base.__module__.startswith(("torch.optim.", "calando.torch")):
            if base is not type(scheduler) and "get_lr" in vars(type(scheduler)):
                break
            return base.__name__
    raise Unconvertible(
        given=f"{shown(scheduler)} ({type(scheduler).__module__}.{type(scheduler).__name__})",
        allowed="a scheduler of torch: " + ", ".join(sorted(known)), where="from_torch(scheduler)",
        fix="give the scheduler itself; write one of your own as calando.function(call)",
    )  # fmt: skip


def read(scheduler: Any, again: bool) -> Reading:
    """What a scheduler does; `again` where a sequence begins it anew."""
    name = kind_of(scheduler)
    if name in JOINED:
        return JOINED[name](scheduler, read)
    reader = LEAVES.get(name) or CYCLES.get(name)
    if reader is None:
        raise refuse(f"{name} inside another scheduler", "schedulers without a metric there", "convert it alone")
    return reader(scheduler, again)


def position_of(scheduler: Any) -> int:
    """How many steps it has behind it."""
    if type(scheduler).__name__ == "ChainedScheduler":
        return position_of(scheduler._schedulers[-1])
    if type(scheduler).__name__ == "SWALR":
        return max(int(scheduler._step_count) - 1, 0)
    return max(int(scheduler.last_epoch), 0)


def _edits(scheduler: Any, reading: Reading, position: int) -> list[str]:
    """Groups whose rate is not what the scheduler gives at its position."""
    if reading.horizon is not None and position >= reading.horizon and type(scheduler).__name__ == "ChainedScheduler":
        return []  # torch adds to 0 and divides by it there, which the plan does not follow
    found = []
    for i, (group, course) in enumerate(zip(groups_of(scheduler), reading.courses, strict=True)):
        now = rate_of(group["lr"], "lr")
        wanted = course.base * value_of(course.exact, position)
        exactly = 1e-9 if isinstance(group["lr"], float | int) else 1e-3
        if math.isclose(now, wanted, rel_tol=exactly, abs_tol=1e-12 * course.base):
            continue
        if not math.isclose(now, wanted, rel_tol=0.0, abs_tol=1e-12 * _top(course, position)):
            given = f"group {i} was changed by hand, or its optimizer's own state was not loaded: it has the rate"
            found.append(f"{given} {now:g} at step {position}, where its scheduler gives {wanted:g}")
    return found


def _top(course: Course, position: int) -> float:
    """The largest rate up to a position, by which a peer that goes on from what it finds rounds."""
    return course.base * max(value_of(course.exact, t) for t in range(0, position + 1, max(1, position // 500)))


def _check_epochs(plan: Plan) -> None:
    """Plans whose pace is not a length cannot be told in epochs."""
    names = {type(plan).__name__} | {type(child).__name__ for child in plan.children}
    for child in plan.children:
        _check_epochs(child)
    if "function" in names or getattr(plan, "gamma", None) is not None:
        raise refuse(
            "a Python function of the epoch" if "function" in names else "exp_range, whose gamma counts epochs",
            "schedulers with closed forms, where epochs are counted", "step it after every update, with per='step'",
        )  # fmt: skip


def _ours(scheduler: Any) -> Converted:
    """A scheduler that `calando.torch.attach` made."""
    schedules = [scheduler.tracks[lane].schedule for lane in scheduler.lanes]
    if any(not hasattr(schedule, "plan") for schedule in schedules):
        raise refuse(
            "a run that was extended on resuming", "a scheduler that follows one plan", "take the plan of the first run"
        )
    return Converted(
        [schedule.plan for schedule in schedules], [float(base) for base in scheduler.base_lrs],
        horizon=max(schedule.horizon for schedule in schedules), position=scheduler.position,
    )  # fmt: skip
