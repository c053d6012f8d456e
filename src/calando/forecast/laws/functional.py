"""The functional scaling law: a power of the rate spent, and the noise of every update that has not faded yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.laws.base import Parameter, Path, weight_of
from calando.forecast.laws.blocks import WIDTH, Blocks, begun, joined, spent, squares_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Functional"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rate spent before each point, and the squared rates before it in blocks."""

    spent: "FloatArray"
    squares: Blocks


@dataclass(frozen=True, slots=True)
class Functional:
    """The loss falls with a power of the rate spent; every update adds noise, which fades with the rate spent since.

    Formula: L0 + A*S^-s + B*sum_k eta_k^2 * (1 + c*S_k)^-q; S is the rate spent so far, S_k that spent after step k.
    Warm-up and different peaks need nothing of their own in it.

    Source: the direct form, in six parameters, of Li et al., "Functional scaling laws in kernel regression" (NeurIPS
    2025).
    """

    name: str = "functional"
    title: str = "functional scaling law"
    formula: str = "L0 + A*S^-s + B*sum_k eta_k^2*(1 + c*S_k)^-q"
    source: str = "Li et al. (NeurIPS 2025), direct form"
    refuses: str = ""
    parameters: tuple[Parameter, ...] = (
        Parameter("L0", "the loss that is left in the end"),
        Parameter("A", "the height of the power of the rate spent"),
        Parameter("s", "its exponent", 0.02, 3.0, 0.5, 0.7),
        Parameter("B", "the noise of one update at the peak"),
        Parameter("c", "how soon noise fades, per update at the peak", 1e-5, 1e2, 0.05, 2.0),
        Parameter("q", "the exponent with which it fades", 0.3, 10.0, 1.5, 0.4),
    )

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Prepared:
        so_far, squares = [], []
        for path in paths:
            before = begun(path)
            so_far.append(spent(path, before))
            squares.append(squares_of(path, width, before))
        return Prepared(np.concatenate(so_far), joined(squares))

    def basis(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        squares = prepared.squares
        noise = squares.total(squares.weight * np.exp(-theta[5] * np.log1p(theta[4] * squares.since)))
        return np.stack([np.ones_like(noise), prepared.spent ** -theta[2], noise], axis=1)

    def losses(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        return weight_of(self, theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        _, a, s, b, c, q = theta
        squares = prepared.squares
        logs = np.log1p(c * squares.since)
        left = squares.weight * np.exp(-q * logs)
        power = prepared.spent**-s
        columns = [
            np.ones_like(power),
            power,
            -a * np.log(prepared.spent) * power,
            squares.total(left),
            -b * q * squares.total(left * squares.since / (1.0 + c * squares.since)),
            -b * squares.total(left * logs),
        ]
        return np.stack(columns, axis=1)
