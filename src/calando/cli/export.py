"""`calando export`: a schedule as a program for one's framework, as another library's own config, or as JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from calando.cli.arguments import bound, checked_peak, clock_options, plan_argument, read_plan, told, write_file
from calando.cli.ran import is_run, ran
from calando.cli.winner import is_study, winner
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.errors import BadValue

__all__ = ["export"]

PROGRAMS = (
    "torch", "lightning", "transformers", "accelerate", "ignite", "deepspeed", "composer", "keras", "tensorflow",
    "optax", "flax", "equinox",
)  # fmt: skip
CONFIGS = ("transformers", "deepspeed", "timm", "keras", "torch", "optax")


@click.command(short_help="Print a schedule as a program, another library's config, or JSON.")
@plan_argument(many=False)
@clock_options
@click.option(
    "--to",
    type=click.Choice([*PROGRAMS, "timm", "python", "json"]),
    default="torch",
    show_default=True,
    help="Where it is to go.",
)
@click.option(
    "--form",
    type=click.Choice(["code", "config"]),
    help="code: a program that follows the schedule with Calando (the default). config: that library's own scheduler, "
    "without Calando, where it is equal at every step: " + ", ".join(CONFIGS) + ".",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to a file instead.")
def export(plan: str, peak: float | None, to: str, form: str | None, out: Path | None, **given: Any) -> None:
    """Print PLAN for a framework: a complete program to fill with one's own model and data, its checkpoints included.

    PLAN may be the folder of a study (studies/digits_torch-tune): then it is the schedule that the study recommends, at
    its peak and horizon. Or the folder of a watched run (runs/first, or first): then it is the schedule that really
    ran, with every change that was made on the way.

    With --form config it becomes that library's own scheduler, or is refused with how far the nearest one is off and
    where. python builds the same schedule from Calando's own names; json is the schedule, or the plan alone where no
    horizon is given, and Calando reads it back.

    \b
    calando export "warmup(5%) | cosine(end=0.1)" --horizon 10000 --peak 3e-4 --to lightning
    calando export "warmup(5%) | cosine(end=0.1)" --horizon 10000 --peak 3e-4 --to transformers --form config
    calando export "wsd(warmup=5%)" --to json --out wsd.json
    """
    found: Plan | Schedule | None = None
    named = f"runs/{plan}"
    if "(" not in plan and not is_run(plan) and not is_study(plan) and is_run(named):
        plan = named
    if is_run(plan):
        found, base = ran(plan)
        peak = base if peak is None else peak
    elif is_study(plan):
        plan, known = winner(plan)
        given = {name: known.get(name) if value is None else value for name, value in given.items()}
        peak = known["peak"] if peak is None else peak
    peak = checked_peak(peak)
    _check_form(to, form)
    found = read_plan(plan) if found is None else found
    if to == "json" and isinstance(found, Plan) and given["horizon"] is None:
        text = found.to_json()
    else:
        text = _text(bound(found, given), peak, to, form)
    if out is None:
        click.echo(text)
    else:
        write_file(out, text + "\n")
        told([out])


def _check_form(to: str, form: str | None) -> None:
    if form == "config" and to not in CONFIGS:
        raise BadValue(
            given=f"--form config with --to {to}",
            allowed="libraries with schedulers of their own: " + ", ".join(CONFIGS),
            where="--form",
            fix="leave --form out" + (", or write --to torch" if to in PROGRAMS else ""),
        )
    if form == "code" and to == "timm":
        raise BadValue(
            given="--form code with --to timm",
            allowed="a program for one of " + ", ".join(PROGRAMS),
            where="--form",
            fix="write --to torch: timm's models train in a PyTorch loop; or --form config for timm's own scheduler",
        )


def _text(schedule: Schedule, peak: float | None, to: str, form: str | None) -> str:
    if to == "json":
        return schedule.to_json()
    from calando.core.snippet import code, python_code

    if to == "python":
        return python_code(schedule)
    rate = _needed(peak)
    return _config(schedule, rate, to) if form == "config" or to == "timm" else code(to, schedule, rate)


def _config(schedule: Schedule, peak: float, to: str) -> str:
    from calando.peers import exports

    say: Callable[[Schedule, float], Any] = getattr(exports, f"to_{to}")
    found = say(schedule, peak)
    if isinstance(found, str):
        return found
    return json.dumps({"scheduler": found} if to == "deepspeed" else found, indent=2)


def _needed(peak: float | None) -> float:
    if peak is None:
        raise BadValue(
            given="no --peak",
            allowed="the learning rate that factor 1 stands for",
            where="--peak",
            fix="add --peak 3e-4",
        )
    return peak
