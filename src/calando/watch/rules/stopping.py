"""Early stop, by steering: end a run that no longer improves, or cool it down first."""

from collections.abc import Mapping
from typing import Any, Literal

from calando.core.feedback import PlateauState
from calando.core.steering import Extend, Undo, read_change
from calando.errors import BadState, BadValue, shown
from calando.records.live import Event
from calando.watch.rules.plateaus import plateau

__all__ = ["EarlyStop", "early_stop"]


class EarlyStop:
    """What `calando.watch.rules.early_stop` gives: a rule for `calando.watch(rules=[...])`."""

    name = "early_stop"

    def __init__(
        self, metric: str, patience: int, threshold: float, mode: Literal["min", "max"], then: str, after: int
    ):
        self.metric, self.then, self.after = metric, then, after
        self._rule = plateau(metric, factor=0.5, patience=patience, threshold=threshold, mode=mode).rule
        self._state: PlateauState = self._rule.initial()
        self._ordered = False

    def hear(self, step: int, numbers: Mapping[str, float]) -> tuple[str, str] | None:
        """The command, once, when the metric was no better for long enough.

        Args:
            step: the update just made, counted from 0.
            numbers: mapping of names to numbers, what was logged.
        """
        if self._ordered or self.metric not in numbers or step < self.after:
            return None
        before = self._state
        self._state = self._rule.update(before, numbers[self.metric])
        if self._state.scale == before.scale:
            return None
        self._state = self._state._replace(scale=1.0)
        self._ordered = True
        best = "none was finite" if before.best is None else f"none better than {before.best:.6g}"
        return self.then, f"of the last {before.bad + 1} values of {self.metric} {best}"

    def answered(self, event: Event) -> None:
        """What became of the command: one that was refused is given again, when it is due again.

        Args:
            event: object, the record's.
        """
        self._ordered = event.kind == "applied"

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain data for a checkpoint."""
        return {**self._rule.to_plain(self._state), "ordered": self._ordered}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Args:
            state: dict of numbers.

        Raises:
            BadState: for anything else.
        """
        if not isinstance(state, dict) or not isinstance(state.get("ordered"), bool):
            raise BadState(
                given=shown(state),
                allowed="what state_dict wrote",
                where="early_stop state",
                fix="begin with a new rule",
            )
        self._state = self._rule.from_plain({key: value for key, value in state.items() if key != "ordered"})
        self._ordered = state["ordered"]


def early_stop(
    metric: str = "val_loss",
    *,
    patience: int = 10,
    threshold: float = 0.0,
    mode: Literal["min", "max"] = "min",
    then: str = "stop",
    after: int = 0,
) -> EarlyStop:
    """Stop a run whose metric no longer improves, or cool it down: at a high rate, a cooldown gains what a stop leaves.

    Args:
        metric: name of what is logged and listened to.
        patience: number of values without improvement that are borne, >= 0.
        threshold: share of the best value that counts as an improvement, >= 0.
        mode: "min" or "max", the direction of better.
        then: text of the command: "stop", "cooldown 10%", or "scale 0.1".
        after: number of updates during which nothing is listened to, such as the warm-up, >= 0.

    Raises:
        BadValue: for a number outside its range, or a command that ends nothing.
        BadText: for what is no command.

    Example:
        >>> import calando.watch.rules
        >>> rule = calando.watch.rules.early_stop(patience=0, then="cooldown 10%")
        >>> rule.hear(9, {"val_loss": 1.0})
        >>> rule.hear(19, {"val_loss": 1.5})
        ('cooldown 10%', 'of the last 1 values of val_loss none better than 1')
    """
    change = read_change(then)
    if isinstance(change, Undo | Extend):
        raise BadValue(
            given=f"then={shown(then)}", allowed="stop, cooldown LENGTH or scale NUMBER", where="early_stop(then)",
            fix='write then="cooldown 10%"',
        )  # fmt: skip
    if isinstance(after, bool) or not isinstance(after, int) or after < 0:
        raise BadValue(
            given=f"after={shown(after)}", allowed="a whole number of updates >= 0", where="early_stop(after)",
            fix="leave it out",
        )  # fmt: skip
    return EarlyStop(metric, patience, threshold, mode, str(change), after)
