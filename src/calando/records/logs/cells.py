"""Cells of a table as numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calando.records.logs.log import Floats

__all__ = ["Bools", "floats"]

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
