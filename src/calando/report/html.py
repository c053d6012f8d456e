"""The page as one HTML file that needs no network and runs nothing but its own script.

Three fences hold user text: Jinja escapes it in markup, JSON inside the page has no `<`, `>` or `&`
left, and a content policy lets only the scripts run whose hashes stand in the page's head (`markup`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from calando.records import Study
from calando.report import marks, words
from calando.report.build import build
from calando.report.figures import colour, figures
from calando.report.finding import finding_svg
from calando.report.markup import as_json, asset, missing, policy, strokes, template, write_whole
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
    return write_whole(path, page_html(build(study, made=made), static=static))


def page_html(page: Page, *, static: bool = False) -> str:
    """The page as the text of one HTML document.

    >>> from calando.records import Candidate, StudySpec
    >>> study = Study(StudySpec("<b>Which?</b>", "train.py:train", 10, (Candidate("c", "cosine()"),)))
    >>> "&lt;b&gt;Which?" in page_html(build(study), static=True)
    True
    """
    drawn = figures(page)
    interactive = bool(drawn) and not static
    scripts = [_plotly(), asset("page.js")] if interactive else [asset("page.js")]
    return str(
        template("page.html").render(
            page=page,
            css=asset("page.css"),
            scripts=scripts,
            policy=policy(scripts),
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
            dashes=strokes,
            excerpt=excerpt,
        )
    )


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


@cache
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise missing("plotly") from error
    return str(get_plotlyjs())
