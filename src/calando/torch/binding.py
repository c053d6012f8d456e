"""What hosts share: a plan is bound to the number of updates that the host will make."""

from collections.abc import Callable
from typing import Any, TypeAlias

from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.text import parse
from calando.errors import BadValue, shown

__all__ = ["PlanLike", "bound_to", "whole_horizon"]

PlanLike: TypeAlias = Schedule | Plan | str
"""A schedule, which is taken as it is, or a plan or its text, which is bound to what the host will do."""


def bound_to(plan: PlanLike, where: str, sizes: Callable[[], dict[str, Any]]) -> Schedule:
    """A schedule out of a schedule, a plan or a text; `sizes` gives the arguments of `bind`, asked only if needed.

    Raises:
        BadValue: for anything else.

    >>> bound_to("linear_decay()", "here", lambda: {"horizon": 4})(1)
    0.75
    """
    if isinstance(plan, Schedule):
        return plan
    read = parse(plan) if isinstance(plan, str) else plan
    if not isinstance(read, Plan):
        raise BadValue(
            given=f"{shown(plan)} ({type(plan).__name__})",
            allowed="a plan, its text, or a schedule",
            where=where,
            fix="write calando.cosine(), 'warmup(5%) | cosine()', or bind it yourself: plan.bind(horizon)",
        )
    return read.bind(**sizes())


def whole_horizon(steps: Any, where: str, source: str) -> int:
    """A number of updates that a host told, or BadValue where it does not know.

    >>> whole_horizon(40, "here", "the trainer")
    40
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise BadValue(
            given=f"{source}, which says {shown(steps)}",
            allowed="a run of a known number of updates, >= 1",
            where=where,
            fix="limit the run (max_steps, max_epochs), or bind the plan yourself: plan.bind(horizon)",
        )
    return steps
