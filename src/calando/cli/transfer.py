"""`calando transfer`: from the best peak of one plan to another's, or to a longer run, by theory alone."""

from typing import Any

import click

from calando.cli.arguments import SIZES, checked_peak, clock_options, horizon_of, in_options, read_plan
from calando.cli.arguments import told as tell_written
from calando.cli.greedy import GreedyCommand
from calando.core.plan import Plan
from calando.core.schedule import Schedule
from calando.errors import BadValue, DoesNotFit, shown

__all__ = ["transfer"]


@click.command(cls=GreedyCommand, short_help="From one plan's best peak to another's, or to a longer run.")
@click.option("--from", "source", metavar="PLAN", help="The plan whose best peak is known.")
@click.option("--to", multiple=True, metavar="PLAN ...", help="Plans whose best peak is wanted; several may follow.")
@click.option("--extend", metavar="2x", help="Make the run of --plan so many times as long, or so many updates.")
@click.option("--plan", metavar="PLAN", help="The plan of the run that is made longer.")
@clock_options
@click.option("--to-horizon", metavar="N", help="Updates of the others' runs, where they differ from --horizon.")
@click.option("--cooldown-at", type=float, metavar="LR", help="Also tell the cooldown whose best peak this is.")
@click.option(
    "--exponent", type=float, metavar="E", help="The best peak goes as horizon^E.  [default: -0.3, in a range]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--out", metavar="FILE.html", help="Also write the answer as a page, and its pictures beside it.")
def transfer(
    source: str | None, plan: str | None, as_json: bool, out: str | None, extend: str | None, **given: Any
) -> None:
    """From the best peak of one plan to that of another, or to a longer run: theory, nothing is trained.

    The last-iterate bound of convex optimisation gives the ratio of the plans' best peaks; the range says how far off
    recorded runs lie. Where the theory is known to fail (floors above zero, cycles) there is a range and no best guess.

    \b
    calando transfer --from "wsd(cooldown=20%)" --peak 1e-3 --to linear_decay cosine
    calando transfer --from linear_decay --peak 1e-3 --cooldown-at 7e-4
    calando transfer --extend 2x --plan "wsd(cooldown=20%)" --peak 1e-3 --horizon 50000
    """
    peak, sizes = checked_peak(given.pop("peak")), {name: given.pop(name) for name in SIZES}
    horizon = None if given["horizon"] is None else horizon_of(given["horizon"])
    try:
        if extend is not None:
            found, told = _extended(extend, source, plan, peak, horizon, sizes, given)
        else:
            found, told = _transferred(source, plan, peak, horizon, sizes, given)
    except (DoesNotFit, BadValue) as error:
        raise _in_our_words(error, horizon is None) from None
    if as_json:
        from calando.records.plain import encode

        click.echo(encode(found))
    else:
        for line in told:
            click.echo(line)
    if out is not None:
        _write(found, out)


def _write(found: Any, out: str) -> None:
    """The answer as a page."""
    import shlex

    from calando.cli.ending import command_line
    from calando.cli.report import made
    from calando.forecast import Transfer
    from calando.report.answers import write_answer
    from calando.report.answers.transfer import extension_page, transfer_page

    line = shlex.join(command_line())
    page = transfer_page(found, line, made()) if isinstance(found, Transfer) else extension_page(found, line, made())
    tell_written(write_answer(page, out))


def _transferred(
    source: str | None, plan: str | None, peak: float | None, horizon: int | str | None, sizes: Any, given: Any
) -> tuple[Any, list[str]]:
    from calando.cli.transferred import transfer_lines
    from calando.forecast import transfer as transferred

    if source is None or plan is not None:
        raise BadValue(
            given="--plan without --extend" if plan is not None else "neither --from nor --extend",
            allowed="--from PLAN --to PLAN ..., or --extend 2x --plan PLAN", where="transfer",
            fix="say from which plan to which, or which run is to be longer",
        )  # fmt: skip
    to_horizon = None if given["to_horizon"] is None else horizon_of(given["to_horizon"])
    if to_horizon is not None:
        _steps(to_horizon, "--to-horizon", sizes)
    found = transferred(
        read_plan(source), [read_plan(text) for text in given["to"]], peak=peak, horizon=horizon,
        to_horizon=to_horizon, exponent=given["exponent"], cooldown_at=given["cooldown_at"], **sizes,
    )  # fmt: skip
    return found, transfer_lines(found)


def _extended(
    by: str, source: str | None, plan: str | None, peak: float | None, horizon: int | str | None, sizes: Any, given: Any
) -> tuple[Any, list[str]]:
    from calando.cli.transferred import extension_lines
    from calando.forecast import extend

    for name in ("to", "to_horizon", "cooldown_at"):
        if given[name]:
            raise BadValue(given=f"--{name.replace('_', '-')} with --extend", allowed="one question at a time",
                           where="transfer", fix="ask for the transfer by itself, with --from")  # fmt: skip
    if (plan is None) == (source is None):
        raise BadValue(given="--extend without a plan" if plan is None else "--plan and --from", allowed="--plan PLAN",
                       where="transfer", fix="name the plan of the run that is to be longer")  # fmt: skip
    run = read_plan(plan or source or "")
    found = extend(
        run, _times(by, run, horizon, sizes), peak=peak, horizon=horizon, exponent=given["exponent"], **sizes
    )
    return found, extension_lines(found)


def _times(text: str, run: Plan | Schedule, horizon: int | str | None, sizes: Any) -> float:
    """How many times as long: "2x", or a horizon beside the one there is."""
    number = text.strip().lower().removesuffix("x")
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if text.strip().lower().endswith("x") and value > 0:
        return value
    if horizon is None and isinstance(run, Schedule):
        horizon = run.horizon
    if horizon is None or 0 < value <= 1000:
        raise BadValue(given=f"--extend {shown(text)}", allowed="2x, or with --horizon a larger number of updates",
                       where="--extend", fix="write how many times as long, such as 2x")  # fmt: skip
    now, then = _steps(horizon, "--horizon", sizes), _steps(horizon_of(text), "--extend", sizes)
    return then / now


def _steps(horizon: int | str, option: str, sizes: Any) -> int:
    """A horizon in updates; what is wrong with it is told by the option that it came from."""
    from calando.core.shapes.constant import constant

    try:
        return constant().bind(horizon, **sizes).horizon
    except (DoesNotFit, BadValue) as error:
        found = in_options(error)
        where = option if found.where == "--horizon" else found.where
        raise type(found)(given=found.given, allowed=found.allowed, where=where, fix=found.fix) from None


def _in_our_words(error: DoesNotFit | BadValue, assumed: bool) -> DoesNotFit | BadValue:
    """An error of the library with the options' names; where it hangs on the horizon that was assumed, it says so."""
    found = in_options(error)
    for name in ("exponent", "peak", "cooldown_at", "to", "plan"):
        where = found.where.removeprefix("transfer.").removeprefix("extend.")
        if where == name:
            where = "--" + name.replace("_", "-")
            found = type(found)(given=found.given, allowed=found.allowed, where=where, fix=found.fix)
    if assumed and isinstance(error, DoesNotFit):
        fix = f"{found.fix}; give --horizon: 10,000 updates were assumed"
        found = type(found)(given=found.given, allowed=found.allowed, where=found.where, fix=fix)
    return found
