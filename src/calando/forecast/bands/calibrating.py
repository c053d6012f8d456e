"""From errors of predictions to the factor that makes a band hold its nominal share."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.errors import BadValue, MissingExtra, shown
from calando.forecast.bands.table import FLOOR, NOMINAL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Coverage", "calibrated", "covered_leaving_out", "interval", "spread_of"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many losses their bands held: `inside` of `count`, and the binomial interval of that share.

    >>> Coverage(8, 10, 0.44, 0.97).share
    0.8
    """

    inside: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The observed share."""
        return self.inside / self.count


def spread_of(losses: "ArrayLike", apart: "ArrayLike", ratios: "ArrayLike", scatter: float) -> "FloatArray":
    """What a prediction's error is measured in: a share of the loss.

    Formula: sqrt(0.002^2 + (apart/loss)^2 + (scatter * log2(2*ratio))^2)

    Args:
        losses: predicted losses, numbers > 0.
        apart: half the distance between the outermost laws, numbers >= 0.
        ratios: each horizon over the longest one fitted, numbers > 0; below 1 they count as 1.
        scatter: the usual residual of the fits, a share of the loss >= 0.

    Example:
        >>> spread_of([3.0, 3.0], [0.0, 0.03], [1.0, 4.0], 0.001).round(4).tolist()
        [0.0022, 0.0106]
    """
    loss, between, ratio = (np.asarray(given, dtype=np.float64) for given in (losses, apart, ratios))
    noise = scatter * np.log2(2.0 * np.maximum(ratio, 1.0))
    return np.asarray(np.sqrt(FLOOR**2 + (between / loss) ** 2 + noise**2))


def calibrated(errors: "ArrayLike", level: float = NOMINAL) -> float:
    """The factor that holds that share of the errors, each in units of its own spread.

    Formula: the k-th smallest of n, k = ceil(level * (n + 1)), at most n

    Args:
        errors: at least one number; signs do not count.
        level: the share, above 0 and below 1.

    Raises:
        BadValue: for no errors, or a level outside its range.

    Example:
        >>> calibrated([-1.0, 2.0, 3.0, 4.0], level=0.5)
        3.0

    Source: split conformal prediction, Vovk et al. 2005.
    """
    sizes = np.sort(np.abs(np.asarray(errors, dtype=np.float64)))
    if sizes.ndim != 1 or not len(sizes) or not 0 < level < 1:
        raise BadValue(
            given=f"{sizes.size} errors, level={shown(level)}", allowed="at least one error, a level between 0 and 1",
            where="calibrated", fix="give the errors of predictions of losses that were held out",
        )  # fmt: skip
    place = min(len(sizes), math.ceil(level * (len(sizes) + 1)))
    return float(sizes[place - 1])


def covered_leaving_out(
    errors: "Sequence[float]", groups: "Sequence[Hashable]", level: float = NOMINAL
) -> tuple[Coverage, dict[Hashable, tuple[int, int]]]:
    """The share of errors inside bands that were calibrated on all other groups; for each group, inside and count.

    Args:
        errors: one number a held-out loss, in units of its spread.
        groups: what each error belongs to, as many.
        level: the nominal share, above 0 and below 1.

    Raises:
        BadValue: for fewer than two groups, or other lengths.

    Example:
        >>> found, by_group = covered_leaving_out([1.0, 2.0, 1.5, 9.0], ["a", "a", "b", "b"])
        >>> found.inside, by_group
        (3, {'a': (2, 2), 'b': (1, 2)})
    """
    kinds = list(dict.fromkeys(groups))
    if len(kinds) < 2 or len(errors) != len(groups):
        raise BadValue(
            given=f"{len(errors)} errors in {len(kinds)} groups", allowed="at least two groups, one for each error",
            where="covered_leaving_out", fix="give errors of several peaks",
        )  # fmt: skip
    by_group = {}
    for kind in kinds:
        factor = calibrated([e for e, g in zip(errors, groups, strict=True) if g != kind], level)
        own = [abs(e) for e, g in zip(errors, groups, strict=True) if g == kind]
        by_group[kind] = (sum(size <= factor for size in own), len(own))
    inside = sum(k for k, _ in by_group.values())
    return Coverage(inside, len(errors), *interval(inside, len(errors))), by_group


def interval(inside: int, count: int, sure: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval of a share.

    Args:
        inside: how often it was so, 0 to `count`.
        count: of how many, >= 1.
        sure: the interval's confidence, above 0 and below 1.

    Raises:
        MissingExtra: without SciPy.

    Example:
        >>> [round(end, 3) for end in interval(8, 10)]
        [0.444, 0.975]

    Source: Clopper and Pearson 1934.
    """
    try:
        from scipy.stats import beta
    except ImportError as error:
        raise MissingExtra(
            given="SciPy is not installed", allowed="SciPy, for binomial intervals", where="interval",
            fix="pip install 'calando[forecast]'",
        ) from error  # fmt: skip
    tail = (1.0 - sure) / 2.0
    low = float(beta.ppf(tail, inside, count - inside + 1)) if inside else 0.0
    high = float(beta.ppf(1.0 - tail, inside + 1, count - inside)) if inside < count else 1.0
    return low, high
