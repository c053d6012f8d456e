"""A forecast as a page: what each candidate would reach, the curves and laws behind it, what does not fit."""

from __future__ import annotations

import shlex
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calando.forecast.curve import plan_rates
from calando.report.answers.drawing import Figure, dots, drawing, line, ranks
from calando.report.answers.page import AnswerPage, Column, Part, Picture, Table
from calando.report.words import count, peak_text, percent, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from calando.forecast.choosing.answers import Baseline
    from calando.forecast.curve import LossCurve
    from calando.forecast.forecasted import Forecast, Prediction

    FloatArray = NDArray[np.float64]

__all__ = ["behind", "export_line", "forecast_page", "losses_picture", "named"]

DRAWN: Final = 6
"""Candidates whose curves are drawn; the table has them all."""
POINTS: Final = 120
RECORDED: Final = 8
"""Runs whose losses are drawn, each in a colour of its own."""


def forecast_page(
    found: Forecast, command: str = "", made: str = "", more: tuple[tuple[str, str], ...] = (), choose: str = ""
) -> AnswerPage:
    """What every candidate would reach, as a page.

    What comes next is the first one, as a program; and where there are several, or a doubt is grave, `choose`, the
    command that weighs them by their regrets or names two runs that would tell more.

    Example:
        >>> from calando.forecast.forecasted import Forecast
        >>> forecast_page(Forecast((), (), (), (), (), ("nothing was asked",), 0.8, 0.0)).headline
        'No candidate was asked for.'
    """
    first = found.predictions[0] if found.predictions else None
    settled = first is not None and not any(doubt.refuses for doubt in found.doubts)
    headline = "No candidate was asked for." if first is None else (
        f"{'' if settled else 'Not to be relied on: '}"
        f"{named(first)} would reach {rounded(first.loss, first.high - first.low)}, "
        f"between {rounded(first.low, first.high - first.low)} and {rounded(first.high, first.high - first.low)}."
    )  # fmt: skip
    facts = [("runs read", str(len(found.curves))), ("laws", ", ".join(fit.law.title for fit in found.fits) or "none")]
    facts += [("horizon", count(first.horizon, "update"))] if first is not None else []
    doubts = tuple(dict.fromkeys((*(doubt.words for doubt in found.doubts), *found.notes)))
    parts = [Part("Final losses", _lead(found), _pictures(found), _ranking(found))] if first is not None else []
    return AnswerPage(
        "Forecast", _question(found), headline, settled, (), doubts,
        (*facts, *more), (*parts, *behind(found)), _next(found, choose, settled=settled), made, command,
    )  # fmt: skip


def _next(found: Forecast, choose: str, *, settled: bool) -> tuple[str, ...]:
    lines = []
    if choose and found.predictions and (not settled or len(found.predictions) > 1):
        lines.append(choose)
    if settled:
        lines.append(export_line(found.best.plan, found.best.horizon, found.best.peak))
    return tuple(lines)


def export_line(plan: str, horizon: int, peak: float) -> str:
    """The command that prints a plan as a program.

    >>> export_line("cosine()", 10_000, 3e-4)
    "calando export 'cosine()' --horizon 10000 --peak 0.0003"
    """
    return shlex.join(["calando", "export", plan, "--horizon", str(horizon), "--peak", f"{peak:.6g}"])


def named(one: Prediction | Baseline) -> str:
    """A candidate in words.

    >>> from calando.forecast.forecasted import Prediction
    >>> named(Prediction("cosine()", 1e-3, 10_000, 3.0, 2.9, 3.1, (), 1, 2.0))
    'cosine() at peak 1e-3'
    """
    return f"{one.plan} at peak {peak_text(one.peak, 4)}"


def _question(found: Forecast) -> str:
    horizons = {one.horizon for one in found.predictions}
    at = f" after {count(horizons.pop(), 'update')}" if len(horizons) == 1 else ""
    return f"What {count(len(found.predictions), 'schedule')} would give{at}"


def _lead(found: Forecast) -> tuple[str, ...]:
    ratio = max((one.ratio for one in found.predictions), default=1.0)
    said = f"Lowest first, each with its {percent(found.level)} band."
    return (
        said,
        f"Ranks and differences hold better than the losses themselves, at {ratio:.2g} times the longest run.",
    )


def _ranking(found: Forecast) -> Table:
    laws = [fit.law.name for fit in found.fits]
    many = len(laws) > 1
    scale = median(one.high - one.low for one in found.predictions)
    rows = []
    for one in found.predictions:
        by_law = dict(one.by_law)
        own = [rounded(by_law.get(law), scale) for law in laws] if many else []
        rows.append(
            (one.plan, str(one.rank), peak_text(one.peak, 4), rounded(one.loss, scale),
             f"{rounded(one.low, scale)} to {rounded(one.high, scale)}", *own)
        )  # fmt: skip
    columns = (Column("plan", number=False), Column("rank"), Column("peak"), Column("final loss"), Column("band"))
    own_columns = tuple(Column(fit.law.title, aside=True) for fit in found.fits) if many else ()
    return Table((*columns, *own_columns), tuple(rows), frozenset({0}), tuple(range(1, DRAWN + 1)))


def _pictures(found: Forecast) -> tuple[Picture, ...]:
    shown = found.predictions[:DRAWN]
    marks = [(one.rank, one.loss, one.low, one.high) for one in shown]
    key = tuple((one.rank, named(one)) for one in shown)
    draw = partial(ranks, marks, "final loss")
    ends = Picture("final-losses", "A mark is the predicted final loss, its bar the band.", draw, key)
    return (ends, losses_picture(found, shown, key))


def losses_picture(found: Forecast, shown: Sequence[Prediction], key: tuple[tuple[int, str], ...]) -> Picture:
    """The recorded losses, and the predicted way of the candidates to their ends."""
    caption = "Dots are recorded losses; lines the mean of the laws, each ending in its band."
    left = len(found.curves) - RECORDED
    caption += f" {count(left, 'more run')} not drawn." if left > 0 else ""
    return Picture("curves", caption, partial(_losses, found, shown), ((0, "recorded"), *key))


def _losses(found: Forecast, shown: Sequence[Prediction]) -> Figure:
    traces: list[Figure] = []
    seen: list[float] = []
    for curve in found.curves[:RECORDED]:
        part = curve.fitted_part().thinned(POINTS)
        traces.append(dots(0, part.steps.tolist(), part.losses.tolist(), size=3, opacity=0.5))
        seen += part.losses[len(part.losses) // 4 :].tolist()
    for one in shown:
        rates = plan_rates(one.plan, one.peak, one.horizon)
        at = np.unique(np.linspace(max(1, one.horizon // 50), one.horizon, POINTS).round().astype(int))
        ways = [fit.predict(rates, at) for fit in found.fits]
        if ways:
            way = np.mean(ways, axis=0)
            traces.append(line(one.rank, at.tolist(), way.tolist()))
            seen += way[POINTS // 4 :].tolist()
        traces.append(line(one.rank, [one.horizon] * 2, [one.low, one.high], width=4, style="solid"))
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.1
    return drawing(traces, "update", "loss", y_range=(low - room, high + room))


def behind(found: Forecast) -> tuple[Part, ...]:
    """What stands behind the numbers: the fits, their residuals, what was refused, what was read."""
    parts = []
    if found.fits:
        table = Table(
            (Column("law", number=False), Column("misses the losses by"), Column("seconds"),
             Column("parameters", number=False)),
            tuple((fit.law.title, f"{100 * fit.scatter:.2g} %", f"{fit.seconds:.2g}", _values(fit.values))
                  for fit in found.fits),
        )  # fmt: skip
        why = tuple(f"{fit.law.title}: {reason}" for fit in found.fits for reason in fit.reasons)
        refused = tuple(f"{law} does not count: {reason}" for law, reason in found.refused)
        parts.append(Part("What was fitted", (), (_residuals(found),), table, folded=True, notes=(*why, *refused)))
    elif found.refused:
        refused = tuple(f"{law} does not count: {reason}" for law, reason in found.refused)
        parts.append(Part("What was fitted", notes=refused))
    if found.curves:
        parts.append(Part("What was read", table=_read(found.curves), folded=True))
    return tuple(parts)


def _residuals(found: Forecast) -> Picture:
    caption = (
        "How far each law misses the losses it was fitted to. A pattern that all runs share is what it cannot say."
    )
    key = tuple((slot, fit.law.title) for slot, fit in enumerate(found.fits, start=1))
    return Picture("residuals", caption, partial(_misses, found), key)


def _misses(found: Forecast) -> Figure:
    traces: list[Figure] = []
    for slot, fit in enumerate(found.fits, start=1):
        at = 0
        for curve in fit.curves:
            part = fit.residuals[at : at + len(curve.steps)]
            at += len(curve.steps)
            traces.append(dots(slot, curve.steps.tolist(), (100 * part).tolist(), size=3, opacity=0.6))
    return drawing(traces, "update", "law over recorded loss, %")


def _read(curves: Sequence[LossCurve]) -> Table:
    rows = tuple(
        (curve.name, curve.plan or "from the log", peak_text(curve.peak, 4), f"{curve.horizon:,}",
         str(len(curve.steps)), rounded(curve.final)) for curve in curves
    )  # fmt: skip
    columns = (
        Column("run", number=False), Column("rates", number=False), Column("peak"), Column("updates"), Column("losses"),
        Column("last loss"),
    )  # fmt: skip
    return Table(columns, rows)


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())
