"""A schedule refined by the gradient norms of a finished run: behind a guard, because it mostly does not pay."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from calando.core.shapes.points import points
from calando.errors import BadValue, shown
from calando.forecast.bounds import bound

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["COLLAPSED", "LATE", "Refined", "refine", "refined_factors"]

COLLAPSED: Final = 0.2
"""Smallest smoothed norm over the largest: below it gradients have collapsed, and weights of one over them run off."""
LATE: Final = 0.5
"""Share of the run after which the refined schedule may not have its peak."""
WINDOW: Final = 0.1
POINTS: Final = 41
DENSE: Final = 100
"""Medians in half a window."""
POWERS: Final = {"sgd": 2, "adam": 1}


@dataclass(frozen=True, slots=True)
class Refined:
    """A refined schedule and what the theory hopes of it.

    `plan` is its text, `bound` the last-iterate bound under the run's own norms over that of the linear decay, each at
    its best peak (below 1 is hoped to be better), `spread` the smallest smoothed norm over the largest, `peak_at` the
    share of the run at which it is highest. `caution` says what was found when this was tried.

    >>> refine([1.0] * 100).bound
    1.0
    """

    plan: str
    bound: float
    spread: float
    peak_at: float
    caution: str = (
        "in ten trials of our own (bench/results/forecast/refining.md) a refined schedule was never better than the "
        "linear decay and six times worse: compare before you believe it"
    )


def refine(norms: "ArrayLike", optimizer: Literal["sgd", "adam"] = "adam") -> Refined:
    """The schedule with the lowest last-iterate bound for the gradient norms of a finished run, if the guard lets it.

    Formula: w_t = G_t^-1 (adam) or G_t^-2 (sgd), G smoothed by a median over a tenth of the run;
    factor_t = w_t * sum_{s>=t} w_s, divided by the largest (the paper sums over s > t; so the last update trains, too).

    Args:
        norms: gradient norm of every update, numbers > 0, 20 or more: l1 norms for adam, l2 norms for sgd.
        optimizer: "adam" for optimizers that divide by the gradient's size, else "sgd".

    Raises:
        BadValue: for norms that are none, for norms that collapse (smallest below a fifth of the largest), and where
            the refined schedule would have its peak in the second half of the run.

    Example:
        >>> refine([2.0 - t / 200 for t in range(200)]).peak_at
        0.0

    Source: Defazio et al. 2023 (refinement); the guard is ours.
    """
    if optimizer not in POWERS:
        raise BadValue(
            given=f"optimizer={shown(optimizer)}", allowed='"adam" or "sgd"', where="refine, optimizer",
            fix="name the kind of the optimizer that was used",
        )  # fmt: skip
    given = _checked(norms)
    smooth = _smoothed(given)
    spread = float(smooth.min() / smooth.max())
    factors = refined_factors(smooth, POWERS[optimizer])
    peak_at = float(np.argmax(factors)) / len(factors)
    if spread < COLLAPSED:
        raise BadValue(
            given=f"gradient norms that fall to {spread:.2g} of their largest",
            allowed=f"a smallest smoothed norm of at least {COLLAPSED:g} of the largest", where="refine, norms",
            fix="use linear_decay(): where gradients collapse refined schedules end with rates that are far too large",
        )  # fmt: skip
    if peak_at > LATE:
        raise BadValue(
            given=f"a refined schedule with its peak after {100 * peak_at:.0f} % of the run",
            allowed=f"a peak in the first {100 * LATE:.0f} %", where="refine, norms",
            fix="use linear_decay(): no evidence speaks for a rate that rises so long",
        )  # fmt: skip
    linear = 1.0 - np.arange(len(given)) / len(given)
    hoped = bound(factors, smooth).best_value / bound(linear, smooth).best_value
    return Refined(_plan(factors), float(round(hoped, 12)), spread, peak_at)


def refined_factors(norms: "FloatArray", power: int) -> "FloatArray":
    """The factors of a refined schedule for smoothed norms, with no guard.

    >>> refined_factors(np.ones(4), 1).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    weights = (norms / norms.max()) ** -float(power)
    left = np.cumsum(weights[::-1])[::-1]  # the update's own weight counts, so that the last one still trains
    factors = weights * left
    return np.asarray(factors / factors.max(), dtype=np.float64)


def _checked(norms: "ArrayLike") -> "FloatArray":
    try:
        values = np.array(norms, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.zeros(0)
    if values.ndim != 1 or len(values) < 20 or not (np.isfinite(values) & (values > 0)).all():
        raise BadValue(
            given=f"norms={shown(norms)}", allowed="20 or more finite numbers > 0", where="refine, norms",
            fix="log the norm of the gradient at every update",
        )  # fmt: skip
    return values


def _smoothed(norms: "FloatArray") -> "FloatArray":
    """The median over a tenth of the run around each update, mirrored at both ends."""
    half = max(1, round(WINDOW * len(norms) / 2))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(norms, half, mode="reflect"), 2 * half + 1)
    every = max(1, half // DENSE)  # a median over many moves little from one update to the next
    places = np.unique(np.r_[np.arange(0, len(norms), every), len(norms) - 1])
    medians = [float(np.median(windows[place])) for place in places]
    return np.interp(np.arange(len(norms)), places, medians)


def _plan(factors: "FloatArray") -> str:
    """The factors as straight lines between some forty points, the last at zero."""
    places = np.unique(np.linspace(0, len(factors) - 1, POINTS).round().astype(int))
    at = [f"{100 * place / len(factors):.10g}%" for place in places] + ["100%"]
    values = [float(f"{factor:.4g}") for factor in factors[places]] + [0.0]
    return str(points(at=at, values=values))
