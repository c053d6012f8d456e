"""What a train function says about itself, so that a command line need not."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from calando.errors import BadValue, shown
from calando.records.study import Mode

__all__ = ["Declared", "declare", "declared_by"]

Train = TypeVar("Train", bound=Callable[..., Any])
_MARK = "__calando__"


@dataclass(frozen=True, slots=True)
class Declared:
    """What `declare` was given; None where it was silent."""

    steps: int | None = None
    evals: int | None = None
    metric: str | None = None
    mode: Mode | None = None
    steps_per_epoch: int | None = None

    def mode_of(self, metric: str) -> Mode | None:
        """The declared mode, where it was not declared for another metric.

        >>> accuracy = Declared(metric="val_accuracy", mode="max")
        >>> accuracy.mode_of("val_accuracy"), accuracy.mode_of("val_loss")
        ('max', None)
        """
        return self.mode if self.metric in (None, metric) else None


def declare(
    *,
    steps: int | None = None,
    evals: int | None = None,
    metric: str | None = None,
    mode: Mode | None = None,
    steps_per_epoch: int | None = None,
) -> Callable[[Train], Train]:
    """Say what a train function needs; the command line's own options win over it.

    Args:
        steps: horizon of one run in updates, >= 1.
        evals: evaluations per run, >= 1, evenly spread, always one at the very end.
        metric: the logged name that is judged, "val_loss" unless given.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        steps_per_epoch: updates per pass over the data, >= 1; needed by lengths such as "3ep".

    Raises:
        BadValue: for a value outside its range.

    Example:
        >>> @declare(steps=400, evals=20)
        ... def train(run): ...
        >>> declared_by(train).steps
        400
    """
    for name, value in (("steps", steps), ("evals", evals), ("steps_per_epoch", steps_per_epoch)):
        given: object = value
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
            raise BadValue(
                given=f"{name}={shown(value)}",
                allowed="a whole number >= 1",
                where=f"declare.{name}",
                fix="give the number of optimizer updates" if name == "steps" else "give a positive whole number",
            )
    if mode not in (None, "min", "max"):
        raise BadValue(given=f"mode={shown(mode)}", allowed="'min' or 'max'", where="declare.mode", fix='use "min"')

    def mark(train: Train) -> Train:
        setattr(train, _MARK, asdict(Declared(steps, evals, metric, mode, steps_per_epoch)))
        return train

    return mark


def declared_by(train: object) -> Declared:
    """What the train function declares; nothing when it was not decorated.

    >>> declared_by(print)
    Declared(steps=None, evals=None, metric=None, mode=None, steps_per_epoch=None)
    """
    return Declared(**getattr(train, _MARK, {}))
