"""The first line of a record, and the lines that are no numbers: plain JSON, versioned."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from calando.errors import BadFile, shown

__all__ = ["EVENTS", "KIND", "LARGEST_STEP", "VERSION", "Event", "Header", "number_of", "spelled", "time_of"]

KIND, VERSION = "record", 1
LARGEST_STEP = 2**53
LATEST = 7_258_118_400.0
"""The year 2200, in seconds since 1970."""

EVENTS = ("applied", "refused", "decision", "finding", "virtual", "note", "resumed", "ended")

NAMES = {math.inf: "inf", -math.inf: "-inf"}
VALUES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def spelled(value: float) -> float | str:
    """A number as strict JSON can hold it: what is not finite becomes a text.

    >>> spelled(0.5), spelled(float("nan")), spelled(float("-inf"))
    (0.5, 'nan', '-inf')
    """
    if math.isfinite(value):
        return value
    return NAMES.get(value, "nan")


def number_of(value: object) -> float | None:
    """The number that a record's value stands for; None where it is none.

    >>> number_of(2), number_of("inf"), number_of("0.5"), number_of(True)
    (2.0, inf, None, None)
    """
    if isinstance(value, str):
        return VALUES.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def time_of(value: object) -> float | None:
    """The seconds since 1970 that a record's value stands for, up to the year 2200; None where it is no such time.

    >>> time_of(1.7e9), time_of("inf"), time_of(-1), time_of(1e300)
    (1700000000.0, None, None, None)
    """
    number = number_of(value)
    return number if number is not None and 0 <= number <= LATEST else None


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a run when it begins.

    `began` is in seconds since 1970; `schedule` a schedule's JSON as an object, None where none was named; `peak` the
    rate that factor 1 stands for; `horizon` the updates of the whole run; `pid` and `host` say who writes. `meta` is
    plain JSON of whoever opened the record. `asked` is the name that was asked for, before it got a number; `id` the
    run's own, which its checkpoints hold.

    >>> Header.read(Header("first", horizon=100, mode="max").line()).horizon
    100
    """

    name: str
    began: float = 0.0
    schedule: Mapping[str, Any] | None = None
    peak: float | None = None
    horizon: int | None = None
    metric: str = "val_loss"
    mode: Literal["min", "max"] = "min"
    pid: int = 0
    host: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    asked: str = ""
    id: str = ""

    def line(self) -> str:
        """The record's first line, without its end."""
        rest = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({"calando": VERSION, "kind": KIND, **rest}, allow_nan=False, separators=(",", ":"))

    @classmethod
    def read(cls, line: str | bytes, where: str = "record") -> "Header":
        """The header that a line holds; what it does not say is as the class has it.

        Raises:
            BadFile: when it is no header, or one of a newer version.
        """
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _broken(line, where) from error
        if not isinstance(said, dict) or said.get("kind") != KIND:
            raise _broken(line, where)
        version = said.get("calando")
        if version != VERSION:
            raise BadFile(
                given=f"a record of version {shown(version)}",
                allowed=f"version {VERSION}",
                where=where,
                fix="update calando to read it",
            )
        mode = said.get("mode")
        return cls(
            name=_text(said.get("name")),
            began=time_of(said.get("began")) or 0.0,
            schedule=found if isinstance(found := said.get("schedule"), dict) else None,
            peak=_positive(said.get("peak")),
            horizon=_count(said.get("horizon")),
            metric=_text(said.get("metric")) or "val_loss",
            mode=cast(Literal["min", "max"], mode if mode in ("min", "max") else "min"),
            pid=_count(said.get("pid")) or 0,
            host=_text(said.get("host")),
            meta=meta if isinstance(meta := said.get("meta"), dict) else {},
            asked=_text(said.get("asked")),
            id=_text(said.get("id")),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run: at which step, when, what kind, and what belongs to that kind.

    `kind` is one of "applied", "refused", "decision", "finding", "virtual", "note", "resumed", "ended"; readers pass
    over kinds that they do not know.

    >>> Event(7, "note", {"text": "new data"}, 12.5).line()
    '{"s":7,"w":12.5,"event":{"kind":"note","text":"new data"}}'
    """

    step: int
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    when: float = 0.0

    def line(self) -> str:
        """The event's line in a record, without its end."""
        said = {"s": self.step, "w": round(self.when, 3), "event": {"kind": self.kind, **self.data}}
        return json.dumps(said, allow_nan=False, separators=(",", ":"))


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_STEP
    return cast(int, value) if fits else None


def _positive(value: object) -> float | None:
    number = number_of(value)
    return number if number is not None and 0 < number < math.inf else None


def _broken(line: object, where: str) -> BadFile:
    return BadFile(
        given=shown(line),
        allowed='a header, {"calando":1,"kind":"record",...}',
        where=where,
        fix="give the folder of a watched run; the first line of its record.jsonl says what it is",
    )
