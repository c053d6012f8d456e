"""`calando check`: does a train function keep the run contract?"""

import click

from calando.cli.ending import traced
from calando.cli.training import train_argument
from calando.errors import tame
from calando.records.checking import CheckResult

__all__ = ["check"]

BROKEN = 1
COLOURS = {"ok": "green", "warning": "yellow", "broken": "red", "untested": "yellow"}


@click.command(short_help="Test in seconds whether a train function keeps the run contract.")
@train_argument
@click.option("--steps", type=int, help="Updates of a test run.  [default: 40]")
@click.option("--peak", help="Learning rate of factor 1, where none is attached.  [default: the optimizer's]")
@click.option("--metric", help="Logged name that a study would judge.  [default: val_loss]")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better.  [default: by METRIC's name]")
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(
    train: str,
    steps: int | None,
    peak: str | None,
    metric: str | None,
    mode: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Test whether a train function keeps the run contract, with six short runs; each broken promise is explained.

    Ends with status 0 when nothing is broken, 1 when something is.

    \b
    calando check examples/digits_torch.py:train
    calando check --json train.py:train
    """
    from calando.lab.check import check as test

    with traced():
        result = test(train, steps=steps, peak=peak, metric=metric, mode=mode, timeout=timeout)
    if as_json:
        from calando.records.plain import encode

        click.echo(encode(result))
    else:
        _show(result)
    if result.status == "broken":
        raise SystemExit(BROKEN)


def _show(result: CheckResult) -> None:
    width = max(len(promise.name) for promise in result.promises)
    for promise in result.promises:
        first, _, rest = promise.found.partition("\n")
        status = click.style(f"{promise.status:<8}", fg=COLOURS[promise.status])
        click.echo(f"{status} {promise.name:<{width}}  {tame(first)}")
        for label, text in (("why", promise.why), ("do", promise.fix), ("at", promise.where)):
            if text and promise.status != "ok":
                click.echo(f"{'':<8}   {label}: {tame(text)}")
        if rest:
            click.echo("\n".join(f"{'':<11}{tame(line)}" for line in rest.expandtabs().splitlines()))
    open_ = sum(promise.status == "untested" for promise in result.promises)
    kept = f"nothing is broken, but {open_} untested" if open_ else "nothing is broken"
    said = {"ok": "every promise is kept", "warning": kept, "broken": "broken: mend this before a study"}
    click.echo(f"\n{said[result.status]}  ({result.steps} updates, {result.seconds:.1f} s)")
