"""The windows of averages of weights, as every front door takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from calando.errors import BadState, BadValue, LabError, shown

__all__ = ["WINDOWS", "bad_averages", "check_every", "check_windows", "head_of", "nothing_averaged"]

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


def check_every(given: object) -> int:
    """The number of updates of `averages(every)`, or BadValue.

    >>> check_every(10)
    10
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise BadValue(
            given=f"every={shown(given)}",
            allowed="a whole number of updates >= 1",
            where="averages(every)",
            fix="leave it out",
        )
    return given


def nothing_averaged(fix: str, what: str = "weights") -> LabError:
    """The error of an evaluation before anything was taken in.

    >>> nothing_averaged("call update()").given
    'averages of nothing'
    """
    allowed = f"averages that took {what} in"
    return LabError(given="averages of nothing", allowed=allowed, where="Averages.evaluate", fix=fix)


def head_of(state: Mapping[str, Any], windows: Sequence[float]) -> tuple[int, int, list[str]]:
    """How many times weights were taken in, the calls, and the windows of a state of averages, or BadState.

    >>> head_of({"count": 1, "calls": 2, "kept": [["0.2", []]]}, [0.2])
    (1, 2, ['0.2'])
    """
    try:
        theirs = [name for name, _ in state["kept"]]
        count, calls = int(state["count"]), int(state["calls"])
    except (TypeError, KeyError, ValueError) as error:
        raise bad_averages(state, windows) from error
    if count < 0 or calls < 0:
        raise bad_averages(theirs, windows)
    return count, calls, theirs


def bad_averages(given: object, windows: Sequence[float]) -> BadState:
    """The error of a state that belongs to other averages.

    >>> bad_averages(["0.1"], [0.2]).allowed
    "the state of averages over 0.2 of this model's weights"
    """
    return BadState(
        given=shown(given),
        allowed=f"the state of averages over {', '.join(map(repr, windows))} of this model's weights",
        where="Averages.load_state_dict",
        fix="ask for averages over the same windows, of the same model",
    )
