"""`calando export`: a schedule as code or as JSON."""

from pathlib import Path
from typing import Any

import click

from calando.cli.arguments import bound, checked_peak, clock_options, plan_argument, read_plan, told, write_file
from calando.core.plan import Plan
from calando.errors import BadValue

__all__ = ["export"]


@click.command(short_help="Print a schedule as PyTorch code, Python or JSON.")
@plan_argument(many=False)
@clock_options
@click.option(
    "--to", type=click.Choice(["torch", "python", "json"]), default="torch", show_default=True, help="What to print."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to a file instead.")
def export(plan: str, peak: float | None, to: str, out: Path | None, **given: Any) -> None:
    """Print PLAN as code to paste, or as JSON that Calando reads back.

    torch is a complete training loop; python builds the same schedule from Calando's own names; json is the
    schedule, or the plan alone where no horizon is given.

    \b
    calando export "warmup(5%) | cosine(end=0.1)" --horizon 10000 --peak 3e-4 --to torch
    calando export "wsd(warmup=5%)" --to json --out wsd.json
    """
    peak = checked_peak(peak)
    found = read_plan(plan)
    if to == "json" and isinstance(found, Plan) and given["horizon"] is None:
        text = found.to_json()
    else:
        schedule = bound(found, given)
        if to == "json":
            text = schedule.to_json()
        else:
            from calando.core.snippet import python_code, torch_code

            text = python_code(schedule) if to == "python" else torch_code(schedule, _needed(peak))
    if out is None:
        click.echo(text)
    else:
        write_file(out, text + "\n")
        told([out])


def _needed(peak: float | None) -> float:
    if peak is None:
        raise BadValue(
            given="no --peak",
            allowed="the learning rate that factor 1 stands for",
            where="--peak",
            fix="add --peak 3e-4",
        )
    return peak
