"""What runs show of a cooldown, and the doubt where they show none and one is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.doubts.value import Doubt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.forecast.curve import LossCurve

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

__all__ = ["COMES_DOWN", "comes_down", "never_cooled", "unseen"]

COMES_DOWN = 0.3
"""Share of its peak below which a run's rate has shown what a cooldown gives."""
ALSO = 0.7  # of how far the runs' rates fell: rates that fall further are another matter


def comes_down(curves: "Sequence[LossCurve]") -> float:
    """How far the rate of any run fell behind its largest, as far as losses were seen: a share of that.

    >>> from calando.forecast import LossCurve
    >>> comes_down([LossCurve.from_plan("a", [25, 50], [2.5, 2.1], "linear_decay()", 1e-3, 100)])
    0.51
    """
    lows = []
    for curve in curves:
        seen = curve.rates[: curve.steps[-1]]
        top = float(seen.max())
        lows.append(float(seen[int(seen.argmax()) :].min()) / top if top > 0 else 1.0)
    return min(lows)


def unseen(curves: "Sequence[LossCurve]", ends: "FloatArray") -> "BoolArray":
    """Which candidates fall clearly further than any run did, where no run came down; `ends` are shares of the peak.

    >>> from calando.forecast import LossCurve
    >>> flat = LossCurve.from_plan("a", [50, 100], [2.5, 2.1], "constant()", 1e-3, 100)
    >>> unseen([flat], np.array([0.0, 0.5, 1.0])).tolist()
    [True, True, False]
    """
    lowest = comes_down(curves)
    return np.asarray(ends < ALSO * lowest if lowest > COMES_DOWN * (1 + 1e-9) else np.zeros(len(ends), dtype=bool))


def never_cooled(curves: "Sequence[LossCurve]") -> Doubt:
    """The doubt that a cooldown is foretold from runs that never had one, with the runs that would show it."""
    from calando.forecast.choosing.evidence import evidence_of

    lowest = comes_down(curves)
    runs = evidence_of(curves).second_cooldowns()
    next_ = "; ".join(f"{run.plan} at the peak {run.peak:g} over {run.horizon:,} updates" for run in runs)
    return Doubt(
        "no cooldown seen", "refuse",
        f"no run's rate came below {100 * lowest:.0f} % of its peak before its last loss, and what a fall gains is then"
        " a law's guess: recorded runs told so ended up to twice as high as foretold. Let a run come down to"
        f" {100 * COMES_DOWN:.0f} % of its peak, or run these next: {next_}",
        {"lowest": lowest}, tuple(curve.name for curve in curves),
    )  # fmt: skip
