"""The multi-power law: a power of the rate spent, less what every fall of the rate has given since."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.laws.base import Parameter, Path, weight_of
from calando.forecast.laws.blocks import WIDTH, Blocks, begun, drops_of, joined, spent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["MultiPower"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rate spent before each point, and the falls before it in blocks."""

    spent: "FloatArray"
    falls: Blocks
    log_since: "FloatArray"


@dataclass(frozen=True, slots=True)
class MultiPower:
    """The loss falls with a power of the rate spent, and by what each fall of the rate gives with time.

    Formula: L0 + A*S^-alpha - B*sum_k (eta_{k-1} - eta_k) * (1 - (1 + C*eta_k^-gamma*S_k)^-beta); S is the rate spent
    so far, S_k that spent since the fall at step k, that step included. The initial rise counts as falls below zero,
    as in the authors' code, so that a run at a constant rate stands above one that has come down.

    Source: Luo et al., "A multi-power law for loss curve prediction across learning rate schedules" (ICLR 2025).
    """

    name: str = "multi_power"
    title: str = "multi-power law"
    formula: str = "L0 + A*S^-alpha - B*sum_k (eta_(k-1) - eta_k)*(1 - (1 + C*eta_k^-gamma*S_k)^-beta)"
    source: str = "Luo et al. (ICLR 2025)"
    refuses: str = ""
    parameters: tuple[Parameter, ...] = (
        Parameter("L0", "the loss that is left in the end"),
        Parameter("A", "the height of the power of the rate spent"),
        Parameter("alpha", "its exponent", 0.02, 3.0, 0.5, 0.7),
        Parameter("B", "what a fall by one peak gives in the end"),
        Parameter("C", "how soon a fall gives it, per update at the peak", 1e-5, 1e3, 0.05, 2.0),
        Parameter("beta", "the exponent with which it comes", 0.05, 10.0, 0.5, 0.5),
        Parameter("gamma", "how much sooner it comes at a low rate", 0.01, 1.5, 0.5, 0.5),
    )

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Prepared:
        so_far, falls = [], []
        for path in paths:
            before = begun(path)
            so_far.append(spent(path, before))
            falls.append(drops_of(path, width, before))
        blocks = joined(falls)
        with np.errstate(divide="ignore"):
            return Prepared(np.concatenate(so_far), blocks, np.log(blocks.since))

    def basis(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        _, _, alpha, _, c, beta, gamma = theta
        falls = prepared.falls
        logs = np.logaddexp(0.0, np.log(c) + prepared.log_since - gamma * falls.rate)
        given = falls.total(falls.weight * np.expm1(-beta * logs))
        return np.stack([np.ones(falls.count), prepared.spent**-alpha, given], axis=1)

    def losses(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        return weight_of(self, theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        _, a, alpha, b, c, beta, gamma = theta
        falls = prepared.falls
        exponent = np.log(c) + prepared.log_since - gamma * falls.rate
        logs = np.logaddexp(0.0, exponent)  # log(1 + x), x = e^exponent
        kept = np.exp(-beta * logs)
        slope = falls.weight * beta * np.exp(exponent - logs) * kept  # in log x
        power = prepared.spent**-alpha
        columns = [
            np.ones(falls.count),
            power,
            -a * np.log(prepared.spent) * power,
            falls.total(falls.weight * np.expm1(-beta * logs)),
            -b / c * falls.total(slope),
            -b * falls.total(falls.weight * logs * kept),
            b * falls.total(slope * falls.rate),
        ]
        return np.stack(columns, axis=1)
