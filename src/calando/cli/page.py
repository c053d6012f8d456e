"""The page of `calando show --html`: picture, facts, values and lint in one file that loads nothing."""

from collections.abc import Sequence
from html import escape

from calando.cli.sheet import fact_rows, lint_lines, value_rows
from calando.cli.values import asked_steps, notable_steps
from calando.core.picture.layout import Picture, letter
from calando.core.picture.svg import DARK, LIGHT, svg
from calando.core.schedule import Schedule

__all__ = ["page"]

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d1c1a;--soft:#5f5a52;--rule:#e3dfd6;--warn:#7d5200}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,'Segoe UI','Helvetica Neue','Liberation Sans',Arial,sans-serif}
main{max-width:54rem;margin:0 auto;padding:2.2rem 1.2rem 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1.1rem;font-weight:600}h2{font-size:1rem;margin:2rem 0 .5rem}
figure{margin:0;border:1px solid var(--rule);border-radius:7px;overflow-x:auto}
figure svg{display:block;width:100%;min-width:30rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.28rem 0 .28rem 1.6rem;text-align:right;font-weight:400;white-space:nowrap;
border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left;padding-left:0}thead th{font-weight:600}
ul{padding:0;margin:0;list-style:none}li{padding:.15rem 0}li b{margin-right:.4em}
code,pre{font-family:ui-monospace,'SF Mono',Menlo,Consolas,'Liberation Mono',monospace;font-size:.88rem}
pre{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
.why,td.why{color:var(--soft);font-weight:400;text-align:left}h2 .why{padding-left:.6em}.warn{color:var(--warn)}
"""
NIGHT = "--paper:#141518;--ink:#ece9e3;--soft:#b4afa6;--rule:#34363c;--warn:#e9b44c"


def page(schedules: Sequence[Schedule], drawn: Picture, peak: float | None, at: Sequence[str]) -> str:
    """One self-contained HTML page; every text is escaped."""
    several = len(schedules) > 1
    title = "Learning-rate schedules" if several else "Learning-rate schedule"
    signs = [letter(slot) if several else "" for slot in range(len(schedules))]
    steps = asked_steps(at, schedules) or notable_steps(schedules)
    head, rows, slots = value_rows(schedules, peak, dict.fromkeys(steps, ""))
    values = _table(head, rows, slots, list(steps.values()))
    facts = _table(["", *signs], fact_rows(schedules, peak), [None, *(range(len(schedules)) if several else [None])])
    unit = "learning rates" if peak is not None else "factors of the peak"
    names = "".join(
        f"<pre>{_sign(sign, slot)}{escape(name)}</pre>"
        for slot, (sign, name) in enumerate(zip(signs, drawn.names, strict=True))
    )
    light = "".join(f".of{i}{{color:{colour}}}" for i, colour in enumerate(LIGHT))
    dark = "".join(f".of{i}{{color:{colour}}}" for i, colour in enumerate(DARK))
    style = f"{STYLE}{light}@media(prefers-color-scheme:dark){{:root{{{NIGHT}}}{dark}}}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{style}</style></head><body><main>"
        f"<h1>{title}</h1><figure>{svg(drawn)}</figure>"
        f"<h2>Plans</h2>{names}"
        f'{_lint(schedules)}<h2>Facts <span class="why">{unit}</span></h2><div class="scroll">{facts}</div>'
        f'<h2>Values <span class="why">at the steps that matter</span></h2><div class="scroll">{values}</div>'
        "<footer>Made by calando show.</footer></main></body></html>\n"
    )


def _sign(sign: str, slot: int | None) -> str:
    colour = "" if slot is None else f' class="of{slot % len(LIGHT)}"'
    return f"<b{colour}>{escape(sign)}</b> " if sign else ""


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], slots: Sequence[int | None], notes: Sequence[str] = ()
) -> str:
    cells = "".join(
        f'<th scope="col"{"" if slot is None else f" class=of{slot % len(LIGHT)}"}>{escape(text)}</th>'
        for text, slot in zip(head, slots, strict=True)
    ) + ("<td></td>" if notes else "")
    body = []
    for i, row in enumerate(rows):
        why = f'<td class="why">{escape(notes[i])}</td>' if notes else ""
        first, *rest = row
        others = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        body.append(f'<tr><th scope="row">{escape(first.strip())}</th>{others}{why}</tr>')
    top = f"<thead><tr>{cells}</tr></thead>" if any(head) else ""
    return f"<table>{top}<tbody>{''.join(body)}</tbody></table>"


def _lint(schedules: Sequence[Schedule]) -> str:
    words = lint_lines(schedules)
    if not words:
        return ""
    items = "".join(f'<li class="warn">{_sign(who, None)}{escape(text)}</li>' for who, text in words)
    return f"<h2>Worth a look</h2><ul>{items}</ul>"
