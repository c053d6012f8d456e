"""A schedule with a listener: stepped per update, fed by `step(metric)`, and taken for a ReduceLROnPlateau."""

from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from calando.errors import BadValue
from calando.torch.scheduler import ScheduleLR
from calando.torch.track import Continued, Track
from calando.torch.views import PlateauViews, metric_of

__all__ = ["PlateauLR"]


class PlateauLR(PlateauViews, ScheduleLR, ReduceLROnPlateau):
    """A `ScheduleLR` whose rule listens to a metric; made by `calando.torch.attach`.

    Formula: learning rate = base * schedule(t) * scale, where the rule lowers scale when the metric stalls.

    `step()` counts an update, `step(metric)` feeds the rule and moves no clock (with interval="epoch" it counts the
    epoch, too). A host that only ever calls `step(metric)`, such as the HF Trainer or Lightning, would leave the clock
    at 0: attach with follow=True, which counts the optimizer's own updates, or with interval="epoch".

    What PyTorch's class keeps in attributes (best, num_bad_epochs, patience, min_lrs, ...) can be read here, too.
    Assigning to one raises Frozen: bind another plan.

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
        if metrics is None:
            super().step(epoch)
            return
        metric = metric_of(metrics)
        position = None if epoch is None else self._whole(epoch)
        if position is None and self.options.interval == "epoch":
            position = self.last_epoch + 1
        with self._all_or_nothing():
            if position is not None:
                self.last_epoch = position
                self._step_count += 1
            self._check_moving(metric)
            for track in self.tracks:
                track.told(metric)
            self._write()

    def _check_moving(self, metric: float) -> None:
        moves = self.options.interval == "epoch" or self.options.follow or self.last_epoch != 0
        if not moves and any(_moves(track) for track in self.tracks):
            raise BadValue(
                given=f"step({metric:g}) before any step()",
                allowed="a metric after the clock has moved, because this schedule changes with every update",
                where="PlateauLR.step",
                fix="call scheduler.step() after each update; where the host never does, attach(..., follow=True) "
                "counts the optimizer's updates, and interval='epoch' takes each metric for an epoch",
            )


def _moves(track: Track) -> bool:
    """Whether the open loop changes over the run, so that standing still would matter."""
    schedule = track.schedule
    facts = (schedule.origin if isinstance(schedule, Continued) else schedule).facts
    return len(schedule.quantities) > 1 or bool(facts.jumps) or facts.peak != facts.end or facts.mean != facts.peak
