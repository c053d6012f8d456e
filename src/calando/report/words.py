"""Numbers as people read them, one spelling each for page and terminal."""

from __future__ import annotations

import math

from calando.errors import counted as count
from calando.errors import tame
from calando.records.diagnosis import short
from calando.records.result import Interval

__all__ = [
    "at_peak",
    "count",
    "cut",
    "duration",
    "interval_text",
    "megabytes",
    "part_of",
    "peak_text",
    "percent",
    "rounded",
    "signed",
    "tame",
    "times",
    "were",
]

LONG = 200
"""Letters of a label that are shown; the whole is a hover away on the page."""


def duration(seconds: float) -> str:
    """Seconds in the largest two units.

    >>> duration(0.25), duration(75), duration(7400)
    ('0.2 s', '1 min 15 s', '2 h 3 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600:,} h {int(seconds) % 3600 // 60} min"


def peak_text(peak: float | None, digits: int | None = None) -> str:
    """A peak learning rate, in full or to so many digits.

    >>> peak_text(0.003), peak_text(0.0012345, 3), peak_text(None)
    ('3e-3', '1.23e-3', 'own rates')
    """
    return "own rates" if peak is None else short(peak if digits is None else float(f"{peak:.{digits}g}"))


def at_peak(peak: float | None) -> str:
    """Where a run was made, as the middle of a sentence.

    >>> at_peak(0.003), at_peak(None)
    ('peak 3e-3', 'own rates')
    """
    return "own rates" if peak is None else f"peak {short(peak)}"


def percent(share: float) -> str:
    """A share in percent, never rounded up to all of it.

    >>> percent(0.95), percent(0.999), percent(0.99999999)
    ('95 %', '99.9 %', '99.999999 %')
    """
    return f"{100 * share:.14g} %"


def part_of(some: int, whole: int) -> str:
    """How much of the whole some is, to a tenth of a percent, never rounded up to all of it.

    >>> part_of(1, 3), part_of(99_999, 100_000), part_of(7, 7)
    ('33.3 %', '99.9 %', '100 %')
    """
    share = round(some / whole, 3)
    return percent(min(share, 0.999) if some < whole else share)


def cut(text: str, limit: int = LONG) -> str:
    """A text short enough for its place: the middle goes, since names of one family differ at their ends.

    >>> cut("abcdefghij", 6)
    'abc … ij'
    """
    if len(text) <= limit:
        return text
    return f"{text[: limit - limit // 3 - 1]} … {text[-(limit // 3) :]}"


def digits(scale: float) -> int:
    """Decimals that show a number to two digits of its uncertainty.

    >>> digits(0.012), digits(3.0)
    (3, 1)
    """
    if not math.isfinite(scale) or scale <= 0:
        return 4
    return max(0, min(9, 1 - math.floor(math.log10(scale))))


def rounded(value: float | None, scale: float | None = None) -> str:
    """A value with as many decimals as its uncertainty bears; a dash for none.

    >>> rounded(0.123456, 0.0123), rounded(0.123456), rounded(None)
    ('0.123', '0.1235', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if scale is None:
        return f"{value:.4g}"
    if abs(value) >= 1e6 or (scale < 1e-8 and scale > 0):
        return short(value)
    return f"{value:.{digits(scale)}f}"


def signed(value: float, scale: float) -> str:
    """A difference with its sign, and a true minus.

    >>> signed(-0.0123, 0.004), signed(0.5, 0.1)
    ('−0.0123', '+0.50')
    """
    text = rounded(abs(value), scale)
    return ("−" if value < 0 else "+") + text


def interval_text(interval: Interval) -> str:
    """A difference with its interval.

    >>> interval_text(Interval(-0.142, -0.171, -0.113, 0.95, 4))
    '−0.142 [−0.171, −0.113]'
    """
    half = (interval.high - interval.low) / 2
    low, high = signed(interval.low, half), signed(interval.high, half)
    return f"{signed(interval.mean, half)} [{low}, {high}]"


def were(number: int, noun: str, done: str) -> str:
    """A count with its verb.

    >>> were(1, "snapshot", "written"), were(2, "snapshot", "written")
    ('1 snapshot was written', '2 snapshots were written')
    """
    return f"{count(number, noun)} {'was' if number == 1 else 'were'} {done}"


def megabytes(size: float) -> str:
    """Bytes in the unit that reads best.

    >>> megabytes(2_500), megabytes(3_200_000), megabytes(7e9)
    ('0.0025 MB', '3.2 MB', '7 GB')
    """
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"


def times(factor: float) -> str:
    """A saving as a multiple, or in percent where it is small.

    >>> times(2.5), times(1.05)
    ('2.5 times fewer', '4.8 % fewer')
    """
    return f"{factor:.1f} times fewer" if factor >= 1.1 else f"{100 * (1 - 1 / factor):.2g} % fewer"
