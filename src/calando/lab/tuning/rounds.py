"""One round of a search: the runs to make next, given everything that is finished."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from calando.lab.tuning.acquire import Choice, pick, suppose
from calando.lab.tuning.bundle import Shares, bundle
from calando.lab.tuning.model import Belief, Runs, believe
from calando.lab.tuning.space import Space
from calando.records.decision import Decision
from calando.records.run import RunRecord, RunSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Known", "Round", "best_row", "known", "next_runs"]

DOUBT = 0.5
"""Standard deviations that count against a choice: of equals the one that was tried is taken."""

Offered = Callable[[RunSpec], bool]


@dataclass(frozen=True, slots=True)
class Round:
    """Runs decided on together, what each was planned to cost in updates, and what was decided with them.

    `phase` says how far the search was; where short runs and full ones are mixed, "full horizon".
    """

    phase: str
    runs: tuple[RunSpec, ...]
    costs: tuple[int, ...]
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is finished, as the surrogate sees it.

    `made` are the rows and seeds' places of finished runs, `sound` the rows with a result, `counts` finished runs by
    shape, `out` dropped shapes, `least` the lowest loss of a full run. `belief` (None before the first run) is of the
    rows in `full`, those of the full horizon, and of the runs in `choices`.
    """

    space: Space
    seeds: tuple[int, ...]
    made: frozenset[tuple[int, int]]
    sound: frozenset[int]
    counts: Mapping[int, int]
    out: frozenset[int]
    full: tuple[int, ...]
    choices: tuple[tuple[int, int], ...]
    belief: Belief | None
    least: float = -math.inf

    def ask(self, row: int, place: int) -> RunSpec:
        """The run of a row under the seed at that place."""
        return self.space.ask(self.space.rows[row], self.seeds[place])

    def mean(self, row: int) -> float:
        """The believed loss of a row of the full horizon, on the surrogate's scale."""
        return 0.0 if self.belief is None else float(self.belief.mean[self.full.index(row)])

    def sd(self, row: int) -> float:
        """How sure that is."""
        place = self.full.index(row)
        return 0.0 if self.belief is None else math.sqrt(max(0.0, float(self.belief.cov[place, place])))

    def gap(self, rows: Sequence[int], other: int) -> "tuple[Floats, Floats]":
        """Believed differences from another row, and their standard deviations."""
        if self.belief is None:
            return np.zeros(len(rows)), np.zeros(len(rows))
        at, place = [self.full.index(row) for row in rows], self.full.index(other)
        mean, cov = self.belief.mean, self.belief.cov
        spread = cov[at, at] + cov[place, place] - 2 * cov[at, place]
        return mean[at] - mean[place], np.sqrt(np.maximum(spread, 0.0))


def known(
    space: Space,
    seeds: Sequence[int],
    runs: Mapping[str, RunRecord],
    mode: str,
    dropped: Collection[str] = (),
    offered: Offered | None = None,
) -> Known:
    """What the finished runs of a space say.

    A run that diverged or failed counts as worse than any that did not.

    Args:
        dropped: labels of shapes that are out: they teach, but are neither chosen nor run again.
        offered: which runs there are, where not all are.
    """
    rows, marks, losses, choices = [], [], [], []
    counts: dict[int, int] = {}
    out = frozenset(i for i, candidate in enumerate(space.candidates) if candidate.label in dropped)
    for index, row in enumerate(space.rows):
        more = row.shape not in out
        for place, seed in enumerate(seeds):
            run = space.ask(row, seed)
            record = runs.get(run.key)
            if record is None:
                if more and (offered is None or offered(run)):
                    choices.append((index, place))
                    more = False
                continue
            rows.append(index)
            marks.append(place)
            value = record.final if record.sound and record.final is not None else float("nan")
            losses.append(value if mode == "min" else -value)
            counts[row.shape] = counts.get(row.shape, 0) + 1
    full = tuple(np.flatnonzero(space.cells.level == space.full).tolist())
    sound = frozenset(index for index, loss in zip(rows, losses, strict=True) if np.isfinite(loss))
    belief = None
    if rows:
        seen = Runs(np.array(rows), np.array(marks), np.array(losses))
        ask = np.array(choices, dtype=np.int64).reshape(-1, 2)
        asked = Runs(ask[:, 0], ask[:, 1], np.full(len(ask), np.nan))
        belief = believe(space.cells, seen, np.array(full, dtype=np.int64), asked)
    made = frozenset(zip(rows, marks, strict=True))
    last = frozenset(full)
    ends = [x for row, x in zip(rows, losses, strict=True) if row in last and math.isfinite(x)]
    least = min(ends, default=-math.inf)  # extrapolated, a belief may fall below what a loss can be
    return Known(space, tuple(seeds), made, sound, counts, out, full, tuple(choices), belief, least)


def next_runs(now: Known, left: int, batch: int, shares: Shares | None = None) -> list[Choice]:
    """The most useful runs that `left` updates pay for, at most `batch`, each chosen with the ones before in mind."""
    if now.belief is None:
        return []
    alive = [i for i, row in enumerate(now.full) if now.space.rows[row].shape not in now.out]
    belief = _among(now.belief, alive)
    picked: list[Choice] = []
    others: list[RunSpec] = []
    taken: set[int] = set()
    while len(picked) < batch and alive:
        steps = np.zeros(len(now.choices), dtype=np.int64)
        for index, (row, place) in enumerate(now.choices):
            run = now.ask(row, place)
            cost = run.horizon - (shares(run, others) if shares is not None and others else 0)
            if index not in taken and cost <= left:
                steps[index] = cost
        if not steps.any():
            break
        index, worth = pick(belief, steps)
        if shares is not None and not picked:
            several = bundle(now, belief, left, shares, worth)
            if several:
                return several
        row, place = now.choices[index]
        picked.append(Choice(row, place, int(steps[index])))
        others.append(now.ask(row, place))
        taken.add(index)
        left -= int(steps[index])
        belief = suppose(belief, index)
    return picked


def _among(belief: Belief, alive: Sequence[int]) -> Belief:
    """The belief with only some of its rows as what the choice will be among."""
    keep = [*alive, *range(belief.rows, len(belief.mean))]
    return replace(belief, mean=belief.mean[keep], cov=belief.cov[np.ix_(keep, keep)], rows=len(alive))


def best_row(now: Known, shape: int | None = None, setting: int | None = None, *, seen: bool = True) -> int | None:
    """The row of the full horizon that is believed best, doubt counted against it, of those run there if any was.

    Args:
        shape: among the rows of one shape; otherwise of all that are not dropped.
        setting: among the rows of one setting.
        seen: False looks at rows that were never run, too.
    """
    rows = [
        row
        for row in now.full
        if (now.space.rows[row].shape not in now.out if shape is None else now.space.rows[row].shape == shape)
        and (setting is None or now.space.rows[row].setting == setting)
    ]
    if now.belief is None:
        return None
    if seen:
        rows = [row for row in rows if row in now.sound] or rows
    return min(rows, key=lambda row: (now.mean(row) + DOUBT * now.sd(row), row), default=None)
