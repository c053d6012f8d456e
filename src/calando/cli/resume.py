"""`calando resume`: go on with a study, whatever asked its question."""

import json
import shlex
from typing import Any

import click

from calando.cli.ending import command_line, finish, followed
from calando.cli.training import cluster_options
from calando.errors import counted

__all__ = ["resume"]


@click.command(short_help="Go on with a study that was stopped.")
@click.argument("folder", type=click.Path())
@click.option("--workers", type=int, help="Runs at a time.  [default: as many as before]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--retries", type=int, default=1, show_default=True, help="New starts after a worker died.")
@click.option("--isolate", is_flag=True, help="A fresh process for every run (slower).")
@click.option("--mixed", is_flag=True, help="Go on with other packages, Python or threads than before.")
@click.option(
    "--share/--no-share", default=None, help="Train what runs have in common once.  [default: if it saves 5 %]"
)
@click.option("--disk", default="2GB", show_default=True, help="What the snapshots may use; 0 for none.")
@cluster_options
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write FOLDER/report.html at the end.")
def resume(folder: str, report: bool, quiet: bool, **given: Any) -> None:
    """Go on with the study in FOLDER, asking what it asked; finished runs are never made again.

    It works for compare, find and tune. Give it from the folder where the study was begun, so that the train function
    is found; a search by the clock goes on with what is left of its time.

    \b
    calando resume studies/digits_torch-tune
    """
    from calando.cli.find import tell
    from calando.lab.resume import resume as go_on
    from calando.lab.resume import verb_of
    from calando.records import load
    from calando.records.finding import Finding
    from calando.records.plain import decode

    line = command_line()
    began = [run.spec.key for run in load(folder).runs]
    study = followed(lambda: go_on(folder, live=False if quiet else None, command=line, **given), shlex.join(line))
    more = len({run.spec.key for run in study.runs} - set(began))
    click.echo(counted(more, "more run") if more else "nothing was left to do", err=True)
    if verb_of(study) == "find":
        found = decode(Finding, json.dumps(study.facts["finding"]), study.path)
        tell(found, study.spec.steps_per_epoch, picture=report)
        return
    finish(study, report=report)
