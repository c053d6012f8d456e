"""How numbers, counts, shares and intervals are written."""

from collections.abc import Sequence
from decimal import Decimal

from calando.errors import counted
from calando.records.result import Interval

__all__ = ["interval_text", "joined", "number", "share"]


def number(value: float) -> str:
    """Four significant digits, without an exponent where that reads well.

    >>> number(0.123456), number(1e-9), number(-12345.6)
    ('0.1235', '1e-09', '-1.235e+04')
    """
    return f"{value:.4g}"


def joined(names: Sequence[str], last: str = "and") -> str:
    """A list as people write it.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}" if names else "none"


def share(part: float | Decimal) -> str:
    """A part of one in percent, in full, so that what is less than all never reads as all of it.

    >>> share(0.95), share(0.999999999)
    ('95 %', '99.9999999 %')
    """
    return f"{(Decimal(str(part)) * 100).normalize():f} %"


def interval_text(interval: Interval) -> str:
    """A mean difference with its interval.

    >>> interval_text(Interval(-0.5, -0.6, -0.4, confidence=0.95, n=5))
    '-0.5 [-0.6, -0.4] (95 %, 5 paired seeds)'
    """
    seeds = counted(interval.n, "paired seed")
    return f"{interval.mean:+.4g} [{interval.low:+.4g}, {interval.high:+.4g}] ({share(interval.confidence)}, {seeds})"
