"""What every front door asks of its schedule: that it is one, bound to a run."""

from calando.core.plan import Plan, told
from calando.core.schedule import Schedule
from calando.errors import BadValue, shown

__all__ = ["bound_schedule"]


def bound_schedule(value: object, where: str) -> Schedule:
    """The schedule itself, or BadValue with the way from what was given to one.

    >>> import calando
    >>> schedule = calando.cosine().bind(10)
    >>> bound_schedule(schedule, "attach(schedule)") is schedule
    True
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Plan):
        given, fix = f"the plan {shown(told(value))}, not yet bound", "bind it to the run: plan.bind(horizon)"
    elif isinstance(value, str):
        given, fix = f"the text {shown(value)}", "read and bind it: calando.parse(text).bind(horizon)"
    else:
        given, fix = f"{shown(value)} ({type(value).__name__})", "build one: calando.cosine().bind(horizon)"
    raise BadValue(given=given, allowed="a schedule: a plan bound to a horizon", where=where, fix=fix)
