"""Time: lengths as people write them, and the clock that turns them into whole steps."""

import re
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

from calando.errors import BadValue, DoesNotFit, shown

__all__ = ["LONGEST", "UNITS", "Clock", "Length", "LengthLike", "exact", "length_of", "round_half_up"]

LONGEST: Final = 2**53
"""Positions are exact integers up to here, the last one that every float64 can tell from its neighbour."""

UNITS: Final = {"": "steps", "%": "percent of the horizon", "ep": "epochs", "tok": "tokens", "sa": "samples"}

_SPELLING: Final = "whole steps (500) or text with a unit ('5%', '3ep', '2e9tok', '64e6sa')"
_TEXT: Final = re.compile(r"([0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE]([+-]?[0-9]{1,3}))?(%|ep|tok|sa)")
_PLACES: Final = 60
_LARGEST: Final = Fraction(10) ** 30


class Length(NamedTuple):
    """A stretch of time: an exact amount and its unit.

    Args:
        amount: how many, an exact fraction >= 0.
        unit: "" for steps, "%" (of the whole horizon), "ep", "tok" or "sa".

    >>> str(length_of("2.5%")), str(length_of(500))
    ('2.5%', '500')
    """

    amount: Fraction
    unit: str = ""

    def __str__(self) -> str:
        return decimal_text(self.amount) + self.unit

    def __repr__(self) -> str:
        return repr(str(self)) if self.unit else str(self)


LengthLike: TypeAlias = int | str | Length
"""What a user may write where a length is wanted."""


def exact(text: str, exponent: str | None) -> Fraction:
    """The decimal number as written, with no rounding at all."""
    return Fraction(text) * Fraction(10) ** int(exponent or 0)


def decimal_text(value: Fraction) -> str:
    """The shortest exact decimal spelling of a fraction that has one.

    >>> decimal_text(Fraction(5, 2)), decimal_text(Fraction(2_000_000_000))
    ('2.5', '2e9')
    """
    if value < 0:
        return "-" + decimal_text(-value)
    if value.denominator == 1:
        digits = str(value.numerator)
        zeros = len(digits) - len(digits.rstrip("0"))
        return f"{digits[:-zeros]}e{zeros}" if zeros >= 6 else digits
    places = 0
    scaled = value
    while scaled.denominator != 1 and places < 400:
        scaled *= 10
        places += 1
    if scaled.denominator != 1:
        return repr(float(value))
    digits = str(scaled.numerator)
    if places > 20:
        return f"{digits}e-{places}"
    digits = digits.rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def length_of(value: object, where: str = "length") -> Length:
    """Read a length from what a user wrote.

    Args:
        value: whole steps >= 0, a text with a unit, or a Length.
        where: the place to name in an error.

    Raises:
        BadValue: for anything else: a fraction of a step, a bare number as text, a negative or non-finite amount.

    >>> length_of("3ep")
    '3ep'
    """
    if isinstance(value, Length):
        _check_amount(value, where)
        return value
    if isinstance(value, str):
        match = _TEXT.fullmatch(value.strip()) if len(value) < 200 else None
        if match is None:
            raise BadValue(
                given=f"the text {shown(value)}",
                allowed=_SPELLING,
                where=where,
                fix="write steps as a whole number without quotes, everything else as a number and its unit",
            )
        length = Length(exact(match[1], match[2]), match[3])
        _check_amount(length, where)
        return length
    steps = whole(value, where, "a length is " + _SPELLING)
    length = Length(Fraction(steps))
    _check_amount(length, where)
    return length


def whole(value: object, where: str, allowed: str) -> int:
    """An exact integer from an int-like value; never from a bool, a float or a text."""
    index = getattr(type(value), "__index__", None)
    if index is None or isinstance(value, bool):
        raise BadValue(
            given=f"{shown(value)} ({type(value).__name__})",
            allowed=allowed,
            where=where,
            fix="give a whole number, or a share of the run as text such as '5%'",
        )
    try:
        return int(index(value))
    except (TypeError, ValueError) as error:
        raise BadValue(
            given=f"{shown(value)} ({type(value).__name__})", allowed=allowed, where=where, fix="give one whole number"
        ) from error


def _check_amount(length: Length, where: str) -> None:
    if not isinstance(length.amount, Fraction) or length.unit not in UNITS:
        raise BadValue(
            given=f"Length({shown(length.amount)}, {shown(length.unit)})",
            allowed=_SPELLING,
            where=where,
            fix="let Calando build the Length from a number or a text",
        )
    denominator = length.amount.denominator
    if denominator > 1 and (length.unit == "" or 10**_PLACES % denominator):
        raise BadValue(
            given=f"Length({shown(length.amount)}, {length.unit!r})",
            allowed=f"whole steps, or a decimal number of at most {_PLACES} places with a unit",
            where=where,
            fix="round it",
        )
    limit = {"": Fraction(LONGEST), "%": Fraction(100)}.get(length.unit, _LARGEST)
    if not 0 <= length.amount <= limit:
        most = {"": "2^53 steps", "%": "100%"}.get(length.unit, f"1e30{length.unit}")
        amount = str(length) if abs(length.amount) < _LARGEST else "a length beyond 1e30"
        raise BadValue(given=amount, allowed=f"0 to {most}", where=where, fix="use a length inside the run")


def round_half_up(value: Fraction) -> int:
    """The nearest integer, halves upwards: floor(value + 1/2).

    >>> round_half_up(Fraction(5, 2)), round_half_up(Fraction(7, 3))
    (3, 2)
    """
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


class Clock(NamedTuple):
    """The sizes that turn every unit into steps; `stretched` multiplies every length.

    Args:
        horizon: steps of the whole run, 1 to 2^53.
        steps_per_epoch: updates in an epoch, or None when not known.
        tokens_per_step: tokens an update consumes, or None.
        samples_per_step: samples an update consumes, or None.
        stretched: a factor > 0 on every length (used by `stretch` and `repeat`).
        piece: the exact length of the piece at hand, before it was rounded to whole steps; nothing in it is longer.

    >>> Clock(horizon=1000, steps_per_epoch=50).steps(length_of("3ep"), "here")
    Fraction(150, 1)
    """

    horizon: int
    steps_per_epoch: Fraction | None = None
    tokens_per_step: Fraction | None = None
    samples_per_step: Fraction | None = None
    stretched: Fraction = Fraction(1)
    piece: Fraction = Fraction(0)

    def steps(self, length: Length, where: str) -> Fraction:
        """The exact number of steps of a length, not yet rounded.

        Raises:
            DoesNotFit: when the size of the length's unit was not given to `bind`.
        """
        amount = length.amount * self.stretched
        if length.unit == "":
            return amount
        if length.unit == "%":
            return amount * self.horizon / 100
        name = {"ep": "steps_per_epoch", "tok": "tokens_per_step", "sa": "samples_per_step"}[length.unit]
        size: Fraction | None = getattr(self, name)
        if size is None:
            raise DoesNotFit(
                given=f"a length of {length} without {name}",
                allowed=f"{UNITS[length.unit]} need {name}",
                where=where,
                fix=f"pass {name}=... to bind",
            )
        return amount * size if length.unit == "ep" else amount / size

    def whole(self, length: Length, where: str, least: int = 0) -> int:
        """The length in whole steps, rounded half up and at least `least`.

        Raises:
            DoesNotFit: when it rounds to fewer steps than `least`.
        """
        steps = round_half_up(self.steps(length, where))
        if steps < least:
            raise DoesNotFit(
                given=f"{length}, which is {steps} steps of this run",
                allowed=f"at least {least} whole step" + ("s" if least > 1 else ""),
                where=where,
                fix="make it longer, or bind to a longer horizon",
            )
        return steps

    @classmethod
    def of(cls, horizon: int, *sizes: float | None) -> "Clock":
        """A clock from plain numbers: steps_per_epoch, tokens_per_step, samples_per_step.

        The run as a piece ends just before horizon + 1/2, which is the longest that rounds to the horizon.
        """
        exact_sizes = [None if size is None else Fraction(size) for size in sizes]
        whole_run = horizon + Fraction(1, 2) - Fraction(1, 2**100)
        return cls(horizon, exact_sizes[0], exact_sizes[1], exact_sizes[2], piece=whole_run)

    def interval(self, length: Length, where: str, whole: bool) -> int | float:
        """The length of an interval > 0: whole steps where values change at its ends, else as exact as a float is.

        Raises:
            DoesNotFit: when whole steps are wanted and it rounds to none.
        """
        if whole:
            return self.whole(length, where, least=1)
        exact_steps = self.steps(length, where)
        return int(exact_steps) if exact_steps.denominator == 1 else float(exact_steps)

    def stretch(self, by: Fraction) -> "Clock":
        """The same clock with every length multiplied by `by`."""
        return self._replace(stretched=self.stretched * by)

    def inside(self, piece: Fraction) -> "Clock":
        """The same clock for a piece of that exact length."""
        return self._replace(piece=piece)

    def within(self, steps: int) -> "Clock":
        """The same clock with `%` meaning a share of a piece of `steps` steps."""
        return self._replace(horizon=steps, stretched=Fraction(1))
