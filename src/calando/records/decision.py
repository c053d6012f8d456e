"""What a strategy decided, and why."""

from dataclasses import dataclass

__all__ = ["Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a strategy, with its reason in words.

    `phase` is the phase in which it fell, `about` the candidate's label ("" for all), `runs` how many finished
    runs it rests on.

    >>> Decision("short horizons", "out: 98 % sure worse than wsd() by more than 0.02", "cosine()", runs=12).about
    'cosine()'
    """

    phase: str
    text: str
    about: str = ""
    runs: int = 0
