"""`calando diagnose`: what the curves of runs say, from any tool's logs."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from calando.errors import BadFile, CalandoError, counted, tame

if TYPE_CHECKING:
    from calando.records.diagnosis import Diagnosis, Observed
    from calando.records.logs import Log
    from calando.records.logs.draft import Edge

__all__ = ["diagnose"]

FOUND = 1
"""Status where a run has something worse than a note."""
SHOWN = 12
INK = {"failure": "red", "warning": "yellow", "note": "cyan", "good": "green"}


@click.command(short_help="What recorded runs say: what is wrong, why, what to do.")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--plan", metavar="PLAN", help='What the runs were asked to follow: "cosine() @ 3e-4".')
@click.option(
    "--run-horizon", type=click.IntRange(min=1), metavar="N", help="Whole length of runs that were cut short."
)
@click.option("--steps-per-epoch", type=int, metavar="N", help="Updates in an epoch, for logs by the epoch.")
@click.option("--step", metavar="NAME", help="Column that counts the updates.  [default: guessed]")
@click.option("--loss", metavar="NAME", help="Column of the training loss.  [default: guessed]")
@click.option("--val-loss", metavar="NAME", help="Column of the validation loss, or metric.  [default: guessed]")
@click.option(
    "--higher/--lower", default=None,
    help="Whether the metric that --val-loss names is better when higher.  [default: by its name]",
)  # fmt: skip
@click.option("--lr", metavar="NAME", help="Column of the learning rate.  [default: guessed]")
@click.option(
    "--lr-edge", type=click.Choice(["used", "next"]),
    help="Whether logged rates are the last update's or the next one's.  [default: told by the log]",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also show the evidence of healthy runs, and how logs were read.")
def diagnose(
    logs: tuple[str, ...], as_json: bool, plan: str | None, run_horizon: int | None, steps_per_epoch: int | None,
    step: str | None, loss: str | None, val_loss: str | None, higher: bool | None, lr: str | None,
    lr_edge: "Edge | None", every: bool,
) -> None:  # fmt: skip
    """Divergence, plateaus, overfitting, rates too low or too high, and what to do about each.

    LOG is a CSV file, a trainer_state.json, a Lightning, Keras or TensorBoard log, an export of Weights & Biases or
    MLflow, a study, a run's record, or a folder of them. A run under way is judged as far as it came, and what cannot
    be told yet is said. All runs named in one call are laid side by side: those that differ in their rates alone tell
    of each other what one cannot tell of itself. Ends with status 1 where a run has a warning or worse.

    \b
    calando diagnose runs/
    calando diagnose peak-0.1.csv peak-0.4.csv
    calando diagnose checkpoint-500/trainer_state.json --json
    calando diagnose history.csv --val-loss return --higher
    calando diagnose loss.csv --plan "warmup(5%) | cosine() @ 1e-3" --run-horizon 20000
    """
    from calando.records.diagnosis import diagnose as diagnosed
    from calando.records.diagnosis.beside import beside
    from calando.records.diagnosis.undecided import undecided
    from calando.records.logs import read_logs

    refused: list[CalandoError] = []
    found = read_logs(
        *logs, step=step, loss=loss, val_loss=val_loss, higher=higher, lr=lr, lr_edge=lr_edge,
        steps_per_epoch=steps_per_epoch, refused=refused,
    )  # fmt: skip
    if not found:
        for error in refused:
            raise error
        raise BadFile(
            given="no run in what was named", allowed="at least one log", where="LOG", fix="name the files of the runs"
        )
    seen = [_seen(log.in_steps(steps_per_epoch) if steps_per_epoch else log, plan, run_horizon) for log in found]
    together = beside([(log.name, one) for log, one in zip(found, seen, strict=True)])
    judged = [
        (log, one, _told(one, diagnosed), undecided(one)) for log, one in zip(found, together, strict=True)
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps([_data(log, seen, told, open_) for log, seen, told, open_ in judged], indent=1,
                              allow_nan=False))  # fmt: skip
    else:
        for log, one, told, open_ in judged:
            _show(log, one, told, open_, every, higher)
    for error in refused[:SHOWN]:
        click.echo(tame(f"left out: {error.given}, at {error.where}. {error.fix}"), err=True)
    if len(refused) > SHOWN:
        click.echo(f"left out: {len(refused) - SHOWN:,} more", err=True)
    if any(finding.severity in ("failure", "warning") for *_, told, _ in judged for finding in told):
        raise SystemExit(FOUND)


def _told(seen: "Observed", diagnosed: "Callable[[Observed], tuple[Diagnosis, ...]]") -> "tuple[Diagnosis, ...]":
    """What a run's curves say; what trips over one of many is told of it, and the others are judged."""
    from calando.records.diagnosis import Diagnosis

    try:
        return diagnosed(seen)
    except (ArithmeticError, LookupError, ValueError) as error:
        words = f"It tripped over {type(error).__name__}: {str(error)[:200]}. Please tell us, with the log."
        return (Diagnosis("too little data", "note", "not judged", words),)


def _seen(log: "Log", plan: str | None, run_horizon: int | None) -> "Observed":
    from calando.forecast.reading import given_of
    from calando.records.diagnosis.observe import from_log

    if plan is None:
        return from_log(log, horizon=run_horizon)
    (said,) = given_of([plan]).values()
    return from_log(log, plan=said.plan, peak=said.peak, horizon=run_horizon)


def _against(log: "Log", higher: bool) -> str:
    """Where the name of the metric says otherwise: that it does."""
    from calando.records.logs.guess import find, scores

    if higher:
        return "; by its name it is a loss, better when lower" if find("val_loss", [log.score]) else ""
    return "; by its name it is better when higher: leave --lower out" if scores(log.val_loss) else ""


def _data(
    log: "Log", seen: "Observed", told: "tuple[Diagnosis, ...]", open_: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    return {
        "run": log.name, "source": log.source, "kind": log.kind, "horizon": seen.horizon, "last": log.last,
        "status": seen.status, "findings": [finding.as_data() for finding in told],
        "undecided": [{"kind": kind, "until": until} for kind, until in open_],
        "beside": [neighbour.as_data() for neighbour in seen.beside],
    }  # fmt: skip


def _show(
    log: "Log", seen: "Observed", told: "tuple[Diagnosis, ...]", open_: tuple[tuple[str, str], ...], every: bool,
    higher: bool | None,
) -> None:  # fmt: skip
    ended = ", lost: its process is gone without a word" if log.meta.get("status") == "lost" else ""
    click.echo(click.style(tame(log.name), bold=True) + f"  ({log.kind}, {counted(log.last, log.unit)}{ended})")
    if every:
        for line in log.told():
            click.echo("  read  " + line)
        for one in seen.beside:
            click.echo("  beside  " + tame(one.words))
    elif higher is not None:  # what was asked for may not be what was meant
        way = "higher" if higher else "lower"
        click.echo(f"  {tame(log.score if higher else log.val_loss)} was taken for better when {way}, by --{way}"
                   f"{_against(log, higher)}")  # fmt: skip
    for finding in told:
        certainty = "" if finding.severity == "good" else f"  ({finding.certainty})"
        click.echo("  " + click.style(tame(finding.title), fg=INK[finding.severity]) + certainty)
        if finding.severity == "good" and not every:
            continue
        click.echo(f"      {tame(finding.words)}")
        for advice in finding.advice:
            click.echo(f"    → {tame(advice)}")
    for kind, until in open_:
        click.echo(f"  not yet known: {kind}; {until}")
