"""A schedule with a listener: stepped per update, fed by `step(metric)`, and taken for a ReduceLROnPlateau."""

import math
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from calando.errors import BadValue, shown
from calando.torch.scheduler import ScheduleLR
from calando.torch.track import Continued, Track

__all__ = ["PlateauLR"]

_OF_RULE = ("factor", "patience", "cooldown", "threshold", "mode")
_OF_STATE = {"best": "best", "num_bad_epochs": "bad", "cooldown_counter": "cooling"}
"""Names that PyTorch's class keeps in attributes, and where they stand here."""


class PlateauLR(ScheduleLR, ReduceLROnPlateau):
    """A `ScheduleLR` whose rule listens to a metric; made by `calando.torch.attach`.

    Formula: learning rate = base * schedule(t) * scale, where the rule lowers scale when the metric stalls.

    `step()` counts an update, `step(metric)` feeds the rule and moves no clock (with interval="epoch" it counts the
    epoch, too). A host that only ever calls `step(metric)`, such as the HF Trainer or Lightning, would leave the clock
    at 0: attach with follow=True, which counts the optimizer's own updates, or with interval="epoch".

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau, whose interface this class has.

    Example:
        >>> import torch, calando.torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> plan = calando.reduce_on_plateau(calando.constant(), factor=0.5, patience=0)
        >>> scheduler = calando.torch.attach(optimizer, plan.bind(100))
        >>> for loss in (1.0, 1.0):
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.05]
    """

    def step(self, metrics: Any = None, epoch: int | None = None) -> None:  # type: ignore[override]
        """Count one update, or tell the rule a metric.

        Args:
            metrics: a number (a one-element tensor or array will do), or None for an update without one.
            epoch: a position to jump to first, a whole number >= 0.

        Raises:
            BadValue: for a metric that is no number, or one that comes before the clock ever moved, where the rest of
                the schedule would stand still.
        """
        if epoch is not None:
            super().step(epoch)
        if metrics is None:
            if epoch is None:
                super().step()
            return
        metric = self._number(metrics)
        if self.options.interval == "epoch":
            if epoch is None:
                self._step_count += 1
                self.last_epoch += 1
        elif self.last_epoch == 0 and not self.options.follow and any(_moves(track) for track in self.tracks):
            raise BadValue(
                given=f"step({metric:g}) before any step()",
                allowed="a metric after the clock has moved, because this schedule changes with every update",
                where="PlateauLR.step",
                fix="call scheduler.step() after each update; where the host never does, attach(..., follow=True) "
                "counts the optimizer's updates, and interval='epoch' takes each metric for an epoch",
            )
        for track in self.tracks:
            track.told(metric)
        self._write()

    def __getattr__(self, name: str) -> Any:
        """What hosts may read of PyTorch's own class: best, num_bad_epochs, cooldown_counter, factor, patience, ..."""
        tracks = [track for track in self.__dict__.get("tracks", ()) if track.rule is not None]
        if tracks and name in _OF_RULE:
            return getattr(tracks[0].rule, name)
        if tracks and name in _OF_STATE:
            value = getattr(tracks[0].state, _OF_STATE[name])
            worst = math.inf if tracks[0].rule.mode == "min" else -math.inf
            return worst if value is None else value
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @staticmethod
    def _number(value: Any) -> float:
        if not isinstance(value, str | bytes | bool):
            try:
                return float(value)
            except (TypeError, ValueError, RuntimeError):
                pass
        raise BadValue(
            given=f"step({shown(value)})",
            allowed="one number, such as a validation loss",
            where="PlateauLR.step",
            fix="pass a float or a one-element tensor",
        )


def _moves(track: Track) -> bool:
    """Whether the open loop changes over the run, so that standing still would matter."""
    schedule = track.schedule
    facts = (schedule.origin if isinstance(schedule, Continued) else schedule).facts
    return len(schedule.quantities) > 1 or bool(facts.jumps) or facts.peak != facts.end or facts.mean != facts.peak
