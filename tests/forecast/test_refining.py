"""Refinement is its formula, stands behind its guard, and is not offered where it is known to do harm."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calando
from calando.errors import BadValue
from calando.forecast import refine
from calando.forecast.refining import refined_factors
from tests.contracts.source import ROOT


@given(st.lists(st.floats(0.1, 10.0), min_size=2, max_size=40), st.sampled_from([1, 2]))
def test_the_factors_are_the_published_products_summed_step_by_step(norms: list[float], power: int) -> None:
    weights = [g**-power for g in norms]
    wanted = np.array([w * sum(weights[t:]) for t, w in enumerate(weights)])
    np.testing.assert_allclose(refined_factors(np.array(norms), power), wanted / wanted.max(), rtol=1e-12)


def test_norms_that_stay_give_the_linear_decay() -> None:
    found = refine(np.full(400, 3.0))
    schedule = calando.parse(found.plan).bind(400)
    np.testing.assert_allclose([schedule(t) for t in range(400)], 1 - np.arange(400) / 400, atol=2e-4)
    assert found.bound == pytest.approx(1.0)


def test_norms_that_fall_a_little_move_rate_to_where_they_are_small_and_lower_the_bound() -> None:
    found = refine(np.linspace(1.0, 0.5, 500), "sgd")
    assert found.bound < 1.0
    assert 0.2 < found.peak_at <= 0.5
    assert "linear decay" in found.caution


def test_the_scale_of_the_norms_does_not_matter() -> None:
    norms = 1 + 0.3 * np.sin(np.arange(300) / 50)
    assert refine(norms).plan == refine(1000 * norms).plan


def test_single_outliers_are_smoothed_away() -> None:
    norms = np.ones(300)
    norms[[40, 150, 151, 290]] = 1e6
    assert refine(norms).plan == refine(np.ones(300)).plan


def test_a_long_run_takes_little_memory_and_gives_the_same() -> None:
    short, long = (1.5 + np.cos(np.linspace(0, 3, n)) / 2 for n in (1000, 200_000))
    assert refine(long).bound == pytest.approx(refine(short).bound, rel=5e-3)


def test_collapsed_gradients_are_refused() -> None:
    with pytest.raises(BadValue, match="collapse"):
        refine(np.geomspace(1.0, 0.01, 500))


def test_a_peak_in_the_second_half_is_refused() -> None:
    norms = np.concatenate([np.full(350, 1.0), np.full(150, 0.3)])
    with pytest.raises(BadValue, match="peak after"):
        refine(norms, "sgd")


@pytest.mark.slow
def test_logistic_regression_on_digits_is_refused_where_refinement_does_harm() -> None:
    from bench.forecasting.refining import norms_of

    with pytest.raises(BadValue, match="collapse"):
        refine(norms_of("digits", "adam", steps=300), "adam")


def test_of_the_recorded_trials_those_that_lost_much_were_refused() -> None:
    rows = json.loads((ROOT / "bench" / "results" / "forecast" / "refining.json").read_text())
    assert len(rows) == 10
    harmed = [row for row in rows if row["refined"] > 1.2 * row["linear"]]
    assert harmed
    assert all(row["guard"].startswith("refused") for row in harmed)
    beyond = [row["difference"] / row["error"] for row in rows]
    assert (sum(z < -2 for z in beyond), sum(z > 2 for z in beyond)) == (0, 6)  # as `Refined.caution` says


@pytest.mark.parametrize("norms", [[], [1.0] * 19, [0.0] * 30, [float("nan")] * 30, [[1.0] * 30], "abc", [-1.0] * 30])
def test_what_are_no_norms_is_refused(norms: object) -> None:
    with pytest.raises(BadValue, match="finite numbers"):
        refine(norms)  # type: ignore[arg-type]


def test_an_optimizer_of_another_kind_is_refused() -> None:
    with pytest.raises(BadValue, match="adam"):
        refine(np.ones(100), "lion")  # type: ignore[arg-type]
