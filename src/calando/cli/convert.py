"""`calando convert`: another library's schedule as a plan, its curve beside ours, and every difference in words."""

import json
from pathlib import Path

import click

from calando.cli.arguments import horizon_of, told, write_file
from calando.cli.converting.measure import bound, measured
from calando.cli.converting.sheet import drawing, plain, sheet
from calando.cli.converting.source import read_source
from calando.cli.living import PEERS
from calando.errors import BadValue

__all__ = ["convert"]


@click.command(short_help="Turn another library's schedule into a plan, and measure both.")
@click.argument("peer", type=click.Choice(PEERS))
@click.argument("source")
@click.option("--lr", "rates", type=float, multiple=True, metavar="LR",
              help="The optimizer's learning rate; once for each parameter group.  [default: 1]")  # fmt: skip
@click.option("--horizon", metavar="N", help="Updates of the run, where the peer has no end of its own.")
@click.option("--per", type=click.Choice(["step", "epoch"]), help="How often the peer is stepped.")
@click.option("--no-quirks", is_flag=True, help="The plan that was probably meant, instead of the one that is equal.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture of both curves as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead.")
@click.option("--width", type=click.IntRange(40, 200), help="Columns to use.  [default: those of the terminal]")
def convert(
    peer: str,
    source: str,
    rates: tuple[float, ...],
    horizon: str | None,
    per: str | None,
    no_quirks: bool,
    svg: Path | None,
    as_json: bool,
    width: int | None,
) -> None:
    """Turn SOURCE, a schedule of PEER, into a plan of Calando's.

    SOURCE is a call as it would stand in the code, such as "CosineAnnealingLR(T_max=100)", read and never run: names
    are the peer's own, arguments are literals. For keras and deepspeed it may be JSON or the path of a JSON file.

    \b
    calando convert torch "CosineAnnealingLR(T_max=100, eta_min=1e-5)" --lr 0.1
    calando convert transformers "cosine(num_warmup_steps=100, num_training_steps=1000)" --lr 5e-5
    calando convert deepspeed ds_config.json
    calando convert keras "PiecewiseConstantDecay([300, 600], [0.1, 0.01, 0.001])" --no-quirks
    """
    steps = None if horizon is None else _steps(horizon)
    asked = read_source(peer, source, _checked(rates), steps, per, not no_quirks)
    schedules, length = bound(asked.exact, steps)
    beside = None if asked.living is None else measured(asked, schedules, length)
    if svg is not None:
        from calando.core.picture.svg import svg as drawn

        write_file(svg, drawn(drawing(peer, asked, schedules, beside)) + "\n")
    if as_json:
        click.echo(json.dumps(plain(peer, asked, schedules, beside, steps), ensure_ascii=False, indent=1))
    else:
        for line in sheet(peer, asked, schedules, beside, width, steps):
            click.echo(line)
    if svg is not None:
        told([svg])


def _checked(rates: tuple[float, ...]) -> tuple[float, ...]:
    from calando.core.kinds import ABOVE_ZERO

    return tuple(float(ABOVE_ZERO.check(rate, "--lr")) for rate in rates)


def _steps(horizon: str) -> int:
    steps = horizon_of(horizon)
    if not isinstance(steps, int) or not 1 <= steps <= 2**53:
        raise BadValue(
            given=f"--horizon {horizon}", allowed="a whole number of updates from 1 to 2^53", where="--horizon",
            fix="give the steps (or epochs, with --per epoch) of the run",
        )  # fmt: skip
    return steps
