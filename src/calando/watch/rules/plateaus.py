"""Reduce on plateau, by steering: what `reduce_on_plateau` decides, as commands that stand in the record."""

from collections.abc import Mapping
from typing import Any, Literal

from calando.core.feedback import PlateauRule, PlateauState, reduce_on_plateau
from calando.core.kinds import number_text
from calando.core.shapes.constant import constant
from calando.records.live import Event

__all__ = ["Plateau", "plateau"]


class Plateau:
    """What `calando.watch.rules.plateau` gives: a rule for `calando.watch(rules=[...])`."""

    name = "plateau"

    def __init__(self, metric: str, rule: PlateauRule) -> None:
        self.metric, self.rule = metric, rule
        self._state = rule.initial()
        self._before: PlateauState | None = None

    def hear(self, step: int, numbers: Mapping[str, float]) -> tuple[str, str] | None:
        """A command to scale the rate, when the metric was no better for long enough.

        Args:
            step: the update just made, counted from 0.
            numbers: mapping of names to numbers, what was logged.
        """
        if self.metric not in numbers:
            return None
        before = self._state
        self._state = self.rule.update(before, numbers[self.metric])
        if self._state.scale == before.scale:
            return None
        self._before = before
        by = (
            self.rule.factor
            if self._state.scale == before.scale * self.rule.factor
            else self._state.scale / before.scale
        )
        best = "none was finite" if before.best is None else f"none better than {before.best:.6g}"
        reason = (
            f"of the last {before.bad + 1} values of {self.metric} {best}; its scale becomes {self._state.scale:.4g}"
        )
        return f"scale {number_text(by)}", reason

    def answered(self, event: Event) -> None:
        """What became of the command: a scale that was refused is not in force, so it does not count.

        Args:
            event: object, the record's.
        """
        if event.kind != "applied" and self._before is not None:
            self._state = self._state._replace(scale=self._before.scale)
        self._before = None

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain data for a checkpoint."""
        return self.rule.to_plain(self._state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Args:
            state: dict of numbers.

        Raises:
            BadState: for anything else.
        """
        self._state = self.rule.from_plain(state)


def plateau(
    metric: str = "val_loss",
    *,
    factor: float = 0.1,
    patience: int = 10,
    cooldown: int = 0,
    threshold: float = 1e-4,
    threshold_mode: Literal["relative", "absolute"] = "relative",
    mode: Literal["min", "max"] = "min",
    min_scale: float = 0.0,
) -> Plateau:
    """Scale the learning rate down when a metric stops improving: `reduce_on_plateau` on any plan, and recorded.

    Args:
        metric: name of what is logged and listened to.
        factor: number, what a reduction multiplies by, above 0 and below 1.
        patience: number of values without improvement that are borne, >= 0.
        cooldown: number of values to wait after a reduction, >= 0.
        threshold: number, the improvement that counts, >= 0.
        threshold_mode: "relative" or "absolute".
        mode: "min" or "max", the direction of better.
        min_scale: number, the least product of all reductions, 0 to 1.

    Raises:
        BadValue: for a number outside its range.
        BadName: for a word that there is not.

    Example:
        >>> import calando.watch.rules
        >>> rule = calando.watch.rules.plateau(patience=1, factor=0.5)
        >>> [rule.hear(step, {"val_loss": 1.0}) for step in (9, 19)]
        [None, None]
        >>> rule.hear(29, {"val_loss": 1.0})[0]
        'scale 0.5'

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau.
    """
    plan = reduce_on_plateau(
        constant(), factor=factor, patience=patience, cooldown=cooldown, threshold=threshold,
        threshold_mode=threshold_mode, mode=mode, min_scale=min_scale,
    )  # fmt: skip
    return Plateau(metric, plan.rule)
