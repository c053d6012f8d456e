"""What a law said of schedules that it had not seen, beside what those gave: plain, frozen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Foretold", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """One schedule's final metric as foretold from the others, with its band, and as its own runs gave it."""

    plan: str
    peak: float
    loss: float
    low: float
    high: float
    actual: float
    seeds: int

    @property
    def inside(self) -> bool:
        """Whether the actual mean lies in the band."""
        return self.low <= self.actual <= self.high


@dataclass(frozen=True, slots=True)
class Foretold:
    """Forecast against actual, in the order of the forecast; `doubts` say why not to believe it.

    `runs` full runs were there to fit; `level` is the share that the bands are to hold.
    """

    rows: tuple[Told, ...]
    runs: int
    level: float
    doubts: tuple[str, ...] = ()

    @property
    def inside(self) -> int:
        """How many of the actual values lie in their bands."""
        return sum(row.inside for row in self.rows)

    @property
    def agreement(self) -> float | None:
        """The share of pairs that forecast and actual put in the same order; None for fewer than two rows.

        >>> row = Told("a", 1.0, 1.0, 0.9, 1.1, 2.0, 1)
        >>> Foretold((row, Told("b", 1.0, 1.5, 1.0, 2.0, 3.0, 1)), 4, 0.8).agreement
        1.0
        """
        pairs = [(a, b) for i, a in enumerate(self.rows) for b in self.rows[i + 1 :] if a.actual != b.actual]
        same = sum((a.loss < b.loss) == (a.actual < b.actual) for a, b in pairs)
        return same / len(pairs) if pairs else None
