"""`calando find`: an interval for the peak learning rate, for at most the cost of one full run."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calando.cli.ending import NO_RESULT, command_line, followed
from calando.cli.training import cluster_options, train_argument
from calando.errors import CalandoError, tame

if TYPE_CHECKING:
    from calando.records.finding import Finding

__all__ = ["find", "following", "tell"]

AWAY, UP = (1.0, 1 / 4, 1 / 16), (1.0, 4.0, 16.0)
"""By what the bound is multiplied beyond an edge, below it and above it."""


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
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better.  [default: by METRIC's name]")
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

    line = command_line()
    found = followed(lambda: search(train, live=False if quiet else None, command=line, **given), shlex.join(line))
    if as_json:
        from calando.records.plain import encode

        click.echo(encode(found))
    tell(found, given["steps_per_epoch"], picture=picture, shown=not as_json)


def tell(found: "Finding", steps_per_epoch: int | None = None, *, picture: bool, shown: bool = True) -> None:
    """Show an answer and draw it; ends with status 1 where there is no signal."""
    if shown:
        _show(found, steps_per_epoch)
    if picture:
        _draw(found)
    if found.outcome == "no signal":
        raise SystemExit(NO_RESULT)


def _show(found: "Finding", steps_per_epoch: int | None) -> None:
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
            end += "" if mini.train is None else f"   (training loss {mini.train:.4g} at the end)"
            click.echo(f"  {mini.horizon:>7} updates at peak {mini.peak:<9g} {tame(found.metric)} {end}")
    if found.traceback:
        click.echo("\n" + tame(found.traceback.expandtabs().rstrip()))
    click.echo(f"\nVERDICT  {tame(found.headline)}")
    for sentence in found.sentences[1:]:
        click.echo(f"  {tame(sentence)}")
    for doubt in found.not_proven:
        click.echo(f"  not proven: {tame(doubt)}")
    if found.best is not None:
        click.echo(f"\nnext    {tame(shlex.join(following(found, steps_per_epoch)))}")


def following(found: "Finding", steps_per_epoch: int | None = None) -> list[str]:
    """The command that tries the answer on full runs; at an edge, the one that looks beyond it."""
    from calando.records.logs.guess import better

    beyond: list[str] = []
    plan, verb = found.shape, "compare"
    if found.outcome == "found":
        plan = f"{found.shape} @ {found.best:g}"
    else:
        below = "low" in found.reason
        if below or (found.reading is not None and found.reading.edge is not None):
            beyond = ["--peaks", *(f"{(found.best or 1.0) * factor:.3g}" for factor in (AWAY[::-1] if below else UP))]
        else:  # training never broke: the range test ended too early
            rides = found.reading.rides if found.reading is not None else ()
            top = max((max(ride.rates) for ride in rides), default=10.0)
            verb, beyond = "find", ["--rates", f"1e-6..{100 * top:.3g}", "--fresh"]
    words = ["--plan", plan] if verb == "find" else ["--candidates", plan]
    words += ["--no-humble"] if verb == "compare" and beyond else []
    words += [*beyond, "--steps", str(found.horizon)]
    words += ["--metric", found.metric] if found.metric != "val_loss" else []
    words += ["--mode", found.mode] if {found.mode, better(found.metric)} != {"min"} else []
    words += ["--steps-per-epoch", str(steps_per_epoch)] if steps_per_epoch is not None else []
    train = ["--", *shlex.split(found.train)] if found.train.startswith("python ") else [found.train]
    return ["calando", verb, *words, *train] if train[0] == "--" else ["calando", verb, *train, *words]


def _draw(found: "Finding") -> None:
    from calando.report.finding import write_finding

    try:
        written = write_finding(found, Path(found.path))
    except (CalandoError, OSError) as error:
        reason = tame(error.given if isinstance(error, CalandoError) else str(error))
        click.echo(f"  No picture: {reason}", err=True)
        return
    click.echo("picture " + "  ".join(str(path) for path in written), err=True)
