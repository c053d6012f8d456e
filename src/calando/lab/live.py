"""Live progress: a table that redraws in a terminal, plain lines elsewhere. It writes to standard error."""

import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from calando.errors import tame
from calando.lab.board import Board, Tally
from calando.records.run import RunRecord
from calando.records.study import StudySpec

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Lines", "Quiet", "Screen", "View", "duration", "view_for"]


class View(Protocol):
    """Something that shows how far a study is; `draws` tells whether it wants to be shown boards."""

    draws: bool

    def start(self, spec: StudySpec) -> None:
        """The study begins or goes on."""

    def show(self, board: Board) -> None:
        """Where everything stands now; called several times a second."""

    def finished(self, record: RunRecord, tally: Tally) -> None:
        """A run came to its end."""

    def say(self, text: str) -> None:
        """Something that people should know."""

    def stop(self) -> None:
        """The study is over or interrupted; safe to call twice."""


def duration(seconds: float | None) -> str:
    """Seconds as people read them.

    >>> duration(75), duration(3700), duration(None)
    ('1:15', '1:01:40', '')
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def view_for(live: bool | None, stream: TextIO | None = None) -> View:
    """The view that suits the stream: a table in a terminal, lines elsewhere, nothing for False."""
    stream = stream or sys.stderr
    if live is False:
        return Quiet()
    return Screen(stream) if stream.isatty() else Lines(stream)


class Quiet:
    """Shows nothing."""

    draws = False

    def start(self, spec: StudySpec) -> None:
        """Nothing."""

    def show(self, board: Board) -> None:
        """Nothing."""

    def finished(self, record: RunRecord, tally: Tally) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class Lines:
    """One plain line per finished run."""

    draws = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def start(self, spec: StudySpec) -> None:
        """Say the question."""
        self.say(spec.question)

    def show(self, board: Board) -> None:
        """Nothing between runs."""

    def finished(self, record: RunRecord, tally: Tally) -> None:
        """Say how the run ended."""
        spec = record.spec
        end = f"{record.final:.5g}" if record.final is not None else f"{record.status}: {record.reason}"
        peak = "" if spec.peak is None else f" peak {spec.peak:g}"
        left = f", {duration(tally.left)} left" if tally.left and tally.left >= 1 else ""
        what = f"{spec.candidate}{peak} seed {spec.seed}: {end}"
        self.say(f"[{tally.done}/{tally.total}] {what} ({record.seconds:.1f} s{left})")

    def say(self, text: str) -> None:
        """Write the text as one line, whatever it holds."""
        line = tame(" ".join(text.split()))
        try:
            self._stream.write(line[:500] + "\n")
            self._stream.flush()
        except UnicodeEncodeError:
            self._stream.write(line[:500].encode("ascii", "backslashreplace").decode() + "\n")
        except (OSError, ValueError):
            pass  # nobody reads any more; the study goes on

    def stop(self) -> None:
        """Nothing to put away."""


WIDE = 90
"""Columns of a terminal below which the table does without its small curves."""


class Screen:
    """A table of the candidates that redraws in place."""

    draws = True

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._began = time.monotonic()

    def start(self, spec: StudySpec) -> None:
        """Say the question and begin to draw."""
        self.say(spec.question)
        self._live.start()

    def show(self, board: Board) -> None:
        """Redraw."""
        self._live.update(self._table(board), refresh=True)

    def finished(self, record: RunRecord, tally: Tally) -> None:
        """Say what went wrong, if something did."""
        if record.status != "done":
            spec = record.spec
            peak = "" if spec.peak is None else f" peak {spec.peak:g}"
            self.say(f"{spec.candidate}{peak} seed {spec.seed} {record.status}: {record.reason}")

    def say(self, text: str) -> None:
        """Print above the table."""
        from rich.text import Text

        self._console.print(Text(tame(" ".join(text.split()))[:500]))

    def stop(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _table(self, board: Board) -> "Table":
        from rich.table import Table
        from rich.text import Text

        spent = duration(time.monotonic() - self._began)
        now = board.tally
        left = f" · about {duration(now.left)} left" if now.left is not None else ""
        title = f"{now.done} of {now.total} runs · {now.running} running · {spent} spent{left}"
        table = Table(title=Text(title), title_justify="left", pad_edge=False, box=None)
        labels = [tame(row.label) for row in board.rows]
        wide, names = self._console.width >= WIDE, min(24, max(map(len, labels), default=0))
        columns = {"candidate": names, "state": 20 if wide else 12, "peak": 6, "best so far": 0, "loss": 14, "lost": 0}
        if not wide:
            del columns["loss"]
        for name, width in columns.items():
            fold = name == "candidate" or width == 0
            table.add_column(name, no_wrap=not fold, overflow="fold" if fold else "ellipsis", min_width=width)
        for label, row in zip(labels, board.rows, strict=True):
            lost = Text(str(row.lost), style="red") if row.lost else Text("")
            state = Text(row.state, style="green" if row.state == "finished" else "")
            cells = [Text(label), state, Text(row.peak), Text(row.score), Text(row.spark), lost]
            table.add_row(*(cells if wide else [*cells[:4], lost]))
        return table
