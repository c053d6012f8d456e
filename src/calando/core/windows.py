"""The windows of averages of weights, as every front door takes them."""

from collections.abc import Sequence

from calando.errors import BadValue, shown

__all__ = ["WINDOWS", "check_windows"]

WINDOWS = (0.01, 0.05, 0.2)
"""Shares of the updates so far that are averaged over unless others are asked for."""


def check_windows(given: object) -> tuple[float, ...]:
    """The windows of `averages(windows)`, or BadValue.

    >>> check_windows([0.05, 0.2])
    (0.05, 0.2)
    """
    chosen = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in chosen)
    if not chosen or not numbers or not all(0 < one <= 0.5 for one in chosen) or len(set(chosen)) < len(chosen):
        raise BadValue(
            given=f"windows={shown(given)}",
            allowed="different shares above 0, at most 0.5",
            where="averages(windows)",
            fix="leave it out for 0.01, 0.05 and 0.2",
        )
    return chosen
