"""Whether a logged learning rate is the one that an update used, or the next one's: read off the numbers.

Hugging Face's Trainer logged, after update n, the rate of the next update, until pull request 36973 of March 2025
(transformers 4.51) made it the rate used; the file does not say which version wrote it. A linear warm-up from zero and
a decay to zero do: a rate is 0 at one known place, and where the logged numbers reach it tells the edge.
"""

import numpy as np

from calando.records.logs.draft import Edge
from calando.records.logs.log import Column, Floats

__all__ = ["edge_of"]

SURE = 0.05
"""Steps by which the place of a zero may be off and still be one of two that lie one step apart."""


def edge_of(column: Column, horizon: int) -> tuple[Edge, str]:
    """The edge of the rates that were logged after so many updates, and why.

    Args:
        column: rates at counts of updates.
        horizon: number of updates of the whole run; 0 where it is not known.

    >>> warm = np.arange(1, 6)
    >>> edge_of(Column(warm, 0.1 * (warm - 1)), 100)[0], edge_of(Column(warm, 0.1 * warm), 100)[0]
    ('used', 'next')
    """
    steps, rates = column.steps, column.values
    if steps.size and horizon and steps[-1] == horizon and rates.size > 1 and rates[-1] == 0 < rates[-2]:
        return (
            "next",
            "the learning rate logged last is 0, which no update uses: each is the next update's; moved by one",
        )
    if steps.size >= 3:
        for places, origin, what in (
            (slice(-3, None), horizon, "decay to zero"),
            (slice(0, 3), 0, "warm-up from zero"),
        ):
            zero = _zero(steps[places].astype(np.float64), rates[places], rising=origin == 0)
            if zero is not None and abs(zero - origin - 1) < SURE:
                return "used", f"the {what} shows that learning rates are those that the updates used"
            if zero is not None and abs(zero - origin) < SURE:
                return "next", f"the {what} shows that learning rates are those of the next update; moved by one"
    return "used", (
        "learning rates were taken for those that the updates used; a Trainer of transformers before 4.51 logged the"
        ' next update\'s, which lr_edge="next" says in Python'
    )


def _zero(steps: Floats, rates: Floats, *, rising: bool) -> float | None:
    """Where the straight line through three points is 0; None where they are not on one that rises, or falls."""
    slope = float((rates[2] - rates[0]) / (steps[2] - steps[0]))
    if not np.isfinite(rates).all() or not (slope > 0 if rising else slope < 0):
        return None
    middle = rates[0] + slope * (steps[1] - steps[0])
    if abs(middle - rates[1]) > 1e-6 * max(abs(rates[0]), abs(rates[2])):
        return None
    return float(steps[0] - rates[0] / slope)
