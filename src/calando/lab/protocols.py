"""How the lab sees a framework: the few things that it touches, as structural protocols.

No front door is imported here; a contract test holds that real optimizers and doors satisfy these.
"""

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Protocol, runtime_checkable

__all__ = ["HookedOptimizer", "Optimizer", "Scheduler"]


@runtime_checkable
class Optimizer(Protocol):
    """Something with parameter groups, each a mapping that holds its rate under "lr"."""

    @property
    def param_groups(self) -> Sequence[MutableMapping[str, Any]]:
        """The groups, in a fixed order."""


@runtime_checkable
class HookedOptimizer(Optimizer, Protocol):
    """An optimizer that tells before each of its updates."""

    def register_step_pre_hook(self, hook: Callable[..., None]) -> Any:
        """Call `hook(optimizer, args, kwargs)` just before every update."""


class Scheduler(Protocol):
    """What a front door gives back; the train function calls `step()` once after every update."""

    def step(self, metric: float | None = None, /) -> Any:
        """Move on to the next update; with a metric, tell the schedule's listener and stay."""
