"""Runs that end at a high rate: on their way down, or at a standstill; and steep ends that a cooldown makes."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.gliding import Glide, descent, glide
from calando.records.diagnosis.noisy import Level, trend
from tests.records.synthetic import Curves, rates
from tests.records.test_diagnosis import hotter, kinds

SHORT, FLAT = "horizon too short", "plateau at high LR"


def hot(loss, *, seed=0, noise=0.05, tremble=0.0, every=24, kept=0.0):
    """A run at a constant rate, evaluated so many times, each evaluation a little off by what the steps throw it."""
    random = np.random.default_rng(seed)
    steps = len(loss)
    thrown, last = np.empty(steps), 0.0
    for step, kick in enumerate(random.normal(size=steps)):
        last = kept * last + (1 - kept**2) ** 0.5 * kick
        thrown[step] = tremble * last
    at = np.unique(np.linspace(steps / every, steps - 1, every).astype(int))
    train = loss * (1 + noise * random.normal(size=steps))
    return Curves(steps, np.arange(steps), train, rates("constant", steps), at, (loss + thrown)[at])


def power(steps, exponent, floor=0.0):
    return floor + 3 / (1 + np.arange(steps) / 2) ** exponent


@pytest.mark.parametrize("exponent", [0.5, 0.8])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_cut_off_on_a_fast_descent_is_on_its_way_down_though_most_is_behind_it(exponent, seed):
    run = hot(power(60, exponent, floor=0.1), seed=seed, tremble=0.002)
    found = kinds(run.seen())
    assert SHORT in found
    assert FLAT not in found


def test_it_is_told_what_the_last_doubling_brought():
    loss = power(60, 1.0)
    (finding,) = [f for f in diagnose(hot(loss, tremble=0.002).seen()) if f.kind == SHORT]
    (shown,) = finding.evidence
    assert shown.name == "gain of the last doubling"
    assert shown.value == pytest.approx((loss[30] - loss[-1]) / (loss[1] - loss[-1]), rel=0.2)
    assert "120" in finding.advice[0]


@pytest.mark.parametrize("seed", range(4))
def test_evaluations_that_tremble_by_what_they_still_gain_are_on_no_way_down(seed):
    run = hot(power(1000, 0.5, floor=0.3), seed=seed, tremble=0.08)
    assert SHORT not in kinds(run.seen())


@pytest.mark.parametrize("seed", range(4))
def test_a_dense_log_whose_neighbours_tremble_together_looks_no_smoother(seed):
    run = hot(power(1000, 0.5, floor=0.3), seed=seed, tremble=0.08, every=1000, kept=0.97)
    assert SHORT not in kinds(run.seen())


def test_a_loss_that_settled_smoothly_is_at_a_standstill_however_calm_it_is():
    loss = 0.8 + 1.5 * np.exp(-8 * np.arange(1000) / 1000)
    run = hot(loss, noise=0.01, tremble=0.0005)
    assert SHORT not in kinds(run.seen())


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_creeps_on_smoothly_after_its_steep_part_is_on_its_way_down(seed):
    steps = np.arange(110)
    loss = 1.1 / (1 + np.exp((steps - 20) / 5)) + 0.33 - 0.028 * np.log1p(steps / 20)
    found = kinds(hot(loss, seed=seed, noise=0.1, tremble=0.0008).seen())
    assert SHORT in found
    assert FLAT not in found


def test_a_run_whose_first_batches_happened_to_be_easy_began_where_its_evaluations_did():
    loss = 1.8 - 1.0 * np.arange(72) / 72
    run = hot(loss, noise=0.5, tremble=0.001)
    run.train[:3] = 0.75
    seen = run.seen()
    going = glide(Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr)))
    assert going is not None
    assert going.on
    assert going.doubling < 1


@pytest.mark.parametrize("seed", range(4))
def test_a_run_under_way_that_still_goes_down_smoothly_is_no_plateau(seed):
    steps = 400
    settled = hot(0.8 + 1.5 * np.exp(-np.arange(steps) / 20), seed=seed, tremble=0.002)
    falling = hot(0.8 + 1.2 / (1 + np.arange(steps) / 2) ** 0.25, seed=seed, noise=0.1, tremble=0.0005)
    assert FLAT in kinds(under_way(settled))
    assert FLAT not in kinds(under_way(falling))


def under_way(run) -> Observed:
    return run.seen(status="running", horizon=2 * run.horizon, ahead=1.0)


def test_a_training_loss_that_falls_alone_while_evaluations_rise_asks_for_no_more_steps():
    at = np.arange(600)
    loss = 2.5 - 2.0 * (at / 600) ** 0.8
    run = hot(loss, noise=0.01)
    run.val = 1.5 + 0.8 * run.val_at / 600
    assert SHORT not in kinds(run.seen(beside=hotter(-0.05)))


def test_a_run_that_gained_next_to_nothing_is_not_on_its_way_down():
    at = np.arange(900)
    loss = 0.75 - 0.007 * at / 900
    run = hot(loss, noise=0.15, tremble=1e-5)
    assert SHORT not in kinds(run.seen())


@pytest.mark.parametrize("seed", range(3))
def test_the_steep_end_that_a_decay_makes_is_not_a_short_horizon(seed):
    at = np.arange(480)
    run = hot(2.4 - 1.5 * at / 480, seed=seed, tremble=0.03)
    run.lr = rates("linear", 480)
    assert SHORT not in kinds(run.seen(beside=hotter(-0.05)))


def test_an_end_that_its_own_rate_explains_is_a_short_horizon():
    at = np.arange(480)
    run = hot(2.4 - 1.5 * at / 480)
    run.lr = 1 - 0.5 * at / 480
    walked = np.cumsum(run.lr) / run.lr.sum()
    run.train, run.val = 2.4 - 1.5 * walked, (2.4 - 1.5 * walked)[run.val_at]
    assert SHORT in kinds(run.seen(beside=hotter(-0.05)))


@pytest.mark.parametrize("seed", range(3))
def test_a_loss_near_zero_that_halves_to_the_end_stands_still_nowhere(seed):
    loss = 0.25 * np.exp(-np.arange(60) / 22) + 1.5 * np.exp(-np.arange(60) / 2)
    seen = hot(loss, seed=seed, noise=0.3, tremble=0.005).seen()
    found = kinds(seen)
    assert SHORT in found
    assert FLAT not in found
    going = glide(Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr)))
    assert going.deep.value == pytest.approx(np.log(loss[36] / loss[-1]) / np.log(loss[0] / loss[-1]), rel=0.4)


@pytest.mark.parametrize(("deep", "on"), [(0.2, True), (0.05, False)])
def test_where_evaluations_tremble_its_logarithm_tells_whether_it_falls(deep, on):
    going = Glide(Level(0.1, 0.01), Level(0.1, 0.01), 0.02, Level(deep, 0.01))
    assert not going.smooth
    assert going.on == on


@pytest.mark.parametrize("seed", range(4))
def test_one_that_only_settled_there_is_at_a_standstill(seed):
    loss = 0.05 + 1.2 * np.exp(-np.arange(400) / 15)
    found = kinds(hot(loss, seed=seed, noise=0.3, tremble=0.004).seen())
    assert SHORT not in found
    assert FLAT in found


@pytest.mark.parametrize("seed", range(4))
def test_a_run_cut_off_while_it_fell_ever_faster_is_not_slow_where_its_evaluations_tremble(seed):
    loss = 2 - 1.4 * (np.arange(60) / 60) ** 1.3
    shaken, calm = (kinds(hot(loss, seed=seed, noise=0.02, tremble=size).seen()) for size in (0.06, 0.002))
    assert SHORT in shaken
    assert "LR too low" not in shaken
    assert "LR too low" in calm


def together(run):
    seen = run.seen()
    return descent(Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr)))


def settling(seed, *, steps=72, over=22):
    return hot(1.2 + 1.8 * np.exp(-np.arange(steps) / over), seed=seed, noise=0.06, tremble=0.06)


@pytest.mark.parametrize("seed", range(8))
def test_where_either_loss_alone_leaves_a_descent_in_doubt_both_together_tell(seed):
    assert together(settling(seed)).value == pytest.approx(0.17, abs=0.04)
    assert SHORT in kinds(settling(seed).seen())


@pytest.mark.parametrize("seed", range(8))
def test_what_the_training_loss_gains_while_evaluations_rise_is_no_descent(seed):
    run = settling(seed, over=6)
    run.train, run.val = run.train - 0.5 * np.arange(72) / 72, run.val + 0.2 * run.val_at / 72
    assert together(run) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_standstill_is_no_descent_however_many_losses_tell_of_it(seed):
    assert together(settling(seed, steps=1000, over=40)) is None


@pytest.mark.parametrize("seed", range(3))
def test_what_a_cyclic_rate_gains_between_its_returns_is_no_descent(seed):
    run = settling(seed)
    run.lr = 0.55 + 0.45 * np.cos(2 * np.pi * 3 * np.arange(72) / 71)
    assert together(run) is None


@pytest.mark.parametrize("seed", [0, 1, 3, 6, 7])
def test_a_short_run_whose_losses_both_fell_a_little_did_learn_something(seed):
    def run(size):
        made = hot(2.15 - size * np.arange(54) / 54, seed=seed, noise=0.04, tremble=0.01, every=27)
        made.val = made.val + 0.6 * size * made.val_at / 54
        return made

    assert "not converging" not in kinds(run(0.16).seen())
    assert "not converging" in kinds(run(0.0).seen())


@pytest.mark.parametrize("seed", [0, 1, 6])
def test_evaluations_that_come_down_a_little_as_smooth_as_glass_tell_of_a_rate_far_too_low(seed):
    made = hot(2.15 - 0.16 * np.arange(54) / 54, seed=seed, noise=0.04, every=27)
    made.val = made.val + 0.1 * made.val_at / 54
    assert "not converging" in kinds(made.seen())
