"""Runs of our own as loss curves: trained here on small data that any machine has, recorded, judged by the bench.

python -m bench.forecasting.live --record [WORKLOAD...]
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.forecasting.live.grids import shape_of
from bench.tuning import recorded as tables
from bench.tuning.recorded import Recorded
from calando.forecast.curve import LossCurve
from calando.records import RunRecord

__all__ = ["curve_of", "load", "recorded"]

HERE = Path(__file__).parents[2] / "results" / "forecast"


@cache
def recorded(name: str, folder: Path = HERE) -> Recorded:
    """Everything recorded of a workload with its command, commit, seeds, versions and data hash (`about`)."""
    return tables.load(name, folder, "live")


def curve_of(record: RunRecord, loss: str = "val_loss") -> LossCurve:
    """A recorded run as a loss curve; steps count the updates that were made when the loss was taken."""
    spec, curve = record.spec, record.curve(loss)
    peak = 1.0 if spec.peak is None else spec.peak
    name = f"{shape_of(spec.plan)} at {peak:g}, {spec.horizon} steps, seed {spec.seed}"
    at = [step + 1 for step in curve.steps]
    return LossCurve.from_plan(
        name, at, curve.values, spec.plan, peak, spec.horizon, seed=spec.seed, source="bench/results/forecast"
    )


def load(
    name: str = "characters",
    *,
    horizons: Iterable[int] | None = None,
    peaks: Iterable[float] | None = None,
    shapes: Iterable[str] | None = None,
    seeds: Iterable[int] | None = None,
    loss: str = "val_loss",
) -> list[LossCurve]:
    """The recorded curves of a workload that fit, longest first.

    Shapes are named as in `grids.SHAPES`, or by the plan's text.

    >>> [curve.name for curve in load(horizons=[300], peaks=[0.016], shapes=["linear"], seeds=[0])]
    ['linear at 0.016, 300 steps, seed 0']
    """
    wanted = [None if given is None else set(given) for given in (horizons, peaks, shapes, seeds)]
    found = []
    for record in recorded(name).runs.values():
        spec = record.spec
        here = (spec.horizon, spec.peak, shape_of(spec.plan), spec.seed)
        if all(among is None or value in among for among, value in zip(wanted, here, strict=True)):
            found.append(curve_of(record, loss))
    return found
