"""What a search for the peak learning rate leaves behind: range tests, mini-runs, the answer. Plain and frozen."""

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["CarriedPeak", "Finding", "Mark", "Mini", "RangeReading", "Ride", "Slope"]


@dataclass(frozen=True, slots=True)
class Ride:
    """One seed's range test: the rate at every logged loss, the loss, and the loss smoothed over log-rate.

    `broke` is the rate at which the loss became non-finite or exploded (None: it never did).

    >>> Ride(0, (0.1, 0.2), (1.0, 0.5), (0.9, 0.6)).broke is None
    True
    """

    seed: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]
    broke: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What one rule reads off the range tests: the rate from all seeds together, and from each alone.

    >>> Mark("steepest", 0.1, ((0, 0.05), (1, 0.2), (2, None))).spread
    4.0
    """

    rule: str
    rate: float | None
    by_seed: tuple[tuple[int, float | None], ...] = ()

    @property
    def spread(self) -> float | None:
        """Largest rate over smallest rate among the seeds; None when fewer than two gave one.

        >>> Mark("steepest", 0.1).spread is None
        True
        """
        known = [rate for _, rate in self.by_seed if rate is not None]
        return max(known) / min(known) if len(known) > 1 else None


@dataclass(frozen=True, slots=True)
class RangeReading:
    """What the range tests say: where the peak of a decayed schedule is to be looked for, or why they do not tell.

    `low` and `high` bracket the search (None without a signal), `edge` is the rate at which training breaks
    (None: it never did), `noise` the standard deviation of one logged loss about its smoothed curve,
    `gained` how far the smoothed loss fell. `reason` says why there is no signal. `sentences` say it in words.

    >>> RangeReading(False, "the loss is flat").low is None
    True
    """

    signal: bool
    reason: str = ""
    low: float | None = None
    high: float | None = None
    edge: float | None = None
    noise: float | None = None
    gained: float | None = None
    marks: tuple[Mark, ...] = ()
    rides: tuple[Ride, ...] = ()
    sentences: tuple[str, ...] = ()

    def mark(self, rule: str) -> float | None:
        """The rate that a rule gives; None when it gives none.

        >>> RangeReading(True, marks=(Mark("valley", 0.1),)).mark("valley")
        0.1
        """
        return next((mark.rate for mark in self.marks if mark.rule == rule), None)


@dataclass(frozen=True, slots=True)
class Mini:
    """One mini-run: a whole decayed schedule in fewer updates. `value` is None when it gave no finite result.

    `steps` are the updates that it took: fewer than its horizon when it broke off. `train` is the mean training loss
    over the last sixth of them, None where none was logged.

    >>> Mini(80, 0.1, 0, 0.5).value
    0.5
    """

    horizon: int
    peak: float
    seed: int
    value: float | None
    status: str = "done"
    steps: int = 0
    train: float | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """How the best peak moves with the horizon: best peak ~ horizon^exponent, with its standard deviation.

    `fitted` is False when the runs narrow it hardly, so that the exponent is what was expected beforehand.

    >>> Slope(-0.5, 0.2, fitted=True).factor(4)
    0.5
    """

    exponent: float
    sd: float
    fitted: bool

    def factor(self, times: float) -> float:
        """By what the best peak is multiplied when a run becomes so many times as long.

        >>> Slope(-1.0, 0.1, fitted=True).factor(2)
        0.5
        """
        return math.pow(times, self.exponent)


@dataclass(frozen=True, slots=True)
class CarriedPeak:
    """The best peak of another plan, carried over by theory: nothing was trained for it.

    >>> CarriedPeak("cosine()", 0.0097, 0.0084, 0.0113).best
    0.0097
    """

    plan: str
    best: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of `find`.

    `outcome`: "found" (an interval of peaks around a best guess), "edge" (the best peak tried lies at an end of
    what was tried, so that `best` is a bound), "no signal" (`reason` says why). `low` to `high` holds the best
    peak at the full horizon with the stated confidence, as the model sees it (all None at an edge). `shape` is the
    plan that was decayed; `tops` the best peak at each short horizon; `curvature` how much the metric rises one octave
    off, `bases` the lowest value of each short horizon's parabola,
    `skew` by how many times steeper it is above the best peak than below. `early` is how the best peak moved between
    the short horizons, `slope` how it is taken to move from the longest of them to the full one; `overfit` why these
    runs are said to overfit, "" when they do not. `steps` were trained, of at most `horizon`.
    `traceback` is that of the first run that raised. `transferred` are the peaks of humble plans by theory.

    >>> Finding("no signal", "the loss is flat", "t.py:train", "linear_decay()", 600).best is None
    True
    """

    outcome: Literal["found", "edge", "no signal"]
    reason: str
    train: str
    shape: str
    horizon: int
    best: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = 0.8
    reading: RangeReading | None = None
    minis: tuple[Mini, ...] = ()
    tops: tuple[tuple[int, float], ...] = ()
    bases: tuple[tuple[int, float], ...] = ()
    curvature: float | None = None
    slope: Slope | None = None
    steps: int = 0
    metric: str = "val_loss"
    mode: str = "min"
    headline: str = ""
    sentences: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    skew: float = 1.0
    path: str = ""
    traceback: str = ""
    early: Slope | None = None
    overfit: str = ""
    transferred: tuple[CarriedPeak, ...] = ()
    version: int = 1
