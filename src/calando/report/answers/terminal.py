"""An answer in the terminal: the headline, what is not proven, the tables; pictures are the page's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calando.report.answers.grid import Grid
from calando.report.answers.page import AnswerPage, Part
from calando.report.words import cut, tame

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["answer_text"]


def answer_text(page: AnswerPage) -> RenderableType:
    """An answer as Rich prints it, at any width.

    Example:
        >>> from rich.console import Console
        >>> Console(width=60).print(answer_text(AnswerPage("Forecast", "Which?", "None of them.")))
        ANSWER  None of them.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    title = Text("ANSWER  ", style="bold cyan") if page.settled else Text("OPEN  ", style="bold yellow")
    lines: list[RenderableType] = [title + Text(tame(cut(page.headline, 600)), style="bold")]
    lines += [Padding(Text(tame(cut(line, 2000))), (0, 0, 0, 1)) for line in page.sentences]
    for line in page.doubts:
        entry = Text("not proven: ", style="dim bold").append(tame(cut(line, 2000)), style="not bold")
        lines.append(Padding(entry, (0, 0, 0, 1)))
    for name, value in page.facts:
        fact = Text(f"{name}: ", style="dim").append(tame(cut(value, 300)), style="not dim")
        lines.append(Padding(fact, (0, 0, 0, 1)))
    for part in page.parts:
        lines += _part(part)
    if page.commands:
        lines += [Text(), Text("NEXT", style="bold cyan")]
        lines += [Padding(Text(tame(line), no_wrap=False), (0, 0, 0, 1)) for line in page.commands]
    return Group(*lines)


def _part(part: Part) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    if (part.table is None or part.folded) and not part.lead and not part.notes:
        return []
    lines: list[RenderableType] = [Text(), Text(part.heading.upper(), style="bold cyan")]
    lines += [Padding(Text(tame(cut(line, 2000)), style="dim"), (0, 0, 0, 1)) for line in part.lead]
    if part.table is not None and not part.folded:
        lines.append(Grid(part.table))
    lines += [Padding(Text(tame(cut(line, 2000))), (0, 0, 0, 1)) for line in part.notes]
    return lines
