"""A schedule that holds Python functions, told without them: its plan with a hole for each, and values it gave."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.core.shapes.function import function
from calando.errors import BadState, shown

__all__ = ["Sketch"]

MOST = 64
_SAME = 1e-9
_SIZES = ("steps_per_epoch", "tokens_per_step", "samples_per_step", "strict")

Values = dict[str, list[float | None]]


class Sketch(NamedTuple):
    """What can be written of a schedule with functions, and compared.

    A function has no text that another process could compare; what it gives can be. Two functions that agree at every
    step compared are taken for one.

    Args:
        plan: the plan as text, with "?" for each function.
        names: the registered name of each function, or None, in the order of the holes.
        sizes: what the plan was bound with, besides the horizon.
        values: every quantity at up to 64 steps spread over the horizon; None where the function raised an error.
    """

    plan: str
    names: list[str | None]
    sizes: dict[str, Any]
    values: Values

    @classmethod
    def of(cls, schedule: Schedule) -> "Sketch | None":
        """The sketch of a schedule, or None when it holds no function.

        >>> import calando
        >>> Sketch.of(calando.cosine().bind(10)) is None
        True
        >>> Sketch.of(calando.function(lambda t: 0.5**t).bind(2)).values
        {'lr': [1.0, 0.5, 0.25]}
        """
        names: list[str | None] = []
        plan = _outline(schedule.plan, names)
        if not names:
            return None
        rows = [_at(schedule, step) for step in steps_of(schedule.horizon)]
        values: Values = {name: [row.get(name) for row in rows] for name in schedule.quantities}
        return cls(plan, names, {name: getattr(schedule, name) for name in _SIZES}, values)

    def to_plain(self) -> dict[str, Any]:
        """The sketch as texts, numbers, lists and dicts."""
        return self._asdict()

    @classmethod
    def from_plain(cls, plain: object) -> "Sketch":
        """The sketch back from `to_plain`.

        Raises:
            BadState: when it is broken.
        """
        if isinstance(plain, Mapping) and set(plain) == set(cls._fields):
            plan, names, sizes, values = (plain[field] for field in cls._fields)
            whole = isinstance(plan, str) and isinstance(names, list) and isinstance(sizes, Mapping)
            if whole and isinstance(values, Mapping) and all(_is_row(row) for row in values.values()):
                return cls(plan, names, dict(sizes), dict(values))
        raise BadState(
            given=f"the sketch {shown(plain)}",
            allowed="what a schedule with functions was saved as",
            where="load_state_dict",
            fix="load the state that was saved from this scheduler",
        )

    def differences(self, schedule: Schedule, told: str, exact: bool) -> list[str]:
        """In what a schedule of the same horizon differs, in words; unless `exact`, its sizes may."""
        other = Sketch.of(schedule)
        if other is None or self.plan != other.plan:
            return [f"plan {told} -> {schedule}"]
        renamed = [f"function {a} -> {b}" for a, b in zip(self.names, other.names, strict=True) if a and b and a != b]
        sizes = [
            f"{name} {self.sizes.get(name)} -> {other.sizes[name]}"
            for name in _SIZES
            if exact and self.sizes.get(name) != other.sizes[name]
        ]
        return renamed + sizes or self._first_difference(other, schedule, told)

    def _first_difference(self, other: "Sketch", schedule: Schedule, told: str) -> list[str]:
        if {name: len(row) for name, row in self.values.items()} != {n: len(row) for n, row in other.values.items()}:
            return [f"the values of {told} -> those of {schedule}"]
        for i, step in enumerate(steps_of(schedule.horizon)):
            for name, row in self.values.items():
                if not _same(row[i], other.values[name][i], row):
                    return [f"a function: {name} at step {step} {_number(row[i])} -> {_number(other.values[name][i])}"]
        return []


def steps_of(horizon: int) -> list[int]:
    """At most 64 steps spread over the run: the first, the last, the horizon and those between.

    >>> steps_of(3), len(steps_of(10**9)), steps_of(10**9)[-2:]
    ([0, 1, 2, 3], 64, [999999999, 1000000000])
    """
    last = horizon - 1
    return sorted({i * last // (MOST - 2) for i in range(MOST - 1)} | {horizon})


def _at(schedule: Schedule, step: int) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in schedule.at(step).items()}
    except Exception:  # noqa: BLE001  # the user's function; a checkpoint must not fail for a step that is not run yet
        return {}


def _outline(value: object, names: list[str | None]) -> str:
    """A plan as text; functions leave a hole, and add their name."""
    if isinstance(value, function):
        names.append(value.call.name)
        return f"function(?, {', '.join(_outline(v, names) for v in value.arguments if v is not value.call)})"
    if isinstance(value, Plan):
        return f"{type(value).__name__}({', '.join(_outline(v, names) for v in value.arguments)})"
    if type(value) is tuple:
        return f"[{', '.join(_outline(v, names) for v in value)}]"
    return str(value)


def _is_row(row: object) -> bool:
    return isinstance(row, list) and all(v is None or (isinstance(v, float) and math.isfinite(v)) for v in row)


def _same(a: float | None, b: float | None, row: list[float | None]) -> bool:
    if a is None or b is None:
        return a is b
    largest = max(abs(v) for v in row if v is not None)
    return math.isclose(a, b, rel_tol=_SAME, abs_tol=1e-15 * largest)  # what is left where a cosine ends at 0


def _number(value: float | None) -> str:
    return "an error" if value is None else repr(value)
