"""What the verbs that read recorded losses ask for, and what they show of what they read."""

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calando.errors import BadFile, BadValue, CalandoError, DoesNotFit, counted, tame

if TYPE_CHECKING:
    from calando.forecast.reading import Readings
    from calando.records.logs.draft import Edge
    from calando.report.answers import AnswerPage

__all__ = ["answer_options", "answered", "below", "checked_asked", "curve_options", "read_curves", "said", "whole"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
SHOWN = 12


def answer_options(command: Decorated) -> Decorated:
    """What every answer from fitted laws is asked with: how sure, from which seed, in which form."""
    return _with(
        command,
        click.option("--out", metavar="FILE.html", help="Also write the answer as a page, and its pictures beside it."),
        click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the fits' starts."),
        click.option("--level", type=float, default=0.8, show_default=True, help="Share that the bands are to hold."),
    )


def _with(command: Decorated, *options: Callable[[Decorated], Decorated]) -> Decorated:
    for option in options:  # the last one is shown first
        command = option(command)
    return command


def curve_options(command: Decorated) -> Decorated:
    """The LOG argument, and what may be said about the logs."""
    return _with(
        command,
        click.option("--quiet", is_flag=True, help="Do not say how the logs were read."),
        click.option("--steps-per-epoch", type=int, metavar="N", help="Updates in an epoch, for logs by the epoch."),
        click.option("--step", metavar="NAME", help="Column that counts the updates.  [default: guessed and shown]"),
        click.option("--lr", metavar="NAME", help="Column of the learning rate.  [default: guessed and shown]"),
        click.option(
            "--lr-edge", type=click.Choice(["used", "next"]),
            help="Whether logged rates are the last update's or the next one's.  [default: told by the log]",
        ),
        click.option("--loss", metavar="NAME", help="Column that is fitted.  [default: the validation loss, if dense]"),
        click.option("--run-horizon", type=int, metavar="N", help="Whole length of runs that were cut short."),
        click.option("--peak", type=float, metavar="LR", help="Peak of the runs whose --plan names none."),
        click.option(
            "--plan", "plans", multiple=True, metavar="[RUN=]PLAN",
            help='What a run followed, where its log has no learning rate: "cosine() @ 3e-4".',
        ),
        click.argument("logs", metavar="LOG...", nargs=-1, required=True),
    )  # fmt: skip


def read_curves(
    logs: tuple[str, ...],
    *,
    plans: tuple[str, ...],
    peak: float | None,
    run_horizon: int | None,
    loss: str | None,
    lr: str | None,
    step: str | None,
    lr_edge: "Edge | None",
    steps_per_epoch: int | None,
    quiet: bool,
) -> "Readings":
    """The loss curves of some logs; what was read how is told on stderr, a log that cannot be read is left out.

    Raises:
        CalandoError: the first that went wrong, where no log could be read.
    """
    from calando.forecast.reading import curves_of, given_of
    from calando.records.logs import read_logs

    refused: list[CalandoError] = []
    given_of(plans, peak, run_horizon)  # refuse what is wrong before files are read
    found = read_logs(*logs, lr=lr, step=step, steps_per_epoch=steps_per_epoch, lr_edge=lr_edge, refused=refused)
    given = given_of(plans, peak, run_horizon, [log.name for log in found])
    readings = curves_of(found, given, loss=loss, steps_per_epoch=steps_per_epoch)
    refused += readings.refused
    if not readings.curves:
        for error in refused:
            raise error
    if not readings.curves:
        raise BadFile(
            given="no run in what was named", allowed="at least one log", where="LOG", fix="name the files of the runs"
        )
    if not quiet:
        told = list(dict.fromkeys(readings.told))  # what holds for several runs is said once
        for line in told[:SHOWN]:
            click.echo("read    " + line, err=True)
        if len(told) > SHOWN:
            click.echo(f"read    ... and {counted(len(told) - SHOWN, 'line')} more", err=True)
    for error in refused[:SHOWN]:
        click.echo(tame(f"left out: {error.given}, at {error.where}. {error.fix}"), err=True)
    if len(refused) > SHOWN:
        click.echo(f"left out: {len(refused) - SHOWN:,} more", err=True)
    return readings


def said(given: Mapping[str, Any]) -> list[str]:
    """The words of a command line that say what was said about the logs.

    >>> said({"logs": ("a.csv",), "plans": ("cosine()",), "peak": 0.1, "run_horizon": None, "quiet": True})
    ['a.csv', '--plan', 'cosine()', '--peak', '0.1', '--quiet']
    """
    words = list(given["logs"])
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if name == "plans":
            words += [word for plan in value for word in ("--plan", plan)]
        elif value is True:
            words.append(option)
        elif name != "logs" and value not in (None, False):
            words += [option, str(value)]
    return words


def below(readings: "Readings", peaks: list[float], where: str = "--peaks") -> list[float]:
    """The peaks below the lowest at which a run diverged; those left out are told.

    Args:
        readings: what was read.
        peaks: learning rates that were asked for, by the option `where`.

    Raises:
        BadValue: where none is left.
    """
    left = [peak for peak in peaks if readings.below_edge(peak)]
    if not left:
        raise BadValue(
            given=f"peaks from {min(peaks):g} up, where a run diverged at {readings.edge:g}", allowed="lower peaks",
            where=where, fix="ask for peaks below it, and make a run there",
        )  # fmt: skip
    if len(left) < len(peaks):
        click.echo(f"left out: peaks from {readings.edge:g} up, where a run diverged", err=True)
    return left


def whole(given: str, option: str = "--horizon") -> int:
    """A horizon as typed, in updates.

    Raises:
        BadValue: for anything but a whole number of updates.
    """
    from calando.cli.arguments import horizon_of
    from calando.core.shapes.constant import constant

    try:
        return constant().bind(horizon_of(given)).horizon
    except (BadValue, DoesNotFit) as error:
        raise BadValue(given=error.given, allowed=error.allowed, where=option, fix=error.fix) from None


def checked_asked(level: float, seed: int) -> None:
    """Refuse what an answer cannot be asked with, before any log is read.

    Raises:
        BadValue: for a level or a seed outside its range.
    """
    from calando.forecast.bands.banding import checked_level

    if seed < 0:
        raise BadValue(given=f"--seed {seed}", allowed="a whole number >= 0", where="--seed", fix="leave it out")
    try:
        checked_level(level)
    except BadValue as error:
        raise BadValue(given=f"--level {level:g}", allowed=error.allowed, where="--level", fix=error.fix) from None


def _finite(value: Any) -> Any:
    """Plain data with null for every number that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def answered(
    data: Callable[[], dict[str, Any]], page: "Callable[[str], AnswerPage]", *, as_json: bool, out: str | None
) -> None:
    """Show an answer in the terminal or as JSON, and write its page where one was asked for.

    Args:
        data: gives the answer as plain data.
        page: makes its page, called with the time of making.
        as_json: print the value, and nothing else.
        out: the file or folder of the page; None for no page.
    """
    from rich.console import Console

    from calando.cli.report import made
    from calando.report.answers import answer_text, write_answer

    if as_json:
        click.echo(json.dumps(_finite(data()), indent=1, allow_nan=False))
        if out is None:
            return
    answer = page(made())
    if not as_json:
        Console(highlight=False).print(answer_text(answer))
    if out is not None:
        for path in write_answer(answer, out):
            click.echo(f"{path}  ({path.stat().st_size / 1e6:.2f} MB)", err=as_json)
