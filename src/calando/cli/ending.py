"""How the verbs that make studies end: what was typed, the verdict shown, the report written, what went wrong."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from calando.cli import INTERRUPTED
from calando.errors import CalandoError, LabError, counted, tame

if TYPE_CHECKING:
    from calando.records.study import Study

__all__ = ["INTERRUPTED", "NO_RESULT", "command_line", "finish", "followed", "traced"]

Made = TypeVar("Made")
NO_RESULT = 1


def followed(make: Callable[[], Made], again: str) -> Made:
    """What is made, with Ctrl-C and a traceback of the train function told as people read them.

    Args:
        make: makes the study.
        again: the command that goes on with it.
    """
    try:
        with traced():
            return make()
    except KeyboardInterrupt:
        click.echo("\nstopped; every finished run is kept. To go on:\n  " + again, err=True)
        raise SystemExit(INTERRUPTED) from None


@contextmanager
def traced() -> Iterator[None]:
    """Show a traceback of the train function with its lines, before the error that it led to."""
    try:
        yield
    except LabError as error:
        first, _, trace = error.given.partition("\n")
        if not trace:
            raise
        click.echo(tame(trace.expandtabs()) + "\n", err=True)  # a traceback keeps its lines
        raise LabError(given=first.rstrip(":"), allowed=error.allowed, where=error.where, fix=error.fix) from error


def finish(study: "Study", *, report: bool) -> None:
    """Show a study that came to its end, write its report, and end with status 1 where no run gave a result."""
    _show(study)
    if report:
        _write_report(study)
    if not any(run.sound for run in study.runs):
        _say_why(study)
        raise SystemExit(NO_RESULT)


def command_line() -> tuple[str, ...]:
    """What was typed, without what is meant for once: said again, it goes on with this study."""
    words = sys.argv[1:]
    ours = words.index("--") if "--" in words else len(words)  # what follows is a script's own
    kept = (word for word in words[:ours] if word not in ("--fresh", "--retry-failed"))
    return ("calando", *kept, *words[ours:])


def _show(study: "Study") -> None:
    from rich.console import Console

    from calando.report import build, renderable

    click.echo()
    Console(highlight=False).print(renderable(build(study)))


def _say_why(study: "Study") -> None:
    """How the runs ended when none of them gave a result; also where no progress is shown."""
    from collections import Counter

    runs = counted(len(study.runs), "run")
    click.echo(f"\nno result: not one of {runs} gave a finite {tame(study.spec.metric)}", err=True)
    reasons = Counter((run.status, run.reason) for run in study.runs)
    for (status, reason), count in reasons.most_common(3):
        click.echo(f"  {count} {status}: {tame(' '.join(reason.split()))[:300]}", err=True)
    names = sorted({name for run in study.runs for name in run.curves})
    click.echo(f"  logged: {tame(', '.join(names))[:300] or 'nothing'}", err=True)


def _write_report(study: "Study") -> None:
    from calando.report import write_html

    folder = Path(study.path).parent
    try:
        written = write_html(study, folder / "report.html")
    except (CalandoError, OSError) as error:
        reason = tame(error.given if isinstance(error, CalandoError) else str(error))
        click.echo(f"  No report: {reason}. Later: calando report {folder}", err=True)
        return
    click.echo(f"\nreport  {written}")
