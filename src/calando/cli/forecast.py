"""`calando forecast`: what schedules would give, from recorded losses."""

import shlex
from typing import Any

import click

from calando.cli.candidates import asked, warmup_of, warmup_told
from calando.cli.curves import answer_options, answered, below, checked_asked, curve_options, read_curves, said, whole
from calando.cli.ending import command_line
from calando.cli.greedy import GreedyCommand

__all__ = ["forecast"]


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
    MLflow, a study, or a folder of them; several may be named. A plan that names no warm-up takes the runs' own; write
    "warmup(0) | cosine" for none. Ranks hold better than the losses themselves, which
    drift beyond twice the longest run.

    \b
    calando forecast runs/*.csv --try cosine "wsd(cooldown=20%..80%)" --horizon 50000
    calando forecast checkpoint-500/trainer_state.json --horizon 20000
    calando forecast loss.csv --plan "wsd(cooldown=20%) @ 1e-3" --try linear_decay
    """
    from calando.forecast import forecast as forecast_
    from calando.report.answers.forecast import forecast_page

    checked_asked(level, seed)
    steps = None if horizon is None else whole(horizon)
    readings = read_curves(**given)
    curves = readings.curves
    steps = max(curve.horizon for curve in curves) if steps is None else steps
    wanted = asked(candidates, curves, steps)
    left = set(below(readings, [peak for _, peak in wanted], "--try"))
    found = forecast_(
        curves, [one for one in wanted if one[1] in left], steps, laws=list(laws) or None, level=level, seed=seed
    )
    line, choose = shlex.join(command_line()), shlex.join(["calando", "choose", *said(given), "--horizon", str(steps)])
    told = warmup_told([one.plan for one in found.predictions], curves)
    answered(
        lambda: as_data(found) | {"warmup": warmup_of(curves)},
        lambda made: forecast_page(found, line, made, told, choose), as_json=as_json, out=out,
    )  # fmt: skip


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
