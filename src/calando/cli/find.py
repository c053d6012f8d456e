"""`calando find`: an interval for the peak learning rate, for at most the cost of one full run."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calando.cli.training import cluster_options, train_argument
from calando.errors import CalandoError, LabError, tame

if TYPE_CHECKING:
    from calando.records.finding import Finding

__all__ = ["find"]

INTERRUPTED = 130
NO_RESULT = 1


@click.command(short_help="Find the peak learning rate: an interval, for at most one run's cost.")
@train_argument
@click.option("--plan", default="linear_decay()", show_default=True, help="The schedule whose peak is wanted.")
@click.option("--steps", type=int, help="Updates of the full run.  [default: what the train function declares]")
@click.option("--rates", default="1e-6..10", show_default=True, metavar="LOW..HIGH", help="Span of the range tests.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Range tests, 3 or more.")
@click.option("--confidence", type=float, default=0.8, show_default=True, help="Of the interval.")
@click.option("--workers", type=int, help="Runs at a time.  [default: 2, or 1 on one core]")
@click.option("--study", metavar="FOLDER", help="Folder of the search.  [default: studies/FILE-find]")
@click.option("--metric", help="Logged name that is judged.  [default: val_loss]")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Whether lower or higher is better.  [default: min]")
@click.option("--steps-per-epoch", type=int, help="Updates per pass over the data, for lengths such as 3ep.")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--retries", type=int, default=1, show_default=True, help="New starts after a worker died.")
@click.option("--isolate", is_flag=True, help="A fresh process for every run (slower).")
@cluster_options
@click.option("--fresh", is_flag=True, help="Set an existing search aside and begin anew.")
@click.option("--mixed", is_flag=True, help="Go on with other packages, Python or threads than before.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--picture/--no-picture", default=True, show_default=True, help="Write STUDY/find.html, .svg and .png.")
def find(train: str, as_json: bool, quiet: bool, picture: bool, **given: Any) -> None:
    """Find the peak learning rate of a decayed schedule: an interval and a best guess, or "no signal" and why.

    Range tests over several seeds bracket the search; whole schedules on a sixteenth and a quarter of the horizon
    decide. All of it takes at most the updates of one full run, each in a process of its own. The same command again
    goes on where it stopped.

    \b
    calando find examples/digits_torch.py:train
    calando find train.py:train --plan "warmup(5%) | cosine()" --steps 5000 --rates 1e-5..1
    """
    from calando.lab.find import find as search

    line = _command_line()
    try:
        found = search(train, live=False if quiet else None, command=line, **given)
    except KeyboardInterrupt:
        click.echo("\nstopped; every finished run is kept. To go on:\n  " + shlex.join(line), err=True)
        raise SystemExit(INTERRUPTED) from None
    except LabError as error:
        first, _, trace = error.given.partition("\n")
        if not trace:
            raise
        click.echo(tame(trace.expandtabs()) + "\n", err=True)  # a traceback keeps its lines
        raise LabError(given=first.rstrip(":"), allowed=error.allowed, where=error.where, fix=error.fix) from error
    if as_json:
        from calando.records.plain import encode

        click.echo(encode(found))
    else:
        _show(found)
    if picture:
        _draw(found)
    if found.outcome == "no signal":
        raise SystemExit(NO_RESULT)


def _command_line() -> tuple[str, ...]:
    words = sys.argv[1:]
    ours = words.index("--") if "--" in words else len(words)  # what follows is a script's own
    return ("calando", *(word for word in words[:ours] if word != "--fresh"), *words[ours:])


def _show(found: "Finding") -> None:
    """The range tests' rules, the mini-runs, and the answer in words."""
    if found.reading is not None and found.reading.marks:
        click.echo("\nrange test         all seeds   by seed")
        for mark in found.reading.marks:
            alone = "  ".join("-" if rate is None else f"{rate:.2g}" for _, rate in mark.by_seed)
            spread = "" if mark.spread is None else f"   (a factor {mark.spread:.1f} apart)"
            rate = "-" if mark.rate is None else f"{mark.rate:.2g}"
            click.echo(f"  {mark.rule:<14}{rate:>10}    {alone}{spread}")
    if found.minis:
        click.echo(f"\nmini-runs of {tame(found.shape)}")
        for mini in found.minis:
            end = mini.status if mini.value is None else f"{mini.value:.5g}"
            click.echo(f"  {mini.horizon:>7} updates at peak {mini.peak:<9g} {tame(found.metric)} {end}")
    click.echo(f"\nVERDICT  {tame(found.headline)}")
    for sentence in found.sentences[1:]:
        click.echo(f"  {tame(sentence)}")
    for doubt in found.not_proven:
        click.echo(f"  not proven: {tame(doubt)}")
    if found.best is not None:
        plan = shlex.quote(f"{found.shape} @ {found.best:g}")
        click.echo(f"\nnext    calando compare {tame(found.train)} --candidates {tame(plan)}")


def _draw(found: "Finding") -> None:
    from calando.report.finding import write_finding

    try:
        written = write_finding(found, Path(found.path))
    except (CalandoError, OSError) as error:
        reason = tame(error.given if isinstance(error, CalandoError) else str(error))
        click.echo(f"  No picture: {reason}", err=True)
        return
    click.echo("picture " + "  ".join(str(path) for path in written), err=True)
