"""Every named plan in closed form by mpmath at 50 digits.

A number of the plan is taken as the double it is (`mpf(0.1)` is not one tenth): the library receives the same.
Each function returns a `Value`: the number, and the exponent that the formula raises something to, because the
precision asked of a library is 4 ulp x (1 + |exponent|).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mpf

from tests.oracles import literal

mpmath.mp.dps = 50


@dataclass(frozen=True)
class Value:
    """A number at 50 digits and the magnitude of the exponent its formula used."""

    number: mpf
    exponent: float = 0.0


def of(t: int | Fraction) -> mpf:
    """An exact rational as 50 digits."""
    return mpf(t.numerator) / t.denominator


def round_half_up(x: Fraction) -> int:
    """The nearest whole number, halves up."""
    return (2 * x.numerator + x.denominator) // (2 * x.denominator)


def _between(a: float, b: float, x: mpf) -> mpf:
    return mpf(a) + (mpf(b) - mpf(a)) * x


def _half_cosine(x: mpf) -> mpf:
    return (1 + mpmath.cos(mpmath.pi * x)) / 2


def _share(t: int, n: int, inclusive: bool = False) -> mpf:
    n = n - 1 if inclusive else n
    return mpf(1) if t >= n else mpf(t) / n


def constant(t: int, n: int, value: float = 1.0) -> Value:
    return Value(mpf(value))


def warmup(t: int, n: int, start: float = 0.0, shape: str = "linear", first: str = "start") -> Value:
    x = _share(t + 1 if first == "step" else t, n)
    if shape == "exponential":
        return Value(mpf(start) ** (1 - x), abs(float(mpmath.log(start) * (1 - x))))
    rise = {
        "linear": x,
        "cosine": mpmath.sin(mpmath.pi * x / 2) ** 2,
        "1-sqrt": 1 - mpmath.sqrt(1 - x),
    }[shape]
    return Value(_between(start, 1.0, rise))


def linear_decay(t: int, n: int, end: float = 0.0, start: float = 1.0, inclusive: bool = False) -> Value:
    return Value(_between(start, end, _share(t, n, inclusive)))


def cosine(t: int, n: int, end: float = 0.0, start: float = 1.0, inclusive: bool = False) -> Value:
    return Value(_between(end, start, _half_cosine(_share(t, n, inclusive))))


def polynomial_decay(
    t: int,
    n: int,
    power: float = 1.0,
    end: float = 0.0,
    start: float = 1.0,
    cycle: bool = False,
    inclusive: bool = False,
    period: int | None = None,
) -> Value:
    if cycle:
        assert period is not None
        t = min(t, n)
        x = mpf(t) / (period * max(1, -(-t // period)))
    else:
        x = _share(t, n, inclusive)
    if start < end:  # the way up is the way down read backwards
        return Value(_between(start, end, x ** mpf(power)), abs(power))
    return Value(_between(end, start, (1 - x) ** mpf(power)), abs(power))


def _power_of(base: mpf, exponent: mpf) -> Value:
    return Value(base**exponent, abs(float(exponent * mpmath.log(base))) if base else 0.0)


def exponential_decay(
    t: int,
    n: int,
    rate: float | None = None,
    factor: float | None = None,
    end: float | None = None,
    every: int | Fraction = 1,
    staircase: bool = False,
    delay: int = 0,
) -> Value:
    done = max(0, min(t, n) - delay)
    u = of(Fraction(done // every if staircase else Fraction(done) / every))
    if rate is not None:
        exponent = -mpf(rate) * u
        return Value(mpmath.exp(exponent), abs(float(exponent)))
    if factor is not None:
        return _power_of(mpf(factor), u)
    assert end is not None
    if done == 0:
        return Value(mpf(1))
    return _power_of(mpf(end), u * of(Fraction(every)) / (n - delay))


def step_decay(t: int, n: int, every: int | Fraction, factor: float = 0.1, staircase: bool = True) -> Value:
    return exponential_decay(t, n, factor=factor, every=every, staircase=staircase)


def multistep(t: int, n: int, milestones: Sequence[int], factor: float = 0.1) -> Value:
    return _power_of(mpf(factor), mpf(sum(1 for m in milestones if m <= min(t, n))))


def inverse_sqrt(t: int, n: int, warmup: int = 0, timescale: float | None = None, start: float = 0.0) -> Value:
    t = min(t, n)
    if t < warmup:
        return Value(_between(start, 1.0, mpf(t) / warmup))
    tau = mpf(timescale or warmup or 10_000)
    return Value(1 / mpmath.sqrt(1 + (t - warmup) / tau))


def inverse_time(t: int, n: int, rate: float, every: int | Fraction = 1, staircase: bool = False) -> Value:
    t = min(t, n)
    u = of(Fraction(t // every if staircase else Fraction(t) / every))
    return Value(1 / (1 + mpf(rate) * u))


def cycle_starts(first: int | Fraction, growth: Fraction, count: int) -> list[int]:
    """Where cycles 0 .. count start: the rounded sums of a geometric series."""
    total, length, starts = Fraction(0), Fraction(first), [0]
    for _ in range(count):
        total, length = total + length, length * growth
        starts.append(round_half_up(total))
    return starts


def cycle_of(t: int, n: int, first: int | Fraction, growth: Fraction) -> tuple[int, int, int]:
    """Cycle index, its start and its end, for step t <= n; the last step belongs to the cycle that ends there."""
    first = Fraction(first)
    if growth == 1:
        index = int(t / first) + 2
        while index and (round_half_up(first * index) > t or (t == n and round_half_up(first * index) >= n)):
            index -= 1
        return index, round_half_up(first * index), round_half_up(first * (index + 1))
    index, total, length = 0, Fraction(0), first
    while True:
        finish = round_half_up(total + length)
        if t < finish or (t == n and finish >= n):
            return index, round_half_up(total), finish
        index, total, length = index + 1, total + length, length * growth


def warm_restarts(
    t: int, n: int, first: int | Fraction, growth: float = 1.0, peak_decay: float = 1.0, end: float = 0.0
) -> Value:
    index, begin, finish = cycle_of(min(t, n), n, first, Fraction(str(growth)))
    top = max(mpf(peak_decay) ** index, mpf(end))
    x = mpf(min(t, n) - begin) / (finish - begin)
    exponent = abs(float(index * mpmath.log(peak_decay))) if peak_decay else 0.0
    return Value(mpf(end) + (top - mpf(end)) * _half_cosine(x), exponent)


def cyclic_cosine(t: int, n: int, period: int, low: float = 0.0) -> Value:
    return Value(_between(low, 1.0, _half_cosine(2 * mpf(min(t, n)) / period)))


def one_cycle(
    t: int,
    n: int,
    peak_at: int,
    start: float = 0.04,
    peak: float = 1.0,
    end: float = 4e-6,
    phases: int = 2,
    anneal: str = "cosine",
) -> Value:
    t = min(t, n)

    def leg(a: float, b: float, begin: int, finish: int) -> Value:
        x = mpf(t - begin) / (finish - begin)
        return Value(_between(a, b, x if anneal == "linear" else 1 - _half_cosine(x)))

    if t < peak_at:
        return leg(start, peak, 0, peak_at)
    if phases == 3 and t < 2 * peak_at:
        return leg(peak, start, peak_at, 2 * peak_at)
    if phases == 3:
        return leg(start, end, 2 * peak_at, n)
    return leg(peak, end, peak_at, n)


def anneal(
    t: int,
    n: int,
    over: Fraction,
    end: float = 0.0,
    start: float = 1.0,
    shape: str = "linear",
    offset: Fraction = Fraction(0),
    cycle: str = "none",
    power: float = 1.0,
) -> Value:
    t = min(t, n)
    u = (t + offset) / over
    if cycle == "none":
        share = min(max(u, Fraction(0)), Fraction(1))
    elif cycle == "mirror":
        share = abs(u - 2 * round(u / 2))
    else:  # the last cycle ends with the piece
        index = ((n - 1 if t == n else t) + offset) // over
        share = min(u - index, Fraction(1))
    x = of(share)
    if shape == "exponential":
        ratio = mpf(end) / mpf(start)
        return Value(mpf(start) * ratio**x, abs(float(x * mpmath.log(ratio))))
    if end > start:  # a way up is the way down read backwards
        start, end, x = end, start, 1 - x
    left = {
        "linear": 1 - x,
        "cosine": _half_cosine(x),
        "1-sqrt": 1 - mpmath.sqrt(x),
        "power": (1 - x) ** mpf(power),
    }[shape]
    return Value(_between(end, start, left), abs(power) if shape == "power" else 0.0)


def cyclical(
    t: int,
    n: int,
    low: float,
    half: int,
    down: int | None = None,
    high: float = 1.0,
    mode: str = "triangular",
    gamma: float | None = None,
    inverse: bool = False,
) -> Value:
    t = min(t, n)
    fall = half if down is None else down
    cycle, rest = divmod(t, half + fall)
    w = mpf(rest) / half if rest <= half else mpf(half + fall - rest) / fall
    exponent = 0.0
    if mode == "triangular2":
        w /= mpf(2) ** cycle
    elif mode == "exp_range":
        assert gamma is not None
        w *= mpf(gamma) ** t
        exponent = abs(float(t * mpmath.log(gamma)))
    return Value(_between(high, low, w) if inverse else _between(low, high, w), exponent)


def points(t: int, n: int, at: Sequence[int], values: Sequence[float], between: str = "linear") -> Value:
    if t < at[0]:
        return Value(mpf(values[0]))
    for k in range(len(at) - 1):
        if at[k] <= t < at[k + 1]:
            x, h = mpf(t - at[k]) / (at[k + 1] - at[k]), at[k + 1] - at[k]
            if between == "step":
                return Value(mpf(values[k]))
            if between == "linear":
                return Value(_between(values[k], values[k + 1], x))
            slopes = literal.pchip_slopes([mpf(a) for a in at], [mpf(v) for v in values])
            return Value(
                values[k] * (1 + 2 * x) * (1 - x) ** 2
                + slopes[k] * h * x * (1 - x) ** 2
                + values[k + 1] * x * x * (3 - 2 * x)
                + slopes[k + 1] * h * x * x * (x - 1)
            )
    return Value(mpf(values[-1]))


LEAVES: dict[str, Callable[..., Value]] = {
    f.__name__: f
    for f in (
        constant,
        warmup,
        linear_decay,
        cosine,
        polynomial_decay,
        exponential_decay,
        step_decay,
        multistep,
        inverse_sqrt,
        inverse_time,
        warm_restarts,
        cyclic_cosine,
        one_cycle,
        anneal,
        cyclical,
        points,
    )
}
"""The leaf formulas by plan name; `wsd` and the combinators are composed in `evaluate`."""

Arguments = dict[str, Any]
