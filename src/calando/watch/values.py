"""What a loop logs, as floats: read at once where that costs nothing, later where a device had to be waited for."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from calando.errors import BadValue, shown

__all__ = ["Later", "read", "resolved"]

MOST_KINDS = 200


class Later:
    """A number that a device is still to give: kept apart from what the loop goes on to change."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def now(self) -> float:
        """The number; waits for the device."""
        return float(self.value)


def read(name: str, given: Any) -> "float | Later":
    """One number, whatever the framework keeps it in.

    Args:
        name: what it is logged as, for the message.
        given: a number, or an array or tensor of one. One on another device than the processor is copied there and
            read later; one that is still being computed is read when it is done.

    Raises:
        BadValue: for anything else.

    >>> import numpy
    >>> read("loss", 2), read("loss", numpy.float32(0.5)), read("loss", numpy.ones((1, 1)))
    (2.0, 0.5, 1.0)
    """
    reader = _READERS.get(given.__class__) or _known(given)
    try:
        return reader(given)
    except (TypeError, ValueError, RuntimeError, OverflowError, AttributeError) as error:
        raise BadValue(
            given=f"{name}={shown(given)}",
            allowed="one number that a float can hold",
            where="Watched.log",
            fix=f"log {name}.mean() or float({name})",
        ) from error


_READERS: dict[type, "Callable[[Any], float | Later]"] = {}


def _known(given: Any) -> "Callable[[Any], float | Later]":
    if len(_READERS) > MOST_KINDS:
        _READERS.clear()
    reader = _READERS[given.__class__] = _reader(given)
    return reader


def _reader(given: Any) -> "Callable[[Any], float | Later]":
    if isinstance(given, str | bytes | bytearray):
        return _no_number  # float("0.5") is a number, the text is a mistake
    if hasattr(given, "detach") and hasattr(given, "is_cpu"):
        return _tensor
    if hasattr(given, "is_ready") and hasattr(given, "block_until_ready"):
        return _promised
    return _item if hasattr(given, "item") else float


def _no_number(_: Any) -> float:
    raise TypeError("text")


def _item(given: Any) -> float:
    return float(given.item())


def _tensor(given: Any) -> "float | Later":
    if given.is_cpu:
        return float(given.item())
    if given.numel() != 1:
        raise ValueError("several numbers")
    return Later(given.detach().reshape(()).clone())


def _promised(given: Any) -> "float | Later":
    if given.size != 1:
        raise ValueError("several numbers")
    return float(given.item()) if given.is_ready() else Later(given.reshape(()))


def resolved(later: Sequence[Later]) -> list[float]:
    """Their numbers; a device's are fetched in one go where they are of one kind.

    >>> resolved([Later(1.5), Later(2)])
    [1.5, 2.0]
    """
    torch = sys.modules.get("torch")
    kinds = {(getattr(one.value, "dtype", None), getattr(one.value, "device", None)) for one in later}
    if len(later) > 1 and torch is not None and len(kinds) == 1 and isinstance(later[0].value, torch.Tensor):
        return [float(value) for value in torch.stack([one.value for one in later]).tolist()]
    return [one.now() for one in later]
