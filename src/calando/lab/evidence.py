"""Statistics on paired values: pure functions, the same input giving the same answer for ever.

All are small-sample Student t methods; they assume that differences between two candidates on one seed
are about normal over seeds, and nothing else: no equal variances, no independence between candidates.

Sources: Student, "The probable error of a mean", Biometrika 6 (1908); Bonferroni's inequality for
families of comparisons; J. C. Hsu, "Simultaneous confidence intervals for all distances from the
'best'", Annals of Statistics 9 (1981), for the set that holds the best one.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from calando.errors import BadValue, MissingExtra
from calando.records.result import Comparison, Interval
from calando.records.study import Mode

__all__ = [
    "Values",
    "beaten",
    "best_set",
    "common",
    "compare_pair",
    "mean_interval",
    "need_scipy",
    "paired",
    "seeds_needed",
]

Values = Mapping[int, float]
"""One candidate's metric by seed; lost seeds are left out."""

MOST_SEEDS = 1000
ROUNDING = 1e-12


def need_scipy() -> None:
    """Raise MissingExtra when SciPy is not installed; asked before any run is paid for."""
    from importlib.util import find_spec

    if find_spec("scipy") is None:
        raise MissingExtra(
            given="no SciPy",
            allowed="SciPy, for the quantiles of Student's t",
            where="calando.lab.evidence",
            fix='pip install "calando[lab]"',
        )


def mean_interval(values: Sequence[float], confidence: float, family: int = 1, size: float = 0.0) -> Interval | None:
    """The mean of values and its two-sided t interval, widened for a family of intervals.

    Formula: mean +- t(1 - (1-confidence)/(2 family), n-1) * s / sqrt(n).

    Args:
        values: n >= 2 numbers, not all the same, else nothing shows how they spread and the answer is None.
        confidence: in (0, 1), held by all `family` intervals together (Bonferroni).
        family: number of intervals read side by side, >= 1.
        size: of the numbers that the values were worked out from; what is only rounding there is no spread.

    Example:
        >>> interval = mean_interval([1.0, 2.0, 3.0], 0.95)
        >>> interval.mean, round(interval.low, 3), round(interval.high, 3)
        (2.0, -0.484, 4.484)
    """
    n = len(values)
    if n < 2 or max(values) - min(values) <= ROUNDING * max(size, *map(abs, values)):
        return None
    mean, error = _mean_error(values)
    half = _quantile(1 - (1 - confidence) / (2 * family), n - 1) * error
    return Interval(mean, mean - half, mean + half, confidence, n)


def common(left: Values, right: Values) -> list[int]:
    """The seeds that both finished, ascending.

    >>> common({0: 1.0, 1: 2.0}, {1: 3.0, 2: 4.0})
    [1]
    """
    return sorted(set(left) & set(right))


def paired(left: Values, right: Values) -> list[float]:
    """Differences left - right on the seeds that both finished.

    >>> paired({0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.0})
    [0.5, 1.0]
    """
    return [left[seed] - right[seed] for seed in common(left, right)]


def compare_pair(
    name: str,
    reference: str,
    left: Values,
    right: Values,
    *,
    mode: Mode,
    confidence: float,
    margin: float = 0.0,
    family: int = 1,
) -> Comparison:
    """Hold one candidate against another on common seeds.

    The interval of the mean difference and the p-value are both for `family` comparisons together, so
    they always agree: the interval leaves 0 out exactly when p < 1 - confidence.

    Args:
        mode: "min" where lower is better, "max" where higher is.
        margin: differences up to this size do not matter, >= 0, in units of the metric.

    Example:
        >>> found = compare_pair("a", "b", {0: 1.0, 1: 1.1, 2: 1.2}, {0: 2.0, 1: 2.2, 2: 2.1},
        ...                      mode="min", confidence=0.95)
        >>> found.is_, round(found.interval.mean, 3)
        ('better', -1.0)
    """
    seeds, differences = common(left, right), paired(left, right)
    n = len(differences)
    size = max((abs(values[seed]) for values in (left, right) for seed in seeds), default=0.0)
    interval = mean_interval(differences, confidence, family, size)
    if interval is None:
        mean = math.fsum(differences) / n if n else None
        return Comparison(name, reference, None, None, family, difference=mean, n=n)
    mean, error = _mean_error(differences)
    p = min(1.0, family * 2 * float(_special().stdtr(n - 1, -abs(mean / error))))
    apart = interval.low > 0 or interval.high < 0
    good = (mean < 0) == (mode == "min")
    return Comparison(
        name,
        reference,
        interval,
        p,
        family,
        "open" if not apart else "better" if good else "worse",
        equivalent=-margin <= interval.low and interval.high <= margin,
        difference=mean,
        n=n,
    )


def best_set(values: Mapping[str, Values], mode: Mode, confidence: float, family: int = 0) -> tuple[str, ...]:
    """The candidates that may be the best: the truly best one is among them with that confidence.

    A candidate leaves the set when its two-sided interval against some other one, at level
    (1-confidence)/(k-1) for k candidates, lies wholly on the worse side of 0. The truly best one leaves
    only if one of its k-1 intervals errs to that side, so by Bonferroni it stays with more than
    `confidence`; that the leader was picked from the same numbers needs no further correction. Among
    equals, one is left alone at most in a share 1-confidence of all studies: each must then be wrongly
    ahead of a given other, which has the chance (1-confidence)/(2(k-1)), and there are k.

    Args:
        family: k-1 of the whole study, where `values` holds only a part of it.

    Example:
        >>> best_set({"a": {0: 1.0, 1: 1.1, 2: 1.2}, "b": {0: 2.0, 1: 2.2, 2: 2.1}}, "min", 0.95)
        ('a',)
    """
    out = beaten(values, mode, confidence, family)
    return tuple(name for name in values if name not in out)


def beaten(values: Mapping[str, Values], mode: Mode, confidence: float, family: int = 0) -> dict[str, Comparison]:
    """Who is out of the best set, with the comparison that puts it out most clearly.

    >>> out = beaten({"a": {0: 1.0, 1: 1.1, 2: 1.2}, "b": {0: 2.0, 1: 2.2, 2: 2.1}}, "min", 0.95)
    >>> out["b"].reference, out["b"].is_
    ('a', 'worse')
    """
    family = max(1, family, len(values) - 1)
    out = {}
    for name, mine in values.items():
        found = [
            compare_pair(name, rival, mine, other, mode=mode, confidence=confidence, family=family)
            for rival, other in values.items()
            if rival != name
        ]
        worse = [one for one in found if one.is_ == "worse"]
        if worse:
            out[name] = min(worse, key=lambda one: 1.0 if one.p is None else one.p)
    return out


def seeds_needed(differences: Sequence[float], level: float, power: float = 0.8) -> int | None:
    """Seeds that a two-sided paired t test needs to see a difference as large as this one seems.

    Formula: the smallest n with P(T' > t(1-level/2, n-1)) >= power, T' noncentral t with n-1 degrees and
    noncentrality |mean|/s * sqrt(n).

    Args:
        differences: two or more paired differences that are not all the same.
        level: two-sided error, in (0, 1).
        power: wanted chance to see it, in (0, 1).

    Returns None when even a thousand would not do.

    Example:
        >>> seeds_needed([1.0, 2.0, 3.0, 2.0], 0.05)
        4

    Raises:
        BadValue: when the differences show no spread, so that no number can be worked out.
    """
    if len(differences) < 2 or min(differences) == max(differences):
        raise BadValue(
            given=f"{len(differences)} differences without spread",
            allowed="two or more that are not all the same",
            where="seeds_needed.differences",
            fix="make runs with more seeds first",
        )
    mean, error = _mean_error(differences)
    effect = abs(mean) / (error * math.sqrt(len(differences)))
    special = _special()

    def enough(n: int) -> bool:
        miss = float(special.nctdtr(n - 1, effect * math.sqrt(n), _quantile(1 - level / 2, n - 1)))
        return 1 - miss >= power

    if not enough(MOST_SEEDS):
        return None
    low, high = 1, MOST_SEEDS  # `enough` is monotone in n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _mean_error(values: Sequence[float]) -> tuple[float, float]:
    n = len(values)
    mean = math.fsum(values) / n
    square = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, math.sqrt(square / n)


@cache
def _special() -> Any:
    need_scipy()
    import scipy.special

    return scipy.special


@cache
def _quantile(probability: float, degrees: int) -> float:
    return float(_special().stdtrit(degrees, probability))
