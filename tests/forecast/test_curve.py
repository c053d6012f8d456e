"""A loss curve holds only what a law can be fitted to, and says what is wrong with the rest."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.errors import BadValue, CalandoError
from calando.forecast.curve import LossCurve, checked_curves, plan_rates, rise

RATES = [0.5, 1.0, 1.0, 0.5]


def curve(**changed) -> LossCurve:
    given = {"name": "a", "steps": [1, 2, 4], "losses": [3.0, 2.0, 1.0], "rates": RATES}
    return LossCurve(**(given | changed))


def test_what_is_left_out_is_read_off_the_rates() -> None:
    found = curve()
    assert (found.peak, found.warmup, found.horizon, found.final, found.finished) == (1.0, 1, 4, 1.0, True)


def test_a_curve_is_a_value() -> None:
    rates = np.array(RATES)
    found = curve(rates=rates)
    rates[0] = 9.0
    assert found.rates[0] == 0.5
    for array in (found.rates, found.steps, found.losses):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"losses": [3.0, math.nan, 1.0]}, "nan at place 1"),
        ({"losses": [3.0, math.inf, 1.0]}, "inf at place 1"),
        ({"losses": [3.0, 0.0, 1.0]}, "0.0 at place 1"),
        ({"losses": [3.0, -2.0, 1.0]}, "-2.0 at place 1"),
        ({"losses": [3.0, 1.0]}, "3 steps and 2 losses"),
        ({"losses": ["x", 1.0, 2.0]}, "numbers"),
        ({"losses": []}, "shape (0,)"),
        ({"steps": [2, 1, 4]}, "rising whole numbers"),
        ({"steps": [1, 1, 4]}, "rising whole numbers"),
        ({"steps": [0, 1, 4]}, "0.0 at place 0"),
        ({"steps": [1, 2, 5]}, "at most 4"),
        ({"steps": [1, 2.5, 4]}, "rising whole numbers"),
        ({"rates": [0.0] * 4}, "all 0"),
        ({"rates": [1.0, -1.0, 1.0, 1.0]}, "-1.0 at place 1"),
        ({"rates": [1.0, math.nan, 1.0, 1.0]}, "nan at place 1"),
        ({"rates": [[1.0] * 4]}, "shape (1, 4)"),
        ({"peak": -1.0}, "peak=-1.0"),
        ({"peak": math.inf}, "peak=inf"),
        ({"warmup": 5}, "warmup=5"),
    ],
)
def test_what_cannot_be_fitted_is_named(changed: dict, says: str) -> None:
    with pytest.raises(BadValue) as caught:
        curve(**changed)
    assert says in str(caught.value)


@given(
    steps=st.lists(st.integers(-5, 50) | st.floats(), max_size=8),
    losses=st.lists(st.floats(), max_size=8),
    rates=st.lists(st.floats(), max_size=8),
)
def test_any_numbers_make_a_curve_or_one_of_our_errors(steps: list, losses: list, rates: list) -> None:
    try:
        found = LossCurve("a", steps, losses, rates)
    except CalandoError:
        return
    assert np.isfinite(found.losses).all()
    assert found.peak > 0


def test_the_rise_ends_where_the_rate_first_does_not_rise() -> None:
    assert rise(plan_rates("warmup(20) | constant()", 1.0, 100)) == 20
    assert rise(plan_rates("linear_decay()", 1.0, 100)) == 0
    assert rise(np.arange(1.0, 6.0)) == 4


def test_a_rise_in_stairs_is_a_warm_up() -> None:
    by_epochs = np.concatenate([np.repeat(np.linspace(0.02, 0.1, 5), 20), np.linspace(0.1, 0.0, 300)])
    assert rise(by_epochs) == 80
    assert rise(np.repeat([0.01, 0.1], [40, 360])) == 40
    assert rise(np.concatenate([np.zeros(3), np.linspace(0.1, 1.0, 10), np.ones(80)])) == 12
    found = LossCurve("by epochs", [40, 80, 81, 400], [4, 3, 2, 1], by_epochs)
    assert (found.warmup, found.fitted_part().steps.tolist()) == (80, [81, 400])


def test_a_rate_that_is_raised_late_or_after_a_fall_was_warm_before() -> None:
    assert rise(np.repeat([0.05, 0.1], [200, 200])) == 0
    assert rise(np.concatenate([np.linspace(0.0, 0.5, 11), np.full(150, 0.5), np.ones(239)])) == 10
    assert rise(plan_rates("warm_restarts(first=25%)", 1.0, 400)) == 0
    assert rise(plan_rates("cyclical(low=0.1, half=50)", 1.0, 400)) == 50


def test_a_plateau_that_wobbles_by_rounding_is_flat() -> None:
    flat = np.full(300, 0.1) * (1 + 2e-16 * np.arange(300) % 2)
    flat[150:] = np.nextafter(0.1, 1)
    assert rise(np.concatenate([np.linspace(0.0, 0.1, 21)[:-1], flat])) == 20


def test_losses_inside_the_warm_up_are_not_fitted() -> None:
    found = LossCurve.from_plan("a", [5, 10, 11, 50], [4, 3, 2, 1], "warmup(10) | constant()", 1.0, 50)
    assert found.fitted_part().steps.tolist() == [11, 50]
    inside = found.kept(found.steps <= 10)
    assert inside.fitted_part().steps.tolist() == [5, 10]


def test_thinning_averages_over_stretches_and_keeps_sparse_curves() -> None:
    steps = np.arange(1, 1001)
    noise = np.random.default_rng(0).normal(scale=0.1, size=1000)
    dense = LossCurve("a", steps, 3.0 - steps / 1000 + noise, np.ones(1000))
    thin = dense.thinned(50)
    assert 40 <= len(thin.steps) <= 50
    late = thin.steps > 500
    assert np.abs(thin.losses - (3.0 - thin.steps / 1000))[late].std() < 0.03
    assert dense.thinned(1000) is dense


def test_averages_do_not_bend_a_loss_that_falls_fast_at_first() -> None:
    steps = np.arange(1, 100_001)
    thin = LossCurve("a", steps, steps**-0.5, np.ones(100_000)).thinned(400)
    late = thin.steps > 200  # before, half an update is more than a thousandth of the loss
    assert thin.losses[late] == pytest.approx(thin.steps[late] ** -0.5, rel=2e-3)


def test_picked_losses_are_those_recorded_and_hold_the_last() -> None:
    found = LossCurve("a", np.arange(1, 101), 3.0 - np.arange(100) / 100, np.ones(100)).picked(7)
    assert found.steps.tolist() == [1, 17, 34, 51, 67, 83, 100]
    assert found.losses == pytest.approx(3.0 - (found.steps - 1) / 100)


def test_only_curves_are_taken_for_curves() -> None:
    one = curve()
    assert checked_curves(one, "here") == (one,)
    for wrong in ([], ["a"], [one, None]):
        with pytest.raises(BadValue, match="loss curves"):
            checked_curves(wrong, "here")
