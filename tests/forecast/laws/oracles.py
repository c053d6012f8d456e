"""The laws as their papers write them: one update after the other, in plain Python numbers, real or complex.

`rates` are those of updates 0 .. T-1, `t` the number of updates made. Complex parameters give exact derivatives: the
imaginary part of f(x + i*h) over h.
"""

from collections.abc import Callable, Sequence
from typing import Any

Number = Any


def multi_power(theta: Sequence[Number], rates: Sequence[float], t: int) -> Number:
    level, a, alpha, b, c, beta, gamma = theta
    total = level + a * sum(rates[:t]) ** -alpha
    for k in range(t):
        before = rates[k - 1] if k else 0.0
        since = sum(rates[k:t])
        if since:
            x = c * rates[k] ** -gamma * since if rates[k] else float("inf")
            given = 1 - (1 + x) ** -beta if rates[k] else 1.0
            total -= b * (before - rates[k]) * given
    return total


def momentum(theta: Sequence[Number], rates: Sequence[float], t: int, decay: float = 0.999) -> Number:
    level, a, alpha, c = theta
    memory = area = 0.0
    for k in range(t):
        memory = decay * memory + ((rates[k - 1] if k else 0.0) - rates[k])
        area += memory
    return level + a * sum(rates[:t]) ** -alpha - c * area


def functional(theta: Sequence[Number], rates: Sequence[float], t: int) -> Number:
    level, a, s, b, c, q = theta
    noise = sum(rates[k] ** 2 * (1 + c * sum(rates[k + 1 : t])) ** -q for k in range(t))
    return level + a * sum(rates[:t]) ** -s + b * noise


def bound(theta: Sequence[Number], rates: Sequence[float], t: int) -> Number:
    """The theorem's double sum as it stands, up to the last update with a rate."""
    level, a, p, b, q = theta
    while not rates[t - 1]:
        t -= 1
    eta = rates[:t]
    area = sum(eta)
    noise = sum(x * x for x in eta) / area
    for k in range(t - 1):
        tail = sum(x * x for x in eta[k:]) / sum(eta[k:])
        noise += eta[k] / sum(eta[k + 1 :]) * tail
    return level + a * (1 / (2 * area)) ** p + b * (noise / 2) ** q


def peak_bound(theta: Sequence[Number], rates: Sequence[float], t: int) -> Number:
    *others, k = theta
    level, a, p, b, q = others
    peak = max(rates)
    far = bound((0.0, 1.0, 1.0, 0.0, 1.0), rates, t) * peak ** (1 - k)
    noise = bound((0.0, 0.0, 1.0, 1.0, 1.0), rates, t) * peak ** (k - 1)
    return level + a * far**p + b * noise**q


ORACLES: dict[str, Callable[..., Number]] = {
    "multi_power": multi_power,
    "momentum": momentum,
    "functional": functional,
    "bound": bound,
    "peak_bound": peak_bound,
}
