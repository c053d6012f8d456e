"""A table in a terminal that has its own width: heads and plans wrap, numbers never break, nothing is cut off.

Where the columns do not fit even so, those that can be missed are left out and named; where that is not enough, every
row is told in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from calando.report.answers.page import Table
from calando.report.words import cut, tame

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

__all__ = ["Grid"]

LONG: Final = 12
"""Rows of a table that are shown; the page has them all."""
PLAN: Final = 17
"""Letters that a column of words keeps, enough for `wsd(cooldown=60%)`."""
GAPS: Final = (2, 1)


class Grid:
    """A table as Rich prints it, at any width.

    Example:
        >>> from rich.console import Console
        >>> from calando.report.answers import Column
        >>> table = Table((Column("plan", number=False), Column("loss")), (("cosine()", "1.25"),))
        >>> Console(width=20).print(Grid(table))
        plan      loss
        ──────────────
        cosine()  1.25
        >>> Console(width=12).print(Grid(table))
        cosine()
          loss 1.25
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows = [tuple(tame(cut(cell)) for cell in row) for row in table.rows[:LONG]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The widest form that the terminal has room for."""
        from rich.text import Text

        every = range(len(self.table.columns))
        main = [place for place in every if not self.table.columns[place].aside]
        for places in (every, main):
            for gap in GAPS:
                widths = self._widths(places, options.max_width - gap * (len(places) - 1))
                if widths:
                    yield self._drawn(places, widths, gap)
                    yield from self._left_out(places)
                    return
        for at, row in enumerate(self.rows):
            yield Text(row[0], style="bold" if at in self.table.strong else "")
            yield self._told(row, main[1:])
        yield from self._left_out(main)

    def _widths(self, places: Sequence[int], room: int) -> list[int]:
        """Widths that fill the room at most, or none: heads wrap first, then plans and ranges."""
        sizes = [self._sizes(place) for place in places]
        widths = [full for full, _, _ in sizes]
        for level in (1, 2):
            least = [size[level] for size in sizes]
            while sum(widths) > room and widths != least:
                slack = [width - low for width, low in zip(widths, least, strict=True)]
                widths[slack.index(max(slack))] -= 1
        return widths if sum(widths) <= room else []

    def _sizes(self, place: int) -> tuple[int, int, int]:
        """The width of a column with nothing wrapped, with its head wrapped, and at least."""
        from rich.cells import cell_len

        column = self.table.columns[place]
        head = max((cell_len(word) for word in tame(column.head).split()), default=0)
        cells = max((cell_len(row[place]) for row in self.rows), default=0)
        if column.number:
            least = max((cell_len(part) for row in self.rows for part in _parts(row[place])), default=0)
        else:
            least = min(cells, PLAN)
        return max(cell_len(tame(column.head)), cells), max(head, cells), max(head, least)

    def _drawn(self, places: Sequence[int], widths: Sequence[int], gap: int) -> RenderableType:
        from rich import box
        from rich.table import Table as Drawn
        from rich.text import Text

        drawn = Drawn(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)
        for place, width in zip(places, widths, strict=True):
            column = self.table.columns[place]
            side = "right" if column.number else "left"
            drawn.add_column(Text(tame(column.head)), justify=side, overflow="fold", width=width)  # type: ignore[arg-type]
        for at, row in enumerate(self.rows):
            bold = "bold" if at in self.table.strong else ""
            drawn.add_row(*(Text(row[place], style="" if place else bold) for place in places))
        return drawn

    def _told(self, row: Sequence[str], places: Sequence[int]) -> RenderableType:
        from rich.padding import Padding
        from rich.text import Text

        said = [f"{tame(self.table.columns[place].head)} {row[place]}".strip() for place in places if row[place]]
        return Padding(Text(", ".join(said)), (0, 0, 0, 2))

    def _left_out(self, places: Sequence[int]) -> RenderResult:
        """What the page has and the terminal has not."""
        from rich.text import Text

        rows = len(self.table.rows) - len(self.rows)
        if rows:
            yield Text(f"... {rows:,} more on the page", style="dim")
        heads = [tame(column.head) for place, column in enumerate(self.table.columns) if place not in places]
        if heads:
            yield Text(f"... no room here for {', '.join(heads)}: in a wider terminal, or on the page", style="dim")


def _parts(cell: str) -> list[str]:
    """What of a number must not be broken: a range may be, behind its "to"."""
    return cell.replace(" to ", " to\n").split("\n")
