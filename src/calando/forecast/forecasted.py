"""What a forecast says: plain, frozen, every number computed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve
    from calando.forecast.doubts import Doubt
    from calando.forecast.fitting import Fit

__all__ = ["Forecast", "Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The final loss that one candidate would reach, and how sure that is.

    `plan`, `peak` and `horizon` are the candidate; `loss` is the mean of the laws that count, `low` to `high` its band,
    `by_law` each law's own; `rank` counts from 1, the lowest loss first. `ratio` is the candidate's horizon over the
    last loss of the longest run that was fitted, or over its length where it was finished.

    >>> Prediction("cosine()", 1e-3, 10_000, 3.0, 2.9, 3.1, (("bound", 3.0),), 1, 2.0).rank
    1
    """

    plan: str
    peak: float
    horizon: int
    loss: float
    low: float
    high: float
    by_law: tuple[tuple[str, float], ...]
    rank: int
    ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Final losses of candidates, from laws fitted to recorded curves.

    `predictions` stand in rank order; `curves` are what was read, `fits` the laws that count, `refused` the laws that
    do not, each with its reason, `doubts` why none of it may be believed (empty when nothing was found), `notes` what
    a reader ought to know, `level` the bands' nominal share, `seconds` what it took.

    >>> Forecast((), (), (), (), (), ("nothing was asked",), 0.8, 0.0).notes[0]
    'nothing was asked'
    """

    predictions: tuple[Prediction, ...]
    curves: "tuple[LossCurve, ...]"
    fits: "tuple[Fit, ...]"
    refused: tuple[tuple[str, str], ...]
    doubts: "tuple[Doubt, ...]"
    notes: tuple[str, ...]
    level: float
    seconds: float

    @property
    def best(self) -> Prediction:
        """The candidate with the lowest predicted loss."""
        return self.predictions[0]
