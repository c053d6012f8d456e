"""The published table of the multi-power law, digit for digit, and our own fits beside it."""

import os

import numpy as np
import pytest

from bench.forecasting import published, records
from calando.forecast.fitting import Fit, fit
from calando.forecast.laws import LAWS, Path

FOLDER = records.folder()
pytestmark = pytest.mark.skipif(FOLDER is None, reason=records.NOT_RUN)
FINE = 0.05  # far below the printed digits, at a hundredth of the cost; bench/forecasting/laws.py sums every step


def judged(size: str, found: Fit | None, trained: tuple[str, ...] = published.TRAINING) -> published.Score:
    curves = list(published.test_curves(records.multipower(FOLDER)[size], trained).values())
    if found is None:
        law, theta = LAWS["multi_power"], np.array(published.PARAMETERS[size])
        told = [law.losses(theta, law.prepare([Path(c.rates, c.steps)], FINE)) for c in curves]
    else:
        told = found.predict_at([(c.rates, c.steps) for c in curves])
    return published.score(curves, told)


@pytest.mark.parametrize("size", published.PARAMETERS)
def test_the_published_parameters_give_the_published_table(size: str) -> None:
    assert judged(size, None).rounded() == published.PRINTED[size]


@pytest.mark.parametrize("size", published.PARAMETERS)
def test_the_rates_made_here_are_those_recorded(size: str) -> None:
    import csv
    import gzip

    with gzip.open(FOLDER / "multipower.csv.gz", "rt", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["run"].startswith(f"{size}/")]
    made = {name: records.multipower_rates(name) for name in records.multipower(FOLDER)[size]}
    wrong = [
        row for row in rows
        if abs(made[row["run"].split("/")[1]][int(row["step"])] - float(row["lr"])) > 1e-12
    ]  # fmt: skip
    assert len(rows) > 1000
    assert wrong == []


def test_our_own_fits_are_as_good_as_promised() -> None:
    whole, alone = {}, {}
    for size in published.PARAMETERS:
        curves = records.multipower(FOLDER)[size]
        whole[size] = judged(size, fit([curves[name] for name in published.TRAINING]))
        alone[size] = judged(size, fit([curves[name] for name in published.WSD]), published.WSD)
    assert np.mean([found.pred_e for found in whole.values()]) <= 0.0014
    assert max(found.worst_e for found in whole.values()) <= 0.0071
    assert alone["25M"].pred_e <= 0.0010
    assert alone["100M"].pred_e <= 0.0013


def test_where_the_curves_are_not_the_finder_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CALANDO_CURVES", os.fspath(tmp_path))
    assert records.folder() is None
    assert records.NOT_RUN.startswith("NOT RUN")
