"""Other places that numbers go to: whatever tracker the user hands over, known by its methods."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from calando.errors import BadValue, shown

__all__ = ["Sinks", "sink_of", "warn"]

Put = Callable[[int, Mapping[str, float]], None]


def sink_of(given: Any) -> Put:
    """A function of (step, numbers) that hands numbers to a tracker.

    Known are: TensorBoard's SummaryWriter (`add_scalar`), runs of W&B and trackio or these modules themselves (`log`),
    mlflow, its client-less module, and loggers of Lightning (`log_metrics`), and any function of (step, numbers).

    Args:
        given: the object.

    Raises:
        BadValue: for anything else.

    Example:
        >>> seen = []
        >>> sink_of(lambda step, numbers: seen.append((step, dict(numbers))))(3, {"loss": 0.5})
        >>> seen
        [(3, {'loss': 0.5})]
    """
    for name in ("log_metrics", "log"):
        if callable(getattr(given, name, None)):
            return _whole(getattr(given, name))
        if callable(getattr(given, "add_scalar", None)):
            return _one_by_one(given.add_scalar)
    if callable(given) and not isinstance(given, type):
        put: Put = given
        return put
    raise BadValue(
        given=f"the sink {shown(given)} ({type(given).__name__})",
        allowed="a SummaryWriter, a run of W&B or trackio, mlflow, or a function of (step, numbers)",
        where="watch(sinks)",
        fix="hand over the object that you log to yourself",
    )


def _whole(log: Callable[..., Any]) -> Put:
    def put(step: int, numbers: Mapping[str, float]) -> None:
        log(dict(numbers), step=step)

    return put


def _one_by_one(add: Callable[..., Any]) -> Put:
    def put(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            add(name, value, step)

    return put


class Sinks:
    """Several of them. One that fails is told of once and left out from then on; the run goes on.

    >>> sinks = Sinks([])
    >>> sinks.put(0, {"loss": 1.0})
    []
    """

    def __init__(self, given: Iterable[Any]) -> None:
        if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
            given = [given]
        self._sinks = [(one, sink_of(one)) for one in given]

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def put(self, step: int, numbers: Mapping[str, float]) -> list[str]:
        """Hand numbers on; gives what went wrong."""
        wrong = []
        for pair in tuple(self._sinks):
            try:
                pair[1](step, numbers)
            except Exception as error:  # noqa: BLE001 - a tracker may raise anything, and the run is worth more
                self._sinks.remove(pair)
                wrong.append(f"the sink {type(pair[0]).__name__} failed and is left out: {shown(error)}")
        for text in wrong:
            warn(text)
        return wrong


def warn(text: str) -> None:
    """Tell the user, and never stop the run for it."""
    with suppress(UserWarning):
        warnings.warn(text, UserWarning, stacklevel=4)
