"""What a study concludes: numbers and the same in words. Nothing here depends on the clock.

Signs: every difference is `candidate - reference` in units of the metric, as measured; `Comparison.is_`
says which side is better under the study's mode, so that nobody has to think about signs again.
"""

from dataclasses import dataclass
from typing import Literal

from calando.errors import BadName, did_you_mean, shown

__all__ = [
    "Comparison",
    "Cost",
    "Interval",
    "MoreSeeds",
    "PeakScore",
    "Selection",
    "Standing",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its two-sided interval at `confidence`, from `n` values.

    >>> Interval(0.5, 0.4, 0.6, confidence=0.95, n=5).contains(0.45)
    True
    """

    mean: float
    low: float
    high: float
    confidence: float
    n: int

    def contains(self, value: float) -> bool:
        """Whether the value lies inside, ends included.

        >>> Interval(0.5, 0.4, 0.6, confidence=0.95, n=5).contains(0.7)
        False
        """
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Comparison:
    """One candidate held against another on the seeds that both finished.

    `interval` is of the mean paired difference `candidate - reference`, already widened for the
    `family` comparisons made side by side (None: fewer than two common seeds, or the same difference on
    every seed, so that there is no spread to judge it by); `p` is the two-sided p-value times `family`,
    at most 1, None where there is no interval. `is_`: "better", "worse", or "open" (not separated);
    `equivalent`: the whole interval lies inside the margin. `difference` is the mean difference over
    the `n` common seeds, known without an interval too (None: no common seed).

    >>> Comparison("a", "b", None, None, family=1).is_
    'open'
    """

    candidate: str
    reference: str
    interval: Interval | None
    p: float | None
    family: int
    is_: Literal["better", "worse", "open"] = "open"
    equivalent: bool = False
    difference: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class PeakScore:
    """How one candidate did at one peak on the selection seeds.

    `values` are the final metrics by seed (None: that run has none), `mean` over those that have one;
    `extended`: the point was added because the best peak sat on the grid's edge.

    >>> PeakScore(0.1, mean=0.5, values=((0, 0.5), (1, None)), diverged=1).diverged
    1
    """

    peak: float | None
    mean: float | None
    values: tuple[tuple[int, float | None], ...] = ()
    diverged: int = 0
    failed: int = 0
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """How one candidate's peak was chosen, by seeds that are no evidence.

    `edge`: "" (inside the grid), "low" or "high" (the best peak is still the outermost one tried),
    "single" (only one peak was tried). `chosen` is False when no peak gave a result: `peak` is then None.

    >>> Selection("cosine()", peak=0.1, chosen=True, edge="high").edge
    'high'
    """

    label: str
    peak: float | None
    chosen: bool
    edge: Literal["", "low", "high", "single"] = ""
    scores: tuple[PeakScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the leaderboard, from confirmation runs alone.

    `rank` counts from 1 (candidates that lost fewer seeds, diverged or failed, first; then by mean).
    `mean` is over the seeds that all candidates in the running finished (its own seeds for one out of
    the running). `interval` is of that mean (not widened; seeds vary together, so read the paired
    differences; None: fewer than two values, or all the same). `versus_baseline` and `versus_leader` are
    paired; None for the reference itself. `tied`: it may be the best one. `why` says in one sentence why
    it is in or out of the tie set.

    >>> Standing(1, "cosine()", "cosine()", "humble", 0.1, mean=0.5, interval=None).tied
    False
    """

    rank: int
    label: str
    plan: str
    role: str
    peak: float | None
    mean: float | None
    interval: Interval | None
    values: tuple[tuple[int, float | None], ...] = ()
    diverged: int = 0
    failed: int = 0
    tied: bool = False
    versus_baseline: Comparison | None = None
    versus_leader: Comparison | None = None
    why: str = ""

    @property
    def lost(self) -> int:
        """How many confirmation seeds gave no result, for whatever reason.

        >>> Standing(1, "c", "cosine()", "humble", 0.1, mean=0.5, interval=None, values=((0, 0.5), (1, None))).lost
        1
        """
        return sum(value is None for _, value in self.values)


@dataclass(frozen=True, slots=True)
class MoreSeeds:
    """What it would take to tell two candidates apart, if the difference is as large as it looks now.

    `seeds` more confirmation seeds for both, `steps` updates altogether, with chance `power`;
    `seeds` is None when even a thousand would not do. Only pairs with an interval have such an entry.

    >>> MoreSeeds("wsd()", "cosine()", seeds=4, steps=3200, power=0.8).seeds
    4
    """

    candidate: str
    reference: str
    seeds: int | None
    steps: int
    power: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What the study's finished runs cost. Wall time is in the runs themselves.

    >>> Cost(runs=10, steps=4000, diverged=1, failed=0).runs
    10
    """

    runs: int = 0
    steps: int = 0
    diverged: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. A pure function of the study's spec and its runs: same runs, same verdict.

    Only candidates that lost the fewest confirmation seeds are in the running. `leader` has the best
    mean of them (None: no candidate finished); `tie_set` are the labels of those that may be the best: it
    holds the truly best one in the running with at least the stated confidence. `proven` when the tie set
    is the leader alone and nothing else is in doubt; `doubt` names what is (a rival ruled out by a lost
    seed and not by its mean, no rival at all, a seed that changes nothing). `recommended` is the baseline
    when it is in the tie set, else the leader.
    `method` states the statistics in words. `headline` is one sentence, `sentences` the whole verdict
    in words: the answer, the differences to the baseline, how peaks were chosen, what went wrong;
    `not_proven` what must not be concluded; `more` what more seeds would tell.

    >>> Verdict("val_loss", "min", 0.95, 0.0, baseline="cosine()", leader=None, tie_set=()).proven
    False
    """

    metric: str
    mode: str
    confidence: float
    margin: float
    baseline: str
    leader: str | None
    tie_set: tuple[str, ...]
    recommended: str | None = None
    standings: tuple[Standing, ...] = ()
    selections: tuple[Selection, ...] = ()
    more: tuple[MoreSeeds, ...] = ()
    cost: Cost = Cost()
    method: str = ""
    headline: str = ""
    sentences: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    version: int = 1
    doubt: str = ""

    @property
    def proven(self) -> bool:
        """Whether the leader is shown to be better than every other that gave a result.

        >>> Verdict("val_loss", "min", 0.95, 0.0, "b", leader="a", tie_set=("a",)).proven
        True
        """
        return self.leader is not None and self.tie_set == (self.leader,) and not self.doubt

    def standing(self, label: str) -> Standing:
        """The leaderboard line of that label.

        Raises:
            BadName: when no candidate has it.

        >>> Verdict("val_loss", "min", 0.95, 0.0, "b", None, ()).standing("b")
        Traceback (most recent call last):
        calando.errors.BadName: the label 'b'; allowed: no labels: nothing was compared
          at: Verdict.standing
          do: use a label of the leaderboard
        """
        for standing in self.standings:
            if standing.label == label:
                return standing
        labels = [standing.label for standing in self.standings]
        raise BadName(
            given=f"the label {shown(label)}{did_you_mean(label, labels)}",
            allowed=", ".join(labels) or "no labels: nothing was compared",
            where="Verdict.standing",
            fix="use a label of the leaderboard",
        )
