"""Statistics on paired values: pure functions, the same input giving the same answer for ever.

All are small-sample Student t methods; they assume that differences between two candidates on one seed
are about normal over seeds, and nothing else: no equal variances, no independence between candidates.

Sources: Student, "The probable error of a mean", Biometrika 6 (1908); Bonferroni's inequality for
families of comparisons; S. S. Gupta, "On some multiple decision (selection and ranking) rules",
Technometrics 7 (1965), for the set that holds the best one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from calando.errors import MissingExtra
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
    "worse_p",
]

Values = Mapping[int, float]
"""One candidate's metric by seed; lost seeds are left out."""

MOST_SEEDS = 1000


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


def mean_interval(values: Sequence[float], confidence: float, family: int = 1) -> Interval | None:
    """The mean of values and its two-sided t interval, widened for a family of intervals.

    Formula: mean +- t(1 - (1-confidence)/(2 family), n-1) * s / sqrt(n).

    Args:
        values: n >= 2 numbers, else there is no interval and the answer is None.
        confidence: in (0, 1), held by all `family` intervals together (Bonferroni).
        family: number of intervals read side by side, >= 1.

    Example:
        >>> interval = mean_interval([1.0, 2.0, 3.0], 0.95)
        >>> interval.mean, round(interval.low, 3), round(interval.high, 3)
        (2.0, -0.484, 4.484)
    """
    n = len(values)
    if n < 2:
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
    differences = paired(left, right)
    interval = mean_interval(differences, confidence, family)
    if interval is None:
        return Comparison(name, reference, None, None, family)
    mean, error = _mean_error(differences)
    p = min(1.0, family * 2 * _tail(mean, error, len(differences) - 1, upper=mean > 0))
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
    )


def worse_p(left: Values, right: Values, mode: Mode) -> float:
    """One-sided p-value for "left is no worse than right"; 1.0 with fewer than two common seeds.

    >>> round(worse_p({0: 2.0, 1: 2.2, 2: 2.1}, {0: 1.0, 1: 1.1, 2: 1.2}, "min"), 4)
    0.0017
    """
    differences = paired(left, right)
    if len(differences) < 2:
        return 1.0
    mean, error = _mean_error(differences)
    return _tail(mean, error, len(differences) - 1, upper=mode == "min")


def best_set(values: Mapping[str, Values], mode: Mode, confidence: float) -> tuple[str, ...]:
    """The candidates that may be the best: the truly best one is among them with that confidence.

    A candidate leaves the set when some other one is better than it by a one-sided paired t test at
    level (1-confidence)/(k-1) for k candidates. The truly best one leaves only if one of its k-1 tests
    errs, so by Bonferroni it stays with at least `confidence`; that the leader was picked from the
    same numbers needs no further correction.

    Example:
        >>> best_set({"a": {0: 1.0, 1: 1.1, 2: 1.2}, "b": {0: 2.0, 1: 2.2, 2: 2.1}}, "min", 0.95)
        ('a',)
    """
    out = beaten(values, mode, confidence)
    return tuple(name for name in values if name not in out)


def beaten(values: Mapping[str, Values], mode: Mode, confidence: float) -> dict[str, str]:
    """Who is out of the best set, and the rival that puts it out most clearly.

    >>> beaten({"a": {0: 1.0, 1: 1.1, 2: 1.2}, "b": {0: 2.0, 1: 2.2, 2: 2.1}}, "min", 0.95)
    {'b': 'a'}
    """
    level = (1 - confidence) / max(1, len(values) - 1)
    out = {}
    for name, mine in values.items():
        rivals = {rival: worse_p(mine, other, mode) for rival, other in values.items() if rival != name}
        clearest = min(rivals, key=lambda rival: rivals[rival], default=name)
        if rivals and rivals[clearest] <= level:
            out[name] = clearest
    return out


def seeds_needed(differences: Sequence[float], level: float, power: float = 0.8) -> int | None:
    """Seeds that a one-sided paired t test needs to see a difference as large as this one seems.

    Formula: the smallest n with P(T' > t(1-level, n-1)) >= power, T' noncentral t with n-1 degrees and
    noncentrality |mean|/s * sqrt(n).

    Args:
        differences: two or more paired differences.
        level: one-sided error, in (0, 1).
        power: wanted chance to see it, in (0, 1).

    Returns None when even a thousand would not do, or the differences are all equal.

    Example:
        >>> seeds_needed([1.0, 2.0, 3.0, 2.0], 0.05)
        3
    """
    if len(differences) < 2:
        return None
    mean, error = _mean_error(differences)
    if error == 0 or mean == 0:
        return None
    effect = abs(mean) / (error * math.sqrt(len(differences)))
    special = _special()

    def enough(n: int) -> bool:
        miss = float(special.nctdtr(n - 1, effect * math.sqrt(n), _quantile(1 - level, n - 1)))
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


def _tail(mean: float, error: float, degrees: int, *, upper: bool) -> float:
    """P(T >= mean/error), or P(T <= mean/error)."""
    if error == 0:
        return 0.5 if mean == 0 else 0.0 if (mean > 0) == upper else 1.0
    cdf: Callable[[int, float], float] = _special().stdtr
    return float(cdf(degrees, -mean / error if upper else mean / error))
