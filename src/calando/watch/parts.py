"""What a watched run is made of: what drives it, who writes, who tells the step, who hears and who steers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from calando.errors import BadValue, shown
from calando.records.live.record import Recorder
from calando.watch.asked import Asked
from calando.watch.gauges import Counting, Hooked, Placed, Reading

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Begun", "Followed", "Rule", "Steers", "name_of", "ordered"]


class Rule(Protocol):
    """Something that hears what is logged and may order a change; each order is in the record with its reason."""

    name: str

    def hear(self, step: int, numbers: Mapping[str, float]) -> tuple[str, str] | None:
        """A command and the reason for it; None to leave the run alone."""


def ordered(rule: Rule, step: int, numbers: Mapping[str, float]) -> tuple[str, str] | None:
    """What a rule asks for, seen to be what it may answer.

    Raises:
        BadValue: where it is not.
    """
    order: object = rule.hear(step, numbers)
    if order is None:
        return None
    if isinstance(order, tuple) and len(order) == 2 and all(isinstance(one, str) for one in order):
        return order[0], order[1][:1000]
    raise BadValue(
        given=f"hear() returned {shown(order)}",
        allowed="None, or (command, reason): two texts",
        where=f"rule {name_of(rule)}",
        fix='return ("scale 0.5", "the loss stands still")',
    )


def name_of(rule: object) -> str:
    """A rule's name; its class's where it has none."""
    name = getattr(rule, "name", None)
    return name[:90] if isinstance(name, str) and name.isprintable() else type(rule).__name__


class Steers(Protocol):
    """What takes commands for a run and puts them in force; see `calando.watch.steer`."""

    stopped: bool
    stop_reason: str

    @property
    def horizon(self) -> int | None:
        """Updates of the whole run, as last changed."""

    @property
    def revision(self) -> int:
        """How many changes were made."""

    @property
    def schedule(self) -> "Schedule | None":
        """The schedule in force."""

    def look(self, done: int) -> None:
        """So many updates are made: take what commands there are, to hold from this one on."""

    def tell(self, text: str, by: str, reason: str, done: int) -> object:
        """Take a rule's command; what became of it, where that is known at once."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What drives a run, as far as somebody said; see `Watched.follow`."""

    scheduler: Any = None
    optimizer: Any = None
    schedule: "Schedule | None" = None
    peak: float | None = None
    horizon: int | None = None
    begun: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A run whose record is open: who writes, who tells the step and the rates, what was asked, who steers.

    `first` is false in a process that only trains along: what is logged there goes nowhere. `resumed` is what is to be
    written down when the first step of a run that goes on is known; None where it is written, or nothing goes on.
    """

    recorder: Recorder | None
    gauge: "Hooked | Placed | Reading | Counting"
    horizon: int | None
    schedule: "Schedule | None"
    asked: Asked
    steers: Steers | None
    first: bool = True
    resumed: Mapping[str, Any] | None = None
