"""The SVG of a picture: one drawing for files, pages and notebooks, in light and dark, without any library.

The card behind the curves is part of the drawing, so that it stays legible on a page whose colours it cannot know.
"""

from collections.abc import Callable, Iterator
from html import escape
from textwrap import wrap
from typing import Final

from calando.core.picture.layout import Line, Panel, Picture, letter
from calando.core.picture.numbers import step_text
from calando.core.picture.trace import thinned

__all__ = ["DARK", "DASHES", "LIGHT", "svg"]

# Told apart by people with any kind of colour vision (after Okabe and Ito), each with a dash of its own.
LIGHT: Final = ("#0072b2", "#d55e00", "#00835f", "#a8478f", "#a87000", "#2f8fcb", "#76553a")
DARK: Final = ("#58b1ee", "#ff8b4d", "#36c79a", "#e095cd", "#f0bb4a", "#9ed6f9", "#c9a27d")
DASHES: Final = ("", "9 4", "3 2.6", "12 4 2.5 4", "5 3", "14 4 2.5 3 2.5 4", "1.5 4")

WIDTH: Final = 860
LEFT: Final = 66
RIGHT: Final = 32
PANEL: Final = (292, 110)
FONT: Final = "system-ui,-apple-system,'Segoe UI','Helvetica Neue','Liberation Sans',Arial,sans-serif"
MONO: Final = "ui-monospace,'SF Mono','Cascadia Code',Menlo,Consolas,'Liberation Mono','DejaVu Sans Mono',monospace"
LEGEND_LINES: Final = 3
MONO_WIDTH: Final = 7.55  # of one sign of the legend, in the widest of its fonts


def _style() -> str:
    def scheme(card: str, ink: str, soft: str, rule: str, axis: str, colours: tuple[str, ...]) -> str:
        lines = "".join(f".cal-s{i}{{stroke:{c}}}.cal-d{i}{{fill:{c}}}" for i, c in enumerate(colours))
        return (
            f".cal-card{{fill:{card}}}.cal-ink{{fill:{ink}}}.cal-soft{{fill:{soft}}}"
            f".cal-rule{{stroke:{rule}}}.cal-axis{{stroke:{axis}}}{lines}"
        )

    light = scheme("#ffffff", "#1d1c1a", "#5f5a52", "#e8e4db", "#a09a8f", LIGHT)
    dark = scheme("#1b1c20", "#ece9e3", "#b4afa6", "#34363c", "#75726b", DARK)
    return (
        f".cal text{{font-family:{FONT}}}.cal .cal-mono{{font-family:{MONO}}}"
        ".cal-line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:butt}"
        f"{light}@media (prefers-color-scheme:dark){{{dark}}}"
    )


def svg(drawn: Picture, *, width: int = WIDTH, legend: bool = True) -> str:
    """A picture as one `<svg>` element; all text is escaped.

    >>> import calando
    >>> from calando.core.picture.layout import picture
    >>> svg(picture([calando.cosine().bind(100)])).startswith("<svg ")
    True
    """
    body: list[str] = []
    y = 14.0
    if legend:
        for slot, name in enumerate(drawn.names):
            y = _legend(body, slot, name, y, int((width - LEFT - 44 - RIGHT) / MONO_WIDTH))
        y += 10
    for i, panel in enumerate(drawn.panels):
        height = PANEL[0] if i == 0 else PANEL[1]
        last = i == len(drawn.panels) - 1
        _panel(body, panel, y, height, width, last)
        y += height + 44 + (30 if last else 0)
    about = "; ".join(f"{letter(i)}: {name}" for i, name in enumerate(drawn.names))[:500]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cal" viewBox="0 0 {width} {y:.0f}" width="{width}" '
        f'height="{y:.0f}" role="img" aria-label="{_clean("learning-rate schedules: " + about)}" '
        f'style="max-width:100%;height:auto"><style>{_style()}</style>'
        f'<rect class="cal-card" width="{width}" height="{y:.0f}" rx="6"/>{"".join(body)}</svg>'
    )


def _clean(text: str) -> str:
    return escape("".join(c if c.isprintable() else " " for c in text))


def _text(x: float, y: float, text: str, kind: str, size: float = 12, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"'
    return f'<text {place} class="{kind}">{_clean(text)}</text>'


def _look(slot: int) -> tuple[int, str]:
    dash = DASHES[(slot + slot // len(LIGHT)) % len(DASHES)]
    return slot % len(LIGHT), f' stroke-dasharray="{dash}"' if dash else ""


def _legend(body: list[str], slot: int, name: str, y: float, columns: int) -> float:
    colour, dash = _look(slot)
    lines = wrap(name, columns, break_long_words=True, subsequent_indent="  ")
    if len(lines) > LEGEND_LINES:
        lines = [*lines[: LEGEND_LINES - 1], lines[LEGEND_LINES - 1][: columns - 1] + "…"]
    body.append(f'<path class="cal-line cal-s{colour}"{dash} d="M{LEFT} {y + 9:.1f}h34"/>')
    for i, line in enumerate(lines):
        body.append(_text(LEFT + 44 + (12 if i else 0), y + 13 + 17 * i, line.strip(), "cal-ink cal-mono", 12.5))
    return y + 22 + 17 * (len(lines) - 1)


def _panel(body: list[str], panel: Panel, top: float, height: float, width: int, last: bool) -> None:
    left, right, up, low = LEFT, width - RIGHT, top + 26, top + 26 + height
    x_axis, y_axis = panel.x, panel.y

    def at(step: float, value: float) -> tuple[float, float]:
        return left + x_axis.share(step) * (right - left), low - y_axis.share(value) * (low - up)

    body.append(_text(left, top + 12, y_axis.title, "cal-soft", 12.5))
    for place, text in y_axis.marks:
        y = at(0, place)[1]
        body.append(f'<path class="cal-rule" d="M{left} {y:.1f}H{right}"/>')
        body.append(_text(left - 9, y + 4, text, "cal-soft", 12, "end"))
    body.append(f'<path class="cal-axis" d="M{left} {low:.1f}H{right}"/>')
    for place, text in x_axis.marks:
        x = at(place, 0)[0]
        body.append(f'<path class="cal-axis" d="M{x:.1f} {low:.1f}v5"/>')
        if last:
            body.append(_text(x, low + 20, text, "cal-soft", 12, "middle"))
    if last:
        body.append(_text(right, low + 40, x_axis.title, "cal-soft", 12.5, "end"))
    for line in panel.lines:
        colour, dash = _look(line.slot)
        spots = thinned([at(*point) for point in line.points], 0.08)
        body.append(f'<path class="cal-line cal-s{colour}"{dash} d="{_path(spots)}"/>')
        body.extend(_dots(line, colour, at))


def _path(spots: list[tuple[float, float]]) -> str:
    (x, y), *rest = spots
    return f"M{x:.1f} {y:.1f}L" + " ".join(f"{a:.1f} {b:.1f}" for a, b in rest)


def _dots(line: Line, colour: int, at: Callable[[float, float], tuple[float, float]]) -> Iterator[str]:
    for step, value in line.dots:
        x, y = at(step, value)
        title = f"<title>step {step_text(int(step))}: {value:.6g}</title>"
        yield f'<circle class="cal-d{colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.8">{title}</circle>'
