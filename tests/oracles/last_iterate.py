"""The last-iterate bound, transcribed sum by sum as the theorem is printed; slow on purpose."""

import math
from collections.abc import Sequence

__all__ = ["best_peak", "best_value", "omega"]


def omega(eta: Sequence[float], gamma: float, norms: Sequence[float] | None = None, distance: float = 1.0) -> float:
    """Omega_T of Schaipp et al. (2025), theorem 3.1 with u = alpha = eta, t = 1..T, in exact order.

    D^2/(2 gamma S) + (gamma/2) [ sum_t eta_t^2 G_t^2 / S
        + sum_{k<T} (eta_k / sum_{t>k} eta_t) * (sum_{t>=k} eta_t^2 G_t^2 / sum_{t>=k} eta_t) ],  S = sum_t eta_t
    """
    big_t = len(eta)
    g = [1.0] * big_t if norms is None else list(norms)

    def total(first: int) -> float:
        return math.fsum(eta[t - 1] for t in range(first, big_t + 1))

    def squares(first: int) -> float:
        return math.fsum(eta[t - 1] ** 2 * g[t - 1] ** 2 for t in range(first, big_t + 1))

    inner = squares(1) / total(1)
    for k in range(1, big_t):
        inner += (eta[k - 1] / total(k + 1)) * (squares(k) / total(k))
    return distance**2 / (2.0 * gamma * total(1)) + gamma / 2.0 * inner


def _terms(eta: Sequence[float], norms: Sequence[float] | None = None) -> tuple[float, float]:
    """B and V, from Omega at two peaks."""
    one, two = omega(eta, 1.0, norms), omega(eta, 2.0, norms)
    return (4.0 * one - 2.0 * two) / 3.0, (2.0 * two - one) / 3.0


def best_peak(eta: Sequence[float], norms: Sequence[float] | None = None) -> float:
    """Where Omega is lowest."""
    b, v = _terms(eta, norms)
    return math.sqrt(b / v)


def best_value(eta: Sequence[float], norms: Sequence[float] | None = None) -> float:
    """The lowest Omega."""
    return omega(eta, best_peak(eta, norms), norms)
