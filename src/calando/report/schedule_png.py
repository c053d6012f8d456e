"""A picture of schedules as PNG, drawn by Matplotlib to look like its SVG."""

from __future__ import annotations

import io
from textwrap import wrap
from typing import Any

from calando.core.picture.layout import Panel, Picture
from calando.core.picture.svg import DASHES, LIGHT
from calando.errors import MissingExtra

__all__ = ["png"]

WIDTH, LEGEND, PANEL, BELOW, DPI = 8.6, 0.22, (2.92, 1.1), 0.38, 200
LINES, COLUMNS = 3, 96
INK, SOFT, RULE, AXIS = "#1d1c1a", "#5f5a52", "#e8e4db", "#a09a8f"


def png(drawn: Picture, *, dpi: int = DPI) -> bytes:
    """A picture as the bytes of a PNG file, on white.

    Args:
        drawn: what to draw.
        dpi: dots per inch of a picture 8.6 inches wide, > 0.

    Raises:
        MissingExtra: when Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            given="a PNG without Matplotlib",
            allowed="matplotlib >= 3.9",
            where="calando show --png",
            fix="pip install 'calando[plot]' (or calando[lab]); --svg and --html need nothing more",
        ) from error
    names = [_short(name) for name in drawn.names]
    rows = sum(len(name) for name in names)
    heights = [PANEL[0], *[PANEL[1]] * (len(drawn.panels) - 1)]
    top = 0.14 + LEGEND * rows + 0.1
    height = top + sum(h + 0.26 + BELOW for h in heights) + 0.2
    with mpl.rc_context({"font.size": 9, "path.simplify": False, "lines.scale_dashes": False}):
        canvas = Figure(figsize=(WIDTH, height), dpi=dpi, facecolor="white")
        FigureCanvasAgg(canvas)
        _legend(canvas, names, height)
        at = top
        for i, (panel, size) in enumerate(zip(drawn.panels, heights, strict=True)):
            at += 0.26
            box = (0.66 / WIDTH, 1 - (at + size) / height, 1 - 0.98 / WIDTH, size / height)
            _panel(canvas.add_axes(box), panel, last=i == len(heights) - 1)
            at += size + BELOW
        out = io.BytesIO()
        canvas.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


def _short(name: str) -> list[str]:
    lines = wrap(name, COLUMNS)
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], lines[LINES - 1][: COLUMNS - 1] + "…"]


def _look(slot: int) -> dict[str, Any]:
    dash = DASHES[(slot + slot // len(LIGHT)) % len(DASHES)]
    pattern: Any = (0, tuple(0.72 * float(part) for part in dash.split())) if dash else "-"
    return {"color": LIGHT[slot % len(LIGHT)], "linestyle": pattern, "linewidth": 1.6, "dash_capstyle": "butt"}


def _legend(canvas: Any, names: list[list[str]], height: float) -> None:
    from matplotlib.lines import Line2D

    row = 0
    for slot, lines in enumerate(names):
        y = 1 - (0.14 + LEGEND * (row + 0.4)) / height
        canvas.add_artist(Line2D([0.66 / WIDTH, 1.0 / WIDTH], [y, y], **_look(slot)))
        for line in lines:
            y = 1 - (0.14 + LEGEND * (row + 0.4)) / height
            # A dollar sign would start a formula.
            text = line.replace("$", r"\$")
            canvas.text(1.1 / WIDTH, y, text, family="monospace", fontsize=8.6, color=INK, va="center_baseline")
            row += 1


def _panel(axes: Any, panel: Panel, *, last: bool) -> None:
    axes.set_xlim(panel.x.low, panel.x.high)
    axes.set_ylim(0, 1)
    axes.set_yticks([panel.y.share(place) for place, _ in panel.y.marks], [text for _, text in panel.y.marks])
    texts = [text if last else "" for _, text in panel.x.marks]
    axes.set_xticks([place for place, _ in panel.x.marks], texts)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(AXIS)
        spine.set_zorder(1)  # below the curves
    axes.tick_params(axis="y", length=0, colors=SOFT, pad=6)
    axes.tick_params(axis="x", length=3.5, color=AXIS, labelcolor=SOFT)
    axes.set_title(panel.y.title, loc="left", fontsize=9, color=SOFT, pad=8)
    if last:
        axes.set_xlabel(panel.x.title, loc="right", fontsize=9, color=SOFT)
    for line in panel.lines:
        steps, values = zip(*line.points, strict=True)
        heights = [panel.y.share(value) for value in values]
        axes.plot(steps, heights, clip_on=False, solid_joinstyle="round", dash_joinstyle="round", **_look(line.slot))
        if line.dots:
            steps, values = zip(*line.dots, strict=True)
            colour = LIGHT[line.slot % len(LIGHT)]
            heights = [panel.y.share(value) for value in values]
            axes.plot(steps, heights, "o", markersize=4, color=colour, markeredgewidth=0, clip_on=False)
