"""The page's charts as Plotly figures: plain dictionaries, made without importing Plotly.

Colours are names of the page's own CSS variables, "var(--s1)" or "var(--s1)/0.2"; the page's script
puts in what they stand for, so that one figure serves light, dark and paper.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from calando.report.curves import SPAN
from calando.report.page import Chart, Page, Peaks
from calando.report.words import peak_text, tame

__all__ = [
    "COLOURS",
    "DASHES",
    "SYMBOLS",
    "axis",
    "colour",
    "dash",
    "figures",
    "layout",
    "plain",
    "shortened",
    "symbol",
]

Figure = dict[str, Any]

COLOURS = 8
DASHES = ("solid", "solid", "dash", "dashdot", "dot", "longdash", "longdashdot", "8px,3px,2px,3px,2px,3px")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon", "star")
HEIGHT = 360


def colour(slot: int) -> str:
    """The CSS variable of a candidate's colour: 0 is the baseline's ink, the others go round seven hues.

    >>> colour(0), colour(8)
    ('var(--s0)', 'var(--s1)')
    """
    return f"var(--s{0 if slot == 0 else (slot - 1) % (COLOURS - 1) + 1})"


def dash(slot: int) -> str:
    """A candidate's dash: with its colour it is told apart also in grey, and past seven the pairs differ.

    >>> dash(1), dash(9)
    ('solid', 'dashdot')
    """
    return DASHES[0] if slot == 0 else DASHES[1 + (slot - 1 + (slot - 1) // (COLOURS - 1)) % (len(DASHES) - 1)]


def symbol(slot: int) -> str:
    """A candidate's marker."""
    return SYMBOLS[slot % len(SYMBOLS)]


def plain(text: str, limit: int = 70) -> str:
    """A user's text as Plotly shows it literally: its own small HTML is neutralised.

    >>> plain("<b>a</b> & b")
    '&lt;b&gt;a&lt;/b&gt; &amp; b'
    """
    text = tame(" ".join(text.split()))
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    # Plotly fills %{...} from its own data and decodes entities: neither may come from a user.
    return html.escape(text, quote=False).replace("%{", "%&#123;").replace("{", "&#123;")


def figures(page: Page) -> dict[str, Figure]:
    """Every chart of the page by its name: "peaks", "rates", "curve val_loss", ..."""
    made: dict[str, Figure] = {}
    if page.peaks:
        made["peaks"] = _peaks(page.peaks)
    for horizon, tried in page.tries:
        made[f"tries {horizon}"] = _peaks(tried)
    if page.rates:
        made["rates"] = _lines(page.rates)
    for chart in page.losses:
        made[chart.name] = _bands(chart, page.target if chart.quantity == page.metric else None)
    return made


def _lines(chart: Chart) -> Figure:
    traces = [
        _trace(line.slot, line.label, line.steps, line.values, line={"color": colour(line.slot), "width": 2,
               "dash": dash(line.slot)}) for line in chart.lines
    ]  # fmt: skip
    return {"data": traces, "layout": layout(axis("update"), axis("", tozero=True))}


def _bands(chart: Chart, target: float | None) -> Figure:
    traces: list[Figure] = [
        {
            "type": "scatter", "mode": "lines", "x": shortened([*band.steps, *reversed(band.steps)]),
            "y": shortened([*band.high, *reversed(band.low)]), "fill": "toself", "hoverinfo": "skip",
            "fillcolor": colour(band.slot) + "/0.14", "line": {"width": 0}, "meta": band.slot,
        }
        for band in chart.bands if band.seeds > 1
    ]  # fmt: skip
    for band in chart.bands:
        line = {"color": colour(band.slot), "width": 2, "dash": dash(band.slot)}
        traces.append(_trace(band.slot, band.label, band.steps, band.mean, line=line))
    values = [v for band in chart.bands for v in (min(band.low), max(band.high))]
    y = axis("", kind="log", ticks=_decades(min(values), max(values))) if chart.log else axis("")
    if chart.top is not None:
        low = min(min(band.low) for band in chart.bands)
        y["range"] = [low - 0.05 * (chart.top - low), chart.top]
    frame = layout(axis("update"), y)
    if target is not None:
        frame["shapes"] = [{
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": target, "y1": target, "layer": "below",
            "line": {"color": "var(--ink-3)", "width": 1, "dash": "2px,3px"},
        }]  # fmt: skip
    return {"data": traces, "layout": frame}


def _peaks(peaks: Sequence[Peaks]) -> Figure:
    traces: list[Figure] = []
    for one in peaks:
        shade = colour(one.slot)
        dots = [(p.peak, value) for p in one.points for _, value in p.values]
        traces.append({
            "type": "scatter", "mode": "markers", "x": shortened([d[0] for d in dots]),
            "y": shortened([d[1] for d in dots]), "hoverinfo": "skip", "meta": one.slot,
            "marker": {"color": shade, "size": 4, "opacity": 0.45},
        })  # fmt: skip
        met = [p for p in one.points if p.mean is not None]
        traces.append(_trace(
            one.slot, one.label, [p.peak for p in met], [p.mean or 0.0 for p in met], mode="lines+markers",
            line={"color": shade, "width": 1.5, "dash": dash(one.slot)},
            marker={"color": shade, "symbol": symbol(one.slot), "size": 8},
        ))  # fmt: skip
        best = [p for p in met if p.peak == one.chosen]
        traces.append({
            "type": "scatter", "mode": "markers", "x": [p.peak for p in best], "y": [p.mean for p in best],
            "hoverinfo": "skip", "meta": one.slot,
            "marker": {"color": shade, "symbol": "circle-open", "size": 17, "line": {"width": 2, "color": shade}},
        })  # fmt: skip
    values = [v for one in peaks for p in one.points for _, v in p.values]
    log = bool(values) and min(values) > 0 and max(values) / min(values) > SPAN
    grid = sorted({p.peak for one in peaks for p in one.points})
    x = axis("peak learning rate", kind="log", ticks=grid, told=peak_text)
    x["range"] = [math.log10(grid[0]) - 0.12, math.log10(grid[-1]) + 0.12]
    y = axis("", kind="log", ticks=_decades(min(values), max(values))) if log else axis("")
    lost = [(one, p) for one in peaks for p in one.points if p.diverged or p.failed]
    frame = layout(x, y, hover="closest")
    if lost:
        y["domain"] = [0, 0.84]
        rows = sorted({one.slot for one, _ in lost})
        for one, p in lost:
            traces.append({
                "type": "scatter", "mode": "markers", "x": [p.peak], "y": [rows.index(one.slot)], "yaxis": "y2",
                "name": plain(one.label), "meta": one.slot, "text": [_lost(p.diverged, p.failed)],
                "hovertemplate": "%{text} at peak %{x}",
                "marker": {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": colour(one.slot)}},
            })  # fmt: skip
        frame["annotations"] = [{
            "xref": "paper", "x": 0, "xanchor": "left", "yref": "paper", "y": 0.94, "yanchor": "middle",
            "showarrow": False, "text": "runs lost", "font": {"color": "var(--ink-3)", "size": 12},
        }]  # fmt: skip
        frame["yaxis2"] = {
            "domain": [0.88, 1], "range": [len(rows) - 0.4, -0.6], "showticklabels": False, "showgrid": False,
            "zeroline": False, "fixedrange": True, "anchor": "x",
        }  # fmt: skip
    return {"data": traces, "layout": frame}


def _lost(diverged: int, failed: int) -> str:
    parts = [f"{n} {word}" for n, word in ((diverged, "diverged"), (failed, "failed")) if n]
    return ", ".join(parts)


def _trace(slot: int, label: str, x: Iterable[float], y: Iterable[float], **more: Any) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": plain(label), "x": shortened(x), "y": shortened(y), "meta": slot,
        "hovertemplate": "%{y:.4g}", **more,
    }  # fmt: skip


def axis(
    title: str,
    *,
    kind: str = "linear",
    tozero: bool = False,
    ticks: Sequence[float] = (),
    told: Callable[[float], str] = "{:.10g}".format,
) -> Figure:
    """An axis with its title; `ticks` are shown as `told` tells them."""
    made: Figure = {
        "type": kind, "showgrid": True, "gridcolor": "var(--rule)", "zeroline": False, "linecolor": "var(--rule)",
        "ticks": "", "automargin": True, "tickfont": {"color": "var(--ink-2)"},
        "title": {"text": title, "font": {"color": "var(--ink-2)", "size": 13}, "standoff": 8},
    }  # fmt: skip
    if tozero:
        made["rangemode"] = "tozero"
    if ticks:
        made |= {"tickmode": "array", "tickvals": list(ticks), "ticktext": [told(t) for t in ticks]}
    return made


def _decades(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis: 1, 2, 5 in every decade, or the decades alone when there are many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    parts = (1, 2, 5) if last - first <= 3 else (1,)
    every = 1 + (last - first) // 10
    return [float(f"{m}e{k}") for k in range(first, last + 1, every) for m in parts if low <= m * 10.0**k <= high]


def layout(x: Figure, y: Figure, hover: str = "x unified") -> Figure:
    """The frame of a figure: its axes, and the page's own look."""
    return {
        "xaxis": x, "yaxis": y, "height": HEIGHT, "showlegend": False, "hovermode": hover, "dragmode": "zoom",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8, "pad": 4}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": "var(--sans)", "size": 13, "color": "var(--ink)"},
        "hoverlabel": {"bgcolor": "var(--paper)", "bordercolor": "var(--rule)", "font": {"color": "var(--ink)"}},
    }  # fmt: skip


def shortened(values: Iterable[float]) -> list[float | None]:
    """Six significant digits, which is more than a pixel shows, and no NaN, which JSON lacks."""
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values]
