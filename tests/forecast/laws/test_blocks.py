"""Sums in blocks agree with sums step by step, on every kind of schedule."""

import numpy as np
import pytest

from calando.forecast.curve import plan_rates
from calando.forecast.laws import LAWS, Path
from calando.forecast.laws.blocks import NEAR, WIDTH, Steps, _levels, _sums, begun, drops_of, squares_of

HORIZON = 3000
PLANS = {
    "wsd": "wsd(warmup=100, cooldown=20%)",
    "wsd 1-sqrt": "wsd(warmup=100, cooldown=20%, cooldown_shape=1-sqrt)",
    "wsd exponential": "wsd(warmup=100, cooldown=20%, cooldown_shape=exponential, end=0.001)",
    "cosine": "warmup(5%) | cosine()",
    "linear": "linear_decay()",
    "steps": "multistep(milestones=[50%, 75%], factor=0.1)",
    "restarts": "warm_restarts(first=300)",
    "triangles": "cyclical(low=0.1, half=50)",
    "inverse root": "inverse_sqrt(warmup=10)",
    "down to 1e-27": "warmup(1%) | exponential_decay(factor=0.1, every=110)",
    "off and on": "constant(length=1000) | constant(value=0, length=1000) | constant(value=0.5)",
}
THETAS = {
    "multi_power": np.array([3.02, 33.0, 0.51, 0.13, 0.08, 0.45, 0.6]),
    "functional": np.array([3.02, 32.0, 0.5, 0.0043, 0.085, 1.38]),
}
LEAST = 3e-6


@pytest.mark.parametrize("few", [True, False], ids=["at the end", "along the run"])
@pytest.mark.parametrize("name", sorted(THETAS))
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_blocks_lose_a_millionth_of_the_loss_at_most(plan: str, name: str, few: bool) -> None:
    law, theta = LAWS[name], THETAS[name]
    path = Path(plan_rates(plan, 1.0, HORIZON), np.array([HORIZON]) if few else np.arange(130, HORIZON + 1, 41))
    blocks, exact = (law.losses(theta, law.prepare([path], width)) for width in (WIDTH, 0.0))
    assert np.abs(blocks - exact).max() < LEAST


def test_the_error_falls_with_the_fourth_power_of_the_width() -> None:
    law, theta = LAWS["functional"], THETAS["functional"]
    path = Path(plan_rates(PLANS["cosine"], 1.0, HORIZON), np.arange(200, HORIZON + 1, 100))
    exact = law.losses(theta, law.prepare([path], 0.0))
    errors = [np.abs(law.losses(theta, law.prepare([path], width)) - exact).max() for width in (0.8, 0.4)]
    assert 10 < errors[0] / errors[1] < 25


def test_a_fine_grid_cannot_be_exploited() -> None:
    # Blocks by distance alone, of fixed places, would let a fall hide between two of them.
    law, theta = LAWS["multi_power"], THETAS["multi_power"]
    for place in range(2900, 3000, 7):
        rates = np.ones(HORIZON)
        rates[place:] = 0.02
        path = Path(rates, np.array([HORIZON]))
        blocks, exact = (law.losses(theta, law.prepare([path], width)) for width in (WIDTH, 0.0))
        assert blocks == pytest.approx(exact, rel=1e-14)


def test_what_never_falls_has_its_first_rise_alone() -> None:
    found = drops_of(Path(np.ones(100), np.array([50, 100])))
    assert found.weight.tolist() == [-1.0, -1.0]
    assert found.since.tolist() == [50.0, 100.0]


def test_terms_do_not_grow_with_the_length_of_the_run() -> None:
    short, long = (
        len(squares_of(Path(plan_rates("linear_decay()", 1.0, length), np.array([length]))).row)
        for length in (20_000, 200_000)
    )
    assert short < 250
    assert long < 1.3 * short


@pytest.mark.parametrize("sums", [drops_of, squares_of])
def test_weights_add_up(sums) -> None:
    rates = plan_rates("warmup(10) | cosine(end=0.1)", 1.0, 500)
    at = np.array([5, 100, 500])
    found = sums(Path(rates, at))
    weights = found.total(found.weight)
    if sums is drops_of:
        assert weights == pytest.approx(rates[0] - rates[at - 1], abs=1e-12)
    else:
        assert weights == pytest.approx(np.cumsum(rates**2)[at - 1])
    assert (np.diff(found.row) >= 0).all()
    assert (found.since >= 0).all()


@pytest.mark.parametrize("plan", ["linear_decay()", "warmup(40%) | cosine()"])
def test_long_blocks_are_summed_part_by_part_to_the_same_number(plan: str) -> None:
    rates = plan_rates(plan, 1.0, 5 * NEAR)
    steps = Steps(np.array([len(rates)]), rates**2, begun(Path(rates, np.array([1])))[1:], np.log(rates + 1.0), False)
    first = np.concatenate([[0, 1, 7], np.arange(50, NEAR, 97), [NEAR + 2, 3 * NEAR, 3 * NEAR + 1, 5 * NEAR - 1]])
    stop = np.append(first[1:], len(rates))
    found = _sums(steps, np.zeros(len(first), np.int64), first, stop, few=True)
    w, place, rate = steps.weight, steps.spent, steps.log_rate
    for row, term in zip(found, (w, w * place, w * place * place, w * rate, w * place * rate), strict=True):
        assert row.tolist() == np.add.reduceat(term, first).tolist()


@pytest.mark.parametrize("turned", [False, True], ids=["falls", "rises"])
def test_a_rate_that_goes_one_way_is_cut_where_the_sum_of_its_moves_would_cut_it(turned: bool) -> None:
    logs = np.log(np.linspace(1.0, 1e-3, 5000))
    logs = logs[::-1].copy() if turned else logs
    none = np.zeros(len(logs))
    steady, summed = (_levels(Steps(np.array([1]), none, none, logs, way), WIDTH) for way in (True, False))
    assert len(steady) == 34
    assert steady.tolist() == summed.tolist()


def test_scattered_steps_and_one_stretch_of_them_have_the_same_blocks() -> None:
    rates = plan_rates("wsd(warmup=100, cooldown=50%)", 1.0, HORIZON)
    gap = np.concatenate([rates[:2000], [0.0], rates[2000:]])  # an update at rate 0 weighs nothing
    whole, split = (squares_of(Path(some, np.array([len(some)]))) for some in (rates, gap))
    assert split.weight == pytest.approx(whole.weight, rel=1e-12)
    assert split.since == pytest.approx(whole.since, rel=1e-9, abs=1e-9)
