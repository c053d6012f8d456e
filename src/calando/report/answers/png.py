"""An answer's pictures as one PNG on white, for papers, chats and slides."""

from __future__ import annotations

import io
import re
from functools import cache
from textwrap import wrap

from calando.report.answers.page import AnswerPage, Part, Picture
from calando.report.markup import asset
from calando.report.static import Inks, canvas_of, draw
from calando.report.words import cut, tame

__all__ = ["answer_png", "titled"]

WIDTH, HEIGHT, TITLE, KEY, COLUMNS = 8.6, 3.6, 0.2, 0.24, 2
LINE = 108
"""Letters that a line of a title has room for."""


def answer_png(page: AnswerPage, *, dpi: int = 160) -> bytes:
    """The pictures of an answer below one another, each with its heading, its caption and its key.

    Args:
        page: an answer with at least one picture.
        dpi: dots per inch of a picture 8.6 inches wide, > 0.

    Raises:
        MissingExtra: without Matplotlib.
    """
    pictures = [(titled(part, picture), picture) for part in page.parts for picture in part.pictures]
    heights = [
        HEIGHT + 0.2 + TITLE * len(title) + KEY * (-(-len(picture.key) // COLUMNS)) for title, picture in pictures
    ]
    inks = Paper()
    with canvas_of(WIDTH, sum(heights), page.kind) as canvas:
        parts = canvas.subfigures(len(pictures), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, (title, picture) in zip(parts, pictures, strict=True):
            shade = inks.of("var(--ink)")[0]
            part.suptitle("\n".join(title), x=0.01, ha="left", fontsize=10, color=shade, parse_math=False)
            draw(part, picture.figure, inks)
            lines = [_stroke(inks, slot) for slot, _ in picture.key]
            if lines:
                names = [tame(cut(label, 58)).replace("$", r"\$") for _, label in picture.key]
                part.legend(
                    lines, names, loc="outside lower left", ncols=COLUMNS, fontsize=8.5, frameon=False, handlelength=3.6
                )
        out = io.BytesIO()
        canvas.savefig(out, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return out.getvalue()


def titled(part: Part, picture: Picture) -> list[str]:
    """What stands above a picture, in lines that fit."""
    return wrap(tame(cut(f"{part.heading}. {picture.caption}", 400)), LINE)


class Paper(Inks):
    """The light colours of the page's style sheet, by the names of its variables."""

    def of(self, text: str) -> tuple[str, float]:
        """A colour such as "var(--s1)/0.2" as it is on paper, and its opacity."""
        name, _, alpha = text.partition("/")
        return colours()[name], float(alpha or 1)


@cache
def colours() -> dict[str, str]:
    """The first block of the style sheet: its variables that are colours."""
    block = asset("page.css").split("}", 1)[0]
    return {f"var({name})": shade for name, shade in re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6})", block)}


def _stroke(inks: Inks, slot: int) -> object:
    from matplotlib.lines import Line2D

    from calando.report.figures import colour, dash
    from calando.report.static import stroke

    return Line2D([], [], color=inks.of(colour(slot))[0], linewidth=1.8, linestyle=stroke(dash(slot)))
