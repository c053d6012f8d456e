"""A reason why a law may not hold for some curves, with its evidence in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["CONSEQUENCES", "Consequence", "Doubt"]

Consequence = Literal["refuse", "widen"]
CONSEQUENCES: tuple[Consequence, ...] = ("refuse", "widen")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a law may not hold.

    Args:
        name: of the kind of doubt, one of those that `doubts_of` lists.
        consequence: "refuse" where a forecast would be a guess, "widen" where its bands are too narrow.
        words: what was seen, with its numbers, and what to do, as sentences.
        numbers: the evidence by name: shares of the loss, counts, updates.
        curves: names of the curves in which it was seen; of "rises again" the plans that were asked for.

    Example:
        >>> doubt = Doubt("few losses", "widen", "a: 5 losses.", {"losses": 5.0}, ("a",))
        >>> doubt.refuses, doubt.numbers["losses"]
        (False, 5.0)
    """

    name: str
    consequence: Consequence
    words: str
    numbers: Mapping[str, float]
    curves: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", MappingProxyType(dict(self.numbers)))

    @property
    def refuses(self) -> bool:
        """Whether a forecast would be a guess."""
        return self.consequence == "refuse"
