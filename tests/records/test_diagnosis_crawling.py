"""LR too low: what is told of losses of single batches alone, of loud evaluations, and where no batch differs."""

from dataclasses import replace

import numpy as np

from calando.records.diagnosis import Observed, diagnose

STEPS = 400
AT = np.arange(STEPS)
RATES = np.minimum(1, (AT + 1) / 20) * np.cos(0.5 * np.pi * AT / STEPS) ** 2
WALKED = np.cumsum(RATES) / RATES.sum()


def told(true, scatter, evaluated=None, seed=0):
    """What is told of a run whose losses scatter by so much, and whose evaluations, if any, tremble by so much."""
    random = np.random.default_rng(seed)
    train = true + scatter * random.normal(size=STEPS)
    seen = Observed(horizon=STEPS, train=(AT.tolist(), train.tolist()), lr=(AT.tolist(), (1e-3 * RATES).tolist()))
    if evaluated is not None:
        at = AT[15::16]
        seen = replace(seen, val=(at.tolist(), (true[at] + evaluated * random.normal(size=at.size)).tolist()))
    return {one.kind for one in diagnose(seen)}


def test_losses_that_fall_in_proportion_to_the_rate_spent_tell_of_a_low_one_without_evaluations():
    assert "LR too low" in told(2.3 - 0.5 * WALKED, 0.07)


def test_losses_that_come_to_scatter_far_more_than_at_the_start_tell_of_none():
    growing = 0.03 + 0.2 * np.minimum(1, AT / 100)
    assert "LR too low" not in told(2.3 - 0.5 * WALKED, growing)


def test_losses_that_lose_most_of_their_start_by_fits_tell_of_none_without_evaluations():
    assert "LR too low" not in told(2.3 - 1.6 * WALKED, 0.25)


def test_a_smooth_curve_tells_as_much_as_evaluations_do():
    assert "LR too low" in told(2.3 - 1.6 * WALKED, 0.03)


def test_evaluations_that_tremble_by_much_do_not_crawl():
    straight = 2.3 - 1.4 * WALKED
    assert "LR too low" in told(straight, 0.15, 0.005)
    assert not any("LR too low" in told(straight, 0.15, 0.08, seed) for seed in range(6))


def test_quiet_evaluations_say_nothing_where_single_batches_hardly_differ():
    settling = 0.15 / (1 + 12 * WALKED)
    assert "LR too low" in told(settling, 0.006, 2e-5)
    assert "LR too low" not in told(settling, 0.0006, 2e-5)


def test_quiet_evaluations_of_a_descent_that_had_come_to_its_end_say_little():
    arrived = 0.1 + 2.2 / (1 + np.exp(8 * (WALKED - 0.27)))
    assert "LR too low" in told(arrived, 0.08, 0.0)
    assert not any("LR too low" in told(arrived, 0.08, 0.012, seed) for seed in range(6))
