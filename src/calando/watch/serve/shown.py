"""A run as the page sees it, whoever wrote it down: a record, a finished run of a study, another tool's log."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from calando.records.live import Event, Header, Tail
from calando.records.logs.log import Column
from calando.watch.serve.thin import Blocks

__all__ = ["Facts", "Live", "Shown", "Still"]

HEARD: Final = 120.0
"""Seconds after which a log of another tool that stands still is that of a run that ended."""

READ_AT_ONCE: Final = 4
"""Megabytes of one record read in one round, so that many long ones appear together."""


@dataclass(slots=True)
class Facts:
    """What is known of a run besides its numbers.

    `state` is "waiting", "running", "ended", "lost", "diverged" or "failed"; `why` a line on it. `schedule` is the JSON
    object of the schedule in force, `horizon` the updates of the whole run, `revision` how many changes were applied.
    `began` and `heard` are seconds since 1970, 0 where unknown.
    """

    name: str
    kind: str
    group: str = ""
    state: str = "ended"
    why: str = ""
    metric: str = "val_loss"
    mode: str = "min"
    schedule: Mapping[str, Any] | None = None
    peak: float | None = None
    horizon: int | None = None
    revision: int = 0
    began: float = 0.0
    heard: float = 0.0
    problems: tuple[str, ...] = ()
    error: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


class Shown:
    """One run of a board: columns that may grow, events, facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.columns: Mapping[str, Column] = {}
        self.events: Sequence[Event] = ()
        self.clock = Column(np.empty(0, np.int64), np.empty(0))
        self.folder: Path | None = None
        self.findings: list[dict[str, Any]] = []
        self.undecided: list[list[str]] = []
        self.foretold: dict[str, Any] | None = None
        self._blocks: dict[str, Blocks] = {}
        self._seen = 0
        self._best: tuple[float, int] | None = None

    @property
    def best(self) -> tuple[float, int] | None:
        """The best value of the run's metric so far and its step; None where there is none."""
        column = self.columns.get(self.facts.metric)
        if column is None or not len(column):
            return None
        if len(column) < self._seen:
            self._seen = 0  # thinned; the extremes are still there
        steps, values = column.steps[self._seen :], column.values[self._seen :]
        self._seen = max(len(column) - 1, 0)  # the last one may be replaced
        sign = -1.0 if self.facts.mode == "max" else 1.0
        signed = np.where(np.isfinite(values), sign * values, np.inf)
        place = int(signed.argmin())
        if np.isfinite(signed[place]) and (self._best is None or signed[place] < sign * self._best[0]):
            self._best = float(values[place]), int(steps[place])
        return self._best

    def forget(self) -> None:
        """Look at everything anew: what was known was replaced."""
        self._blocks.clear()
        self._seen, self._best = 0, None

    @property
    def last(self) -> int:
        """The last step at which anything was logged; -1 when nothing was."""
        return max((int(column.steps[-1]) for column in self.columns.values() if len(column)), default=-1)

    @property
    def read(self) -> bool:
        """Whether it was read as far as it goes, so that something can be said of it."""
        return True

    @property
    def points(self) -> int:
        """Points kept, over all columns."""
        return sum(map(len, self.columns.values()))

    def blocks(self, name: str) -> Blocks:
        """The extremes of a column's blocks, brought up to date."""
        column = self.columns[name]
        blocks = self._blocks.setdefault(name, Blocks())
        blocks.grow(column.steps, column.values)
        return blocks


class Still(Shown):
    """A run that is read as a whole."""

    def __init__(self, facts: Facts, columns: Mapping[str, Column]) -> None:
        super().__init__(facts)
        self.columns = columns

    def take(self, other: "Still") -> bool:
        """Become what was read anew; whether anything differs."""
        if other.facts == self.facts and other.points == self.points and other.last == self.last:
            return False
        self.facts, self.columns = other.facts, other.columns
        self.forget()
        return True

    def look(self) -> bool:
        """Whether a run under way was heard of no longer, and so is over."""
        if self.facts.state != "running" or abs(time.time() - self.facts.heard) < HEARD:
            return False
        self.facts.state = "ended"
        return True


class Live(Shown):
    """A run that writes its record now, or did."""

    def __init__(self, tail: Tail, group: str, study: bool) -> None:
        super().__init__(Facts(tail.name, "record", group, state="waiting"))
        self.study = study
        self.more = False
        self._broken = ""
        self._cut = False
        self._tail = tail
        self.folder = tail.folder

    @property
    def read(self) -> bool:
        """Whether it was read as far as it goes, and there is anything."""
        return bool(self._broken) or (not self.more and self._tail.header is not None)

    @property
    def begun(self) -> Mapping[str, Any] | None:
        """The JSON object of the schedule that it began with."""
        return self._tail.header.schedule if self._tail.header is not None else None

    def poll(self) -> bool:
        """Read on; whether there was anything new."""
        if self._broken:
            return False
        news = self._tail.poll(READ_AT_ONCE)
        self.more = news.more
        if not news:
            return False
        if news.fresh:
            self._cut, self.findings, self.undecided, self.foretold = True, [], [], None
        if news.fresh or news.since is not None:
            self.forget()
        self.columns, self.events, self.clock = self._tail.columns, self._tail.events, self._tail.clock
        self._learn()
        return True

    def break_off(self, why: str) -> None:
        """Read no further, and say why."""
        self._broken, self.more = why, False
        self._learn()

    def look(self) -> bool:
        """Ask whether the run still lives; whether the answer changed."""
        before = self.facts.state, self.facts.why
        self._learn()
        return (self.facts.state, self.facts.why) != before

    def _learn(self) -> None:
        tail, header = self._tail, self._tail.header or Header(self._tail.name)
        facts, changed = self.facts, next((e.data for e in reversed(tail.events) if e.kind == "applied"), None)
        facts.name, facts.metric, facts.mode, facts.peak = tail.name, header.metric, header.mode, header.peak
        facts.meta, facts.began, facts.heard = header.meta, header.began, tail.heard
        facts.horizon, facts.revision, facts.schedule = tail.horizon, tail.applied, header.schedule
        if changed is not None and isinstance(changed.get("schedule"), dict):
            facts.schedule = changed["schedule"]
        facts.state, facts.why = tail.state, ""
        if tail.ended is not None:
            said = {key: str(tail.ended.data.get(key, ""))[:500] for key in ("status", "reason")}
            facts.why = said["reason"]
            facts.state = said["status"] if said["status"] in ("diverged", "failed", "stopped") else "ended"
        elif facts.state == "lost":
            facts.why = "its process is gone without a word; the record is whole up to its last line"
        elif facts.state == "waiting" and self._cut:
            facts.why = "its record was cut or replaced while it was looked at, and holds no beginning"
        if tail.unread:
            facts.why = f"its record cannot be read: {tail.unread}"
        more = (f"and {tail.unlisted:,} more",) if tail.unlisted else ()
        thinned = ("long columns were thinned: peaks stay, other points left",) if tail.thinned else ()
        broken = (self._broken,) if self._broken else ()
        facts.problems = (*broken, *map(str, tail.problems), *more, *thinned)
