"""The few kinds of drawings that answers need, as Plotly's dictionaries in the page's colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from calando.report.figures import axis, colour, dash, layout, shortened, symbol
from calando.report.words import cut, tame

__all__ = ["area", "dots", "drawing", "line", "ranks", "rule"]

Figure = dict[str, Any]


def line(slot: int, x: Iterable[float], y: Iterable[float], *, width: float = 2, style: str = "") -> Figure:
    """A curve in a slot's colour and dash, or in another dash."""
    ink = {"color": colour(slot), "width": width, "dash": style or dash(slot)}
    return {"type": "scatter", "mode": "lines", "x": shortened(x), "y": shortened(y), "line": ink, "meta": slot}


def area(slot: int, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Figure:
    """The band between two curves."""
    return {
        "type": "scatter", "mode": "lines", "x": shortened([*x, *reversed(x)]),
        "y": shortened([*high, *reversed(low)]), "fill": "toself", "fillcolor": colour(slot) + "/0.16",
        "line": {"width": 0}, "meta": slot,
    }  # fmt: skip


def dots(slot: int, x: Iterable[float], y: Iterable[float], *, size: float = 5, opacity: float = 1.0) -> Figure:
    """Points in a slot's colour and sign."""
    ink = {"color": colour(slot), "size": size, "opacity": opacity, "symbol": symbol(slot)}
    return {"type": "scatter", "mode": "markers", "x": shortened(x), "y": shortened(y), "marker": ink, "meta": slot}


def rule(y: float) -> Figure:
    """A thin level line through the whole drawing."""
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "layer": "below",
        "line": {"color": "var(--ink-3)", "width": 1, "dash": "2px,3px"},
    }  # fmt: skip


def ranks(marks: Sequence[tuple[int, float, float, float]], title: str) -> Figure:
    """A whole drawing: a row for each (rank, value, low, high), the first on top, its mark on its band."""
    traces: list[Figure] = []
    for rank, value, low, high in marks:
        traces.append(line(rank, [low, high], [-rank] * 2, width=4, style="solid"))
        traces.append(dots(rank, [value], [-rank], size=10))
    figure = drawing(traces, title, "rank", y_range=(-len(marks) - 0.6, -0.4))
    figure["layout"]["yaxis"] |= {
        "tickmode": "array", "tickvals": [-rank for rank, *_ in marks], "ticktext": [str(rank) for rank, *_ in marks]
    }  # fmt: skip
    return figure


def drawing(
    traces: Sequence[Figure],
    x: str,
    y: str,
    *,
    log_x: Sequence[float] = (),
    y_range: tuple[float, float] | None = None,
    rules: Sequence[Figure] = (),
) -> Figure:
    """A whole drawing: its traces on two axes; `log_x` are the ticks of a logarithmic one."""
    x, y = tame(cut(x, 40)), tame(cut(y, 40))
    across = axis(x, kind="log", ticks=log_x, told="{:.3g}".format) if log_x else axis(x)
    up = axis(y)
    if y_range is not None:
        up["range"] = list(y_range)
    return {"data": list(traces), "layout": {**layout(across, up), "shapes": list(rules)}}
