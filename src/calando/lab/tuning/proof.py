"""What fresh seeds say of the choice and its rival: who is better, who lost runs, and where a seed changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from calando.errors import counted
from calando.lab import evidence
from calando.lab.phrases import number
from calando.records.result import Comparison
from calando.records.run import RunRecord, RunSpec
from calando.records.study import StudySpec

__all__ = ["Proof", "of_pair", "prove", "values_of"]

Outcome = Literal["better", "worse", "open", "lost", "outlasted"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The choice held against its rival on fresh seeds.

    `made` and `lost` count the runs of the choice and of its rival that were made and that gave no result. `held` is
    of the seeds that both finished; it never says "better" of a choice that lost a run. `outcome` is of the choice:
    "lost" where it lost more runs than its rival, "outlasted" where the rival lost more and nothing else is shown,
    "better" or "worse" else. `flat`: the same difference on every seed, so that all of them are one observation.

    >>> Proof(Comparison("a", "b", None, None, 1), (8, 8), (4, 0), "lost").losses()
    'a lost on 4 of 8 fresh seeds'
    """

    held: Comparison
    made: tuple[int, int]
    lost: tuple[int, int]
    outcome: Outcome
    flat: bool = False

    @property
    def doubt(self) -> str:
        """What keeps the outcome from being proven; "" for nothing.

        >>> Proof(Comparison("a", "b", None, None, 1, n=8), (8, 8), (0, 0), "better", flat=True).doubt
        'the seed changes nothing in the difference, so all of them are one observation'
        """
        if any(self.lost):
            return self.losses()
        if self.flat:
            return "the seed changes nothing in the difference, so all of them are one observation"
        return "" if self.held.interval is not None else "too few fresh seeds gave a result of both"

    def losses(self) -> str:
        """Who lost on how many seeds; "" for nobody.

        >>> Proof(Comparison("a", "b", None, None, 1), (8, 8), (1, 2), "outlasted").losses()
        'a lost on 1 of 8 fresh seeds, b on 2 of 8'
        """
        names = self.held.candidate, self.held.reference
        told = [
            f"{name} {'' if i else 'lost '}on {lost} of {made}{'' if i else ' fresh seeds'}"
            for i, (name, lost, made) in enumerate(
                (name, lost, made) for name, lost, made in zip(names, self.lost, self.made, strict=True) if lost
            )
        ]
        return ", ".join(told)

    def seen(self) -> str:
        """On what the outcome stands, after "better" or the like.

        >>> Proof(Comparison("a", "b", None, None, 1, difference=0.3, n=8), (8, 8), (0, 0), "worse", flat=True).seen()
        'by exactly 0.3 on each of 8 fresh seeds; the seed changes nothing, so that is one observation'
        """
        n = self.held.n
        if not n:
            return f"on fresh seeds: none of {max(self.made)} gave a result of both"
        if not self.flat:
            return f"on {counted(n, 'fresh seed')}"
        gap = self.held.difference or 0.0
        size = f"by exactly {number(abs(gap))} on each of" if gap else "with exactly the same on each of"
        return f"{size} {counted(n, 'fresh seed')}; the seed changes nothing, so that is one observation"


def of_pair(runs: Iterable[RunRecord], pair: tuple[RunSpec, RunSpec] | None) -> dict[str, list[RunRecord]]:
    """The confirmation runs of a choice and of its rival, by label: only those with their plan, peak and values.

    >>> of_pair((), None)
    {}
    """
    found: dict[str, list[RunRecord]] = {}
    wanted = {_setup(one) for one in pair or ()}
    for run in runs:
        if run.spec.phase == "confirm" and _setup(run.spec) in wanted:
            found.setdefault(run.spec.candidate, []).append(run)
    return found


def _setup(run: RunSpec) -> tuple[str, str, float | None, str, int]:
    return run.candidate, run.plan, run.peak, run.params, run.horizon


def values_of(runs: Sequence[RunRecord]) -> dict[int, float]:
    """The metric by seed, without what was lost.

    >>> values_of([RunRecord(RunSpec("c", "cosine()", 0.1, 1000, 10), "done", final=0.5)])
    {1000: 0.5}
    """
    return {run.spec.seed: run.final for run in runs if run.sound and run.final is not None}


def prove(spec: StudySpec, choice: str, rival: str, mine: Sequence[RunRecord], theirs: Sequence[RunRecord]) -> Proof:
    """Hold the choice against its rival; a run lost on a fresh seed counts against who lost it.

    Args:
        mine: the choice's runs on fresh seeds, each seed once.
        theirs: the rival's.

    Example:
        >>> from calando.records import Candidate, StudySpec
        >>> spec = StudySpec("?", "t.py:train", 10, (Candidate("a", "wsd()"), Candidate("b", "cosine()")))
        >>> prove(spec, "a", "b", [], []).outcome
        'open'
    """
    left, right = values_of(mine), values_of(theirs)
    held = evidence.compare_pair(
        choice, rival, left, right, mode=spec.mode, confidence=spec.confidence, margin=spec.margin
    )
    lost = len(mine) - len(left), len(theirs) - len(right)
    if lost[0] and held.is_ == "better":
        held = replace(held, is_="open")
    flat = held.interval is None and held.n > 1
    outcome: Outcome = held.is_
    if flat:
        size = max(abs(values[seed]) for values in (left, right) for seed in evidence.common(left, right))
        gap = held.difference or 0.0
        if abs(gap) <= evidence.ROUNDING * size:
            gap, held = 0.0, replace(held, difference=0.0)
        if abs(gap) > spec.margin:
            outcome = "better" if (gap < 0) == (spec.mode == "min") else "worse"
    if lost[0] > lost[1]:
        outcome = "lost"
    elif lost[1] > lost[0] and outcome != "better":
        outcome = "outlasted"
    elif lost[0] and outcome == "better":
        outcome = "open"
    return Proof(held, (len(mine), len(theirs)), lost, outcome, flat)
