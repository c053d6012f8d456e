"""Which runs a study still wants: a pure function of its question and of the runs that are there.

Each candidate walks by itself: first its peak is chosen on the selection seeds (and the grid grows by a
point while the best one sits on its edge), then it runs at that peak on the confirmation seeds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from calando.records.result import PeakScore, Selection
from calando.records.run import Phase, RunRecord, RunSpec
from calando.records.study import Candidate, StudySpec

__all__ = ["Walk", "in_order", "still_wanted", "walk", "walks"]

Runs = Mapping[str, RunRecord]
Side = Literal["", "low", "high"]


@dataclass(frozen=True, slots=True)
class Walk:
    """Where one candidate stands.

    `selection` is None while its peak is being chosen; `wanted` are the runs of its present phase in
    order, finished ones included; `left` those that are still to be made; `ahead` how many more will
    follow at least.
    """

    candidate: Candidate
    selection: Selection | None
    wanted: tuple[RunSpec, ...]
    left: tuple[RunSpec, ...]
    ahead: int = 0


def walks(spec: StudySpec, runs: Runs) -> tuple[Walk, ...]:
    """Where every candidate stands, in the study's order."""
    return tuple(walk(spec, candidate, runs) for candidate in spec.candidates)


def still_wanted(spec: StudySpec, runs: Runs) -> list[RunSpec]:
    """The runs that can be started now, unfinished ones only, in the order to start them.

    Seed by seed over all candidates, so that an early look is a fair one.
    """
    return in_order(walks(spec, runs))


def in_order(stops: Sequence[Walk]) -> list[RunSpec]:
    """What is left of several walks, in the order to start it."""
    found = [
        (run.phase != "select", run.seed, position, run.peak or 0.0, run)
        for position, one in enumerate(stops)
        for run in one.left
    ]
    found.sort(key=lambda item: item[:4])
    return [item[4] for item in found]


def walk(spec: StudySpec, candidate: Candidate, runs: Runs) -> Walk:
    """Where one candidate stands."""
    own = spec.grid(candidate)
    if candidate.peak is not None or len(own) < 2:
        peak = candidate.peak if candidate.peak is not None else next(iter(own), None)
        chosen = Selection(candidate.label, peak, chosen=True, edge="single")
        return _walk(candidate, chosen, _confirmations(spec, candidate, peak), runs)
    grid, grown = list(own), 0
    while True:
        wanted = [_ask(spec, candidate, peak, seed, "select") for seed in spec.select_seeds for peak in grid]
        if any(run.key not in runs for run in wanted):
            return _walk(candidate, None, wanted, runs, ahead=len(spec.confirm_seeds))
        scores = [_score(spec, candidate, peak, runs) for peak in grid]
        best = _best(scores, spec.mode)
        side = _side(best, scores)
        if not side or grown == spec.extend:
            break
        point = _beyond(grid, side)
        if point is None:
            break
        grid = [point, *grid] if side == "low" else [*grid, point]
        grown += 1
    if best is None:
        return _walk(candidate, Selection(candidate.label, None, False, "", tuple(scores)), wanted, runs)
    selection = Selection(candidate.label, scores[best].peak, True, side, tuple(scores))
    return _walk(candidate, selection, (*wanted, *_confirmations(spec, candidate, scores[best].peak)), runs)


def _walk(
    candidate: Candidate, selection: Selection | None, wanted: Sequence[RunSpec], runs: Runs, ahead: int = 0
) -> Walk:
    left = tuple(run for run in wanted if run.key not in runs)
    return Walk(candidate, selection, tuple(wanted), left, ahead)


def _ask(spec: StudySpec, candidate: Candidate, peak: float | None, seed: int, phase: Phase) -> RunSpec:
    return RunSpec(candidate.label, candidate.plan, peak, seed, spec.horizon, phase)


def _confirmations(spec: StudySpec, candidate: Candidate, peak: float | None) -> tuple[RunSpec, ...]:
    return tuple(_ask(spec, candidate, peak, seed, "confirm") for seed in spec.confirm_seeds)


def _score(spec: StudySpec, candidate: Candidate, peak: float, runs: Runs) -> PeakScore:
    records = [runs[_ask(spec, candidate, peak, seed, "select").key] for seed in spec.select_seeds]
    values = tuple((record.spec.seed, record.final if record.sound else None) for record in records)
    known = [value for _, value in values if value is not None]
    return PeakScore(
        peak,
        math.fsum(known) / len(known) if known else None,
        values,
        diverged=sum(record.status == "diverged" for record in records),
        failed=sum(record.status == "failed" for record in records),
        extended=peak not in spec.grid(candidate),
    )


def _best(scores: Sequence[PeakScore], mode: str) -> int | None:
    """The peak that lost the fewest seeds, and among those the one with the best mean."""

    def cost(index: int) -> tuple[int, float]:
        score, mean = scores[index], scores[index].mean or 0.0
        return sum(value is None for _, value in score.values), mean if mode == "min" else -mean

    return min((i for i, score in enumerate(scores) if score.mean is not None), key=cost, default=None)


def _side(best: int | None, scores: Sequence[PeakScore]) -> Side:
    if best is None:  # everything diverged: the grid is too high; everything failed: no peak will help
        return "low" if any(score.diverged for score in scores) else ""
    return "low" if best == 0 else "high" if best == len(scores) - 1 else ""


def _beyond(grid: Sequence[float], side: str) -> float | None:
    """The grid's next point on that side, by the grid's own factor there; six digits, so that it reads well."""
    point = grid[0] * (grid[0] / grid[1]) if side == "low" else grid[-1] * (grid[-1] / grid[-2])
    point = float(f"{point:.6g}")
    return point if math.isfinite(point) and point > 0 and point not in grid else None
