"""The generalised bound for runs at several peaks: a peak counts with a power of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.laws.base import Parameter, Path, weight_of
from calando.forecast.laws.blocks import WIDTH
from calando.forecast.laws.bounded import LARGEST, PARAMETERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["PeakBound"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Logarithms of both terms of the bound at each point, and of the run's peak in units of the largest."""

    far: "FloatArray"
    noise: "FloatArray"
    peak: "FloatArray"


@dataclass(frozen=True, slots=True)
class PeakBound:
    """The generalised bound with an effective peak: under AdamW twice the rate does not turn the weights twice as far.

    Formula: L_inf + a*B^p + b*V^q, with B and V those of the rates times peak^(k-1), the peak in units of the largest.
    k = 1 is the generalised bound; runs at one peak do not tell k.

    Source: our own; Bu et al. (ICLR 2026) for the bound, effective rates of AdamW for the reason.
    """

    name: str = "peak_bound"
    title: str = "generalised bound with an effective peak"
    formula: str = "L_inf + a*B^p + b*V^q, peak -> peak^k"
    source: str = "our own, after Bu et al. (ICLR 2026)"
    refuses: str = ""
    parameters: tuple[Parameter, ...] = (
        *PARAMETERS,
        Parameter("k", "the power with which a peak counts", 0.02, 2.0, 0.6, 0.7),
    )

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Prepared:
        from calando.forecast.bounds import bounds_along

        far, noise, peaks = [], [], []
        for path in paths:
            b, v = bounds_along(path.rates, path.at)
            far.append(b)
            noise.append(v)
            peaks.append(np.full(len(path.at), np.log(path.rates.max())))
        least, most = (np.log(np.minimum(np.concatenate(part), LARGEST)) for part in (far, noise))
        return Prepared(least, most, np.concatenate(peaks))

    def basis(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        far, noise = self._terms(theta, prepared)
        return np.stack([np.ones_like(far), far, noise], axis=1)

    def losses(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        return weight_of(self, theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        _, a, p, b, q, k = theta
        far, noise = self._terms(theta, prepared)
        moved = (k - 1.0) * prepared.peak
        columns = [
            np.ones_like(far),
            far,
            a * far * (prepared.far - moved),
            noise,
            b * noise * (prepared.noise + moved),
            (b * q * noise - a * p * far) * prepared.peak,
        ]
        return np.stack(columns, axis=1)

    def _terms(self, theta: "FloatArray", prepared: Prepared) -> "tuple[FloatArray, FloatArray]":
        moved = (theta[5] - 1.0) * prepared.peak
        return np.exp(theta[2] * (prepared.far - moved)), np.exp(theta[4] * (prepared.noise + moved))
