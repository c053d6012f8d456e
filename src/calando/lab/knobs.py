"""What else than the schedule the train function lets a study choose."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from calando.errors import BadValue, LabError, shown
from calando.lab.logged import read_name
from calando.records.stage import Knob

__all__ = ["Choice", "Knobs"]

Choice = float | int | str | bool


class Knobs:
    """The knobs that a run declared, and the values that it was given for them.

    >>> knobs = Knobs({"decay": 0.5})
    >>> knobs.suggest("decay", 0.01, 1.0), knobs.suggest("width", 8, 64, log=True), knobs.suggest("kind", ["a", "b"])
    (0.5, 23, 'a')
    """

    def __init__(self, values: Mapping[str, Choice]) -> None:
        self._values = values
        self._declared: dict[str, Knob] = {}

    @property
    def declared(self) -> tuple[Knob, ...]:
        """The knobs, in the order of their first call."""
        return tuple(self._declared.values())

    def suggest(
        self,
        name: str,
        low: Any,
        high: Any = None,
        *,
        log: bool = False,
        default: Any = None,
    ) -> Any:
        """The value of this run; see `Run.suggest`."""
        read_name(name, "run.suggest")
        if high is None and isinstance(low, Sequence) and not isinstance(low, str):
            knob, value = _of_choices(name, list(low), default)
        else:
            knob, value = _of_range(name, low, high, log, default)
        if self._declared.setdefault(name, knob) != knob:
            raise LabError(
                given=f"{name} suggested twice, in two ranges",
                allowed="one range or one list of choices for each name",
                where="run.suggest",
                fix="call it once and hand the value on",
            )
        if name not in self._values:
            return value
        given = self._values[name]
        return int(given) if knob.whole and isinstance(given, float) else given


def _of_choices(name: str, choices: list[Any], default: Any) -> tuple[Knob, Any]:
    if not choices or not all(isinstance(choice, bool | int | float | str) for choice in choices):
        raise _bad(f"{name} in {shown(choices)}", "a list of numbers, texts or truth values, one at least")
    value = choices[0] if default is None else default
    if value not in choices:
        raise _bad(f"default={shown(value)}", f"one of {shown(choices)}")
    return Knob(name, choices=tuple(json.dumps(choice) for choice in choices), default=json.dumps(value)), value


def _of_range(name: str, low: Any, high: Any, log: bool, default: Any) -> tuple[Knob, Any]:
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not (numbers and math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not log)):
        raise _bad(
            f"{name} from {shown(low)} to {shown(high)}",
            "two finite numbers, the lower one first" + (" and above 0, for log=True" if log else ""),
        )
    whole = isinstance(low, int) and isinstance(high, int)
    value = default
    if value is None:
        middle = math.sqrt(low * high) if log else (low + high) / 2
        value = min(max(round(middle), low), high) if whole else middle
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not low <= value <= high:
        raise _bad(f"default={shown(value)}", f"{'a whole number' if whole else 'a number'} from {low} to {high}")
    knob = Knob(name, float(low), float(high), log=bool(log), whole=whole, default=json.dumps(value))
    return knob, value


def _bad(given: str, allowed: str) -> BadValue:
    return BadValue(
        given=given,
        allowed=allowed,
        where="run.suggest",
        fix='write run.suggest("weight_decay", 1e-4, 1e-1, log=True) or run.suggest("kind", ["a", "b"])',
    )
