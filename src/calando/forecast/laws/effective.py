"""Another law fed with effective rates: under AdamW the weights grow and shrink, and the same rate turns them less."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from calando.forecast.laws.base import Law, Parameter, Path
from calando.forecast.laws.blocks import WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["EffectiveRate", "norms"]

GROWTH = Parameter("g", "growth of the squared norm by one update at the peak", 1e-8, 1e2, 1e-3, 2.3)
LEAST_LEFT = 1e-12  # of a weight by one update
STRETCH = 300.0  # of the logarithm of what decay leaves: beyond, its powers would leave the numbers


@dataclass(frozen=True, slots=True)
class EffectiveRate:
    """Any law on rates divided by the norm of the weights, which decay shrinks and every update lets grow.

    Formula: n_{k+1} = (1 - eta_k*wd)^2 n_k + g*(eta_k/unit)^2, n_0 = 1; the law sees eta_k / sqrt(n_k), with g the
    growth of one update at the unit (the largest peak) and wd the optimizer's weight decay.

    The growth is one more parameter: a fit tries members of this family, each of which is a law with exact gradients.

    Source: after "From learning rate to effective learning rate" (2026), from secondary sources.
    """

    inner: Law
    growth: float = 1e-3
    weight_decay: float = 0.1
    outer: Parameter = GROWTH

    @property
    def name(self) -> str:
        return f"{self.inner.name}_effective"

    @property
    def title(self) -> str:
        return f"{self.inner.title} on effective rates"

    @property
    def formula(self) -> str:
        return f"{self.inner.formula}, eta -> eta/sqrt(n), n_(k+1) = (1 - eta*wd)^2*n_k + g*(eta/peak)^2"

    @property
    def source(self) -> str:
        return f"{self.inner.source}; effective rates of AdamW"

    @property
    def refuses(self) -> str:
        return self.inner.refuses

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.inner.parameters

    def member(self, growth: float) -> "EffectiveRate":
        """The law at another growth."""
        return replace(self, growth=growth)

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Any:
        return self.inner.prepare(map(self._seen, paths), width)

    def _seen(self, path: Path) -> Path:
        size = norms(path.rates, self.weight_decay * path.unit, self.growth)
        np.sqrt(size, out=size)
        np.divide(path.rates, size, out=size)
        return Path(size, path.at, path.unit)

    def basis(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        return self.inner.basis(theta, prepared)

    def losses(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        return self.inner.losses(theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        return self.inner.gradient(theta, prepared)


def norms(rates: "FloatArray", decay: float, growth: float) -> "FloatArray":
    """The squared norm of the weights before every update: n_{k+1} = (1 - decay*r_k)^2 n_k + growth*r_k^2, n_0 = 1.

    >>> norms(np.array([1.0, 1.0, 1.0]), 0.5, 1.0).tolist()
    [1.0, 1.25, 1.3125]
    """
    # In place: at 50,000 updates new arrays cost more than what is worked out in them.
    down = rates * -decay
    down += 1.0
    if down.min() < LEAST_LEFT:  # decay never lets weights grow
        np.abs(down, out=down)
        np.clip(down, LEAST_LEFT, 1.0, out=down)
    np.log(down, out=down)
    np.cumsum(down, out=down)
    down *= 2.0
    found = np.empty(len(rates) + 1)
    found[0] = 1.0
    np.multiply(rates, rates, out=found[1:])
    found[1:] *= growth
    begin, before = 0, 0.0
    while begin < len(rates):
        rest = down[begin:]
        count = len(rest) if before - rest[-1] < STRETCH else int(np.searchsorted(-rest, STRETCH - before))
        shrunk, part = rest[: max(1, count)], found[begin + 1 : begin + 1 + max(1, count)]
        last = float(shrunk[-1])
        if before:
            shrunk -= before
        np.exp(shrunk, out=shrunk)
        part /= shrunk
        np.cumsum(part, out=part)
        part += found[begin]
        part *= shrunk
        begin, before = begin + len(part), last
    return found[:-1]
