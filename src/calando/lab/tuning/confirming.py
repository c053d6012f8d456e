"""What a search chooses, what that is held against, and the fresh runs that do it."""

from collections.abc import Sequence

from calando.lab.tuning.rounds import Known, best_row
from calando.records.run import RunSpec

__all__ = ["choose", "fresh", "rival_of"]


def choose(now: Known, seed: int) -> RunSpec | None:
    """The run of the row that is believed best; None where nothing finished."""
    row = best_row(now) if now.sound else None
    return None if row is None else now.space.ask(now.space.rows[row], seed)


def rival_of(now: Known, chosen: RunSpec, baseline: str, seed: int) -> RunSpec | None:
    """The baseline at its own best peak; where that is the choice, the best of the others."""
    space = now.space
    labels = [candidate.label for candidate in space.candidates]
    shapes = [i for i, label in enumerate(labels) if label != chosen.candidate]
    if baseline != chosen.candidate and baseline in labels:
        shapes = [labels.index(baseline)]
    rows = [row for shape in shapes if (row := best_row(now, shape, 0)) is not None]
    if not rows or now.belief is None:
        return None
    best = min(rows, key=lambda row: (row not in now.sound, now.mean(row), row))
    return space.ask(space.rows[best], seed)


def fresh(pair: Sequence[RunSpec], seeds: Sequence[int], horizon: int) -> list[list[RunSpec]]:
    """The runs of a pair on fresh seeds, those of one seed together.

    >>> [[run.seed for run in some] for some in fresh([RunSpec("c", "cosine()", 0.1, 0, 9)], [7, 8], 9)]
    [[7], [8]]
    """
    return [
        [RunSpec(one.candidate, one.plan, one.peak, seed, horizon, "confirm", one.params) for one in pair]
        for seed in seeds
    ]
