"""Runs that are logged seldom: the first value is their start, and few noisy ones prove no failure."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose


def logged(true, *, every=10, scatter=0.3, evals=20, horizon=400, seed=0, status="running"):
    """A run under way, every tenth of whose training losses was written down, and an evaluation now and then."""
    random = np.random.default_rng(seed)
    t = np.arange(len(true))
    lr = np.minimum(1.0, (t + 1) / 20) * 0.1
    losses = true + scatter * random.normal(size=t.size)
    at = t[evals - 1 :: evals]
    return Observed(
        horizon=horizon,
        train=(t[every - 1 :: every].tolist(), losses[every - 1 :: every].tolist()),
        val=(at.tolist(), (true[at] + 0.01 * random.normal(size=at.size)).tolist()),
        lr=(t[every - 1 :: every].tolist(), lr[every - 1 :: every].tolist()),
        status=status,
        ahead=0.0,
    )


def kinds(seen):
    return [finding.kind for finding in diagnose(seen)]


@pytest.mark.parametrize("seed", range(8))
def test_a_run_that_learned_most_between_its_first_lines_is_not_told_that_nothing_was_learned(seed):
    t = np.arange(120)
    assert "not converging" not in kinds(logged(1.0 + 1.5 * np.exp(-t / 12) + 0.2 * np.exp(-t / 80), seed=seed))


@pytest.mark.parametrize("seed", range(8))
def test_few_noisy_losses_that_seem_to_fall_are_no_failure_of_themselves(seed):
    t = np.arange(120)
    seen = logged(3.0 - 0.5 * t / 120, scatter=0.35, seed=seed)
    assert "not converging" not in kinds(seen)


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_stands_where_it_began_is_still_told(seed):
    flat = logged(np.full(400, 2.3), scatter=0.02, seed=seed, status="done")
    assert kinds(flat) == ["not converging"]
