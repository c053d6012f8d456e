"""How the lattice of peaks grows where the best run stands on its end."""

from collections.abc import Iterable

from calando.lab.phrases import number
from calando.lab.tuning.rounds import Known, best_row
from calando.records.decision import Decision

__all__ = ["grown"]


def grown(grid: tuple[float, ...], now: Known, edges: Iterable[float]) -> tuple[tuple[float, ...], Decision] | None:
    """The lattice with one more peak, and why; None where the best run of the full horizon stands inside it.

    Where every run so far was lost it grows downwards.

    Args:
        grid: the lattice, ascending.
        edges: peaks from which on runs are lost: it does not grow up to them.
    """
    if len(grid) < 2:
        return None
    at = 0
    if now.sound:
        row = best_row(now)
        if row is None or row not in now.sound or now.space.candidates[now.space.rows[row].shape].peak:
            return None
        at = now.space.rows[row].peak
    if at == 0:
        point = float(f"{grid[0] * (grid[0] / grid[1]):.6g}")
        new = (point, *grid)
    elif at == len(grid) - 1:
        point = float(f"{grid[-1] * (grid[-1] / grid[-2]):.6g}")
        if any(peak <= point for peak in edges):
            return None
        new = (*grid, point)
    else:
        return None
    why = "the best so far stands on the end of what is searched" if now.sound else "every run so far was lost"
    return new, Decision("range", f"peak {number(point)} joins: {why}")
