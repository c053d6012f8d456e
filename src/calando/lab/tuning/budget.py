"""Reading a budget, and what of it goes where."""

import math
import re
from dataclasses import dataclass

from calando.errors import BadValue, shown

__all__ = ["PROOF", "Budget", "proving", "read_budget", "unproven"]

_TEXT = re.compile(
    r"\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*(k|m)?\s*(s|sec|min|m|h|d|runs?|steps?|updates)?\s*", re.IGNORECASE
)
_CLOCK = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FIX = 'write "45m" or "2h" (time), "20runs" (full runs) or "100k steps" (updates)'

PROOF = 3
"""Fresh paired seeds below which an interval says next to nothing: then nothing is kept for proving."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget as it was written, in one of three units.

    >>> Budget("20runs", runs=20).in_steps(1000)
    20000
    """

    text: str
    steps: int | None = None
    runs: float | None = None
    seconds: float | None = None

    def in_steps(self, horizon: int) -> int | None:
        """The budget in updates; None for one by the clock."""
        if self.runs is not None:
            return int(self.runs * horizon)
        return self.steps


def read_budget(given: object, where: str = "tune.budget") -> Budget:
    """A budget from what the user wrote.

    Args:
        given: "45m", "2h", "90s" (time); "20runs" (full runs); "100k steps", or a whole number (updates); each > 0.

    Raises:
        BadValue: for anything else.

    Example:
        >>> read_budget("45m").seconds, read_budget("100k steps").steps, read_budget("20runs").runs
        (2700.0, 100000, 20.0)
    """
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return Budget(f"{given} steps", steps=given)
    text = given.strip() if isinstance(given, str) else ""
    match = _TEXT.fullmatch(text) if len(text) < 100 else None
    if match is None or not 0 < (amount := float(match[1])) < 1e15:
        raise _unread(given, where)
    unit = (match[3] or "").lower()
    thousands = {"k": 1e3, "m": 1e6}.get((match[2] or "").lower(), 1.0)
    if match[2] and not unit and match[2].lower() == "m":  # "45m" is minutes
        unit, thousands = "m", 1.0
    if unit in _CLOCK and thousands == 1.0:
        return Budget(text, seconds=amount * _CLOCK[unit])
    if unit.startswith("run") and thousands == 1.0:
        return Budget(text, runs=amount)
    if unit.startswith(("step", "update")) and amount * thousands >= 1:
        return Budget(text, steps=int(amount * thousands))
    raise _unread(given, where)


def _unread(given: object, where: str) -> BadValue:
    return BadValue(
        given=f"the budget {shown(given)}",
        allowed="a time, a number of full runs, or a number of updates, above 0",
        where=where,
        fix=_FIX,
    )


def proving(budget: float, prove: float, seeds: int) -> int:
    """Fresh seeds for the winner and what it is held against, so that choosing keeps the larger part.

    Formula: floor(prove * budget / 2), none where that is below three: an interval of two seeds proves nothing.

    Args:
        budget: in full runs, >= 0.
        prove: share of it, in [0, 1).
        seeds: fresh seeds there are, >= 0.

    >>> proving(18, 0.2, 8), proving(30, 0.2, 8), proving(200, 0.2, 8)
    (0, 3, 8)
    """
    count = min(seeds, math.floor(prove * budget / 2 + 1e-9))
    return count if count >= PROOF else 0


def unproven(prove: float, seeds: int, rival: object) -> str:
    """Why nothing is run on fresh seeds.

    >>> unproven(0.25, 1, "cosine()")
    'none: fewer than 3 fresh seeds are allowed, which prove nothing'
    >>> unproven(0.25, 8, "cosine()")
    'none: the budget is too small to prove anything'
    """
    if rival is None:
        return "none: there is nothing to hold the choice against"
    if not prove:
        return "none: no part of the budget is kept for it"
    if seeds < PROOF:
        return f"none: fewer than {PROOF} fresh seeds are allowed, which prove nothing"
    return "none: the budget is too small to prove anything"
