"""Overfitting seen in the longest mini-runs: by two signs, only for losses of one kind, and what it changes."""

import math
from dataclasses import replace

import pytest

from calando.lab.finding.overfit import alike, overfitting, tail
from calando.lab.finding.strategy import FindStrategy
from calando.lab.finding.verdict import conclude
from calando.records.finding import Finding, Mini
from calando.records.run import Curve, RunRecord, RunSpec
from tests.lab.finding.made import bowl, falling_then_breaking, question


def pair(*ends: tuple[float, float, float | None]) -> list[Mini]:
    """Mini-runs of 240 updates beside one of 60 that says nothing."""
    return [Mini(60, 0.01, 0, 9.0, train=0.1), *(Mini(240, p, 0, value, train=train) for p, value, train in ends)]


def test_a_training_loss_far_below_the_validation_loss_is_overfitting() -> None:
    assert "far below" in overfitting(pair((0.01, 0.9, 0.8), (0.04, 0.7, 0.35)))
    assert not overfitting(pair((0.01, 0.9, 0.8), (0.04, 0.7, 0.5)))


def test_a_peak_that_trains_better_and_validates_worse_is_overfitting() -> None:
    assert "trains better" in overfitting(pair((0.01, 0.70, 0.60), (0.04, 0.75, 0.52)))
    assert not overfitting(pair((0.01, 0.70, 0.60), (0.04, 0.75, 0.62)))  # too high a rate, which trains badly, too
    assert not overfitting(pair((0.01, 0.70, 0.60), (0.04, 0.702, 0.52)))  # no worse than noise


def test_without_a_training_loss_nothing_is_said() -> None:
    assert not overfitting(pair((0.01, 0.9, None), (0.04, 0.7, None)))
    assert not overfitting([])


def test_only_the_last_sixth_of_the_training_loss_counts() -> None:
    curve = Curve(tuple(range(60)), (5.0,) * 50 + (1.0,) * 10)
    spec = RunSpec("linear_decay()", "linear_decay()", 0.1, 0, 60, "short")
    assert tail(RunRecord(spec, "done", curves={"train_loss": curve})) == 1.0
    assert tail(RunRecord(spec, "done", curves={"loss": curve})) == 1.0
    assert tail(RunRecord(spec, "done")) is None
    broken = replace(curve, values=(*curve.values[:-1], math.nan))
    assert tail(RunRecord(spec, "done", curves={"train_loss": broken})) is None


def rode(value: float) -> RunRecord:
    """A range test whose training loss is 2 where hardly anything is trained, and whose metric is the value there."""
    run = question().ranges.runs()[0]
    record = falling_then_breaking(run, noise=0.0)
    return replace(record, curves={**record.curves, "val_loss": Curve((4, 9, 14, 19), (value,) * 4)})


@pytest.mark.parametrize(("value", "same"), [(2.0, True), (2.3, True), (1.7, True), (0.9, False), (3.0, False)])
def test_a_metric_of_another_kind_than_the_training_loss_is_not_held_against_it(value: float, same: bool) -> None:
    assert alike([rode(value)], "val_loss") is same
    assert not alike([rode(-2.0)], "val_loss")
    assert not alike([rode(value)], "train_loss")


def searched(train: float, mode: str = "min", metric: float = 2.0) -> Finding:
    """A search on a bowl that moves as T^-0.3, whose mini-runs end with that share of their value as training loss."""
    final = bowl(0.02, -0.3)
    strategy = FindStrategy(replace(question(), mode=mode))
    while left := strategy.left():
        run = left[0]
        if run.phase == "range":
            ride = falling_then_breaking(run)
            seen = {**ride.curves, "val_loss": Curve((4, 9, 14, 19), tuple(metric + i / 1e3 for i in range(4)))}
            strategy.finished(replace(ride, curves=seen))
            continue
        value = final(run) * (1 if mode == "min" else -1)
        steps = tuple(range(run.horizon))
        curves = {"train_loss": Curve(steps, (train * abs(value),) * run.horizon)}
        strategy.finished(RunRecord(run, "done", final=value, curves=curves, steps=run.horizon))
    return conclude(strategy)


def test_where_runs_overfit_the_sum_of_the_rates_counts() -> None:
    plain, fitted = searched(0.9), searched(0.4)
    assert not plain.overfit
    assert "far below" in fitted.overfit
    assert [m.value for m in plain.minis] == [m.value for m in fitted.minis]  # the same runs were made
    assert plain.slope is not None
    assert fitted.slope is not None
    assert fitted.slope.exponent == pytest.approx(-1.1)
    assert -0.5 < plain.slope.exponent < -0.1
    octaves = math.log2((plain.best or 0) / (fitted.best or 1))
    assert octaves == pytest.approx(2 * (plain.slope.exponent + 1.1), abs=0.3)
    assert any("these runs overfit" in sentence for sentence in fitted.sentences)
    assert not any("these runs overfit" in sentence for sentence in plain.sentences)


def test_a_metric_that_is_no_loss_shows_no_overfitting() -> None:
    assert not searched(0.4, mode="max").overfit
    assert not searched(0.4, metric=0.9).overfit
