"""What an argument of a plan may be: each kind checks a value, names its range, and spells it in text and JSON."""

import math
import numbers
from collections.abc import Iterable
from fractions import Fraction
from itertools import islice
from typing import Annotated, Any, Final, Protocol, TypeAlias

from calando.core.clock import LONGEST, Length, LengthLike, decimal_text, exact, length_of, whole
from calando.errors import BadName, BadValue, did_you_mean, shown

__all__ = ["Choice", "Flag", "Items", "Kind", "Lengths", "Number", "Optional", "Rational", "RealLengths", "Whole"]


class Kind(Protocol):
    """One kind of argument."""

    @property
    def allowed(self) -> str:
        """The range in words, for errors and the catalog."""

    def check(self, value: object, where: str) -> object:
        """The value in its one normal form, or BadValue."""

    def text(self, value: Any) -> str:
        """The spelling that the parser reads back."""

    def plain(self, value: Any) -> object:
        """The spelling in JSON."""


def number_text(value: float) -> str:
    """The shortest spelling of a float that reads back as the same float."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


class Number:
    """A finite float within bounds."""

    def __init__(self, low: float = 0.0, high: float = math.inf, above: bool = False) -> None:
        self.low, self.high, self.above = low, high, above
        bound = f"{'>' if above else '>='} {number_text(low)}"
        self.allowed = f"a finite number {bound}" + (f" and <= {number_text(high)}" if high < math.inf else "")

    def check(self, value: object, where: str) -> float:
        number = self._float(value)
        if number is None or not math.isfinite(number):
            raise BadValue(
                given=f"{shown(value)} ({type(value).__name__})",
                allowed=self.allowed,
                where=where,
                fix="give a plain finite number, not a text" if isinstance(value, str) else "give a finite number",
            )
        if number < self.low or number > self.high or (self.above and number == self.low):
            raise BadValue(
                given=number_text(number), allowed=self.allowed, where=where, fix="give a number in this range"
            )
        return number + 0.0  # -0.0 becomes 0.0, so that equal plans have equal spellings

    @staticmethod
    def _float(value: object) -> float | None:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return None
        try:
            return float(value)
        except (OverflowError, ValueError):
            return None

    def text(self, value: Any) -> str:
        return number_text(value)

    def plain(self, value: Any) -> object:
        return value


class Whole:
    """A whole number within bounds."""

    def __init__(self, low: int = 0, high: int = 2**53) -> None:
        self.low, self.high = low, high
        self.allowed = f"a whole number from {low} to {high if high < 2**53 else '2^53'}"

    def check(self, value: object, where: str) -> int:
        number = whole(value, where, self.allowed)
        if not self.low <= number <= self.high:
            given = str(number) if abs(number) < 10**30 else "a number beyond 1e30"
            raise BadValue(given=given, allowed=self.allowed, where=where, fix="give a number in this range")
        return number

    def text(self, value: Any) -> str:
        return str(value)

    def plain(self, value: Any) -> object:
        return value


class Rational:
    """A positive number kept as the exact decimal that is written, so that repeated growth gives exact boundaries."""

    allowed = "a finite number > 0"

    def __init__(self) -> None:
        self._number = Number(above=True, high=1e6)
        self.allowed = self._number.allowed

    def check(self, value: object, where: str) -> Fraction:
        mantissa, _, exponent = repr(self._number.check(value, where)).partition("e")
        return exact(mantissa, exponent or None)

    def text(self, value: Any) -> str:
        return decimal_text(value)

    def plain(self, value: Any) -> object:
        return int(value) if value.denominator == 1 else float(value)


class Flag:
    """True or false."""

    allowed = "true or false"

    def check(self, value: object, where: str) -> bool:
        if not isinstance(value, bool):
            raise BadValue(
                given=f"{shown(value)} ({type(value).__name__})",
                allowed=self.allowed,
                where=where,
                fix="give True or False",
            )
        return value

    def text(self, value: Any) -> str:
        return "true" if value else "false"

    def plain(self, value: Any) -> object:
        return value


class Choice:
    """One of a few words (or small numbers)."""

    def __init__(self, *options: str | int) -> None:
        self.options = options
        self.allowed = ", ".join(str(option) for option in options)

    def check(self, value: object, where: str) -> str | int:
        if isinstance(value, str | int) and not isinstance(value, bool):
            for option in self.options:
                if isinstance(value, type(option)) and option == value:
                    return option
        names = [option for option in self.options if isinstance(option, str)]
        hint = did_you_mean(value, names) if isinstance(value, str) else ""
        raise BadName(
            given=shown(value) + hint, allowed=self.allowed, where=where, fix="use one of these, spelled like this"
        )

    def text(self, value: Any) -> str:
        return str(value)

    def plain(self, value: Any) -> object:
        return value


class Lengths:
    """A length of time; `least` is the fewest steps it may stand for where that is known at once."""

    def __init__(self, least: int = 0) -> None:
        self.least = least
        self.allowed = "a length: whole steps or '5%', '3ep', '2e9tok', '64e6sa'" + (" (more than 0)" if least else "")

    def check(self, value: object, where: str) -> Length:
        length = length_of(value, where)
        if length.amount == 0 and self.least:
            raise BadValue(given=str(length), allowed=self.allowed, where=where, fix="give a length above zero")
        return length

    def text(self, value: Any) -> str:
        return str(value)

    def plain(self, value: Any) -> object:
        return str(value) if value.unit else int(value.amount)


class RealLengths:
    """A length that is never rounded to whole steps: a number of steps, kept as the exact decimal, or text."""

    def __init__(self, low: float = 0.0, above: bool = False) -> None:
        self._number = Number(low=low, high=float(LONGEST), above=above)
        self._lengths = Lengths(least=1 if above else 0)
        self.allowed = "steps, whole or not, or '5%', '3ep', '2e9tok', '64e6sa' (" + (
            "more than 0)" if above else "below 0, too)" if low < 0 else ">= 0)"
        )

    def check(self, value: object, where: str) -> Length:
        if isinstance(value, str) or (isinstance(value, Length) and value.unit):
            return self._lengths.check(value, where)
        given = value.amount if isinstance(value, Length) else value
        mantissa, _, exponent = repr(self._number.check(given, where)).partition("e")
        return Length(exact(mantissa, exponent or None))

    def text(self, value: Any) -> str:
        return str(value)

    def plain(self, value: Any) -> object:
        if value.unit:
            return str(value)
        return int(value.amount) if value.amount.denominator == 1 else float(value.amount)


class Optional:
    """Another kind, or None for "left out"."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.allowed = kind.allowed + ", or left out"

    def check(self, value: object, where: str) -> object:
        return None if value is None else self.kind.check(value, where)

    def text(self, value: Any) -> str:
        return self.kind.text(value)

    def plain(self, value: Any) -> object:
        return None if value is None else self.kind.plain(value)


class Items:
    """A sequence of one kind."""

    def __init__(self, kind: Kind, least: int = 1, most: int = 100_000) -> None:
        self.kind, self.least, self.most = kind, least, most
        self.allowed = f"a list of at least {least}, each {kind.allowed}"

    def check(self, value: object, where: str) -> tuple[object, ...]:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise BadValue(
                given=f"{shown(value)} ({type(value).__name__})",
                allowed=self.allowed,
                where=where,
                fix="give a list, in square brackets",
            )
        try:
            given = list(islice(value, self.most + 1))
        except TypeError as error:  # such as an array without a dimension
            raise BadValue(given=shown(value), allowed=self.allowed, where=where, fix="give a list") from error
        items = [self.kind.check(item, f"{where}[{i}]") for i, item in enumerate(given[: self.most])]
        if not self.least <= len(given) <= self.most:
            raise BadValue(
                given=f"{len(items)} entries" if len(items) < self.least else f"more than {self.most} entries",
                allowed=f"{self.least} to {self.most} entries",
                where=where,
                fix="give a list of that size",
            )
        return tuple(items)

    def text(self, value: Any) -> str:
        return "[" + ", ".join(self.kind.text(item) for item in value) + "]"

    def plain(self, value: Any) -> object:
        return [self.kind.plain(item) for item in value]


FACTOR: Final = Number()
ABOVE_ZERO: Final = Number(above=True)

Factor: TypeAlias = Annotated[float, FACTOR]
Positive: TypeAlias = Annotated[float, ABOVE_ZERO]
Switch: TypeAlias = Annotated[bool, Flag()]
Span: TypeAlias = Annotated[LengthLike, Lengths()]
PositiveSpan: TypeAlias = Annotated[LengthLike, Lengths(least=1)]
OptionalSpan: TypeAlias = Annotated[LengthLike | None, Optional(Lengths())]
Growth: TypeAlias = Annotated[float | Fraction, Rational()]
RealSpan: TypeAlias = Annotated[float | str | Fraction | Length, RealLengths(low=1e-6)]
RealOffset: TypeAlias = Annotated[float | str | Fraction | Length, RealLengths(low=-float(LONGEST))]
