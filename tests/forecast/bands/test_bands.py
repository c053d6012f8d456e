"""Bands hold what they say where errors are alike, and grow with whatever makes a prediction less sure."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from calando.errors import BadValue
from calando.forecast.bands import (
    LAST_RATIO,
    WIDTHS,
    band,
    calibrated,
    covered_leaving_out,
    factor_at,
    interval,
    spread_of,
)

RESULTS = Path(__file__).parents[3] / "bench" / "results" / "forecast"
losses = st.floats(0.1, 10.0)
aparts = st.floats(0.0, 0.1)
ratios = st.floats(0.1, 100.0)
scatters = st.floats(0.0, 0.02)


@given(losses, aparts, ratios, scatters, st.floats(0.5, 0.99))
def test_a_band_is_around_its_loss(loss: float, apart: float, ratio: float, scatter: float, level: float) -> None:
    low, high = band([loss], [apart], [ratio], scatter, level)
    assert 0 < low[0] < loss < high[0]
    assert low[0] * high[0] == pytest.approx(loss**2)


@given(losses, aparts, ratios, scatters, st.floats(1.01, 3.0))
def test_a_band_grows_with_level_ratio_distance_of_laws_and_scatter(
    loss: float, apart: float, ratio: float, scatter: float, more: float
) -> None:
    def width(*given: float, level: float = 0.8) -> float:
        low, high = band([loss], [given[0]], [given[1]], given[2], level)
        return float(high[0] - low[0])

    first = width(apart, ratio, scatter)
    assert width(apart, ratio, scatter, level=0.9) > first
    assert width(apart * more, ratio, scatter) >= first
    assert width(apart, ratio * more, scatter) >= first
    assert width(apart, ratio, scatter * more) >= first


@given(ratios, ratios)
def test_the_table_never_falls_with_the_ratio(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert factor_at(low) <= factor_at(high)


def test_the_tables_own_rows_are_kept() -> None:
    for ratio, factor in WIDTHS:
        assert factor_at(ratio) == pytest.approx(factor)


def test_the_table_is_the_larger_of_both_measured_factors_to_a_tenth() -> None:
    measured = json.loads((RESULTS / "coverage.json").read_text())
    rows = [row for name in ("llama 124M", "our own small model") for row in measured[name]]
    for ratio, factor in WIDTHS:
        assert factor == round(max(row["factor"] for row in rows if row["ratio"] == ratio), 1)
    assert WIDTHS[-1][0] == LAST_RATIO == max(row["ratio"] for row in rows)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_a_calibrated_factor_holds_its_share_of_its_own_errors(errors: list[float], level: float) -> None:
    factor = calibrated(errors, level)
    assert sum(abs(one) <= factor for one in errors) >= level * len(errors)


def test_errors_that_are_alike_are_covered_at_the_nominal_share() -> None:
    chance = np.random.default_rng(1)
    errors = chance.standard_normal(900)
    found, by_group = covered_leaving_out(errors.tolist(), ["abc"[i % 3] for i in range(900)])
    assert found.low < 0.8 < found.high
    assert {count for _, count in by_group.values()} == {300}


def test_a_group_of_its_own_kind_shows_in_what_it_leaves_uncovered() -> None:
    chance = np.random.default_rng(2)
    errors = np.concatenate([chance.standard_normal(200), 5 * chance.standard_normal(100)])
    _, by_group = covered_leaving_out(errors.tolist(), ["a"] * 100 + ["b"] * 100 + ["c"] * 100)
    assert by_group["c"][0] < 50 < by_group["a"][0]


@given(st.integers(0, 40), st.integers(1, 40))
def test_the_binomial_interval_is_scipys_exact_one(inside: int, more: int) -> None:
    exact = binomtest(inside, inside + more).proportion_ci(0.95, method="exact")
    assert interval(inside, inside + more) == pytest.approx((exact.low, exact.high), abs=1e-9)


@given(losses, aparts, ratios, scatters)
def test_a_spread_is_a_share_of_the_loss(loss: float, apart: float, ratio: float, scatter: float) -> None:
    one = spread_of([loss], [apart], [ratio], scatter)
    assert spread_of([10 * loss], [10 * apart], [ratio], scatter) == pytest.approx(one)
    assert one[0] >= 0.002


@pytest.mark.parametrize("level", [0.4, 1.0, True, "0.8"])
def test_a_level_out_of_range_is_told(level: object) -> None:
    with pytest.raises(BadValue, match=r"0\.5 to 0\.99"):
        band([1.0], [0.0], [1.0], 0.0, level)  # type: ignore[arg-type]


def test_one_group_cannot_be_left_out() -> None:
    with pytest.raises(BadValue, match="two groups"):
        covered_leaving_out([1.0, 2.0], ["a", "a"])
    with pytest.raises(BadValue, match="at least one error"):
        calibrated([])


def test_where_nothing_is_known_the_band_has_no_upper_end_and_no_warning_is_given() -> None:
    low, high = band([1e-17], [1e4], [2.0], 0.001)
    assert low[0] == 0.0
    assert high[0] == np.inf
