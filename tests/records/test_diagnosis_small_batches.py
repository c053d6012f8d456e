"""Batches of a few examples: where a run began and what it came to, although single losses scatter by much of it."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.noisy import trend

STEPS = 600
AT = np.arange(STEPS)
RATES = np.minimum(1, (AT + 1) / 30) * np.cos(0.5 * np.pi * AT / STEPS) ** 2
WALKED = np.cumsum(RATES) / RATES.sum()


def observed(true, *, first=(), seed=0, late=24):
    """Losses that scatter by a third of themselves, with the first few as given, and evaluations that do not."""
    random = np.random.default_rng(seed)
    train = true * random.gamma(9, 1 / 9, STEPS)
    train[: len(first)] = first
    at = AT[late::25]
    every = AT.tolist()
    return Observed(
        horizon=STEPS,
        train=(every, train.tolist()),
        val=(at.tolist(), true[at].tolist()),
        lr=(every, (1e-3 * RATES).tolist()),
    )


def kinds(seen):
    return {one.kind for one in diagnose(seen)}


def judged(seen):
    return Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr))


EASY = (0.9, 3.2, 0.8, 2.0, 2.4)
"""First losses of which the middle is far below what the run began with, by luck."""


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_crawls_is_found_although_its_first_batches_were_easy(seed):
    assert kinds(observed(2.2 - 0.5 * WALKED, first=EASY, seed=seed)) == {"LR too low"}


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_stands_still_has_not_diverged_because_its_first_batches_were_easy(seed):
    assert kinds(observed(2.2 - 0.002 * WALKED, first=EASY, seed=seed)) == {"not converging"}


def test_a_run_that_was_thrown_up_at_once_ends_above_its_start_all_the_same():
    true = 6.0 - 0.5 * WALKED
    assert "diverged" in kinds(observed(true, first=(2.2, 2.3, 2.2, 30.0, 40.0, 35.0, 20.0, 30.0, 25.0)))


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_learned_quickly_converged_however_widely_its_first_three_losses_scatter(seed):
    true = 1.6 + 0.6 * np.exp(-AT / 40)
    assert "not converging" not in kinds(observed(true, first=(2.3, 3.2, 0.9), seed=seed))


def test_a_run_that_knows_most_batches_and_is_thrown_by_others_learned_something():
    random = np.random.default_rng(0)
    seen = observed(1.0 + 0.4 * np.sin(AT / 40) ** 2)
    losses = np.where(random.random(STEPS) < 0.2, 3.0, 0.01)
    losses[:30] = random.gamma(2, 0.4, 30)
    assert "not converging" not in kinds(
        Observed(horizon=STEPS, train=(AT.tolist(), losses.tolist()), val=seen.val, lr=seen.lr)
    )


def test_evaluations_begin_at_their_own_first_where_the_first_losses_do_not_speak_against_it():
    run = judged(observed(2.2 - 0.5 * WALKED, first=EASY))
    assert run.begin(run.val) == 0.9
    assert run.outset(run.val) == run.val.values[0]


def test_an_evaluation_far_above_the_first_losses_was_thrown_up_and_is_no_start():
    run = judged(observed(6.0 - 0.5 * WALKED, first=(2.2, 2.3, 2.2, 2.1, 2.4, 2.2, 2.3, 2.2, 2.3)))
    thrown = judged(observed(6.0 - 0.5 * WALKED, first=(2.2, 2.3, 2.2, 30.0, 40.0, 35.0, 20.0, 30.0, 25.0)))
    assert thrown.outset(thrown.val) == thrown.begin(thrown.val) == 2.2
    assert run.outset(run.val) == run.begin(run.val) == 2.2


def test_where_no_training_losses_are_known_the_start_is_as_it_was():
    seen = observed(2.2 - 0.5 * WALKED)
    run = judged(Observed(horizon=STEPS, val=seen.val, lr=seen.lr))
    assert run.outset(run.val) == run.begin(run.val)


def test_an_evaluation_that_trembles_more_than_the_first_losses_is_no_better_start():
    seen = observed(2.2 - 0.5 * WALKED, first=(2.0, 2.1, 2.2, 2.0, 2.1, 2.2, 2.0, 2.1, 2.2))
    steps, values = seen.val
    random = np.random.default_rng(1)
    shaken = [value + 0.5 * random.normal() for value in values]
    run = judged(Observed(horizon=STEPS, train=seen.train, val=(steps, [2.3, *shaken[1:]]), lr=seen.lr))
    assert run.outset(run.val) == run.begin(run.val) == 2.1


@pytest.mark.parametrize("seed", range(6))
def test_one_easy_batch_at_the_head_of_a_log_of_few_losses_is_no_start(seed):
    random = np.random.default_rng(seed)
    true = 0.25 + 0.45 * np.exp(-AT / 30)
    wild = true * random.lognormal(-0.25, 0.7, STEPS)
    wild[0] = 0.04
    few, at = AT[::12].tolist(), AT[24::25]
    seen = Observed(
        horizon=STEPS,
        train=(few, wild[::12].tolist()),
        val=(at.tolist(), (true[at] * random.normal(1, 0.08, at.size)).tolist()),
        lr=(AT.tolist(), (1e-3 * RATES).tolist()),
    )
    assert not kinds(seen) & {"diverged", "LR too high", "warm-up too short"}


@pytest.mark.parametrize("seed", range(6))
def test_a_run_of_few_wild_losses_that_was_thrown_up_for_good_has_diverged_all_the_same(seed):
    random = np.random.default_rng(seed)
    true = np.where(AT < 60, 0.7, 12.0)
    few = AT[::12].tolist()
    seen = Observed(
        horizon=STEPS,
        train=(few, (true * random.lognormal(-0.1, 0.45, STEPS))[::12].tolist()),
        lr=(AT.tolist(), (1e-3 * RATES).tolist()),
    )
    assert "diverged" in kinds(seen)
