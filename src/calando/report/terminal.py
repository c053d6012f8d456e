"""The same page in the terminal: leaderboard, what was found, what it cost, verdict.

Fits 60 columns, says everything without colour, and is plain text when piped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calando.report import words
from calando.report.page import Group, Page, Row

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["folded", "renderable", "text"]

INK = {"failure": "red", "warning": "yellow", "note": "", "good": "green"}
SHOWN = 12
"""Decisions in the terminal, the latest ones; the page has all."""

NARROW = 56
"""Columns of a command's lines."""
STANDING = {"better": "green", "worse": "red", "open": "", "": ""}


def renderable(page: Page) -> RenderableType:
    """The page for `rich.print`: `calando report --text` and the end of `calando compare`.

    >>> from calando.records import Candidate, Study, StudySpec
    >>> from calando.report import build
    >>> study = Study(StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),)))
    >>> print(text(build(study)).splitlines()[0])
    Which?
    """
    from rich.console import Group as Stack
    from rich.text import Text

    parts: list[RenderableType] = [Text(words.tame(words.cut(page.question, 400)), style="bold"), Text()]
    if page.verb != "find" and any(row.rank is not None for row in page.rows):
        parts += [_board(page)]
    parts += _decided(page)
    parts += _found(page)
    parts += _spent(page)
    parts += [Text(), *_verdict(page)]  # last, where the eye is when a command has ended
    parts += _next(page)
    return Stack(*parts)


def text(page: Page, width: int = 80) -> str:
    """The page as plain text of a width in columns, without colour."""
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, no_color=True, highlight=False, force_terminal=False).print(renderable(page))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _verdict(page: Page) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    answer = page.answer
    title = Text("VERDICT  ", style="bold cyan") if answer.finished else Text("OPEN  ", style="bold yellow")
    parts: list[RenderableType] = [title + Text(words.tame(words.cut(answer.headline, 600)), style="bold")]
    parts += [
        Padding(Text(words.tame(words.cut(line, 2000))), (0, 0, 0, 1))
        for line in answer.sentences
        if line != answer.headline
    ]
    peaks = {row.label: words.at_peak(row.peak) if row.settled else "–" for row in page.rows}
    if answer.tie_set:
        tied = "; ".join(f"{words.cut(label)} ({peaks.get(label, '–')})" for label in answer.tie_set)
        lead = f"{answer.standing.lower()}: "
        parts.append(Padding(Text(lead, style="bold").append(words.tame(tied), style="not bold"), (0, 0, 0, 1)))
    for line in answer.not_proven:
        entry = Text("not proven: ", style="dim bold").append(words.tame(line[:1].lower() + line[1:]), style="not bold")
        parts.append(Padding(entry, (0, 0, 0, 1)))
    return parts


def _next(page: Page) -> list[RenderableType]:
    """What follows; commands in lines that can be pasted together."""
    from rich.padding import Padding
    from rich.text import Text

    if page.ahead is None:
        return []
    parts: list[RenderableType] = [Text(), Text("NEXT", style="bold cyan")]
    parts += [Padding(Text(words.tame(words.cut(line, 2000))), (0, 0, 0, 1)) for line in page.ahead.sentences]
    for what, command in page.ahead.commands:
        parts.append(Padding(Text(f"to {words.tame(what)}:", style="dim"), (0, 0, 0, 1)))
        lines = folded(words.tame(command)).split("\n")
        parts += [Padding(Text(line, overflow="fold"), (0, 0, 0, 2)) for line in lines]
    return parts


def folded(command: str, width: int = NARROW) -> str:
    """A command over several lines, each but the last ending in a backslash: pasted, it is the same command.

    >>> print(folded("calando compare train.py:train --candidates 'wsd(cooldown=57%) @ 0.1'", 40))
    calando compare train.py:train \\
      --candidates 'wsd(cooldown=57%) @ 0.1'
    """
    import shlex

    lines: list[str] = []
    for word in map(shlex.quote, shlex.split(command)):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}" if lines else word)
    return " \\\n".join(lines)


def _board(page: Page) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("", justify="right")
    table.add_column("schedule", overflow="fold", min_width=12)
    for head in ("peak", page.metric, "to the baseline"):
        table.add_column(Text(words.tame(head)), justify="right", overflow="fold")
    table.add_column("", justify="left")
    for row in page.rows:
        half = (row.interval.high - row.interval.low) / 2 if row.interval else None
        versus = Text("baseline", style="dim") if row.baseline else Text("–", style="dim")
        if row.difference is not None:
            versus = Text(words.interval_text(row.difference).replace(" [", "\n["), style=STANDING[row.standing])
        table.add_row(
            "–" if row.rank is None else str(row.rank),
            Text(words.tame(words.cut(row.label)), style="bold" if row.tied else ""),
            words.peak_text(row.peak) if row.settled else "–",
            f"≈ {words.rounded(row.believed)}"
            if row.mean is None and row.believed is not None
            else words.rounded(row.mean, half),
            versus,
            _marks(row, page.answer.recommended),
        )
    return table


def _marks(row: Row, recommended: str | None) -> Text:
    from rich.text import Text

    marks = Text(row.lead or ("tied" if row.tied else ""))
    if row.label == recommended:
        marks = Text("recommended", style="bold")
    for number, word in ((row.diverged, "diverged"), (row.failed, "failed")):
        if number:
            marks.append(("\n" if marks else "") + f"{number} {word}", style="red")
    if row.edge in ("low", "high"):
        marks.append(("\n" if marks else "") + "grid's edge", style="yellow")
    return marks


def _found(page: Page) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    if not page.tally:
        return []
    line = Text("DIAGNOSIS  ", style="bold cyan")
    for i, (kind, severity, number) in enumerate(page.tally):
        line.append(", " if i else "").append(f"{number} {kind}", style=INK[severity])
    parts: list[RenderableType] = [Text(), line]
    for group in page.groups:
        if group.phase != "confirm" or not group.troubled:
            continue
        for finding, seeds in group.common:
            if finding.severity not in ("failure", "warning"):
                continue
            entry = Text(f"{words.tame(words.cut(group.label))}, {words.at_peak(group.peak)}: ")
            entry.append(words.tame(finding.title), style=INK[finding.severity])
            entry.append(f" ({_share(group, seeds)})", style="dim")
            parts.append(Padding(entry, (0, 0, 0, 1)))
            if finding.advice:
                parts.append(Padding(Text(f"→ {words.tame(finding.advice[0])}"), (0, 0, 0, 3)))
    return parts


def _share(group: Group, seeds: tuple[int, ...]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} of {len(group.runs)} runs"


def _spent(page: Page) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    bill = page.bill
    runs = (
        page.search.runs + page.proof.runs
        if page.verb != "find"
        else sum(one.runs for one in bill.phases)
        if bill
        else 0
    )
    if not runs:
        return []
    waited = f" in {words.duration(page.wall)} of waiting" if page.wall is not None else ""
    line = Text("COST  ", style="bold cyan").append(
        f"{words.count(runs, 'run')}, {words.count(bill.trained if bill else 0, 'update')}, "
        f"{words.duration(page.work)} of work{waited}",
        style="not bold default",
    )
    parts: list[RenderableType] = [Text(), line]
    if bill is not None:
        if len(bill.phases) > 1 and page.verb != "compare":
            for one in bill.phases:
                planned = f" of {one.planned:,} planned" if one.planned is not None else ""
                told = f"{words.count(one.spent, 'update')}{planned}, {words.count(one.runs, 'run')}"
                parts.append(Padding(Text(f"{words.tame(one.name)}: {told}", style="dim"), (0, 0, 0, 1)))
        parts += [Padding(Text(words.tame(sentence)), (0, 0, 0, 1)) for sentence in bill.words]
    return parts


def _decided(page: Page) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    lines = [(about, text) for one in page.decided for about, text, _ in one.lines]
    if not lines:
        return []
    parts: list[RenderableType] = [Text(), Text("DECISIONS", style="bold cyan")]
    if len(lines) > SHOWN:
        parts.append(Padding(Text(f"... {words.count(len(lines) - SHOWN, 'earlier one')}", style="dim"), (0, 0, 0, 1)))
    for about, text in lines[-SHOWN:]:
        entry = Text(f"{words.tame(words.cut(about))}: " if about else "", style="bold")
        parts.append(Padding(entry.append(words.tame(words.cut(text, 400)), style="not bold"), (0, 0, 0, 1)))
    return parts
