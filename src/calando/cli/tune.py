"""`calando tune`: which schedule to use, inside a budget, with evidence."""

import shlex
from typing import Any

import click

from calando.cli.ending import command_line, finish, followed
from calando.cli.greedy import GreedyCommand
from calando.cli.training import cluster_options, train_argument

__all__ = ["tune"]


@click.command(cls=GreedyCommand, short_help="Find which schedule to use, inside a budget, and prove it.")
@train_argument
@click.option("--budget", required=True, metavar="45m|20runs|100k steps", help="Time, full runs, or updates.")
@click.option(
    "--candidates",
    "-c",
    multiple=True,
    metavar="PLAN ...",
    help='Shapes to search, "[label:] plan [@ peak]".  [default: common ones]',
)
@click.option(
    "--peaks",
    multiple=True,
    metavar="LOW..HIGH|LR ...",
    help="Peak learning rates to search, and none beyond.  [default: a range test finds them]",
)
@click.option(
    "--extend", type=int, help="Points by which the search may leave them.  [default: 0; after a range test 3]"
)
@click.option("--steps", type=int, help="Updates per full run.  [default: what the train function declares]")
@click.option("--baseline", metavar="PLAN", help="What you use today.  [default: cosine()]")
@click.option("--humble/--no-humble", default=True, show_default=True, help="Constant, linear, cosine, wsd take part.")
@click.option("--workers", type=int, help="Runs at a time.  [default: 2, or 1 on one core]")
@click.option("--study", metavar="FOLDER", help="Folder of the study.  [default: studies/FILE-tune]")
@click.option("--seeds", type=int, default=5, show_default=True, help="Seeds that choose.")
@click.option("--confirm-seeds", type=int, default=8, show_default=True, help="Fresh seeds for the evidence, at most.")
@click.option("--prove", type=float, help="Share of the budget for the evidence.  [default: 0.25]")
@click.option("--seed", type=int, help="Seed of the study itself.  [default: 0]")
@click.option("--search/--no-search", default=None, help="Search declared values along.  [default: search]")
@click.option("--share/--no-share", default=None, help="Train what runs have in common once.  [default: share]")
@click.option("--disk", default="2GB", show_default=True, help="What the snapshots may use; 0 for none.")
@cluster_options
@click.option("--evals", type=int, help="Evaluations per full run.  [default: 20]")
@click.option("--metric", help="Logged name that is judged.  [default: val_loss]")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better.  [default: by METRIC's name]")
@click.option("--steps-per-epoch", type=int, help="Updates per pass over the data, for lengths such as 3ep.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of intervals and the tie set.")
@click.option("--margin", type=float, default=0.0, show_default=True, help="Differences this small do not matter.")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--retries", type=int, default=1, show_default=True, help="New starts after a worker died.")
@click.option("--isolate", is_flag=True, help="A fresh process for every run (slower).")
@click.option("--question", help="The question in your words, for the report.")
@click.option("--fresh", is_flag=True, help="Set an existing study aside and begin anew.")
@click.option("--retry-failed", is_flag=True, help="Make runs that failed earlier again.")
@click.option("--mixed", is_flag=True, help="Go on with other packages, Python or threads than before.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write STUDY/report.html at the end.")
def tune(train: str, report: bool, quiet: bool, **given: Any) -> None:
    """Find which schedule and which peak to use for your own training, inside a budget, and hold it against yours.

    Shorter runs of whole schedules and full runs are mixed as they teach most per update; nothing is judged by a run
    cut short. The same command again goes on where it stopped (so does `calando resume FOLDER`), and with a larger
    budget the search is extended.

    \b
    calando tune examples/digits_torch.py:train --budget 20runs --peaks 0.01..0.3
    calando tune train.py:train --budget 45m --baseline "warmup(5%) | cosine(end=0.1) @ 3e-4"
    """
    from calando.lab.tune import tune as run_study

    line = command_line()
    study = followed(lambda: run_study(train, live=False if quiet else None, command=line, **given), shlex.join(line))
    finish(study, report=report)
