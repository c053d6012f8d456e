"""At which updates a run is evaluated."""

from functools import lru_cache

__all__ = ["evaluation_steps"]


@lru_cache(maxsize=4096)
def evaluation_steps(evals: int, horizon: int) -> tuple[int, ...]:
    """The updates, counted from 0, after which a run is evaluated: evenly spaced, the last one at the very end.

    Formula: round_half_up(i * horizon / e) - 1 for i = 1 to e, with e = min(evals, horizon).

    >>> evaluation_steps(4, 100)
    (24, 49, 74, 99)
    """
    every = min(evals, horizon)
    return tuple((2 * i * horizon + every) // (2 * every) - 1 for i in range(1, every + 1))
