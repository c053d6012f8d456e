"""Runs beside each other: which of them differ in their rates alone, and what one gained over the other.

Two runs are compared only where their logs bear it out: the same metric, the same number of updates, both at their end
(or diverged on the way), the same loss before anything was learned, and rates that are the same up to one factor, or
up to how long they rise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from calando.records.diagnosis.neighbour import Neighbour
from calando.records.diagnosis.noisy import Level
from calando.records.diagnosis.ready import GRID, Ready, Shape, ready

if TYPE_CHECKING:
    from calando.records.diagnosis.finding import Observed
    from calando.records.diagnosis.noisy import Floats

    Placed = list[tuple[float, Ready]]

__all__ = ["Table", "beside"]

SEEDS = 0.015
"""Standard deviation between repeats of one recipe at its end, as a share of what it gained: what is assumed where
there is one run of each. Of 135 sound recipes of three seeds each half lie below 0.006 and four of five below 0.014,
which is 2.5 and 6 times the noise of an evaluation at the end: that alone would be too little. Of 57 at a peak too high
half lie above 0.045. By `python -m bench.watch.labelled --spread`."""

WEIGHT = 4
"""Repeats beyond the first that the assumed spread is worth: two runs that happen to end alike prove no small one."""

ALIKE = 0.02
"""Of its peak, by which rates that are the same up to a factor may lie apart."""
SAME, APART = 1.03, 1.15
"""Factor of two peaks below which they are one and the same, and from which on they are two."""
LATER = 0.02
"""Share of the run by which a rise must take longer."""
MOST = 12
"""Peaks on either side that are looked at; of more, one in so many: a sweep of hundreds is told by a dozen."""
STARTS = 4.0
"""Times its scatter that two first losses may lie apart."""
WIDEST = 0.9
"""Logarithm of the ratio of two first losses above which no scatter explains it."""


def beside(named: Sequence[tuple[str, Observed]], *, one: bool = False) -> tuple[Observed, ...]:
    """The same runs, each with what the others beside it say.

    A run that has no neighbour comes back as it is. Where they are known to be of `one` training, as those of a study
    are, it is not asked whether they began at the same loss.

    >>> from calando.records.diagnosis.finding import Observed
    >>> alone = Observed(horizon=100)
    >>> beside([("A", alone)])[0] is alone
    True
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a log may hold 1e308
        made = [ready(name, seen) for name, seen in named]
        table = Table([each for each in made if each is not None], one=one)
        found = [() if each is None else table.lay(each) for each in made]
    return tuple(replace(seen, beside=said) if said else seen for (_, seen), said in zip(named, found, strict=True))


class Table:
    """Runs that lie beside each other; each pair of schedules among them is compared once.

    >>> Table([]).runs
    []
    """

    def __init__(self, runs: Sequence[Ready], *, one: bool = False) -> None:
        self.runs = sorted(runs, key=lambda run: (run.name, run.mark))
        self._one = one
        self._held: dict[Shape, list[Ready]] = {}
        for run in self.runs:
            self._held.setdefault(run.shape, []).append(run)
        self._near: dict[Shape, list[tuple[Shape, float, bool]]] = {}
        self._told: dict[object, tuple[Neighbour, ...]] = {}

    def lay(self, this: Ready) -> tuple[Neighbour, ...]:
        """What the runs that differ from this one in their rates alone say of it, the nearest first."""
        asked = (this.shape, this.kind, tuple(sorted(this.settings.items())))
        if self._one and asked in self._told:
            return self._told[asked]  # of one training: what is said of a run is said of its repeats
        alike = self._alike(this)[::-1]  # of readings of one run the first name stays
        unlike = {(run.mark, run.shape): (run, factor, later) for run, factor, later in alike}.values()
        placed = [(factor, run) for run, factor, _ in unlike]
        here = [this, *(run for factor, run in placed if 1 / SAME <= factor <= SAME)]
        here.sort(key=lambda run: (run.name, run.mark))
        found: list[Neighbour] = []
        for way, parts in (
            ("cooler", _clusters([pair for pair in placed if pair[0] < 1 / APART])[::-1]),
            ("hotter", _clusters([pair for pair in placed if pair[0] > APART])),
            ("longer warm-up", _clusters([(run.rise, run) for run, _, later in unlike if later])),
        ):
            some = parts[:: -(-len(parts) // MOST) or 1]
            found += [_against(way, part[0][0], here, [run for _, run in part]) for part in some]
        self._told[asked] = tuple(found)
        return tuple(found)

    def kin(self, this: Ready) -> list[Ready]:
        """The runs of which this one is a repeat or a neighbour."""
        found = [run for run, *_ in self._alike(this)]
        earlier = [run for run, yes in zip(self.runs, _later(this, self.runs, -1), strict=True) if yes]
        return found + [run for run in earlier if self._meet(this, run)]

    def _alike(self, this: Ready) -> list[tuple[Ready, float, bool]]:
        """Repeats and neighbours, by what factor their rates differ (or NaN), and whether they rise later."""
        if this.shape not in self._near:
            firsts = [runs[0] for runs in self._held.values()]
            every = zip(firsts, _factors(this, firsts), _later(this, firsts, 1), strict=True)
            self._near[this.shape] = [(run.shape, factor, yes) for run, factor, yes in every if factor > 0 or yes]
        return [
            (run, factor, yes)
            for shape, factor, yes in self._near[this.shape]
            for run in self._held[shape]
            if self._meet(this, run)
        ]

    def _meet(self, this: Ready, run: Ready) -> bool:
        return run is not this and run.mark != this.mark and this.meets(run) and (self._one or _began(this, run))


def _began(this: Ready, other: Ready) -> bool:
    """Whether two runs had the same loss at the same step before anything was learned."""
    (a, at), (b, there) = this.first, other.first
    if at != there and max(at, there) > 1:
        return False
    apart = abs(math.log(a / b)) if min(a, b) > 0 else abs(a - b) / max(min(abs(a), abs(b)), 1e-300)
    known = [one.scatter for one in (this, other) if math.isfinite(one.scatter)] or [0.05]
    scatter = min(STARTS * math.sqrt(2) * max(known), WIDEST)
    return apart <= scatter + this.learned + other.learned


def _factors(this: Ready, others: Sequence[Ready]) -> list[float]:
    """How many times as high the rates of the others are; NaN where they are not the same up to a factor."""
    import numpy as np

    found = np.full(len(others), math.nan)
    cut = [this.diverged or other.diverged for other in others]
    for place in np.flatnonzero(cut).tolist():  # as far as both have logged
        other = others[place]
        even = np.linspace(0.0, min(this.steps[-1], other.steps[-1]), 33)
        mine, theirs = (np.interp(even, one.steps, one.rates) for one in (this, other))
        if even[-1] >= 2 and mine.mean() > 0 and theirs.mean() > 0:
            ratio = theirs.mean() / mine.mean()
            found[place] = ratio if _within(theirs[None], ratio * mine[None])[0] else math.nan
    whole = [place for place, yes in enumerate(cut) if not yes and others[place].shape[0] == this.shape[0]]
    if whole:
        grids = np.stack([others[place].grid for place in whole])
        ratios = grids.mean(axis=1) / this.grid.mean()
        found[whole] = np.where(_within(grids, ratios[:, None] * this.grid), ratios, math.nan)
    return [float(one) for one in found]


def _within(rows: Floats, wanted: Floats) -> Floats:
    """Of each row, whether it keeps to the wanted one: a step that falls a logged point earlier or later is none."""
    import numpy as np

    pad = np.pad(wanted, ((0, 0), (1, 1)), mode="edge")
    around = np.stack([pad[:, :-2], pad[:, 1:-1], pad[:, 2:]])
    near = ALIKE * rows.max(axis=1, keepdims=True)
    kept: Floats = ((rows >= around.min(axis=0) - near) & (rows <= around.max(axis=0) + near)).all(axis=1)
    return kept


def _later(this: Ready, others: Sequence[Ready], sign: int) -> list[bool]:
    """Which of the others reach the same peak later (-1: earlier), and follow the same rates from there on.

    What comes after a rise either stands where it stood, or has the rest of the run for itself.
    """
    import numpy as np

    near = ALIKE * this.top
    found = []
    for other in others:
        yes = sign * (other.rise - this.rise) >= LATER and abs(other.top - this.top) <= near
        if yes and not (this.diverged or other.diverged) and this.shape[0] == other.shape[0]:
            late = other if sign > 0 else this
            at = int(late.rise * GRID) + 1
            yes = bool(np.all(np.abs(other.grid[at:] - this.grid[at:]) <= near))
            yes = yes or bool(_within(other.tail[None], this.tail[None])[0])
            yes = yes and bool(np.all(np.diff(late.grid[: max(at - 1, 2)]) >= -near))
        found.append(yes and not (this.diverged or other.diverged))
    return found


def _clusters(placed: Placed) -> list[Placed]:
    """Runs whose numbers are the same up to noise, together; what is no number is left out."""
    found: list[Placed] = []
    for value, one in sorted((p for p in placed if p[0] > 0), key=lambda pair: (pair[0], pair[1].name, pair[1].mark)):
        if found and value <= SAME * found[-1][0][0]:
            found[-1].append((value, one))
        else:
            found.append([(value, one)])
    return found


def _against(way: str, factor: float, here: list[Ready], there: list[Ready]) -> Neighbour:
    starts = [one.start for one in (*here, *there) if math.isfinite(one.start)]
    start = sum(starts) / max(len(starts), 1)

    def told(runs: list[Ready], value: Callable[[Ready], float]) -> list[tuple[float, float]]:
        """The ends by their first losses; a run that was lost has gained nothing."""
        return [(one.first[0], start if one.diverged else value(one)) for one in runs]

    ends = told(here, lambda one: one.final), told(there, lambda one: one.final)
    least = max(0.02 * abs(start), *(one.least for one in (*here, *there)), 1e-300)
    scale = max(start - min(sum(v for _, v in part) / len(part) for part in ends), least)
    rough = max((one.noise for one in (*here, *there) if math.isfinite(one.noise)), default=0.0)
    usual = math.hypot(SEEDS * scale, rough)
    at_best = _gain(told(here, lambda one: one.best), told(there, lambda one: one.best), usual)
    names = sorted({one.name for one in there})
    name = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Neighbour(way, name, factor, _gain(*ends, usual), at_best, scale, _shown(here), _shown(there),
                     here[0].kind[0], len(there))  # fmt: skip


def _shown(runs: list[Ready]) -> float:
    """Where runs ended, as they logged it: the mean of those that came to an end, or infinite."""
    ends = [one.ended for one in runs if not one.diverged]
    return (-1.0 if runs[0].kind[1] else 1.0) * sum(ends) / len(ends) if ends else math.inf


def _gain(mine: list[tuple[float, float]], theirs: list[tuple[float, float]], usual: float) -> Level:
    """How much lower the others ended, over pairs that began at the very same loss where they tell more.

    The error is from the spread of the repeats and what is usual, each weighed by how many speak for it.
    """
    here, there = dict(mine), dict(theirs)
    pairs = [here[start] - there[start] for start in sorted(here.keys() & there.keys())]
    means = [sum(v for _, v in part) / len(part) for part in (mine, theirs)]
    spread = sum((v - mean) ** 2 for part, mean in zip((mine, theirs), means, strict=True) for _, v in part)
    variance = (spread + WEIGHT * usual**2) / (len(mine) + len(theirs) - 2 + WEIGHT)
    found = [Level(means[0] - means[1], math.sqrt(variance * (1 / len(mine) + 1 / len(theirs))))]
    if len(pairs) >= 2:
        mean = sum(pairs) / len(pairs)
        spread = sum((one - mean) ** 2 for one in pairs) + WEIGHT * 2 * usual**2
        found.append(Level(mean, math.sqrt(spread / (len(pairs) - 1 + WEIGHT) / len(pairs))))
    return min(found, key=lambda one: one.error)
