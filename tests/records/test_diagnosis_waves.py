"""A loss that swings with a cyclic rate is found by all its cycles laid upon each other, whatever the noise."""

import time

import numpy as np
import pytest

from calando.core.text import parse
from calando.records.diagnosis import CATALOGUE, Observed, diagnose, waves
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.fold import folded
from calando.records.diagnosis.noisy import trend

LIMITS = CATALOGUE["oscillation"].limits
ENDS_HIGH = "cyclical(low=0.1, half=6%)"
ENDS_LOW = "cyclical(low=0.02, half=10%)"
RESTARTS = "warm_restarts(first=15%)"


def run(plan=ENDS_HIGH, *, swing=0.2, noise=0.02, steps=1000, evals=24, every=1, seed=0, sign=1.0, status="done"):
    """A loss that falls from 3 to 1 and is held up by its rate, by a share of that fall, with a lag."""
    random = np.random.default_rng(seed)
    lr = np.asarray(parse(plan).bind(steps)(np.arange(steps)), dtype=float)
    held, now = np.zeros(steps), lr[0]
    for t in range(steps):
        now += (lr[t] - now) * min(1.0, 60 / steps)
        held[t] = now
    true = 1.0 + 2.0 / (1 + 60 * np.arange(steps) / steps) + sign * 2.0 * swing * held
    train = true + noise * random.normal(size=steps)
    at = np.unique(np.linspace(0, steps - 1, evals + 1).astype(int)[1:]) if evals else np.array([], int)
    kept = np.arange(every - 1, steps, every)
    return Observed(
        horizon=steps,
        train=(kept.tolist(), train[: kept.size * every].reshape(-1, every).mean(axis=1).tolist()),
        val=(at.tolist(), (true[at] + 0.3 * noise * random.normal(size=at.size)).tolist()),
        lr=(list(range(steps)), (0.1 * lr).tolist()),
        status=status,
    )


def kinds(seen):
    return [finding.kind for finding in diagnose(seen)]


def looked_at(seen):
    return Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr))


@pytest.mark.parametrize("plan", [ENDS_HIGH, ENDS_LOW, RESTARTS])
@pytest.mark.parametrize("seed", range(3))
def test_a_swing_far_below_the_noise_of_single_batches_is_found(plan, seed):
    (finding,) = (one for one in diagnose(run(plan, noise=0.5, seed=seed)) if one.kind == "oscillation")
    swing = next(one.value for one in finding.evidence if one.name == "swing")
    assert 0.05 < swing < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_evaluations_alone_will_do_where_there_are_three_a_cycle(seed):
    seen = run(noise=0.05, evals=25, seed=seed)
    alone = Observed(horizon=seen.horizon, val=seen.val, lr=seen.lr)
    assert "oscillation" in kinds(alone)


@pytest.mark.parametrize("seed", range(3))
def test_means_of_a_few_updates_will_do_as_other_tools_log_them(seed):
    assert "oscillation" in kinds(
        run("cyclical(low=0.1, half=11.1%)", steps=600, every=5, evals=0, noise=0.2, seed=seed)
    )


@pytest.mark.parametrize("plan", [ENDS_HIGH, ENDS_LOW, RESTARTS])
@pytest.mark.parametrize("noise", [0.02, 0.5])
def test_a_loss_that_does_not_heed_the_cycles_is_left_alone(plan, noise):
    assert not [seed for seed in range(8) if "oscillation" in kinds(run(plan, swing=0.0, noise=noise, seed=seed))]


def test_a_loss_that_falls_where_the_rate_is_high_is_no_such_swing():
    assert "oscillation" not in kinds(run(sign=-1.0))


def test_a_small_swing_counts_where_the_run_ends_high_and_not_where_it_ends_in_a_trough():
    small = 0.08
    for plan, said in ((ENDS_HIGH, True), (ENDS_LOW, False)):
        seen = run(plan, swing=small, noise=0.01)
        judged = looked_at(seen)
        share = folded(judged, [low for low, _ in waves.returns(judged)])
        assert LIMITS["share"].value < share.value < LIMITS["kept"].value
        assert share.sigmas > 5
        assert ("oscillation" in kinds(seen)) is said
    assert "oscillation" in kinds(run(ENDS_LOW, swing=3 * small, noise=0.01))


@pytest.mark.parametrize("plan", ["one_cycle()", "warmup(5%) | cosine()", "wsd(warmup=5%, cooldown=30%)"])
def test_a_rate_that_comes_down_once_is_no_cycle(plan):
    assert "oscillation" not in kinds(run(plan, swing=0.3))


def test_two_returns_are_judged_by_the_rise_at_each():
    seen = run("cyclical(low=0.1, half=20%)", swing=0.4, noise=0.01)
    assert len(waves.returns(looked_at(seen))) == 2
    (finding,) = (one for one in diagnose(seen) if one.kind == "oscillation")
    assert "each time" in finding.words


def test_evaluations_at_one_place_of_every_cycle_say_nothing():
    seen = run("cyclical(low=0.1, half=5%)", steps=1201, noise=0.01)
    at = list(range(0, 1201, 40))
    third = Observed(horizon=1201, val=(at, [seen.train[1][t] for t in at]), lr=seen.lr)
    judged = looked_at(third)
    troughs = [low for low, _ in waves.returns(judged)]
    assert folded(judged, troughs) is not None
    same = [*range(0, 1201, 120), *range(1, 1201, 120)]
    judged = looked_at(Observed(horizon=1201, val=(same, [seen.train[1][t] for t in same]), lr=seen.lr))
    assert folded(judged, troughs) is None


def test_a_cycle_that_carries_the_loss_above_its_start_and_back_is_not_divergence():
    seen = run("cyclical(low=0.02, half=10%)", noise=0.02)
    lr = np.array(seen.lr[1])
    loss = 1.2 + 8 * lr + 0.02 * np.random.default_rng(1).normal(size=lr.size)
    swung = Observed(horizon=1000, train=(seen.train[0], loss.tolist()), lr=seen.lr)
    assert loss[-200:].mean() > 1.2 * loss[:3].mean()
    assert kinds(swung) == ["oscillation"]


def test_what_ends_above_its_start_in_a_trough_has_diverged():
    seen = run("cyclical(low=0.02, half=10%)", noise=0.02)
    t = np.arange(1000)
    loss = 2.0 + 2.0 * np.minimum(1, t / 100) + 0.1 * np.random.default_rng(1).normal(size=1000)
    assert "diverged" in kinds(Observed(horizon=1000, train=(t.tolist(), loss.tolist()), lr=seen.lr))


def test_a_long_log_is_read_in_a_blink():
    seen = looked_at(run(steps=200_000, evals=100))
    troughs = [low for low, _ in waves.returns(seen)]
    began = time.perf_counter()
    assert folded(seen, troughs).value == pytest.approx(folded(looked_at(run()), troughs_of(run())).value, abs=0.05)
    assert time.perf_counter() - began < 2


def troughs_of(seen):
    return [low for low, _ in waves.returns(looked_at(seen))]
