"""An answer as one HTML file with drawn figures: no network, no script but the one that copies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from calando.report import words
from calando.report.answers.page import AnswerPage
from calando.report.answers.png import answer_png
from calando.report.figures import colour
from calando.report.markup import asset, policy, strokes, template, write_whole
from calando.report.static import svg

__all__ = ["answer_html", "write_answer"]

SMALL: Final = (4.2, 3.2)
"""Inches of the drawing that a telephone shows in place of the wide one."""


def answer_html(page: AnswerPage) -> str:
    """An answer as the text of one HTML document.

    Raises:
        MissingExtra: without Jinja or Matplotlib.

    Example:
        >>> "&lt;b&gt;Which?" in answer_html(AnswerPage("Forecast", "<b>Which?</b>", "None."))
        True
    """
    scripts = [asset("page.js")]
    pictures = [picture for part in page.parts for picture in part.pictures]
    drawn = {one.name: (svg(one.figure, one.name), svg(one.figure, one.name + " small", *SMALL)) for one in pictures}
    return str(
        template("answer.html").render(
            page=page, drawn=drawn, css=asset("page.css"), scripts=scripts, policy=policy(scripts), words=words,
            colour=colour, dashes=strokes,
        )
    )  # fmt: skip


def write_answer(page: AnswerPage, out: str | Path) -> list[Path]:
    """Write an answer as HTML, and its pictures as one PNG beside it; gives the paths written.

    Args:
        page: the answer.
        out: the file to write, or a folder that exists and gets `forecast.html` (by the answer's kind).

    Raises:
        BadValue: for a file that cannot be written.
        MissingExtra: without Jinja or Matplotlib.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in write_answer(AnswerPage("Forecast", "Which?", "None."), folder)]
        ['forecast.html']
    """
    path = Path(out)
    if path.is_dir():
        path = path / f"{page.kind.lower()}.html"
    written = [write_whole(path, answer_html(page))]
    pictures = [picture for part in page.parts for picture in part.pictures]
    if pictures:
        written.append(write_whole(path.with_suffix(".png"), answer_png(page)))
    return written
