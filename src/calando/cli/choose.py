"""`calando choose`: which peak and shape for a long run, from a few short ones."""

import shlex
from typing import Any

import click

from calando.cli.candidates import plans_asked, warmup_of, warmup_told
from calando.cli.curves import answer_options, answered, below, checked_asked, curve_options, read_curves, whole
from calando.cli.ending import NO_RESULT, command_line
from calando.cli.greedy import GreedyCommand

__all__ = ["choose"]


@click.command(cls=GreedyCommand, short_help="Which peak and shape for a long run, from a few short ones.")
@curve_options
@click.option("--horizon", required=True, metavar="N", help="Updates of the long run.")
@click.option(
    "--peaks", multiple=True, metavar="LOW..HIGH",
    help="Peaks to choose among: rates, or a range such as 3e-4..3e-3.  [default: within those that were run]",
)  # fmt: skip
@click.option(
    "--plans", "candidates", multiple=True, metavar="PLAN ...",
    help="Shapes to choose among; wsd(cooldown=20%..80%) stands for four.  [default: a family with the runs' warm-up]",
)  # fmt: skip
@click.option("--law", "laws", multiple=True, metavar="NAME ...", help="Laws to fit.  [default: by what was run]")
@answer_options
def choose(
    horizon: str, peaks: tuple[str, ...], candidates: tuple[str, ...], laws: tuple[str, ...], level: float, seed: int,
    as_json: bool, out: str | None, **given: Any,
) -> None:  # fmt: skip
    """Which peak, shape and cooldown to take for a long run, from four to six short ones.

    The runs need two contrasting cooldowns, and two peaks if the peak is to be chosen. The answer is a ranking with
    regrets, beside two humble rules; or "not enough evidence", and which two runs to make next (status 1). A plan that
    names no warm-up takes the runs' own; write "warmup(0) | cosine" for none.

    \b
    calando choose runs/*.csv --horizon 50000 --peaks 3e-4..3e-3
    calando choose studies/digits --horizon 4000 --plans "wsd(cooldown=20%..80%)" cosine
    """
    from calando.forecast import choose as choose_
    from calando.forecast.asked import peaks_run
    from calando.forecast.spreading import peaks_of
    from calando.report.answers.choice import choice_page

    checked_asked(level, seed)
    steps = whole(horizon)
    readings = read_curves(**given)
    curves = readings.curves
    rates = below(readings, [rate for text in peaks for rate in peaks_of(text)]) if peaks else None
    if rates is None and not all(readings.below_edge(curve.peak) for curve in curves):
        rates = below(readings, list(peaks_run(curves)))
    plans = plans_asked(candidates, curves, steps) or None
    found = choose_(curves, steps, peaks=rates, plans=plans, laws=list(laws) or None, level=level, seed=seed)
    line = shlex.join(command_line())
    told = warmup_told([one.plan for one in found.ranked], curves)
    answered(
        lambda: as_data(found) | {"warmup": warmup_of(curves)}, lambda made: choice_page(found, line, made, told),
        as_json=as_json, out=out,
    )  # fmt: skip
    if found.verdict == "not enough":
        raise SystemExit(NO_RESULT)


def as_data(found: Any) -> dict[str, Any]:
    """A choice as plain data: the ranking, the baselines, what to run next, and the forecast behind it."""
    from dataclasses import asdict

    from calando.cli.forecast import as_data as forecast_data

    return {
        "kind": "choice", "verdict": found.verdict, "horizon": found.horizon, "level": found.level,
        "ranked": [asdict(one) for one in found.ranked], "baselines": [asdict(one) for one in found.baselines],
        "next_runs": [asdict(one) for one in found.next_runs], "reasons": list(found.reasons),
        "notes": list(found.notes), "seconds": found.seconds,
        "forecast": None if found.forecast is None else forecast_data(found.forecast),
    }  # fmt: skip
