"""The annealing-momentum law: a power of the rate spent, less a fading memory of the falls, added up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.forecast.laws.base import Parameter, Path, weight_of
from calando.forecast.laws.blocks import WIDTH, begun, spent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Momentum"]

REASON = (
    "the momentum law may forecast schedules that people use, but not choose one: its best schedule is provably the"
    " peak until nearly the end and then 0 at once, and on recorded runs it picked cooldowns far too short"
)
CHUNK = 256


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rate spent before each point, and the annealing area."""

    spent: "FloatArray"
    area: "FloatArray"


@dataclass(frozen=True, slots=True)
class Momentum:
    """The loss falls with a power of the rate spent, and in proportion to the annealing area.

    Formula: L0 + A*S1^-alpha - C*S2; S2 = sum_i m_i with m_i = decay*m_{i-1} + (eta_{i-1} - eta_i).

    Source: Tissue et al., "Scaling law with learning rate annealing" (2024); that its optimum is bang-bang: Luo et al.
    (ICLR 2025), theorem 2.
    """

    name: str = "momentum"
    title: str = "annealing-momentum law"
    formula: str = "L0 + A*S1^-alpha - C*S2, S2 = sum_i m_i, m_i = 0.999*m_(i-1) + (eta_(i-1) - eta_i)"
    source: str = "Tissue et al. (2024)"
    refuses: str = REASON
    decay: float = 0.999
    parameters: tuple[Parameter, ...] = (
        Parameter("L0", "the loss that is left in the end"),
        Parameter("A", "the height of the power of the rate spent"),
        Parameter("alpha", "its exponent", 0.02, 3.0, 0.5, 0.7),
        Parameter("C", "what one unit of annealing area gives"),
    )

    def prepare(self, paths: "Iterable[Path]", width: float = WIDTH) -> Prepared:
        so_far, areas = [], []
        for path in paths:
            so_far.append(spent(path, begun(path)))
            falls = -np.diff(path.rates, prepend=0.0)  # as in `drops_of`
            areas.append(np.cumsum(faded(falls, self.decay))[path.at - 1])
        return Prepared(np.concatenate(so_far), np.concatenate(areas))

    def basis(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        power = prepared.spent ** -theta[2]
        return np.stack([np.ones_like(power), power, -prepared.area], axis=1)

    def losses(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        return weight_of(self, theta, prepared)

    def gradient(self, theta: "FloatArray", prepared: Prepared) -> "FloatArray":
        power = prepared.spent ** -theta[2]
        slope = -theta[1] * np.log(prepared.spent) * power
        return np.stack([np.ones_like(power), power, slope, -prepared.area], axis=1)


def faded(values: "FloatArray", decay: float) -> "FloatArray":
    """The memory m_i = decay * m_{i-1} + values_i at every i, in chunks whose powers stay near one.

    >>> faded(np.array([1.0, 0.0, 2.0]), 0.5).tolist()
    [1.0, 0.5, 2.25]
    """
    count = -(-len(values) // CHUNK)
    table = np.zeros((count, CHUNK))
    table.ravel()[: len(values)] = values
    powers = decay ** np.arange(1, CHUNK + 1)
    inside = np.cumsum(table / powers, axis=1) * powers
    before, past = np.empty(count), 0.0
    for row in range(count):
        before[row] = past
        past = inside[row, -1] + powers[-1] * past
    inside += before[:, None] * powers
    flat: FloatArray = inside.ravel()[: len(values)]
    return flat
