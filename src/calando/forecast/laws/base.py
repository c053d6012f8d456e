"""What a law is: a loss as a function of the learning rates, with exact gradients in its parameters."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Law", "Parameter", "Path", "linear", "nonlinear", "weight_of"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a law, at rates divided by a unit (the largest peak of the curves a law is fitted to).

    A linear one is a factor of the loss, >= 0, and is solved for. Another one is searched for, on a logarithmic scale,
    between `low` and `high` (both > 0). Before any curve is seen it is believed to lie around `likely`, with a standard
    deviation of `spread` in its logarithm; the belief is weak, and decides only what the curves leave open.
    """

    name: str
    about: str
    low: float = 0.0
    high: float = math.inf
    likely: float = 1.0
    spread: float = math.inf

    @property
    def linear(self) -> bool:
        """Whether the loss is linear in it."""
        return self.low == 0


@dataclass(frozen=True, slots=True)
class Path:
    """Learning rates of one run, and the numbers of updates after which its loss is asked.

    `rates` are T numbers >= 0, divided by `unit`; `at` n rising whole numbers, 1 to T.
    """

    rates: "FloatArray"
    at: "IntArray"
    unit: float = 1.0


class Law(Protocol):
    """A model of the loss after t updates, given their learning rates.

    `prepare` does once what hangs on the rates alone; runs are joined one after the other, and the rest is plain array
    work. `refuses` is empty, or the reason why the law may not choose or design schedules (it may still forecast).
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def refuses(self) -> str: ...
    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    def prepare(self, paths: "Iterable[Path]", width: float = 0.2) -> Any:
        """What hangs on the rates alone; sums in blocks of that width (see `blocks`), 0 for step by step."""

    def basis(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        """What the linear parameters are multiplied by, in their order: one row a point."""

    def gradient(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        """The loss's derivative in each parameter, one row a point."""

    def losses(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        """The loss at every asked point, all runs one after the other."""


def linear(law: Law) -> list[int]:
    """Places of the parameters that the loss is linear in."""
    return [place for place, parameter in enumerate(law.parameters) if parameter.linear]


def nonlinear(law: Law) -> list[int]:
    """Places of the parameters that are searched for."""
    return [place for place, parameter in enumerate(law.parameters) if not parameter.linear]


def weight_of(law: Law, theta: "FloatArray", prepared: Any) -> "FloatArray":
    """The loss as the sum of the basis, each column times its linear parameter."""
    total: FloatArray = law.basis(theta, prepared) @ theta[linear(law)]
    return total
