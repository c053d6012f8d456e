"""What a law is: a loss as a function of the learning rates, with exact gradients in its parameters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Law", "Parameter", "Path"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a law.

    Rates are divided by a unit (the largest peak of the curves) before a law sees them, so that bounds are plain.

    Args:
        name: as in the law's formula.
        low, high: bounds of a fit, at rates of order 1.
        log: searched on a logarithmic scale; then low > 0.
        linear: the loss is linear in it when the nonlinear ones are held.
        about: what it stands for.
    """

    name: str
    low: float
    high: float
    log: bool = True
    linear: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """Learning rates of one run, and the numbers of updates at which its loss is asked.

    Args:
        rates: T numbers >= 0, divided by the law's unit.
        at: n rising whole numbers, 1 to T.
    """

    rates: "FloatArray"
    at: "IntArray"


class Law(Protocol):
    """A model of the loss after t updates, given their learning rates.

    `prepare` does once what hangs on the rates alone; its result joins several runs one after the other, and
    `losses` and `gradient` are then plain array work. `refuses` is empty, or the reason why the law may not choose
    or design schedules (it may still forecast).
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

    def prepare(self, paths: "Sequence[Path]", exact: bool = False) -> Any:
        """What hangs on the rates alone; with `exact`, every step for itself instead of blocks of known small error."""

    def losses(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        """The loss at every asked point, all runs one after the other."""

    def gradient(self, theta: "FloatArray", prepared: Any) -> "FloatArray":
        """Its derivative in each parameter, one row a point."""

    def starts(self, paths: "Sequence[Path]", losses: "FloatArray") -> "list[FloatArray]":
        """Where to begin a search."""
