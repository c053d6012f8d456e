"""Rules that read a learning rate off a range test. None of them decides; they bracket the search.

Sources: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017 (the test); fastai
(valley, minimum / 10) and Lightning (steepest) for the rules, here over the logarithm of the rate and on a
curve smoothed both ways, so that nothing lags.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from calando.lab.finding.curve import Sweep

__all__ = ["RULES", "edge", "minimum_tenth", "steepest", "valley"]

LOST = 0.5
"""The edge is where this share of what was gained is lost again."""
CLEAR = 6.5
"""So many standard errors must the smoothed loss have fallen, for a curve to say anything."""


def _speaks(sweep: Sweep) -> bool:
    return sweep.gained > CLEAR * sweep.error


def steepest(sweep: Sweep) -> float | None:
    """The rate at which the smoothed loss falls fastest per unit of log-rate; None for a flat curve."""
    if not _speaks(sweep):
        return None
    lowest = sweep.smooth.index(min(sweep.smooth))
    slopes = sweep.slopes[: lowest + 1]
    return math.exp(sweep.logs[slopes.index(min(slopes))])


def minimum_tenth(sweep: Sweep) -> float | None:
    """A tenth of the rate at which the smoothed loss is lowest; None for a flat curve."""
    return math.exp(sweep.logs[sweep.smooth.index(min(sweep.smooth))]) / 10 if _speaks(sweep) else None


def valley(sweep: Sweep) -> float | None:
    """The middle, in log-rate, of the longest falling stretch of the smoothed loss; None for a flat curve.

    The stretch is the longest falling subsequence, as in fastai; it counts from where a twentieth of its fall is
    done to where all but a twentieth is, so that level ground at its beginning does not count.
    """
    if not _speaks(sweep):
        return None
    chosen = _falling(sweep.smooth)
    high, low = sweep.smooth[chosen[0]], sweep.smooth[chosen[-1]]
    inner = [i for i in chosen if low + 0.05 * (high - low) <= sweep.smooth[i] <= high - 0.05 * (high - low)]
    if not inner:
        inner = chosen
    return math.exp((sweep.logs[inner[0]] + sweep.logs[inner[-1]]) / 2)


def edge(sweep: Sweep) -> float | None:
    """The rate from which on training breaks: half of the gain is lost for good, or the loss is no longer finite.

    None when the test ended before that.
    """
    lowest = sweep.smooth.index(min(sweep.smooth))
    bound = sweep.smooth[lowest] + max(LOST * sweep.gained, CLEAR * sweep.error)
    beyond: float | None = sweep.broke
    for i in range(len(sweep.smooth) - 1, lowest, -1):
        if sweep.smooth[i] <= bound:
            break
        if i < len(sweep.smooth) - 1 or sweep.broke is not None:  # the last point alone may be noise
            beyond = math.exp(sweep.logs[i])
    return beyond


RULES: Final[Mapping[str, Callable[[Sweep], float | None]]] = {
    "steepest": steepest,
    "valley": valley,
    "minimum / 10": minimum_tenth,
    "edge": edge,
}


def _falling(values: tuple[float, ...]) -> list[int]:
    """Indices of a longest falling subsequence; the one that reaches lowest of several."""
    best = [1] * len(values)
    before = [-1] * len(values)
    for i, value in enumerate(values):
        for j in range(i):
            if values[j] > value and best[j] + 1 > best[i]:
                best[i], before[i] = best[j] + 1, j
    at = max(range(len(values)), key=lambda i: (best[i], -values[i]))
    chosen = []
    while at >= 0:
        chosen.append(at)
        at = before[at]
    return chosen[::-1]
