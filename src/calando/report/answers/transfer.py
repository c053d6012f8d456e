"""A transfer, or an extension, as a page: every plan's rates, where its best peak lies, what is not promised."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from calando.core.text import parse
from calando.report.answers.drawing import Figure, dots, drawing, line, rule
from calando.report.answers.page import AnswerPage, Column, Part, Picture, Table
from calando.report.words import count, peak_text

if TYPE_CHECKING:
    from calando.forecast.transferring import Extension, Target, Transfer, Way
    from calando.forecast.transferring.answers import Sizes

__all__ = ["extension_page", "transfer_page"]

POINTS: Final = 600
OCTAVES: Final = 2.0
FLOOR, STEP = 0.8, 0.07
PROMISES: Final = {"best guess": "best guess", "range": "a range, no best guess", "none": "no answer"}


def transfer_page(found: Transfer, command: str = "", made: str = "") -> AnswerPage:
    """From one plan's best peak to others', as a page.

    Example:
        >>> from calando.forecast import transfer
        >>> transfer_page(transfer("wsd()", ["linear_decay()"], peak=1e-3)).headline
        'linear_decay(): best peak about 1.94e-3, where wsd(cooldown=20%) has 1e-3.'
    """
    told = found.peak is not None
    rows = [(found.plan, found.horizon, peak_text(found.peak) if told else "1", "", "given", "")]
    for target in found.targets:
        value, low, high = _sides(target, told)
        span = f"{_number(low)} to {_number(high)}" if low is not None and high is not None else "–"
        keeping = "–" if target.keeping is None else f"{100 * (target.keeping - 1):+.1f} %"
        rows.append((target.plan, target.horizon, _number(value), span, PROMISES[target.promise], keeping))
    what = "best peak" if told else "ratio of best peaks"
    table = Table(
        (Column("plan", number=False), Column("updates"), Column(what), Column("looked for between"),
         Column("promise", number=False), Column("the bound, keeping the peak")),
        tuple((plan, f"{horizon:,}", *rest) for plan, horizon, *rest in rows), frozenset({0}),
        tuple(range(len(rows))),
    )  # fmt: skip
    reasons = tuple(dict.fromkeys(f"{target.plan}: {why}" for target in found.targets for why in target.reasons))
    parts = [
        Part("Best peaks", ("What the last-iterate bound says, with the range in which recorded runs lie around it.",),
             _ranges(found), table),
        Part("The learning rates", (), (_rates(found),)),
    ]  # fmt: skip
    settled = any(target.promise == "best guess" for target in found.targets)
    return AnswerPage(
        "Transfer", f"From {found.plan} to other plans", _headline(found), settled, (), (*reasons, *found.notes),
        (("from", found.plan), ("its best peak", peak_text(found.peak) if told else "not given: ratios alone"),
         ("horizon", count(found.horizon, "update") + (" (assumed)" if found.assumed else ""))),
        tuple(parts), (), made, command,
    )  # fmt: skip


def extension_page(found: Extension, command: str = "", made: str = "") -> AnswerPage:
    """The ways to a longer run, as a page.

    Example:
        >>> from calando.forecast import extend
        >>> extension_page(extend("wsd()", 2, peak=1e-3, horizon=4000)).headline
        'Cooldown, lowest: wsd(cooldown=57.2%) over 8,000 updates, new from update 3,201.'
    """
    best = next((way for way in found.ways if way.name == found.advice), None)
    table = _ranged(found) if found.promise == "range" else Table(
        (Column("way", number=False), Column("bound over the lowest"), Column("peak"), Column("peak over its best"),
         Column("new from update"), Column("plan", number=False)),
        tuple(
            (way.name, f"{100 * (way.bound - 1):+.1f} %", _number(way.peak), f"{way.multiple:.3g}", _new(way), way.plan)
            for way in found.ways
        ), frozenset(i for i, way in enumerate(found.ways) if way is best), tuple(range(len(found.ways))),
    )  # fmt: skip
    headline = "The theory has no advice here." if best is None else (
        f"{best.name[:1].upper()}{best.name[1:]}: {best.plan} over {count(found.longer, 'update')}, "
        + ("anew." if best.leaves == 0 else f"new from update {best.leaves:,}.")
    )  # fmt: skip
    key = tuple((slot, way.name) for slot, way in enumerate(found.ways))
    picture = Picture("ways", "The learning rates of every way.", partial(_ways, found), key)
    return AnswerPage(
        "Extension", f"{found.plan}, {found.longer / found.horizon:.4g} times as long", headline, best is not None, (),
        found.notes,
        (("run", found.plan), ("updates", f"{found.horizon:,}" + (" (assumed)" if found.assumed else "")),
         ("longer", count(found.longer, "update"))),
        (Part("Ways", (), (picture,) if found.ways else (), table),), (), made, command,
    )  # fmt: skip


def _ranged(found: Extension) -> Table:
    """Where the theory is known to fail: ranges alone."""
    rows = []
    for way in found.ways:
        low, high = way.low, way.high
        if way.chosen == "peak" and found.peak is not None:
            low, high = (None if one is None else one * found.peak for one in (low, high))
        span = f"{_number(low)} to {_number(high)}" if way.chosen else "–"
        rows.append((way.name, way.chosen or "–", span, _new(way), way.plan))
    columns = (
        Column("way", number=False), Column("what is chosen", number=False), Column("looked for between"),
        Column("new from update"), Column("such as", number=False),
    )  # fmt: skip
    return Table(columns, tuple(rows), frozenset(), tuple(range(len(rows))))


def _new(way: Way) -> str:
    return "the first" if way.leaves == 0 else f"{way.leaves:,}"


def _ways(found: Extension) -> Figure:
    traces = []
    for slot, way in enumerate(found.ways):
        peak = way.peak if way.peak is not None else way.multiple
        if way.peak is None and way.chosen == "peak" and way.low and way.high:  # no best guess: the middle of its range
            peak = (found.peak or 1.0) * (way.low * way.high) ** 0.5
        traces.append(line(slot, *_drawn(way.plan, peak, found.longer, found)))
    return drawing(traces, "update", "learning rate")


def _headline(found: Transfer) -> str:
    guesses = [target for target in found.targets if target.promise == "best guess"]
    if not guesses:
        return "The theory promises no best guess here: ranges alone." if found.targets else "No plan was asked for."
    at = "" if found.peak is None else f", where {found.plan} has {peak_text(found.peak)}"
    if found.peak is not None:
        said = "; ".join(f"{one.plan}: best peak about {_number(one.peak)}" for one in guesses[:3])
    else:
        said = "; ".join(f"{one.plan}: {_number(one.ratio)} times the best peak of {found.plan}" for one in guesses[:3])
    return said + at + (f"; {len(guesses) - 3} more below." if len(guesses) > 3 else ".")


def _sides(target: Target, told: bool) -> tuple[float | None, float | None, float | None]:
    if told:
        return target.peak, target.peak_low, target.peak_high
    return (target.ratio if target.promise == "best guess" else None), target.low, target.high


def _ranges(found: Transfer) -> tuple[Picture, ...]:
    """The price of a wrong peak: the bound of every plan over the peak, and where its best one is looked for."""
    key = [(slot, target.plan) for slot, target in enumerate(found.targets, start=1) if _looked_for(target)]
    if not key:
        return ()
    caption = (
        f"The bound over that of {found.plan} at its best peak. A mark is a best guess; a bar at the foot is where "
        "the best peak is to be looked for."
    )
    return (Picture("peaks", caption, partial(_prices, found), ((0, found.plan), *key)),)


def _looked_for(target: Target) -> bool:
    return target.ratio is not None and target.low is not None and target.high is not None


def _prices(found: Transfer) -> Figure:
    traces: list[Figure] = []
    unit = found.peak or 1.0
    octaves = np.linspace(-OCTAVES, OCTAVES, 81)
    price = (2.0**octaves + 2.0**-octaves) / 2.0
    traces.append(line(0, unit * 2.0**octaves, price))
    everything = [unit * 2.0**-OCTAVES, unit * 2.0**OCTAVES]
    for slot, target in enumerate(found.targets, start=1):
        if target.ratio is None or target.low is None or target.high is None:
            continue
        best = unit * target.ratio
        height = (target.relative or 1.0) if target.horizon == found.horizon else 1.0
        bottom = FLOOR - STEP * slot
        traces.append(line(slot, [unit * target.low, unit * target.high], [bottom] * 2, width=5, style="solid"))
        traces.append(line(slot, best * 2.0**octaves, height * price))
        if target.promise == "best guess":
            traces.append(dots(slot, [best, best], [height, bottom], size=9))
        everything += [best * 2.0**-OCTAVES, best * 2.0**OCTAVES]
    ticks = [unit * 2.0**k for k in range(-6, 7) if min(everything) <= unit * 2.0**k <= max(everything)]
    title = "peak learning rate" if found.peak is not None else f"peak over the best peak of {found.plan}"
    return drawing(
        traces, title, "bound", log_x=ticks, y_range=(FLOOR - STEP * (len(found.targets) + 1), 2.1), rules=[rule(1.0)]
    )


def _rates(found: Transfer) -> Picture:
    key = enumerate([found.plan, *(target.plan for target in found.targets)])
    caption = "Every plan at what the bound takes for its best peak."
    return Picture("rates", caption, partial(_at_their_peaks, found), tuple(key))


def _at_their_peaks(found: Transfer) -> Figure:
    unit = found.peak or 1.0
    traces = [line(0, *_drawn(found.plan, unit, found.horizon, found))]
    for slot, target in enumerate(found.targets, start=1):
        peak = unit * target.ratio if target.ratio is not None else unit
        traces.append(line(slot, *_drawn(target.plan, peak, target.horizon, target)))
    what = "learning rate" if found.peak is not None else f"factor over the best peak of {found.plan}"
    return drawing(traces, "update", what)


def _drawn(plan: str, peak: float, horizon: int, sizes: Sizes) -> tuple[list[float], list[float]]:
    """Evenly spread updates of a plan, bound as the answer bound it, and their rates."""
    places = np.unique(np.linspace(0, horizon - 1, min(horizon, POINTS)).round().astype(np.int64))
    factors = np.asarray(parse(plan).bind(horizon, **sizes.sizes)(places), dtype=np.float64)
    return [float(place) for place in places], [float(factor) * peak for factor in factors]


def _number(value: float | None) -> str:
    return "–" if value is None else peak_text(value, 3)
