"""Runs of our own: recorded whole, read as loss curves, and still what training gives."""

import datetime as dt
import json
import math
import random

import numpy as np
import pytest

from bench.forecasting.live import curve_of, load, recorded
from bench.forecasting.live.grids import GRIDS, HORIZONS, PEAKS, SEEDS, SHAPES, WAVES, plan, wanted
from bench.forecasting.live.recording import HERE, data_of, train
from calando.records import RunRecord, RunSpec

TOLERANCE = 1e-3
"""Relative to a loss, and a tenth of it to the first one. On the processor that they were recorded on runs repeat bit
for bit, alone or beside others. Other processors, and some of the same instruction set, add in another order, and a run
at a high rate magnifies the last digit: only at the lowest peaks are all losses compared, else those of the first
updates."""
FIRST = 2  # losses


@pytest.mark.parametrize("name", GRIDS)
def test_every_run_of_the_grid_is_recorded_and_says_how(name: str) -> None:
    records = recorded(name)
    assert len(records.runs) == sum(map(len, wanted(name)))
    assert all(records.offers(spec) for specs in wanted(name) for spec in specs)
    assert records.about["command"] == f"python -m bench.forecasting.live --record {name}"
    assert {"commit", "data", "seeds", "versions", "sha256", "cpu_seconds"} <= set(records.about)


def test_the_records_are_small() -> None:
    assert sum(path.stat().st_size for path in HERE.glob("live-*")) < 400_000


def test_the_best_peak_of_no_shape_lies_at_the_edge_of_the_grid() -> None:
    records = recorded("characters")
    for horizon in HORIZONS:
        for name in set(SHAPES) - set(WAVES):
            finals = [
                np.mean([records.final((plan(SHAPES[name]), peak), seed, horizon) or math.inf for seed in SEEDS])
                for peak in PEAKS
            ]
            assert 0 < np.argmin(finals) < len(PEAKS) - 1, (name, horizon)


def test_a_run_is_read_as_a_loss_curve_with_its_rates() -> None:
    (curve,) = load(horizons=[300], peaks=[0.016], shapes=["linear"], seeds=[2])
    assert (curve.horizon, curve.peak, curve.warmup, curve.seed, curve.finished) == (300, 0.016, 20, 2, True)
    assert curve.steps.tolist() == list(range(10, 301, 10))
    assert curve.rates[[0, 20, 160]].tolist() == pytest.approx([0.0, 0.016, 0.008])


def test_longer_runs_begin_like_shorter_ones() -> None:
    short, long = load(peaks=[0.032], shapes=["constant"], seeds=[1], horizons=[1200, 2400])[::-1]
    among = np.isin(short.steps, long.steps)
    assert among.sum() >= 20
    assert short.losses[among].tolist() == long.losses[np.isin(long.steps, short.steps)].tolist()


def compared(name: str, specs: list[RunSpec]) -> None:
    records = recorded(name)
    if data_of(name) != records.about["data"]:
        pytest.skip(f"NOT RUN: {name}'s data are {data_of(name)} here, recorded were {records.about['data']}")
    import torch

    same = torch.backends.cpu.get_cpu_capability() == records.about["versions"]["processor"]
    peaks = sorted({spec.peak for some in wanted(name) for spec in some})
    for now in train(name, specs):
        before = records.plain(now.spec)
        assert before is not None
        assert now.status == before.status
        calm = now.spec.peak <= peaks[(len(peaks) - 1) // 4]
        agree(now, before, None if same and calm else FIRST)


def agree(now: RunRecord, before: RunRecord, first: int | None) -> None:
    for loss, curve in before.curves.items():
        again = now.curve(loss)
        assert again.steps == curve.steps
        least = 0.1 * TOLERANCE * abs(next(iter(curve.values), 0.0))  # what is learned by heart ends near zero
        known = pytest.approx(curve.values[:first], rel=TOLERANCE, abs=least)
        assert again.values[:first] == known, (now.spec, loss)


def chosen(name: str, count: int) -> list[RunSpec]:
    """Others every day, of the shortest horizon."""
    chance = random.Random(f"{name} {dt.datetime.now(tz=dt.UTC).date()}")
    every = [spec for specs in wanted(name) for spec in specs]
    shortest = min(spec.horizon for spec in every)
    return chance.sample([spec for spec in every if spec.horizon == shortest], count)


@pytest.mark.parametrize(("name", "count"), [("characters", 6), ("images", 8), ("images-few", 4), ("tuning", 2)])
def test_random_runs_trained_again_give_what_was_recorded(name: str, count: int) -> None:
    compared(name, chosen(name, count))


def test_runs_that_share_a_trunk_end_as_each_does_alone() -> None:
    asked = [
        RunSpec("", plan(SHAPES[name]), 0.032, 0, horizon)
        for name, horizon in (("constant", 90), ("wsd 20 %", 90), ("wsd 50 %", 90), ("wsd 50 %", 60), ("linear", 60))
    ]
    together = train("characters", asked)
    for spec, record in zip(asked, together, strict=True):
        (alone,) = train("characters", [spec])
        assert record.curve("val_loss") == alone.curve("val_loss")
        assert curve_of(record).final == record.final


def test_the_page_tells_of_as_many_runs_and_seconds_as_are_recorded() -> None:
    page = (HERE.parents[2] / "docs" / "forecast-bench.md").read_text()
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")}
    for name in GRIDS:
        about = recorded(name).about
        assert lines[name].endswith(f"| {about['runs']} | {about['cpu_seconds']} |")


def test_what_is_not_noticed_is_told_as_it_was_measured() -> None:
    found = {row["what"]: row["silent"] for row in json.loads((HERE / "doubts.json").read_text())["groups"]}
    silent = {what: count for what, count in found.items() if count and "language model" not in what}
    assert silent == {
        "fine-tuning on much text, each run alone": 3,
    }
