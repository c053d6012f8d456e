"""A schedule as Python that builds it again."""

import re
from typing import TYPE_CHECKING

from calando.core.snippet.words import sizes

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["python_code"]


def python_code(schedule: "Schedule") -> str:
    """Python that builds the schedule out of `calando`'s own names.

    >>> import calando
    >>> print(python_code((calando.warmup("5%") | calando.cosine()).bind(100)))
    from calando import cosine, warmup
    <BLANKLINE>
    plan = warmup(length='5%') | cosine()
    schedule = plan.bind(100)
    """
    from calando.core.catalog import names

    expression = repr(schedule.plan)
    bare = re.sub(r"'[^']*'", "", expression)
    known = sorted({word for word in re.findall(r"[a-z_][a-z0-9_]*(?=\()", bare) if word in names()})
    bound = f"plan.bind({schedule.horizon}{sizes(schedule)})"
    return f"from calando import {', '.join(known)}\n\nplan = {expression}\nschedule = {bound}"
