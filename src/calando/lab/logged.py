"""What a train function logs: names and numbers that can be kept, and losses that do not come back."""

from typing import Any

from calando.errors import BadValue, shown
from calando.records.naming import check_name

__all__ = ["Explosion", "read_name", "read_number"]

EXPLODED = 1e3  # a loss this many times its scale does not come back
NEARLY_NOTHING = 1e-2  # a first loss below this says nothing about the scale of those that follow
LOOKED_AT = 3  # so many first values then tell the scale


def read_name(given: object, where: str = "run.log") -> str:
    """A metric's name; raises BadValue unless it is printable text of 1 to 200 characters.

    >>> read_name("val_loss")
    'val_loss'
    """
    return check_name(given, "metric", where)


def read_number(name: str, given: Any) -> float:
    """One number as a float, whatever the framework keeps it in; raises BadValue for anything else.

    >>> read_number("loss", 2)
    2.0
    """
    if isinstance(given, str | bytes | bytearray):
        raise _no_number(name, given)  # float("0.5") is a number, the text is a mistake
    try:
        detach = getattr(given, "detach", None)
        return float(given if detach is None else detach())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise _no_number(name, given) from error


def _no_number(name: str, given: object) -> BadValue:
    return BadValue(
        given=f"{name}={shown(given)}",
        allowed="one number that a float can hold",
        where="run.log",
        fix=f"log {name}.mean() or float({name})",
    )


class Explosion:
    """Tells when a loss has left its scale upwards; a loss that falls, however far, is none.

    The scale is the size of the first value, at least 1. A first value under 0.01 tells nothing about
    the values to come (a penalty that begins at 0), so there the largest of the first three counts.

    >>> falling, rising = Explosion(2.0), Explosion(2.0)
    >>> falling.at(-5000.0), rising.at(1999.0), rising.at(2001.0)
    (False, False, True)
    """

    def __init__(self, first: float) -> None:
        self.first = first
        self._scale = max(abs(first), 1.0)
        self._left = LOOKED_AT - 1 if abs(first) < NEARLY_NOTHING else 0

    @property
    def state(self) -> tuple[float, float, int]:
        """All that it remembers."""
        return self.first, self._scale, self._left

    @classmethod
    def again(cls, first: float, scale: float, left: int) -> "Explosion":
        """One that remembers what another did."""
        one = cls(first)
        one._scale, one._left = scale, left
        return one

    def at(self, value: float) -> bool:
        """Whether this next value is beyond all bounds."""
        if self._left:
            self._left -= 1
            self._scale = max(self._scale, abs(value))
        return value > EXPLODED * self._scale
