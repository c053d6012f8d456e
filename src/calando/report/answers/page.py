"""What a reader of an answer sees, as frozen data: a headline, what is not proven, and parts with pictures and tables.

Transfers, forecasts and choices become one of these; the painters (`html`, `terminal`, `png`) know nothing else. Text
is plain text as a user wrote it: escaping is each painter's duty. Pictures are Plotly's dictionaries in the page's own
colours, as in `calando.report.figures`; they hold no text of a user but what `plain` has made harmless. They are drawn
when a painter asks for them, so that a terminal, which shows none, does not wait for any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["AnswerPage", "Column", "Part", "Picture", "Table"]


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a table's column; `number` sets it to the right, `aside` leaves it out where there is no room."""

    head: str
    number: bool = True
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts, the first column naming the row; `strong` are the numbers of the rows that matter most.

    `slots` gives each row the colour of its curve; None for a row that is in no picture.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    slots: tuple[int | None, ...] = ()

    def slot(self, row: int) -> int | None:
        """The colour of a row, None for none."""
        return self.slots[row] if row < len(self.slots) else None


@dataclass(frozen=True, eq=False)
class Picture:
    """One drawing: a name for its ids, a caption of two sentences, what draws it, and which colour is what."""

    name: str
    caption: str
    draw: Callable[[], dict[str, Any]]
    key: tuple[tuple[int, str], ...] = ()

    @cached_property
    def figure(self) -> dict[str, Any]:
        """The drawing, made once."""
        return self.draw()


@dataclass(frozen=True, slots=True)
class Part:
    """One section: what it shows in words, drawn and in numbers. `folded` tables open by a click."""

    heading: str
    lead: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    table: Table | None = None
    folded: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """Everything an answer says, in the order of reading. `settled` is whether the question was answered."""

    kind: str
    question: str
    headline: str
    settled: bool = True
    sentences: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    commands: tuple[str, ...] = ()
    """What to run next, as commands or lines of Python."""
    made: str = ""
    command: str = ""
    """What was typed to get this; on the page alone, for whoever has the page and not the terminal."""
