"""What hosts and users read of PyTorch's ReduceLROnPlateau, as views of the rule and of what it remembers."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from calando.errors import BadValue, Frozen, shown

if TYPE_CHECKING:
    from calando.torch.track import Track

__all__ = ["PlateauViews", "metric_of"]


def metric_of(value: Any) -> float:
    """A metric as a float: a number, or a tensor or array of one.

    Raises:
        BadValue: for anything else.
    """
    if not isinstance(value, str | bytes | bool):
        with suppress(TypeError, ValueError, RuntimeError, OverflowError):
            return float(value)
    raise BadValue(
        given=f"the metric {shown(value)}",
        allowed="one number, such as a validation loss",
        where="PlateauLR",
        fix="pass a float or a one-element tensor",
    )


def _view(read: Callable[[Any], object]) -> Any:
    """A property under PyTorch's name; assigning to it is refused, since the plan says how the rule goes."""

    def refuse(_: object, value: object) -> NoReturn:
        raise Frozen(
            given=f"scheduler.{read.__name__} = {shown(value)}",
            allowed="reading only: the plan says how its rule goes, and the rule keeps its own count",
            where="PlateauLR",
            fix="bind another plan, reduce_on_plateau(plan, ...), and load with resume='rebind'; "
            "scheduler._reset() forgets the metrics",
        )

    return property(read, refuse, doc=read.__doc__)


class PlateauViews:
    """The attributes of a ReduceLROnPlateau; where groups listen with rules of their own, those of the first rule."""

    if TYPE_CHECKING:
        tracks: list[Track]
        lanes: list[int]
        base_lrs: list[Any]

    @property
    def _listening(self) -> "list[Track]":
        return [track for track in self.tracks if track.rule is not None]

    @property
    def _rule(self) -> Any:
        return self._listening[0].rule

    @property
    def _state(self) -> Any:
        return self._listening[0].state

    # ---- the rule

    @_view
    def factor(self) -> float:
        """What a reduction multiplies by."""
        return float(self._rule.factor)

    @_view
    def patience(self) -> int:
        """How many bad metrics are borne."""
        return int(self._rule.patience)

    @_view
    def cooldown(self) -> int:
        """Metrics to wait after a reduction."""
        return int(self._rule.cooldown)

    @_view
    def threshold(self) -> float:
        """The improvement that counts."""
        return float(self._rule.threshold)

    @_view
    def threshold_mode(self) -> str:
        """How the threshold is meant, in PyTorch's words: "rel" or "abs"."""
        return "rel" if self._rule.threshold_mode == "relative" else "abs"

    @_view
    def mode(self) -> str:
        """The direction of better: "min" or "max"."""
        return str(self._rule.mode)

    @_view
    def mode_worse(self) -> float:
        """The worst metric there is."""
        return math.inf if self._rule.mode == "min" else -math.inf

    @_view
    def eps(self) -> float:
        """0: a reduction is made however small it is."""
        return 0.0

    @_view
    def min_lrs(self) -> list[float]:
        """What each group's base can be reduced to; the schedule's own factor comes on top."""
        rules = [self.tracks[lane].rule for lane in self.lanes]
        floors = [0.0 if rule is None else rule.min_scale for rule in rules]
        return [float(base) * floor for base, floor in zip(self.base_lrs, floors, strict=True)]

    @_view
    def default_min_lr(self) -> float | None:
        """The least rate that all groups share, or None where they differ."""
        least = set(self.min_lrs)
        return least.pop() if len(least) == 1 else None

    # ---- what it remembers

    @_view
    def best(self) -> float:
        """The best metric so far; before the first, the worst there is."""
        return float(self.mode_worse if self._state.best is None else self._state.best)

    @_view
    def num_bad_epochs(self) -> int:
        """Metrics in a row that were no better."""
        return int(self._state.bad)

    @_view
    def cooldown_counter(self) -> int:
        """Metrics still to pass before bad ones count again."""
        return int(self._state.cooling)

    @_view
    def in_cooldown(self) -> bool:
        """Whether a reduction was made that recently."""
        return bool(self._state.cooling > 0)

    # ---- what it does

    def is_better(self, a: float, best: float) -> bool:
        """Whether metric `a` improves on `best` by more than the threshold."""
        metric, known = metric_of(a), metric_of(best)
        return bool(self._rule.is_better(metric, None if known == self.mode_worse else known))

    def _is_better(self, a: float, best: float) -> bool:
        return self.is_better(a, best)

    def _reset(self) -> None:
        """Forget the metrics, as PyTorch's does: the best, the bad ones and the cooldown; the rate stays."""
        for track in self._listening:
            track.state = track.state._replace(best=None, bad=0, cooling=0)

    def _init_is_better(self, *arguments: object, **named: object) -> NoReturn:
        self._refuse("_init_is_better")

    def _reduce_lr(self, *arguments: object) -> NoReturn:
        self._refuse("_reduce_lr")

    def _refuse(self, name: str) -> NoReturn:
        raise Frozen(
            given=f"scheduler.{name}(...)",
            allowed="metrics: the rule alone reduces the rate",
            where="PlateauLR",
            fix="call scheduler.step(metric), or bind another plan: reduce_on_plateau(plan, ...)",
        )
