"""The last-iterate bound of convex optimisation, summed step by step in one pass."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Bound", "bound", "bounds_along", "price"]

MOST = 1e100
"""Of a factor or a norm: their squares and sums stay within the floats."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What theory says of a schedule: the excess loss of its last iterate is at most `b / peak + v * peak`.

    Formula: Omega(peak) = b/peak + v*peak, with the distance to the optimum and the gradients' norm both 1; least at
    sqrt(b/v), where it is 2*sqrt(b*v).

    Args:
        b: what a too small rate costs, > 0: half of one over the sum of the factors, in steps.
        v: what a too large rate costs, > 0; infinite where the last updates have next to no rate.
        steps: updates counted, >= 1: those up to the last one with a rate above 0.

    Example:
        >>> Bound(b=0.5, v=2.0, steps=1).best_peak
        0.5
    """

    b: float
    v: float
    steps: int

    @property
    def best_peak(self) -> float:
        """The peak at which the bound is lowest, with distance and gradients 1; 0 where `v` is infinite."""
        return math.sqrt(self.b / self.v)

    @property
    def best_value(self) -> float:
        """The bound at its best peak, with distance and gradients 1."""
        return 2.0 * math.sqrt(self.b) * math.sqrt(self.v)

    def at(self, peak: float, distance: float = 1.0, gradient: float = 1.0) -> float:
        """The bound at a peak > 0, for a distance to the optimum and gradients of these norms (> 0)."""
        return distance * distance * self.b / peak + gradient * gradient * self.v * peak


def bound(factors: "ArrayLike", norms: "ArrayLike | None" = None) -> Bound:
    """The bound of a schedule from the factors of all its updates, in one pass.

    Formula: b = 1/(2 s_T); v = (f_T g_T^2 + sum_{k<T} f_k^2 g_k^2 / (s_T - s_k)) / 2, with s_k = f_1 + ... + f_k and
    gradient norms g. It is the theorem's double sum, summed by parts.

    Args:
        factors: of every update in turn, >= 0 and one above 0; zeros at the end change nothing and are left out.
        norms: of the gradient at every update, >= 0, as many numbers; left out they are 1.

    Raises:
        BadValue: for factors that are all 0, for a number that is negative or not finite, for other lengths.

    Example:
        >>> whole = bound([1 - t / 10_000 for t in range(10_000)])
        >>> round(whole.best_peak * 100, 3), round(whole.best_value * 100, 3)
        (0.999, 2.001)

    Source: Defazio, Cutkosky, Mehta and Mishchenko, "Optimal linear decay learning rate schedules and further
    refinements" (2023), theorem 10; Schaipp et al. (ICML 2025); Bu et al., "Convex dominance" (ICLR 2026).
    """
    eta, scale = _scaled(_numbers(factors, "bound.factors"))
    squares = _squares(len(eta), norms)
    above = np.flatnonzero(eta)
    if not len(above):
        raise BadValue(given="factors that are all 0", allowed="one factor above 0 at least", where="bound.factors",
                       fix="give a schedule that trains")  # fmt: skip
    steps = int(above[-1]) + 1
    b, v = _terms(eta[:steps], squares[:steps])
    return Bound(b / scale, v * scale, steps)


def bounds_along(
    factors: "ArrayLike", at: "ArrayLike", norms: "ArrayLike | None" = None
) -> "tuple[FloatArray, FloatArray]":
    """The two terms of the bound of the iterate after so many updates, for each number of updates asked.

    Formula: b and v as in `bound`, of the first n updates; where these have no rate above 0 both are infinite.

    Args:
        factors: of every update in turn, >= 0.
        at: numbers of updates, 1 to the number of factors.
        norms: of the gradient at every update, >= 0; left out they are 1.

    Raises:
        BadValue: for a number outside its range.

    Example:
        >>> b, v = bounds_along([1.0, 0.5, 0.0], [1, 2, 3])
        >>> b.tolist(), v.tolist()
        ([0.5, 0.333..., 0.333...], [0.5, 1.25, 1.25])
    """
    eta, scale = _scaled(_numbers(factors, "bounds_along.factors"))
    squares = _squares(len(eta), norms)
    ends = _ends(at, len(eta))
    last = np.maximum.accumulate(np.where(eta > 0, np.arange(len(eta)), -1))[ends - 1] + 1
    b, v = np.full(len(ends), math.inf), np.full(len(ends), math.inf)
    for count in np.unique(last[last > 0]).tolist():
        b[last == count], v[last == count] = _terms(eta[:count], squares[:count])
    return b / scale, v * scale


def price(multiple: float) -> float:
    """By what factor the bound rises when the peak is so many times its best.

    Formula: (m + 1/m) / 2.

    Args:
        multiple: the peak in units of the best one, > 0.

    Raises:
        BadValue: for anything else.

    Example:
        >>> price(2.0), price(0.5), price(1.0)
        (1.25, 1.25, 1.0)
    """
    m = float(multiple)
    if not (math.isfinite(m) and m > 0):
        raise BadValue(given=f"multiple={shown(multiple)}", allowed="a finite number > 0", where="price",
                       fix="divide the peak by the best one")  # fmt: skip
    return (m + 1.0 / m) / 2.0


def _terms(eta: "FloatArray", squares: "FloatArray") -> tuple[float, float]:
    """The two terms of factors that end above zero; `squares` are those of the norms."""
    left = np.cumsum(eta[::-1])[::-1]  # from the end, so that what is left near it is exact
    with np.errstate(over="ignore"):
        noise = float((squares[:-1] * eta[:-1] ** 2 / left[1:]).sum())
    return 1.0 / (2.0 * float(left[0])), (float(eta[-1] * squares[-1]) + noise) / 2.0


def _numbers(given: "ArrayLike", where: str) -> "FloatArray":
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(given=shown(given), allowed="numbers >= 0", where=where, fix="give a list of numbers") from error
    if values.ndim != 1 or not len(values):
        raise BadValue(given=f"an array of shape {values.shape}", allowed="one row of at least one number",
                       where=where, fix="give one number for every update")  # fmt: skip
    good = (values >= 0) & (values <= MOST)
    if not good.all():
        first = int(np.argmin(good))
        raise BadValue(given=f"{float(values[first])!r} at update {first}", allowed=f"numbers from 0 to {MOST:g}",
                       where=where, fix="mend that number")  # fmt: skip
    return values


def _scaled(eta: "FloatArray") -> "tuple[FloatArray, float]":
    """Factors of which the largest is 1, and what it was."""
    scale = float(eta.max()) or 1.0
    return eta / scale, scale


def _squares(count: int, norms: "ArrayLike | None") -> "FloatArray":
    if norms is None:
        return np.ones(count)
    known = _numbers(norms, "bound.norms")
    if len(known) != count:
        raise BadValue(given=f"{len(known)} norms for {count} updates", allowed="one for each update",
                       where="bound.norms", fix="give the gradient's norm at every update")  # fmt: skip
    return known**2


def _ends(given: "ArrayLike", length: int) -> "NDArray[np.int64]":
    numbers = _numbers(given, "bounds_along.at")
    ends = numbers.astype(np.int64)
    if (ends != numbers).any() or (ends < 1).any() or (ends > length).any():
        raise BadValue(given=f"at={shown(given)}", allowed=f"whole numbers from 1 to {length}", where="bounds_along.at",
                       fix="give numbers of updates")  # fmt: skip
    return ends
