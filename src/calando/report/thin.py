"""Long curves made short enough for a screen, honestly: extremes stay, averages say that they are averages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

__all__ = ["POINTS", "common", "spark", "thin"]

POINTS = 600
"""Points of a drawn curve: about one per pixel of a wide figure."""

SHORT = 5000
"""Points up to which a list is searched faster than an array, bucket by bucket."""

DRAWABLE = 1e30
"""A value beyond this is as good as infinite: no axis shows it together with anything else."""


def thin(
    steps: Sequence[float], values: Sequence[float], points: int = POINTS
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A curve with at most `points` points: the first, the last, and every bucket's lowest and highest.

    Non-finite values are dropped. No spike is lost and none is invented: every point is a real one.

    >>> thin(range(8), [0, 0, 9, 0, 0, -9, 0, 1], points=6)
    ((0.0, 1.0, 2.0, 4.0, 5.0, 7.0), (0.0, 0.0, 9.0, 0.0, -9.0, 1.0))
    """
    import numpy as np

    x, y = _finite(steps, values)
    if x.size <= points:
        return _plain(x), _plain(y)
    edges = np.linspace(1, x.size - 1, max(1, (points - 2) // 2) + 1).astype(int)
    keep = {0, x.size - 1}
    short = y.tolist() if x.size <= SHORT else None
    for a, b in pairwise(edges.tolist()):
        if b <= a:
            continue
        if short is None:
            keep |= {a + int(np.argmin(y[a:b])), a + int(np.argmax(y[a:b]))}
        else:
            part = short[a:b]
            keep |= {a + part.index(min(part)), a + part.index(max(part))}
    order = np.array(sorted(keep))
    return _plain(x[order]), _plain(y[order])


def common(
    curves: Sequence[tuple[Sequence[float], Sequence[float]]], points: int = 80
) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...], int]:
    """Several curves averaged onto the same buckets of steps: (steps, one row per curve, values per point).

    A bucket's step and value are the means of the logged ones in it. A curve that ended early has NaN
    in the buckets that it never reached.

    >>> common([([0, 1, 2, 3], [4, 2, 2, 0]), ([0, 1], [6, 4])], points=2)
    ((0.5, 2.5), ((3.0, 1.0), (5.0, nan)), 2)
    """
    import numpy as np

    ready = [_finite(*curve) for curve in curves]
    ready_steps = [x for x, _ in ready if x.size]
    if not ready_steps:
        return (), tuple(() for _ in curves), 1
    grid = np.unique(np.concatenate(ready_steps))
    buckets = min(points, grid.size)
    edges = np.linspace(0, grid.size, buckets + 1).astype(int)
    centres = np.array([grid[a:b].mean() for a, b in pairwise(edges)])
    rows = []
    for x, y in ready:
        place = np.searchsorted(edges, np.searchsorted(grid, x), side="right") - 1
        count = np.bincount(place, minlength=buckets).astype(float)
        total = np.bincount(place, weights=y, minlength=buckets) if x.size else np.zeros(buckets)
        with np.errstate(invalid="ignore"):
            rows.append(_plain(total / np.where(count > 0, count, np.nan)))
    return _plain(centres), tuple(rows), max(1, round(max(x.size for x in ready_steps) / buckets))


def spark(
    steps: Sequence[float], values: Sequence[float], horizon: int, points: int = 64
) -> tuple[tuple[float, float], ...]:
    """A curve inside the unit square: x is the share of the horizon, y the share of its height.

    The height is that of the 2nd to 98th percentile, so that one wild batch does not flatten the rest.

    >>> spark([0, 5, 10], [2.0, 1.0, 0.0], horizon=10)
    ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0))
    """
    import numpy as np

    x, y = thin(steps, values, points)
    if len(x) < 2:
        return ()
    low, high = np.percentile(y, [2, 98]) if len(y) > 50 else (min(y), max(y))
    height = float(high - low) or 1.0
    across = np.round(np.array(x) / max(horizon, 1), 4)
    up = np.round(np.clip((np.array(y) - float(low)) / height, 0.0, 1.0), 4)
    return tuple(zip(across.tolist(), up.tolist(), strict=True))


def _finite(steps: Sequence[float], values: Sequence[float]) -> tuple[Any, Any]:
    import numpy as np

    x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    keep = np.abs(y) < DRAWABLE  # false for NaN
    return x[keep], y[keep]


def _plain(column: Any) -> tuple[float, ...]:
    return tuple(column.tolist())
