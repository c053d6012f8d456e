"""What a choice answers: plain, frozen, every number computed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from calando.forecast.forecasted import Forecast, Prediction

__all__ = ["Baseline", "Choice", "NextRun", "Ranked", "Verdict"]

Verdict = Literal["choose", "tie", "not enough"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate among those to choose from.

    `regret` is its predicted loss above the best candidate's, `regret_low` to `regret_high` the band of that; `tied`
    tells whether it cannot be told from the best.

    >>> from calando.forecast.forecasted import Prediction
    >>> Ranked(Prediction("cosine()", 1e-3, 10_000, 3.0, 2.9, 3.1, (), 1, 2.0), 0.0, 0.0, 0.002, True).plan
    'cosine()'
    """

    prediction: "Prediction"
    regret: float
    regret_low: float
    regret_high: float
    tied: bool

    @property
    def plan(self) -> str:
        """The candidate's plan, as text."""
        return self.prediction.plan

    @property
    def peak(self) -> float:
        """The candidate's peak, a learning rate."""
        return self.prediction.peak

    @property
    def loss(self) -> float:
        """The candidate's predicted final loss."""
        return self.prediction.loss

    @property
    def rank(self) -> int:
        """The candidate's place, the best is 1."""
        return self.prediction.rank


@dataclass(frozen=True, slots=True)
class Baseline:
    """What one would do without any law, and what the laws say about it.

    `name` is "keep the better short run" or "linear cooldown 60 %"; `loss` and `regret` are predicted, the latter
    against the best candidate: below 0 the baseline is the better one.

    >>> Baseline("linear cooldown 60 %", "wsd(warmup=300, cooldown=60%)", 1e-3, 3.0, 0.001).regret
    0.001
    """

    name: str
    plan: str
    peak: float
    loss: float
    regret: float


@dataclass(frozen=True, slots=True)
class NextRun:
    """A short run that would tell more: `why` in a few words.

    >>> NextRun("wsd(warmup=300, cooldown=60%)", 1e-3, 15_000, "a second cooldown").horizon
    15000
    """

    plan: str
    peak: float
    horizon: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Which candidate to take for the long run, or which two short runs would tell.

    `verdict` is "choose" (the best stands alone), "tie" (`tie` cannot be told apart; `best` is the first of them) or
    "not enough" (`reasons` say why; the ranking stands, but is not to be trusted). `ranked` has every candidate in rank
    order, `baselines` what one would do without any law, `next_runs` the two short runs to make next (none when the
    best stands alone). `forecast` holds the fits, bands and curves, `level` the bands' nominal share.

    >>> Choice("tie", (), (), (), ("why",), (), None, 50_000, 0.8, 0.1).verdict
    'tie'
    """

    verdict: Verdict
    ranked: tuple[Ranked, ...]
    baselines: tuple[Baseline, ...]
    next_runs: tuple[NextRun, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    forecast: "Forecast | None"
    horizon: int
    level: float
    seconds: float

    @property
    def best(self) -> Ranked:
        """The candidate with the lowest predicted loss."""
        return self.ranked[0]

    @property
    def tie(self) -> tuple[Ranked, ...]:
        """The candidates that cannot be told from the best, the best first."""
        return tuple(one for one in self.ranked if one.tied)
