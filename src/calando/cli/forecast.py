"""`calando forecast`: what schedules would give, from recorded losses."""

import shlex
from typing import TYPE_CHECKING, Any

import click

from calando.cli.curves import answer_options, answered, below, curve_options, read_curves, whole
from calando.cli.ending import command_line
from calando.cli.greedy import GreedyCommand
from calando.errors import BadValue

if TYPE_CHECKING:
    from calando.forecast.curve import LossCurve

__all__ = ["forecast"]

HUMBLE = ("constant()", "linear_decay()", "cosine()", "wsd()", "wsd(cooldown=60%)")
"""What is forecast where nobody names a plan, beside the plans of the runs themselves."""


@click.command(cls=GreedyCommand, short_help="What schedules would give, from recorded losses.")
@curve_options
@click.option("--horizon", metavar="N", help="Updates of the runs to predict.  [default: the longest recorded]")
@click.option(
    "--try", "candidates", multiple=True, metavar="PLAN ...",
    help='Plans to predict, "plan [@ peak]"; several may follow; wsd(cooldown=20%..80%) stands for four.',
)  # fmt: skip
@click.option("--law", "laws", multiple=True, metavar="NAME ...", help="Laws to fit.  [default: two that err apart]")
@answer_options
def forecast(
    horizon: str | None, candidates: tuple[str, ...], laws: tuple[str, ...], level: float, seed: int, as_json: bool,
    out: str | None, **given: Any,
) -> None:  # fmt: skip
    """What schedules would give at a horizon, from the losses of one or a few recorded runs.

    LOG is a CSV file, a trainer_state.json, a Lightning, Keras or TensorBoard log, an export of Weights & Biases or
    MLflow, a study, or a folder of them; several may be named. Ranks hold better than the losses themselves, which
    drift beyond twice the longest run.

    \b
    calando forecast runs/*.csv --try cosine "wsd(cooldown=20%..80%)" --horizon 50000
    calando forecast checkpoint-500/trainer_state.json --horizon 20000
    calando forecast loss.csv --plan "wsd(cooldown=20%) @ 1e-3" --try linear_decay
    """
    from calando.forecast import forecast as forecast_
    from calando.report.answers.forecast import forecast_page

    readings = read_curves(**given)
    curves = readings.curves
    steps = whole(horizon) if horizon is not None else max(curve.horizon for curve in curves)
    wanted = asked(candidates, curves)
    left = set(below(readings, [peak for _, peak in wanted]))
    found = forecast_(
        curves, [one for one in wanted if one[1] in left], steps, laws=list(laws) or None, level=level, seed=seed
    )
    line = shlex.join(command_line())
    answered(lambda: as_data(found), lambda made: forecast_page(found, line, made), as_json=as_json, out=out)


def asked(texts: tuple[str, ...], curves: "tuple[LossCurve, ...]") -> list[tuple[str, float]]:
    """The candidates: each plan at its own peak, else at every peak that was run.

    Raises:
        BadValue: for a peak that is none.
        PlanError: what the plan's parser raises.
    """
    from calando.forecast.spreading import peaks_of, plans_of

    run = sorted({curve.peak for curve in curves})
    own = [curve.plan for curve in curves if curve.plan]
    found: list[tuple[str, float]] = []
    for text in texts or tuple(dict.fromkeys([*HUMBLE, *own])):
        plan, at, peak = text.partition("@")
        for one in plans_of(plan.strip()):
            found += [(one, value) for value in (peaks_of(peak) if at else run)]
    found = list(dict.fromkeys(found))
    if len(found) > 2000:
        raise BadValue(given=f"{len(found):,} candidates", allowed="at most 2,000", where="--try",
                       fix="name fewer plans, or a peak after each: 'cosine() @ 1e-3'")  # fmt: skip
    return found


def as_data(found: Any) -> dict[str, Any]:
    """A forecast as plain data: what was predicted and why it may be doubted, without the curves."""
    from dataclasses import asdict

    return {
        "kind": "forecast", "level": found.level, "predictions": [asdict(one) for one in found.predictions],
        "laws": [{"law": fit.law.name, "values": fit.values, "scatter": fit.scatter, "seconds": fit.seconds,
                  "reasons": list(fit.reasons)} for fit in found.fits],
        "refused": [list(one) for one in found.refused], "notes": list(found.notes),
        "doubts": [{"name": one.name, "consequence": one.consequence, "words": one.words, "numbers": dict(one.numbers),
                    "curves": list(one.curves)} for one in found.doubts],
        "runs": [curve.name for curve in found.curves],
    }  # fmt: skip
