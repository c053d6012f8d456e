"""`calando compare`: which schedule is best for this training, with evidence."""

import shlex
from typing import Any

import click

from calando.cli.ending import command_line, finish, followed
from calando.cli.greedy import GreedyCommand
from calando.cli.training import cluster_options, train_argument
from calando.errors import BadValue

__all__ = ["compare"]


@click.command(cls=GreedyCommand, short_help="Compare schedules on your own training, with evidence.")
@train_argument
@click.option(
    "--candidates",
    "-c",
    multiple=True,
    metavar="PLAN ...",
    help='Plans to compare, "[label:] plan [@ peak]"; several may follow, or repeat the option.',
)
@click.option("--peaks", multiple=True, metavar="LR ...", help="Peak learning rates that every plan is tried at.")
@click.option("--peak", type=float, metavar="LR", help="The best peak of the plan --of, in place of --peaks.")
@click.option("--of", metavar="PLAN", help="Its plan: every other is tried at the peak that theory carries over.")
@click.option("--peaks-around", type=int, default=1, show_default=True, help="Peaks around it, a factor 2 apart.")
@click.option("--seeds", type=int, default=3, show_default=True, help="Selection seeds per peak.")
@click.option("--confirm-seeds", type=int, help="Fresh seeds for the evidence.  [default: twice --seeds, at least 5]")
@click.option("--steps", type=int, help="Updates per run.  [default: what the train function declares]")
@click.option("--workers", type=int, help="Runs at a time.  [default: 2, or 1 on one core]")
@click.option("--study", metavar="FOLDER", help="Folder of the study.  [default: studies/FILE]")
@click.option("--baseline", metavar="PLAN", help="What the others are held against.  [default: cosine()]")
@click.option("--humble/--no-humble", default=True, show_default=True, help="Constant, linear, cosine, wsd take part.")
@click.option("--evals", type=int, help="Evaluations per run.  [default: 20]")
@click.option("--metric", help="Logged name that is judged.  [default: val_loss]")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better.  [default: by METRIC's name]")
@click.option("--steps-per-epoch", type=int, help="Updates per pass over the data, for lengths such as 3ep.")
@click.option("--extend", type=int, default=2, show_default=True, help="Points by which a peak grid may grow.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of all intervals together.")
@click.option("--margin", type=float, default=0.0, show_default=True, help="Differences this small do not matter.")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--retries", type=int, default=1, show_default=True, help="New starts after a worker died.")
@click.option("--isolate", is_flag=True, help="A fresh process for every run (slower).")
@cluster_options
@click.option("--question", help="The question in your words, for the report.")
@click.option("--fresh", is_flag=True, help="Set an existing study aside and begin anew.")
@click.option("--retry-failed", is_flag=True, help="Make runs that failed earlier again.")
@click.option("--mixed", is_flag=True, help="Go on with other packages, Python or threads than before.")
@click.option(
    "--share/--no-share", default=None, help="Train what runs have in common once.  [default: if it saves 5 %]"
)
@click.option("--disk", default="2GB", show_default=True, help="What the snapshots may use; 0 for none.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write STUDY/report.html at the end.")
def compare(
    train: str, report: bool, quiet: bool, peak: float | None, of: str | None, peaks_around: int, **given: Any
) -> None:
    """Compare schedules on your own training, each at its own best peak, with paired seeds and intervals.

    FUNCTION takes one run and trains it; see calando.Run. A script that asks for calando.current_run() may stand
    last instead: -- python FILE.py ARGUMENTS. The same command again goes on where it stopped
    (after Ctrl-C, a crash, or kill -9): finished runs are never made again. More candidates, peaks or seeds
    extend the study.

    \b
    calando compare examples/digits_torch.py:train \\
        --candidates "warmup(5%) | cosine()" "wsd(warmup=5%)" --peaks 0.03 0.1 0.3 --seeds 3 --workers 2
    calando compare train.py:train --candidates "wsd()" --peak 0.1 --of linear_decay --peaks-around 3
    """
    from calando.lab.compare import compare as run_study

    if (peak is None) != (of is None):
        missing = "--of PLAN, the plan whose best peak it is" if of is None else "--peak LR, the best peak of that plan"
        raise BadValue(given="--peak without --of" if of is None else "--of without --peak", allowed="both, or neither",
                       where="compare", fix=f"add {missing}; --peaks gives a grid for every plan")  # fmt: skip
    if peak is not None:
        given["transfer"] = (of, peak)
    line, live = command_line(), False if quiet else None
    study = followed(lambda: run_study(train, around=peaks_around, live=live, command=line, **given), shlex.join(line))
    finish(study, report=report)
