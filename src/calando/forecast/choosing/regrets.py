"""How far above the best each candidate lies, and how sure that is."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.choosing.answers import Ranked
from calando.forecast.choosing.ending import ending
from calando.forecast.fitting import resample
from calando.forecast.forecasting import ends_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.asked import Candidate
    from calando.forecast.curve import LossCurve
    from calando.forecast.fitting import Fit
    from calando.forecast.forecasted import Prediction

    FloatArray = NDArray[np.float64]

__all__ = ["NOISE", "draws_of", "noise_of", "ranked"]

NOISE = 0.001
"""Share of the loss by which two seeds of one run differ, where no run was repeated (124M language model: 0.0007 to
0.0017)."""
DRAWS = 40


def draws_of(fits: "Sequence[Fit]", candidates: "Sequence[Candidate]", seed: int) -> "FloatArray":
    """Final losses under parameters that might as well have been fitted: one row a draw, every law as many."""
    return ends_of(fits, candidates, [resample(one, DRAWS, seed) for one in fits])


def noise_of(curves: "Sequence[LossCurve]") -> float:
    """The standard deviation of the final loss between seeds, as a share of it: measured where runs were repeated.

    Runs repeat one another when they had the same rate at every update, however their logs tell it. The same losses
    given twice are one run.

    >>> noise_of([])
    0.001
    """
    groups: dict[bytes, dict[bytes, float]] = defaultdict(dict)
    for curve in curves:
        if curve.finished:
            rates = sha256((curve.rates + 0.0).tobytes()).digest()  # -0.0 is 0.0: equal rates have equal bytes
            groups[rates][curve.losses.tobytes()] = float(np.log(ending(curve)))
    repeated = [list(values.values()) for values in groups.values() if len(values) > 1]
    if not repeated:
        return NOISE
    freedom = sum(len(values) - 1 for values in repeated)
    return float(np.sqrt(sum(np.var(values) * len(values) for values in repeated) / freedom))


def ranked(
    predictions: "Sequence[Prediction]",
    candidates: "Sequence[Candidate]",
    draws: "FloatArray",
    noise: float,
    level: float,
) -> tuple[Ranked, ...]:
    """The predictions with their regrets; a candidate is tied when it is within noise, or its band reaches the best."""
    place = {(candidate.plan, candidate.peak): column for column, candidate in enumerate(candidates)}
    columns = [place[prediction.plan, prediction.peak] for prediction in predictions]
    above = draws[:, columns]
    regrets = above - above.min(axis=1, keepdims=True)
    over_best = above - above[:, :1]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(regrets, [tail, 1.0 - tail], axis=0)
    reach = np.quantile(over_best, tail, axis=0)
    best = predictions[0].loss
    return tuple(
        Ranked(
            prediction,
            prediction.loss - best,
            min(float(low[column]), prediction.loss - best),  # a band holds its point, however the draws fell
            max(float(high[column]), prediction.loss - best),
            bool(column == 0 or prediction.loss - best <= noise * best or reach[column] <= 0.0),
        )
        for column, prediction in enumerate(predictions)
    )
