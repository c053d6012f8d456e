"""Batches of a few examples: what their noise leaves in the curves of a run is not taken for a rate too high."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.heat import thrown
from calando.records.diagnosis.noisy import trend
from calando.records.diagnosis.score import unharmed
from tests.records.synthetic import rates


def judged(seen):
    return Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr))


def run(true, *, scatter=0.7, tremble=0.0, first=None, seed=0):
    """Losses of single batches that scatter in proportion to themselves, and evaluations that follow the rate."""
    random = np.random.default_rng(seed)
    steps = len(true)
    lr, at = rates("wsd", steps), np.arange(24, steps, 25)
    losses = true * np.exp(scatter * random.normal(size=steps) - 0.5 * scatter**2)
    if first is not None:
        losses[0] = first
    held = true[at] + tremble * lr[at] * random.normal(size=at.size)
    every = np.arange(steps).tolist()
    return Observed(
        horizon=steps, train=(every, losses.tolist()), val=(at.tolist(), held.tolist()), lr=(every, lr.tolist())
    )


def descent(steps=600, pace=60):
    return 0.5 + 1.9 / (1 + np.arange(steps) / pace)


@pytest.mark.parametrize("seed", range(5))
def test_an_easy_first_batch_is_not_the_start_from_which_a_loss_is_thrown(seed):
    seen = run(descent(), first=0.8, seed=seed)
    assert not {"LR too high", "warm-up too short"} & {one.kind for one in diagnose(seen)}


@pytest.mark.parametrize("seed", range(5))
def test_a_throw_that_lasts_is_seen_through_the_noise(seed):
    t = np.arange(600)
    true = np.where((t >= 15) & (t < 120), 12.0, descent())
    throw = thrown(judged(run(true, scatter=0.4, seed=seed)))
    assert throw is not None
    assert throw.share > 2
    assert throw.back > 100


def test_where_batches_are_large_three_losses_in_a_row_are_a_throw():
    true = descent()
    true[20:24] = 6.0
    assert thrown(judged(run(true, scatter=0.02))).share > 1
    assert thrown(judged(run(true, scatter=0.5))).share < 0.15


def test_evaluations_that_kept_their_gain_and_went_on_tremble_from_small_batches():
    assert unharmed(judged(run(descent(pace=25), tremble=0.1)))


def test_where_single_losses_hardly_scatter_nothing_is_excused():
    assert not unharmed(judged(run(descent(pace=25), scatter=0.02, tremble=0.1)))


def test_nor_where_a_model_gained_at_once_and_stood_still():
    t = np.arange(600)
    assert not unharmed(judged(run(1.0 + 1.5 * np.exp(-t / 5) - 0.05 * (t > 500), tremble=0.05)))


def test_nor_where_most_came_only_after_the_rate_had_come_down():
    t = np.arange(600)
    assert not unharmed(judged(run(2.4 - 0.3 * (t > 50) - 1.2 * np.clip((t - 450) / 100, 0, 1), tremble=0.1)))


def test_nor_without_evaluations():
    seen = run(descent())
    assert not unharmed(judged(Observed(horizon=600, train=seen.train, lr=seen.lr)))
