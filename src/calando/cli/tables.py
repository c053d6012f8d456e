"""Plain tables for the terminal, no wider than asked."""

from collections.abc import Sequence
from textwrap import wrap

import click

__all__ = ["COLOURS", "bulleted", "paint", "table"]

# Of the 256 colours, seven that are legible on dark and on light, in the order of the pictures' own.
COLOURS = (33, 208, 35, 170, 136, 39, 137)


def paint(text: str, slot: int | None, *, bold: bool = False) -> str:
    """Text in the colour of a schedule; click drops it again where the output has no colours."""
    return text if slot is None else click.style(text, fg=COLOURS[slot % len(COLOURS)], bold=bold)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int, slots: Sequence[int | None] | None = None
) -> list[str]:
    """Rows as aligned lines: the first column to the left, the others to the right.

    Columns that do not fit go on below, with the first column again, cut short where it must be. `slots` colour
    the heads.

    >>> table(["", "A", "B"], [["peak", "1", "0.5"]], 40)
    ['       A    B', 'peak   1  0.5']
    """
    columns = len(head)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(columns)]
    room = max(4, width - 2 - max(widths[1:], default=0))
    if widths[0] > room:
        rows = [[row[0] if len(row[0]) <= room else row[0][: room - 1] + "…", *row[1:]] for row in rows]
        widths[0] = room
    chunks: list[list[int]] = [[]]
    used = widths[0]
    for i in range(1, columns):
        if chunks[-1] and used + 2 + widths[i] > width:
            chunks.append([])
            used = widths[0]
        chunks[-1].append(i)
        used += 2 + widths[i]
    lines: list[str] = []
    for chunk in chunks:
        if lines:
            lines.append("")
        if any(head[i] for i in (0, *chunk)):
            cells = [paint(f"{head[i]:>{widths[i]}}", slots[i] if slots else None, bold=True) for i in chunk]
            lines.append("  ".join([f"{head[0]:<{widths[0]}}", *cells]).rstrip())
        for row in rows:
            cells = [f"{row[i]:>{widths[i]}}" for i in chunk]
            lines.append("  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip())
    return lines


def bulleted(mark: str, text: str, width: int) -> list[str]:
    """A sentence behind a mark, wrapped with a hanging indent.

    >>> bulleted("!", "a b c", 5)
    ['! a b', '  c']
    """
    return wrap(text, max(width, 5), initial_indent=f"{mark} ", subsequent_indent=" " * (len(mark) + 1))
