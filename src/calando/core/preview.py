"""A schedule told in words and in a line of blocks; a small picture for notebooks."""

from html import escape
from typing import TYPE_CHECKING

from calando.core.lint import lint, number
from calando.core.plan import told
from calando.errors import BadValue, shown

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["html", "preview", "sparkline"]

BLOCKS = " ▁▂▃▄▅▆▇█"


def sparkline(schedule: "Schedule", width: int) -> str:
    """The curve as `width` blocks, from 0 to its peak."""
    top = schedule.facts.peak or 1.0
    last = schedule.horizon - 1
    values = [schedule(last * i // max(width - 1, 1)) for i in range(width)]
    return "".join(BLOCKS[min(max(round(value / top * 8), value > 0.0), 8)] for value in values)


def preview(schedule: "Schedule", width: int = 60, horizon: int | None = None) -> str:
    """The curve, its facts and its lint as text."""
    if isinstance(width, bool) or not isinstance(width, int) or not 20 <= width <= 1000:
        raise BadValue(given=f"width={shown(width)}", allowed="20 to 1000 columns", where="preview", fix="use 60")
    facts = schedule.facts
    about = "" if facts.exact else "about "
    lines = [
        told(schedule.plan),
        sparkline(schedule, width),
        f"horizon {schedule.horizon} steps; peak {number(facts.peak)} at step {facts.peak_step};"
        f" last update {number(facts.last)}; end {number(facts.end)}",
        f"area {about}{number(facts.area)} steps, mean factor {about}{number(facts.mean)}",
    ]
    warnings = lint(schedule, horizon)
    return "\n".join(lines + [f"! {line}" for line in warnings])


def html(schedule: "Schedule") -> str:
    """The curve as a small SVG with its facts, for a notebook; all text is escaped."""
    from calando.core.picture.layout import picture
    from calando.core.picture.svg import svg

    facts, about = schedule.facts, "" if schedule.facts.exact else "about "
    words = "".join(f"<div>⚠ {escape(line)}</div>" for line in lint(schedule))
    return (
        '<div style="max-width:640px;font:13px/1.5 system-ui,sans-serif">'
        f"{svg(picture([schedule]), width=640)}"
        f'<div style="padding:4px 0">{schedule.horizon:,} steps · peak {number(facts.peak)} at step {facts.peak_step:,}'
        f" · last update {number(facts.last)} · end {number(facts.end)} · mean {about}{number(facts.mean)}</div>"
        f"{words}</div>"
    )
