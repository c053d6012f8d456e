"""The page as one HTML file that needs no network and runs nothing but its own script.

Three fences hold user text: Jinja escapes it in markup, JSON inside the page has no `<`, `>` or `&`
left, and a content policy lets only the scripts run whose hashes stand in the page's head.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from calando.errors import BadValue, MissingExtra
from calando.records import Study
from calando.report import marks, words
from calando.report.build import build
from calando.report.figures import colour, dash, figures
from calando.report.finding import finding_svg
from calando.report.page import Page
from calando.report.static import svg

__all__ = ["page_html", "write_html"]


def write_html(study: Study, out: str | Path, *, static: bool = False, made: str = "") -> Path:
    """Write the report of a study as one HTML file; gives the path written.

    `out` is a file, or a folder that gets `report.html`. `static` draws the figures as SVG (about
    0.3 MB) in place of interactive ones (about 5 MB, of which Plotly's script is 4.8). The file is
    written whole or not at all. Raises MissingExtra when jinja2, plotly or matplotlib is missing,
    BadValue when the file cannot be written.

    >>> import tempfile
    >>> from calando.records import Candidate, StudySpec
    >>> study = Study(StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_html(study, folder, static=True).name
    'report.html'
    """
    path = Path(out)
    if path.is_dir():
        path = path / "report.html"
    text = page_html(build(study, made=made), static=static)
    draft = path.with_name(path.name + f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise BadValue(
            given=f"a file that cannot be written ({error.strerror or error})",
            allowed="a path in a folder that this user may write to",
            where=str(path),
            fix="name another file by --out",
        ) from error
    return path


def page_html(page: Page, *, static: bool = False) -> str:
    """The page as the text of one HTML document.

    >>> from calando.records import Candidate, StudySpec
    >>> study = Study(StudySpec("<b>Which?</b>", "train.py:train", 10, (Candidate("c", "cosine()"),)))
    >>> "&lt;b&gt;Which?" in page_html(build(study), static=True)
    True
    """
    drawn = figures(page)
    interactive = bool(drawn) and not static
    scripts = [_plotly(), _asset("page.js")] if interactive else [_asset("page.js")]
    return str(
        _template().render(
            page=page,
            css=_asset("page.css"),
            scripts=scripts,
            policy=_policy(scripts),
            figures={} if interactive else {name: svg(figure, name) for name, figure in drawn.items()},
            data={name: as_json(figure) for name, figure in drawn.items()} if interactive else {},
            interactive=interactive,
            forest=marks.forest(page),
            reach=marks.reach_strip(page),
            costs=marks.cost_bars(page) if page.verb != "find" else None,
            phases=marks.phase_bars(page),
            picture=finding_svg(page.finding) if page.finding is not None else "",
            words=words,
            colour=colour,
            dashes=_strokes,
            excerpt=excerpt,
        )
    )


def as_json(value: Any) -> str:
    """JSON that may stand inside `<script>`: nothing in it can end the element or open a comment.

    >>> as_json("</script><!--")
    '"\\\\u003c/script\\\\u003e\\\\u003c!--"'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def excerpt(text: str, lines: int = 30) -> str:
    """A traceback's first two and last lines: where it began and what went wrong.

    >>> excerpt("a\\nb\\nc\\nd\\ne", lines=4)
    'a\\nb\\n... 1 line left out ...\\nd\\ne'
    """
    kept = [line[:400] for line in text.strip().splitlines()]
    if len(kept) <= lines:
        return "\n".join(kept)
    left = words.count(len(kept) - lines, "line")
    return "\n".join([*kept[:2], f"... {left} left out ...", *kept[-(lines - 2) :]])


def coded(text: str) -> Any:
    """Markup of our own sentences: what stands between backticks becomes code, all of it escaped.

    >>> str(coded("use `a|b` <now>"))
    'use <code>a|b</code> &lt;now&gt;'
    """
    from markupsafe import Markup

    parts = words.tame(text).split("`")
    if len(parts) % 2 == 0:  # one backtick without a partner is a user's own
        return Markup.escape(words.tame(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def brief(text: str, limit: int = words.LONG) -> Any:
    """Markup of a text that may be endless: shortened, with the whole in its title.

    >>> str(brief("<i>" * 4, 8))
    '<span title="&lt;i&gt;&lt;i&gt;&lt;i&gt;&lt;i&gt;">&lt;i&gt;&lt;i … i&gt;</span>'
    """
    from markupsafe import Markup

    whole = words.tame(text)
    if len(whole) <= limit:
        return Markup.escape(whole)
    return Markup('<span title="{}">{}</span>').format(whole, words.cut(whole, limit))


def _tamed(value: Any) -> Any:
    """What Jinja is about to write: no control sign of a user's gets into the file."""
    return words.tame(value) if type(value) is str else value


def _strokes(slot: int) -> str:
    """A slot's dash as SVG's stroke-dasharray, in the key beside the figures."""
    known = {"solid": "none", "dash": "6 3", "dashdot": "6 2 1.5 2", "dot": "1.5 2", "longdash": "10 4",
             "longdashdot": "10 3 2 3"}  # fmt: skip
    return known.get(dash(slot), "8 3 2 3 2 3")


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _asset(name: str) -> str:
    return files("calando.report").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise _missing("jinja2") from error
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_asset),
        finalize=_tamed,
    )
    environment.filters.update(coded=coded, brief=brief, cut=words.cut)
    return environment.get_template("page.html")


@cache
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise _missing("plotly") from error
    return str(get_plotlyjs())


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        given=f"a report without {package}",
        allowed=f"{package}, which comes with calando[lab]",
        where="calando report",
        fix="pip install 'calando[lab]', or read it in the terminal: calando report STUDY --text",
    )
