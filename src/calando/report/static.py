"""The same figures as SVG, drawn by Matplotlib: light pages without a script, and pictures for papers.

A figure comes in as the dictionary that Plotly would get, so that both forms show the same numbers.
The drawing keeps the page's CSS variables as its colours and holds no text of a user.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from warnings import catch_warnings, filterwarnings

from calando.errors import MissingExtra

__all__ = ["Inks", "canvas_of", "draw", "stroke", "svg"]

Figure = dict[str, Any]

_MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P", "triangle-down": "v",
    "pentagon": "p", "star": "*", "x-thin": "x", "circle-open": "o",
}  # fmt: skip
_DASHES: dict[str, Any] = {
    "solid": "-", "dash": (0, (6, 3)), "dashdot": (0, (6, 2, 1.5, 2)), "dot": (0, (1.5, 2)),
    "longdash": (0, (10, 4)), "longdashdot": (0, (10, 3, 2, 3)),
}  # fmt: skip


def svg(figure: Figure, name: str, width: float = 10.0, height: float = 3.7) -> str:
    """A figure as one `<svg>` element to be put into a page; sizes in inches at 100 dots each.

    Raises MissingExtra when Matplotlib is not installed.
    """
    inks = Inks()
    with canvas_of(width, height, name) as canvas:
        draw(canvas, figure, inks)
        canvas.patch.set_alpha(0)
        out = io.StringIO()
        canvas.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _clean(out.getvalue(), inks, name)


@contextmanager
def canvas_of(width: float, height: float, salt: str) -> Iterator[Any]:
    """An empty drawing of our look, that hangs on no display and no setting of the user's.

    Raises MissingExtra when Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise MissingExtra(
            given="a drawing without Matplotlib",
            allowed="matplotlib >= 3.9",
            where="calando.report",
            fix="pip install 'calando[lab]'",
        ) from error
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "path.simplify": False}), catch_warnings():
        filterwarnings("ignore", message="Glyph")  # a user's letters that the measuring font lacks
        yield Canvas(figsize=(width, height), dpi=100, layout="constrained")


class Inks:
    """Stand-in colours for CSS variables, to be swapped back in the finished drawing."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._count = itertools.count(1)

    def of(self, text: str) -> tuple[str, float]:
        """The stand-in of "var(--s1)" or "var(--s1)/0.2", and its opacity."""
        name, _, alpha = text.partition("/")
        if name not in self.names:
            self.names[name] = f"#0{next(self._count):02x}eef"[:7].ljust(7, "e")
        return self.names[name], float(alpha or 1)


def draw(canvas: Any, figure: Figure, inks: Inks) -> None:
    """Draw a figure into a canvas, or into a part of one."""
    layout = figure["layout"]
    lost = "yaxis2" in layout
    if lost:
        strip, axes = canvas.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 7], "hspace": 0.02})
        strip.set_axis_off()
        strip.set_ylim(*layout["yaxis2"]["range"])
        for note in layout["annotations"]:
            shade, _ = inks.of(note["font"]["color"])
            strip.text(0, 0.5, note["text"], color=shade, fontsize=9, va="center", transform=strip.transAxes)
    else:
        strip = axes = canvas.subplots()
    for trace in figure["data"]:
        _scatter(strip if trace.get("yaxis") == "y2" else axes, trace, inks)
    for shape in layout.get("shapes", ()):
        shade, _ = inks.of(shape["line"]["color"])
        axes.axhline(shape["y0"], color=shade, linewidth=1, linestyle=(0, (2, 3)), zorder=0.5)
    _axis(axes, "x", layout["xaxis"], inks)
    _axis(axes, "y", layout["yaxis"], inks)
    rule, _ = inks.of("var(--rule)")
    axes.grid(color=rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(rule)
    soft, _ = inks.of("var(--ink-2)")
    axes.tick_params(colors=soft, length=0, labelsize=9.5)
    axes.margins(x=0.01)


def _scatter(axes: Any, trace: Figure, inks: Inks) -> None:
    x, y = trace["x"], [float("nan") if v is None else v for v in trace["y"]]
    if trace.get("fill") == "toself":
        shade, alpha = inks.of(trace["fillcolor"])
        axes.fill(x, y, color=shade, alpha=alpha, linewidth=0)
        return
    if "lines" in trace["mode"]:
        line = trace["line"]
        shade, _ = inks.of(line["color"])
        axes.plot(x, y, color=shade, linewidth=0.8 * line["width"], linestyle=stroke(line["dash"]))
    if "markers" in trace["mode"] and x:
        marker = trace["marker"]
        shade, _ = inks.of(marker.get("color") or marker["line"]["color"])
        kind = marker.get("symbol", "circle")
        hollow = kind == "circle-open"
        axes.plot(
            x, y, linestyle="none", marker=_MARKERS[kind], markersize=0.72 * marker["size"],
            markerfacecolor="none" if hollow else shade, markeredgecolor=shade,
            markeredgewidth=1.6 if hollow or kind == "x-thin" else 0.5, alpha=marker.get("opacity"),
        )  # fmt: skip


def stroke(dash: str) -> Any:
    """Plotly's name of a dash as Matplotlib has it."""
    return _DASHES.get(dash, (0, (6, 2, 2, 2, 2, 2)))


def _axis(axes: Any, side: str, axis: Figure, inks: Inks) -> None:
    from matplotlib.ticker import NullFormatter, NullLocator

    if axis["type"] == "log":
        getattr(axes, f"set_{side}scale")("log")
    if "range" in axis:
        low, high = axis["range"]
        limits = (10**low, 10**high) if axis["type"] == "log" else (low, high)
        getattr(axes, f"set_{side}lim")(*limits)
    elif axis.get("rangemode") == "tozero":
        getattr(axes, f"set_{side}lim")(0, None)
    if "tickvals" in axis:
        getattr(axes, f"set_{side}ticks")(axis["tickvals"], axis["ticktext"])
        own = getattr(axes, f"{side}axis")
        own.set_minor_locator(NullLocator())
        own.set_minor_formatter(NullFormatter())
    shade, _ = inks.of("var(--ink-2)")
    getattr(axes, f"set_{side}label")(axis["title"]["text"], color=shade, fontsize=9.5, parse_math=False)


def _clean(text: str, inks: Inks, name: str) -> str:
    """The `<svg>` element alone, with the page's colours and fonts, and ids that no other figure has."""
    text = text[text.index("<svg") :]
    for variable, stand_in in inks.names.items():
        text = text.replace(stand_in, variable)
    prefix = re.sub(r"[^a-z0-9]+", "-", name.lower()) + "-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r"url\(#", f"url(#{prefix}", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}', text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r" ?font-family: [^;\"]*;?", "", text)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
                  r'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                  r'viewBox="\1" aria-hidden="true" focusable="false">', text, count=1)  # fmt: skip
    # Coordinates to a hundredth of a dot; what stands between tags is text, and keeps its digits.
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), text)
