"""Evaluations on another scale than the training losses: sums, perplexities, losses shared out over micro-batches."""

from dataclasses import replace

import numpy as np
import pytest

from calando.records.diagnosis import diagnose
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.noisy import trend
from calando.records.diagnosis.scales import together
from tests.records.synthetic import SHAPES, training


def scaled(curves, factor, **changes):
    seen = curves.seen(**changes)
    return replace(seen, val=(seen.val[0], [factor * value for value in seen.val[1]]))


def judged(seen):
    return Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr))


def kinds(seen):
    return [one.kind for one in diagnose(seen)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [0.1, 4.0, 1000.0, 1e9])
def test_a_run_is_told_the_same_on_whatever_scale_it_was_evaluated(shape, factor):
    for seed in range(3):
        curves = training(shape, seed=seed, evals=50)
        assert kinds(scaled(curves, factor)) == kinds(curves.seen())


def test_evaluations_are_laid_upon_the_training_losses():
    curves = training(evals=50)
    seen = scaled(curves, 640.0)
    run = together(judged(seen))
    assert run.val.values == pytest.approx(curves.val, rel=0.2)
    assert run.train.values.tolist() == curves.train.tolist()


@pytest.mark.parametrize("factor", [1.0, 0.7, 1.3])
def test_evaluations_of_a_like_scale_stay_as_they_are(factor):
    run = judged(scaled(training(evals=50), factor))
    assert together(run) is run


def test_what_is_learned_by_heart_is_no_other_scale():
    curves = training(evals=50)
    curves.val = curves.val + 6.0 * curves.val_at / curves.horizon
    run = judged(curves.seen())
    assert together(run) is run
    assert kinds(curves.seen()) == ["overfitting"]


def test_a_loss_that_was_thrown_up_beside_its_evaluations_is_no_other_scale():
    curves = training(evals=50)
    throw = 1 + 20 * np.exp(-((curves.at - 40) ** 2) / 400)
    curves.train, curves.val = curves.train * throw, curves.val * throw[curves.val_at]
    run = judged(curves.seen())
    assert together(run) is run


@pytest.mark.parametrize("factor", [4.0, 1000.0])
def test_overfitting_is_told_in_the_numbers_that_were_logged(factor):
    curves = training(evals=50)
    curves.val = curves.val + 1.5 * np.clip((curves.val_at - 400) / 600, 0, 1)
    (told,) = diagnose(scaled(curves, factor))
    assert told.kind == "overfitting"
    assert any(one.value == pytest.approx(factor * curves.val[-1], rel=0.1) for one in told.evidence)


def test_the_healthy_are_told_of_in_the_numbers_that_were_logged():
    curves = training(evals=50)
    (told,) = diagnose(scaled(curves, 1000.0))
    assert told.kind == "healthy"
    assert told.evidence[-1].value == pytest.approx(1000 * curves.val[-1], rel=0.1)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_what_is_not_above_zero_has_no_scale(bad):
    curves = training(evals=50)
    curves.val = 1000.0 * curves.val
    curves.val[7] = bad
    run = judged(curves.seen())
    assert together(run) is run


def test_perplexities_beside_a_loss_are_taken_for_what_they_are():
    curves = training(evals=50)
    known = 2.5 * curves.val
    curves.train, curves.val = 2.5 * curves.train, np.exp(known)
    run = together(judged(curves.seen()))
    assert run.val.values == pytest.approx(known)
    assert kinds(curves.seen()) == ["healthy"]


def test_evaluations_that_a_high_rate_threw_up_are_no_other_scale():
    curves = training(evals=50)
    curves.val = curves.val * (1 + 30 * np.exp(-curves.val_at / 300))
    run = judged(curves.seen())
    assert together(run) is run


def test_evaluations_that_are_denser_than_training_losses_are_told_as_they_were_logged():
    curves = training("constant", evals=200)
    random = np.random.default_rng(0)
    every = curves.at[::25]
    losses = (0.8 + 1.5 * np.exp(-every / 60)) * (1 + 0.05 * random.normal(size=every.size))
    seen = curves.seen(
        train=(every.tolist(), losses.tolist()),
        val=(curves.val_at.tolist(), (3 * (0.8 + 1.5 * np.exp(-curves.val_at / 60))).tolist()),
    )  # fmt: skip
    told = {one.kind: one for one in diagnose(seen)}
    assert "stood still at 2.4 " in told["plateau at high LR"].words
