"""The forecast against actual: each schedule is foretold from the others alone, or not at all."""

from dataclasses import replace

import numpy as np
import pytest

from calando.forecast import LossCurve
from calando.forecast.laws import LAWS
from calando.forecast.laws.base import Path
from calando.records import Candidate, Curve, RunRecord, RunSpec, Study, StudySpec
from calando.report.build import build
from calando.report.foretold import foretold
from calando.report.markup import template

HORIZON = 400
PLANS = ("cosine()", "linear_decay()", "wsd()", "wsd(cooldown=60%)")


def a_run(plan: str, peak: float, seed: int = 0, horizon: int = HORIZON) -> RunRecord:
    """A run of a world in which the generalised bound is the truth."""
    at = np.linspace(horizon // 20, horizon, 20).astype(int)
    law = LAWS["bound"]
    rates = LossCurve.from_plan("a", at, np.ones(20), plan, peak, horizon).rates
    theta = np.array([{"L_inf": 1.0, "a": 0.05, "p": 0.5, "b": 0.6, "q": 0.7}.get(p.name, 1.0) for p in law.parameters])
    losses = law.losses(theta, law.prepare([Path(rates, at)]))
    losses = losses * (1 + 0.002 * np.sin(3.0 * np.arange(20) + seed + 10 * peak))
    spec = RunSpec(plan, plan, peak, seed, horizon)
    curve = Curve(tuple(int(step) - 1 for step in at), tuple(float(loss) for loss in losses))
    return RunRecord(spec, "done", final=curve.values[-1], curves={"val_loss": curve}, steps=horizon)


def a_study(**changes: object) -> Study:
    runs = tuple(a_run(plan, peak, seed) for plan in PLANS for peak in (0.05, 0.1) for seed in (0, 1))
    spec = StudySpec("Which?", "train.py:train", HORIZON, tuple(Candidate(plan, plan) for plan in PLANS))
    return Study(replace(spec, **changes), runs=runs)  # type: ignore[arg-type]


def test_in_a_world_where_the_law_is_true_every_schedule_is_foretold_from_the_others() -> None:
    found = foretold(a_study())
    assert found is not None
    assert {(row.plan, row.peak) for row in found.rows} == {(plan, peak) for plan in PLANS for peak in (0.05, 0.1)}
    assert all(row.seeds == 2 for row in found.rows)
    assert found.inside == 8
    assert found.agreement is not None
    assert found.agreement >= 0.9
    assert max(abs(row.loss / row.actual - 1) for row in found.rows) < 0.02


def test_a_schedule_is_foretold_without_its_own_runs() -> None:
    study = a_study()
    wild = [
        replace(run, final=(run.final or 0) * 2, curves={"val_loss": Curve(run.curves["val_loss"].steps,
                tuple(2 * v for v in run.curves["val_loss"].values))}) if run.spec.plan == "wsd()" else run
        for run in study.runs
    ]  # fmt: skip
    before, after = foretold(study), foretold(replace(study, runs=tuple(wild)))
    assert before is not None
    assert after is not None
    told = [{row.peak: row.loss for row in found.rows if row.plan == "wsd()"} for found in (before, after)]
    assert told[0] == told[1]  # its own runs were doubled, and nothing of that was seen
    assert after.inside < before.inside


def test_where_higher_is_better_or_parameters_differ_there_is_nothing_to_tell() -> None:
    assert foretold(a_study(mode="max")) is None
    study = a_study()
    tried = tuple(replace(run, spec=replace(run.spec, params='{"decay":0.1}')) for run in study.runs)
    assert foretold(replace(study, runs=tried)) is None


def test_two_schedules_or_few_losses_tell_nothing() -> None:
    study = a_study()
    two = tuple(run for run in study.runs if run.spec.plan in PLANS[:2])
    assert foretold(replace(study, runs=two)) is None
    few = tuple(
        replace(run, curves={"val_loss": Curve(run.curves["val_loss"].steps[-5:], run.curves["val_loss"].values[-5:])})
        for run in study.runs
    )
    assert foretold(replace(study, runs=few)) is None


def test_runs_that_failed_to_train_are_left_out() -> None:
    study = a_study()
    lost = a_run("cosine()", 5.0)
    lost = replace(lost, final=40.0, curves={"val_loss": Curve(lost.curves["val_loss"].steps, (40.0,) * 20)})
    found = foretold(replace(study, runs=(*study.runs, lost)))
    assert found is not None
    assert 5.0 not in {row.peak for row in found.rows}


def test_the_page_shows_it() -> None:
    pytest.importorskip("jinja2")
    page = build(a_study())
    assert page.foretold is not None
    assert template("foretold.html") is not None
    from calando.report import page_html

    text = page_html(page, static=True)
    assert "Forecast against actual" in text
    assert "8 of 8 lie in their 80 % bands" in text
    assert 'href="#foretold"' in text
    assert text.count('<th scope="row" class="wide">') == 8  # a phone does not squeeze plans into a few signs a line
    assert "table.small th.wide { min-width: 11rem; }" in text
