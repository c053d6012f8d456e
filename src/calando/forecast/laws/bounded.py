"""The generalised bound: both terms of the convex last-iterate bound, each with an exponent of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.laws.base import Parameter, Path, weight_of
from calando.forecast.laws.blocks import WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["LARGEST", "PARAMETERS", "BoundLaw"]

LARGEST = 1e30  # a bound of schedules that end at next to no rate has no end itself
PARAMETERS = (
    Parameter("L_inf", "the loss that is left in the end"),
    Parameter("a", "the height of the term for too small a rate"),
    Parameter("p", "its exponent", 0.05, 3.0, 0.5, 0.7),
    Parameter("b", "the height of the term for too large a rate"),
    Parameter("q", "its exponent", 0.1, 5.0, 1.0, 0.5),
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Logarithms of both terms of the bound at each point."""

    far: "FloatArray"
    noise: "FloatArray"


@dataclass(frozen=True, slots=True)
class BoundLaw:
    """The loss is what is left in the end, and both terms of the convex bound, each to a power.

    Formula: L_inf + a*B^p + b*V^q; B and V are the bound's terms (see `calando.forecast.bound`) after the updates so
    far, with their rates in units of the largest peak.

    Source: the generalised form of Bu et al., "Convex dominance in deep learning" (ICLR 2026); Schaipp et al. (ICML
    2025) for the bound's agreement with large runs.
    """

    name: str = "bound"
    title: str = "generalised bound"
    formula: str = "L_inf + a*B^p + b*V^q"
    source: str = "after Bu et al. (ICLR 2026) and Schaipp et al. (ICML 2025)"
    refuses: str = ""
    parameters: tuple[Parameter, ...] = PARAMETERS

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Prepared:
        from calando.forecast.bounds import bounds_along

        far, noise = [], []
        for path in paths:
            b, v = bounds_along(path.rates, path.at)
            far.append(b)
            noise.append(v)
        return Prepared(*(np.log(np.minimum(np.concatenate(part), LARGEST)) for part in (far, noise)))

    def basis(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        far, noise = np.exp(theta[2] * prepared.far), np.exp(theta[4] * prepared.noise)
        return np.stack([np.ones_like(far), far, noise], axis=1)

    def losses(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        return weight_of(self, theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        _, a, p, b, q = theta
        far, noise = np.exp(p * prepared.far), np.exp(q * prepared.noise)
        columns = [np.ones_like(far), far, a * far * prepared.far, noise, b * noise * prepared.noise]
        return np.stack(columns, axis=1)
