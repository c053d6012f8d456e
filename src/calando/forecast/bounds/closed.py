"""Closed forms of the bound: exact ones at any number of steps, and limits for many steps."""

import math
from dataclasses import dataclass

import numpy as np

from calando.errors import BadValue, shown
from calando.forecast.bounds.sums import Bound

__all__ = [
    "Limit",
    "constant_bound",
    "cosine_limit",
    "linear_bound",
    "one_minus_sqrt_limit",
    "power_limit",
    "staged_limit",
]

EULER = 0.57721566490153286061  # Euler's constant, of the harmonic numbers


@dataclass(frozen=True, slots=True)
class Limit:
    """The bound of a shape over T steps, as T grows: best peak `best_peak / sqrt(T)`, value `best_value / sqrt(T)`.

    Formula: b = 1/(2 area T), v = noise; best_peak = 1/sqrt(2 area noise), best_value = sqrt(2 noise / area).

    Args:
        area: mean factor of the shape, > 0 and at most 1.
        noise: v of the bound, > 0. Only shapes that come down to zero have one: above a floor it grows like ln T.

    Example:
        >>> power_limit(1.0).best_peak, power_limit(1.0).best_value
        (1.0, 2.0)
    """

    area: float
    noise: float

    @property
    def best_peak(self) -> float:
        """The best peak times the root of the number of steps."""
        return 1.0 / math.sqrt(2.0 * self.area * self.noise)

    @property
    def best_value(self) -> float:
        """The bound at its best peak times the root of the number of steps."""
        return math.sqrt(2.0 * self.noise / self.area)


def power_limit(power: float = 1.0) -> Limit:
    """The limit of a decay (1 - x)^power to zero; power 1 is the linear decay, the best of all shapes.

    Formula: area = 1/(p+1), v = (p+1)/(2p); so the best peak is sqrt(p)/sqrt(T), the value (p+1)/sqrt(p T).

    Args:
        power: the exponent, a number > 0.

    Raises:
        BadValue: for a power of 0 or below.

    Example:
        >>> round(power_limit(2.0).best_peak ** 2, 9)
        2.0

    Source: the integral of the bound's sum; Defazio et al. 2023 for power 1.
    """
    p = _above_zero(power, "power_limit.power")
    return Limit(1.0 / (p + 1.0), (p + 1.0) / (2.0 * p))


def cosine_limit() -> Limit:
    """The limit of a half cosine to zero.

    Formula: area = 1/2, v = (1/2) int_0^1 sin^4(pi u/2) / (u/2 - sin(pi u)/(2 pi)) du, by Gauss-Legendre quadrature.

    Example:
        >>> round(cosine_limit().best_peak, 4), round(cosine_limit().best_value, 4)
        (0.9708, 2.0602)
    """
    nodes, weights = np.polynomial.legendre.leggauss(48)
    u = (nodes + 1.0) / 2.0
    left = u / 2.0 - np.sin(math.pi * u) / (2.0 * math.pi)
    return Limit(0.5, float(weights @ (np.sin(math.pi * u / 2.0) ** 4 / left)) / 4.0)


def one_minus_sqrt_limit() -> Limit:
    """The limit of a decay 1 - sqrt(x) to zero.

    Formula: area = 1/3, v = 3/2 - (3/4) ln 3.

    Example:
        >>> round(one_minus_sqrt_limit().best_peak, 3), round(one_minus_sqrt_limit().best_value, 3)
        (1.49, 2.014)
    """
    return Limit(1.0 / 3.0, 1.5 - 0.75 * math.log(3.0))


def staged_limit(cooldown: float, shape: Limit | None = None, warmup: float = 0.0) -> Limit:
    """The limit of a linear warm-up from zero, a constant stage, and a cooldown of any shape that has a limit.

    Formula: with w and d the shares of warm-up and cooldown, c the rest, s the shape's area and v its noise:
    area = w/2 + c + d s; noise = (a/w) artanh(w/a) - 1 + ln(1 + c/(d s))/2 + v, with a = sqrt(2 w area). For a linear
    cooldown without warm-up: the best peak is ((1+c)(1 + ln((1+c)/(1-c))/2) T)^(-1/2).

    Args:
        cooldown: its share of the run, a number above 0, at most 1.
        shape: of the cooldown; linear unless given.
        warmup: its share of the run, 0 to 1; both together at most 1.

    Raises:
        BadValue: for shares outside their range. Without a cooldown there is no limit.

    Example:
        >>> wsd = staged_limit(0.2)
        >>> round(wsd.best_peak, 4), round(wsd.best_value, 3)
        (0.5145, 2.16)

    Source: the integral of the bound's sum; Schaipp et al. (ICML 2025) for the linear cooldown.
    """
    down = power_limit(1.0) if shape is None else shape
    w = float(warmup)
    if not (0.0 < cooldown <= 1.0 and 0.0 <= w < 1.0 and cooldown + w <= 1.0 + 1e-12):
        raise BadValue(given=f"cooldown={shown(cooldown)}, warmup={shown(warmup)}", where="staged_limit",
                       allowed="shares of the run, the cooldown's above 0, together at most 1",
                       fix="give shares such as 0.2")  # fmt: skip
    level = max(1.0 - w - cooldown, 0.0)
    fall = cooldown * down.area
    area = w / 2.0 + level + fall
    rise = 0.0
    if w:
        a = math.sqrt(2.0 * w * area)
        rise = a / w * math.atanh(w / a) - 1.0
    return Limit(area, rise + math.log1p(level / fall) / 2.0 + down.noise)


def constant_bound(steps: int) -> Bound:
    """The exact bound of a constant rate over so many steps.

    Formula: b = 1/(2T), v = (1 + H_{T-1})/2, with H the harmonic numbers.

    Args:
        steps: T, a whole number >= 1.

    Raises:
        BadValue: for anything else.

    Example:
        >>> round(constant_bound(400).best_peak, 7)
        0.0181759
    """
    n = _whole(steps, "constant_bound.steps")
    return Bound(1.0 / (2.0 * n), (1.0 + harmonic(n - 1)) / 2.0, n)


def linear_bound(steps: int) -> Bound:
    """The exact bound of a linear decay to zero over so many steps.

    Formula: b = 1/(T+1), v = 1 - 1/(2T) + H_{T-1}/T, with H the harmonic numbers.

    Args:
        steps: T, a whole number >= 1.

    Raises:
        BadValue: for anything else.

    Example:
        >>> round(linear_bound(400).best_peak, 7), round(linear_bound(400).best_value, 7)
        (0.0495631, 0.1006299)
    """
    n = _whole(steps, "linear_bound.steps")
    return Bound(1.0 / (n + 1.0), 1.0 - 1.0 / (2.0 * n) + harmonic(n - 1) / n, n)


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n.

    >>> harmonic(0), harmonic(4), round(harmonic(10**9), 9)
    (0.0, 2.0833333333333335, 21.300481502)
    """
    if n < 256:
        return math.fsum(1.0 / k for k in range(1, n + 1))
    return math.log(n) + EULER + 1.0 / (2.0 * n) - 1.0 / (12.0 * n**2) + 1.0 / (120.0 * n**4)


def _above_zero(value: float, where: str) -> float:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise BadValue(given=shown(value), allowed="a finite number > 0", where=where, fix="give such a number")
    return float(value)


def _whole(value: int, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadValue(given=shown(value), allowed="a whole number >= 1", where=where, fix="give a number of steps")
    return value
