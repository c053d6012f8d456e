"""Where the marks of the small charts stand: positions in percent, for charts drawn as HTML and SVG alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calando.report.page import Page, Phase, Row

__all__ = ["Bar", "Forest", "Mark", "Scale", "Tick", "cost_bars", "forest", "phase_bars", "reach_strip", "ticks"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis from `low` to `high`, inset a little so that marks at the ends are whole."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()

    def at(self, value: float) -> float:
        """The place of a value in percent.

        >>> Scale(0.0, 10.0).at(5.0)
        50.0
        """
        span = (self.high - self.low) or 1.0
        return round(2 + 96 * min(1.0, max(0.0, (value - self.low) / span)), 3)


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of a small chart: a point with an interval, dots, or a bar; all in percent."""

    row: Row
    point: float | None = None
    low: float | None = None
    high: float | None = None
    dots: tuple[float, ...] = ()
    beyond: int = 0
    """-1 or 1 where the point lies past that end of the axis, and an arrow stands for it."""


@dataclass(frozen=True, slots=True)
class Forest:
    """The rows of a small chart over one axis, with a line of reference."""

    marks: tuple[Mark, ...]
    scale: Scale
    zero: float | None = None


def ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Round numbers inside an interval, about so many.

    >>> ticks(-0.03, 0.11)
    (0.0, 0.05, 0.1)
    """
    if not high > low:
        return ()
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = min((m * unit for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first = math.ceil(low / step - 1e-9)
    return tuple(round(k * step, 12) + 0.0 for k in range(first, math.floor(high / step + 1e-9) + 1))


def scale(values: Sequence[float], *, sign: bool = False, unit: str = "") -> Scale:
    """An axis that holds these values, with about four ticks."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    bare = Scale(low, high)
    marked = []
    for value in ticks(low, high):
        text = f"{value:,.10g}".replace("-", "−")
        marked.append(Tick(bare.at(value), ("+" if sign and value > 0 else "") + text + unit))
    return Scale(low, high, tuple(marked))


def forest(page: Page) -> Forest | None:
    """Every candidate's paired difference to the baseline with its interval; the baseline stands at 0."""
    spans = [row.difference for row in page.rows if row.difference is not None]
    if not spans:
        return None
    # One hopeless candidate with a huge interval must not press all others into a line.
    sizes = sorted(max(abs(s.low), abs(s.high)) for s in spans)
    limit = 6 * sizes[(len(sizes) - 1) // 2]
    ends = [max(-limit, min(limit, v)) for s in spans for v in (s.low, s.high)]
    axis = scale([0.0, *ends], sign=True)
    marks = []
    for row in page.rows:
        span = row.difference
        if span is not None:
            past = (span.mean > axis.high) - (span.mean < axis.low)
            marks.append(Mark(row, axis.at(span.mean), axis.at(span.low), axis.at(span.high), beyond=past))
        elif row.baseline:
            marks.append(Mark(row, axis.at(0.0)))
        elif page.verb != "tune":  # a search has evidence about few
            marks.append(Mark(row))
    return Forest(tuple(marks), axis, axis.at(0.0))


def reach_strip(page: Page) -> Forest | None:
    """Updates to the baseline's result: a dot per seed, a mark at the median."""
    if not any(row.reach and row.reach.met for row in page.rows):
        return None
    axis = scale([0.0, float(page.horizon)])
    marks = []
    for row in page.rows:
        if row.reach is None and page.verb == "tune":
            continue
        dots = tuple(axis.at(step) for _, step in row.reach.steps if step is not None) if row.reach else ()
        middle = row.reach.median if row.reach else None
        marks.append(Mark(row, None if middle is None else axis.at(middle), dots=dots))
    return Forest(tuple(marks), axis)


def cost_bars(page: Page) -> Forest | None:
    """Seconds of each candidate: peak search first, then evidence, as two parts of one bar."""
    totals = [row.search.seconds + row.proof.seconds for row in page.rows]
    if not totals or max(totals) <= 0:
        return None
    full = max(totals)
    marks = tuple(
        Mark(row, low=round(100 * row.search.seconds / full, 3), high=round(100 * row.proof.seconds / full, 3))
        for row in page.rows
    )
    return Forest(marks, Scale(0.0, full))


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase of a study as a bar: what it took and what was planned, in percent of the longest."""

    phase: Phase
    spent: float
    planned: float | None


def phase_bars(page: Page) -> tuple[Bar, ...]:
    """What each phase took, and what was planned for it."""
    if page.bill is None:
        return ()
    full = max((max(one.spent, one.planned or 0) for one in page.bill.phases), default=0) or 1
    return tuple(
        Bar(one, round(100 * one.spent / full, 3), None if one.planned is None else round(100 * one.planned / full, 3))
        for one in page.bill.phases
    )
