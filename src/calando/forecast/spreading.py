"""Ranges in text: `wsd(cooldown=20%..80%)` as several plans, `3e-4..3e-3` as several peaks."""

import math
import re
from itertools import product
from typing import Final

from calando.core.text import parse
from calando.errors import BadValue, shown

__all__ = ["MOST", "peaks_of", "plans_of", "rate_of"]

NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RANGE: Final = re.compile(rf"(?P<low>{NUMBER})(?P<unit>%|ep|tok|sa|)\.\.(?P<high>{NUMBER})(?P<last>%|ep|tok|sa|)")
POINTS: Final = 4
"""Plans that a range stands for, its ends included."""
MOST: Final = 1000
"""Plans that one text may stand for."""


def plans_of(text: str) -> list[str]:
    """The plans that a text stands for: itself, or one for each of four even points of every `low..high` in it.

    Args:
        text: a plan's text, in which any number or length may be a range.

    Raises:
        BadValue: for a range whose ends are the same, or in different units, or for more than 1,000 plans.
        PlanError: what the plan's parser raises.

    Example:
        >>> plans_of("wsd(cooldown=30%..90%)")
        ['wsd(cooldown=30%)', 'wsd(cooldown=50%)', 'wsd(cooldown=70%)', 'wsd(cooldown=90%)']
        >>> plans_of("cosine")
        ['cosine()']
    """
    ranges = list(RANGE.finditer(text))
    if POINTS ** len(ranges) > MOST:
        raise BadValue(
            given=f"{len(ranges)} ranges in {shown(text)}", allowed=f"ranges that stand for at most {MOST:,} plans",
            where="plans", fix="write fewer ranges, or the plans one by one",
        )  # fmt: skip
    found = []
    for chosen in product(*(_points(one, text) for one in ranges)):
        parts, at = [], 0
        for one, value in zip(ranges, chosen, strict=True):
            parts += [text[at : one.start()], value]
            at = one.end()
        plan = str(parse("".join(parts) + text[at:]))
        if plan not in found:
            found.append(plan)
    return found


def peaks_of(text: str) -> list[float]:
    """The peaks that a text stands for: one learning rate, or those from `low..high`, at most a factor 1.5 apart.

    Args:
        text: a rate > 0, or `low..high` with low < high.

    Raises:
        BadValue: for anything else, or a range of more than six decades.

    Example:
        >>> [float(f"{peak:.3g}") for peak in peaks_of("1e-3..4e-3")]
        [0.001, 0.00141, 0.002, 0.00283, 0.004]
        >>> peaks_of("3e-4")
        [0.0003]
    """
    low, dots, high = text.strip().partition("..")
    words = {
        "given": f"the peak {shown(text)}",
        "allowed": "a finite learning rate > 0, or low..high",
        "where": "peaks",
        "fix": "write for example 3e-4, or 3e-4..3e-3",
    }
    ends = [rate_of(end, **words) for end in (low, high if dots else low)]
    if not dots:
        return ends[:1]
    if not ends[0] < ends[1] <= 1e6 * ends[0]:
        raise BadValue(
            given=f"the peaks {shown(text)}", allowed="low..high with low < high, at most six decades apart",
            where="peaks", fix="write for example 3e-4..3e-3",
        )  # fmt: skip
    parts = max(2, math.ceil(2 * math.log2(ends[1] / ends[0]) - 1e-9))
    inner = [ends[0] * (ends[1] / ends[0]) ** (i / parts) for i in range(1, parts)]
    return [ends[0], *(float(f"{peak:.6g}") for peak in inner), ends[1]]


def _points(one: "re.Match[str]", text: str) -> list[str]:
    unit = one["unit"] or one["last"]
    low, high = float(one["low"]), float(one["high"])
    if not low < high or (one["unit"] and one["unit"] != one["last"]):
        raise BadValue(
            given=f"the range {one[0]} in {shown(text)}", allowed="low..high with low < high, both in one unit",
            where="plans", fix="write for example wsd(cooldown=20%..80%)",
        )  # fmt: skip
    values = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
    if one["low"].isdigit() and one["high"].isdigit() and high - low >= POINTS - 1:
        values = [float(round(value)) for value in values]  # updates, or percent: whole as they were written
    return [f"{value:.15g}{unit}" if value.is_integer() else f"{value:.6g}{unit}" for value in values]


def rate_of(text: str, *, given: str, allowed: str, where: str, fix: str) -> float:
    """A learning rate in text, a finite number > 0; or BadValue in these four parts.

    >>> rate_of(" 3e-4", given="the peak", allowed="a rate", where="peaks", fix="write a rate")
    0.0003
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BadValue(given=given, allowed=allowed, where=where, fix=fix)
    return value
