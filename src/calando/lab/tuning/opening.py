"""What a search begins with: how fast training goes, and one cheap look at every shape."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from calando.records.run import RunSpec

if TYPE_CHECKING:
    from calando.lab.tuning.space import Row, Space

__all__ = ["BLIND", "LOOK", "first_look", "probe_run", "short_horizons", "shuffled"]

BLIND = (1e-4, 0.3)
"""Peaks that are searched when the range test says nothing."""
LOOK = 0.35
"""Share of the budget that the first look may take at most."""
WIDE = 5  # peaks from which on every other one is enough for a first look
FURTHER, CHEAP = 0.5, 0.9
"""The same with more peaks of the shapes that share a trunk, and the part of a run below which one is cheap."""
SHORTEST = 20
"""Updates below which a compressed schedule is a caricature."""


def short_horizons(full: int, parts: tuple[int, ...] = (8, 4)) -> tuple[int, ...]:
    """The horizons of a search: an eighth, a quarter, all; none so short that a schedule has no shape.

    >>> short_horizons(640), short_horizons(100)
    ((80, 160, 640), (25, 100))
    """
    return (*(full // part for part in parts if full // part >= SHORTEST), full)


def probe_run(full: int, seed: int, peaks: Sequence[float] = ()) -> RunSpec:
    """A short run that measures the pace and hears what is declared: at the lowest peak, 0.0001 where none is given.

    The optimizer's own rate would not do: one that has yet to be made, as with optax, need not have any.

    >>> probe_run(1000, 0).horizon, probe_run(1000, 0).peak, probe_run(1000, 0, (0.1, 0.2)).peak
    (20, 0.0001, 0.1)
    """
    horizon = min(full, max(8, min(200, full // 50)))
    return RunSpec("probe", "constant()", min(peaks, default=BLIND[0]), seed, horizon, "probe")


def shuffled(seeds: tuple[int, ...], seed: int) -> tuple[int, ...]:
    """The order in which a study uses its seeds: as they are for study seed 0, else an order of its own.

    >>> shuffled((0, 1, 2), 0), shuffled((0, 1, 2), 1)
    ((0, 1, 2), (1, 2, 0))
    """
    order = list(seeds)
    if seed:
        Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    return tuple(order)


def first_look(
    space: "Space",
    budget: float,
    seed: int = 0,
    ask: "Callable[[Row], RunSpec] | None" = None,
    shares: Callable[[RunSpec, Sequence[RunSpec]], int] | None = None,
) -> list["Row"]:
    """Every shape once at the shortest horizon where theory sees its best peak, one of them over the whole lattice.

    The lattice is read off the shape that theory ranks first; the most promising of the others come first, so that a
    small budget cuts the least.

    Args:
        budget: in full runs; a part of it is spent.
        seed: the study's own; it shifts which points of the lattice are read.
        ask: gives the run of a row.
        shares: what a run would find made by others; where much of it is shared, more peaks are looked at.
    """
    level = min(row.level for row in space.rows)
    rows = [row for row in space.rows if row.level == level and row.setting == 0]
    cells = space.cells
    middle = (math.log2(space.peaks[0]) + math.log2(space.peaks[space.top - 1])) / 2
    height = math.log2(space.horizons[level] / space.horizons[-1])
    shapes = sorted({row.shape for row in rows}, key=lambda shape: (float(cells.price[shape]), shape))
    found: list[Row] = []
    for shape in shapes:
        mine = [row for row in rows if row.shape == shape]
        wanted = middle + 0.85 * float(cells.shift[shape]) - 0.35 * height
        found.append(min(mine, key=lambda row: (abs(math.log2(space.peaks[row.peak]) - wanted), row.peak)))
    anchor = [row for row in rows if row.shape == shapes[0]]
    read = anchor if len(anchor) < WIDE else anchor[seed % 2 :: 2]
    found[1:1] = [row for row in read if row != found[0]]
    if ask is None or shares is None:
        return found[: max(2, int(LOOK * budget / space.cost(found[0])))]
    rest = [row for row in rows if row not in found and row.peak < space.top]
    rest.sort(key=lambda row: (abs(math.log2(space.peaks[row.peak]) - middle + 0.35 * height), row.shape))
    kept: list[Row] = []
    made: list[RunSpec] = []
    spent, full = 0, space.horizons[-1]
    for row in [*found, *rest]:
        run = ask(row)
        cost = run.horizon - shares(run, made)
        asked = row in found
        if not asked and cost > CHEAP * run.horizon:
            continue
        if len(kept) < 2 or spent + cost <= (LOOK if asked else FURTHER) * budget * full:
            kept.append(row)
            made.append(run)
            spent += cost
    return kept
