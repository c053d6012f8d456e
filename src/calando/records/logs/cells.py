"""Cells of a table as numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calando.records.logs.log import Floats

__all__ = ["Bools", "even_cells", "floats"]

Bools = NDArray[np.bool_]

MISSING = frozenset({"", "na", "n/a", "null", "none", "-", "--", "<na>", "nat"})


def floats(cells: Sequence[str], *, comma: bool = False) -> tuple[Floats, Bools | None, list[int]]:
    """The numbers in cells, in which cells there are any (None: in all), and which hold something else.

    Empty cells, and words for "nothing", hold none; "nan" and "inf" are numbers: that is what a run logged.

    >>> floats(["1.5", "", "x"])[1:]
    (array([ True, False, False]), [2])
    """
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells)), None, []
    except ValueError:
        pass
    filled = np.array([cell != "" for cell in cells], dtype=np.bool_)
    values = np.full(len(cells), np.nan)
    try:
        values[filled] = np.fromiter(map(float, filter(None, cells)), np.float64, int(filled.sum()))
        return values, filled, []
    except ValueError:
        pass
    bad = []
    for i, cell in enumerate(cells):
        filled[i] = False
        try:
            values[i] = float(cell.replace(",", ".")) if comma and cell.count(",") == 1 else float(cell)
            filled[i] = True
        except ValueError:
            if cell.strip().lower() not in MISSING:
                bad.append(i)
    return values, filled, bad


def even_cells(text: str, delimiter: str, width: int) -> list[list[str]] | None:
    """The cells of whole lines by column, at once; None where lines differ in their number of cells, or may.

    >>> even_cells("1,2\\n3,4\\n", ",", 2), even_cells("1\\n2,3,4\\n", ",", 2)
    ([['1', '3'], ['2', '4']], None)
    """
    if not text.isascii() or delimiter == " " or delimiter + " " in text:
        return None
    if not text.endswith("\n"):
        text += "\n"
    signs = np.frombuffer(text.encode("ascii"), np.uint8)
    ends = np.flatnonzero((signs == ord(delimiter)) | (signs == ord("\n")))
    if (
        ends.size % width
        or ends.size // width != text.count("\n")
        or (signs[ends[width - 1 :: width]] != ord("\n")).any()
    ):
        return None
    cells = text.replace("\n", delimiter).split(delimiter)
    cells.pop()
    return [cells[i::width] for i in range(width)]
