"""A picture of schedules in text: curves of braille dots between axes, told apart by letters as well as colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from calando.core.picture.layout import Panel, Picture, letter

__all__ = ["Cell", "columns_of", "draw"]

DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
SPACING: Final = 18


class Cell(NamedTuple):
    """One sign on the screen, and the schedule whose colour it has (None: the axes')."""

    sign: str
    slot: int | None = None


class _Canvas:
    """Braille dots of several curves, 2 by 4 in each cell."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.masks: dict[tuple[int, int], dict[int, int]] = {}

    def dot(self, x: int, y: int, slot: int) -> None:
        cell = self.masks.setdefault((y // 4, x // 2), {})
        cell[slot] = cell.get(slot, 0) | DOTS[x % 2][y % 4]

    def line(self, a: tuple[int, int], b: tuple[int, int], slot: int) -> None:
        (x, y), (x1, y1) = a, b
        dx, dy = abs(x1 - x), -abs(y1 - y)
        off = dx + dy
        while True:
            self.dot(x, y, slot)
            if (x, y) == (x1, y1):
                return
            twice = 2 * off
            if twice >= dy:
                off += dy
                x += 1 if x < x1 else -1
            if twice <= dx:
                off += dx
                y += 1 if y < y1 else -1

    def rows(self) -> list[list[Cell]]:
        grid = [[Cell(" ")] * self.width for _ in range(self.height)]
        for (row, column), slots in self.masks.items():
            mask = 0
            for bits in slots.values():
                mask |= bits
            grid[row][column] = Cell(chr(0x2800 + mask), max(slots, key=lambda s: (slots[s].bit_count(), -s)))
        return grid


def columns_of(slots: int, width: int) -> tuple[int, ...]:
    """The columns at which a curve may bear its letter, for the curve in that place among the others.

    >>> columns_of(0, 60), columns_of(1, 60)
    ((9, 27, 45), (15, 33, 51))
    """
    return tuple(range((9 + 6 * slots) % SPACING or SPACING, width, SPACING))


def draw(picture: Picture, width: int = 80, height: int = 16, *, plain: bool = False) -> list[list[Cell]]:
    """The picture as rows of cells, at most `width` wide; the first panel `height` high, the others a third of that.

    With `plain`, only ASCII is used.
    """
    gutter = max(len(text) for panel in picture.panels for _, text in panel.y.marks)
    inner = max(10, width - gutter - 3)
    rows: list[list[Cell]] = []
    for i, panel in enumerate(picture.panels):
        if i:
            rows.append([])
        rows.append(_cells(" " * (gutter + 2) + panel.y.title))
        rows += _panel(panel, gutter, inner, height if i == 0 else max(4, height // 3), len(picture.names) > 1)
    rows += _below(picture.panels[0], gutter, inner)
    return [[_ascii(cell) for cell in row] for row in rows] if plain else rows


def _cells(text: str) -> list[Cell]:
    return [Cell(sign) for sign in text]


def _panel(panel: Panel, gutter: int, width: int, height: int, lettered: bool) -> list[list[Cell]]:
    canvas = _Canvas(width, height)

    def across(step: float) -> int:
        return round(panel.x.share(step) * (2 * width - 1))

    def up(value: float) -> int:
        return round((1 - panel.y.share(value)) * (4 * height - 1))

    for line in panel.lines:
        spots = [(across(step), up(value)) for step, value in line.points]
        for a, b in zip(spots, spots[1:] or spots, strict=False):
            canvas.line(a, b, line.slot)
    grid = canvas.rows()
    if lettered:
        for place, line in enumerate(panel.lines):
            _sign(grid, canvas, line.slot, columns_of(place, width))
    texts = {min(up(value) // 4, height - 1): text for value, text in panel.y.marks}
    rows = []
    for i, cells in enumerate(grid):
        text = texts.get(i, "")
        rows.append([*_cells(f"{text:>{gutter}} {'┤' if text else '│'}"), *cells])
    ends = {across(place) // 2 for place, _ in panel.x.marks}
    rows.append(_cells(" " * (gutter + 1) + "└" + "".join("┬" if k in ends else "─" for k in range(width))))
    return rows


def _sign(grid: list[list[Cell]], canvas: _Canvas, slot: int, columns: Sequence[int]) -> None:
    """Write a curve's letter on it, near each of these columns, where it is alone; at least once."""
    alone: Callable[[int, int], bool] = lambda row, column: set(canvas.masks[row, column]) == {slot}  # noqa: E731
    own: dict[int, list[int]] = {}
    for (row, column), slots in canvas.masks.items():
        if slot in slots and not grid[row][column].sign.isalpha():
            own.setdefault(column, []).append(row)
    signed = 0
    for wanted in columns:
        for column in sorted(range(wanted - 5, wanted + 6), key=lambda c: abs(c - wanted)):
            rows = sorted(own.get(column, []))
            if rows and len(rows) <= 2 and alone(rows[0], column):
                grid[rows[0]][column] = Cell(letter(slot)[0], slot)
                signed += 1
                break
    if not signed and own:
        column = min(own, key=lambda c: (len(own[c]), abs(c - columns[0] if columns else c)))
        grid[min(own[column])][column] = Cell(letter(slot)[0], slot)


def _below(panel: Panel, gutter: int, width: int) -> list[list[Cell]]:
    line = [" "] * (gutter + 2 + width + 1)
    free = -1
    last = len(panel.x.marks) - 1
    spots = []
    for i, (place, text) in enumerate(panel.x.marks):
        middle = gutter + 2 + round((place - panel.x.low) / (panel.x.high - panel.x.low) * (width - 1))
        start = max(0, min(middle - len(text) // 2, len(line) - len(text)))
        spots.append((start, text, i))
    end_start = spots[last][0]
    for start, text, i in spots:
        if start > free and (i == last or start + len(text) < end_start):
            line[start : start + len(text)] = text
            free = start + len(text)
    title = f"{panel.x.title:>{gutter + 2 + width}}"
    return [_cells("".join(line).rstrip()), _cells(title)]


def _ascii(cell: Cell) -> Cell:
    code = ord(cell.sign)
    if 0x2800 <= code < 0x2900:
        bits = code - 0x2800
        rows = [any(bits & DOTS[x][y] for x in (0, 1)) for y in range(4)]
        sign = "|" if sum(rows) >= 3 else "'" if rows[0] else "." if rows[3] else "-"
        return Cell(sign, cell.slot)
    return Cell({"│": "|", "┤": "+", "└": "+", "┬": "+", "─": "-"}.get(cell.sign, cell.sign), cell.slot)
