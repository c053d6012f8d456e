"""What a format's reader hands over, the same for every format, before it is put in order and named."""

from dataclasses import dataclass, field
from typing import Literal

from calando.errors import tame
from calando.records.logs.log import Floats, Kind, Problem, Unit

__all__ = ["Asked", "Draft", "Edge", "Meta", "Pair", "Problems"]

Meta = dict[str, str | int | float]
Pair = tuple[Floats, Floats]
"""Steps and values, as long as one another."""

Edge = Literal["used", "next"]

LISTED = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller said of the columns; None is a guess. See `read_logs`."""

    step: str | None = None
    loss: str | None = None
    val_loss: str | None = None
    lr: str | None = None
    higher: bool | None = None
    epoch: str | None = None
    run: str | None = None
    steps_per_epoch: int | None = None
    counted_from: int | None = None
    lr_edge: Edge | None = None


@dataclass(slots=True)
class Problems:
    """A bounded list of what is wrong with one file."""

    file: str
    found: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    def add(self, what: str, line: int = 0, *, first: bool = False) -> None:
        """Note one more thing; beyond 20 they are only counted. What is to come first pushes out the last one."""
        problem = Problem(self.file, line, tame(" ".join(what[:1000].split()))[:300])
        self.found.insert(0 if first else len(self.found), problem)
        if len(self.found) > LISTED:
            self.found.pop()
            self.unlisted += 1


@dataclass(slots=True)
class Draft:
    """One run as its file has it: columns of (steps, values) in the file's order, counted as the file counts.

    `counted_from` is 0 where step s of the file was logged during update s (so that s+1 were made), 1 where s updates
    were made, None where it is to be found out. `edge` says whether the learning rate at a step is the one its update
    used or the next one's.
    """

    name: str
    source: str
    kind: Kind
    columns: dict[str, tuple[Floats, Floats]]
    problems: Problems
    unit: Unit = "step"
    counted_from: int | None = 1
    edge: Edge | None = "used"
    loss: str | None = None
    val_loss: str | None = None
    lr: str | None = None
    score: str | None = None
    meta: Meta = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
