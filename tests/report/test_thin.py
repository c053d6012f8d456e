"""Thinning loses no extreme, invents no point, and says when it averages."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calando.report.thin import common, spark, thin


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_extremes_and_ends_stay_and_every_point_is_a_real_one(values, points):
    steps, kept = thin(range(len(values)), values, points)
    assert len(kept) <= max(points, 4)
    assert (steps[0], steps[-1]) == (0, len(values) - 1)
    assert (min(kept), max(kept)) == (min(values), max(values))
    assert all(values[int(s)] == v for s, v in zip(steps, kept, strict=True))
    assert list(steps) == sorted(set(steps))


def test_one_spike_among_a_hundred_thousand_points_is_still_there():
    values = np.zeros(100_000)
    values[77_777] = 5.0
    assert max(thin(range(100_000), values)[1]) == 5.0


def test_a_short_curve_is_left_as_it_is():
    assert thin([0, 5], [1.0, 2.0]) == ((0.0, 5.0), (1.0, 2.0))


def test_values_that_are_no_numbers_are_dropped():
    assert thin([0, 1, 2], [1.0, math.nan, math.inf]) == ((0.0,), (1.0,))


def test_bucket_means_keep_the_overall_mean():
    random = np.random.default_rng(0)
    values = random.normal(size=1000)
    _, (row,), per = common([(range(1000), values)], points=100)
    assert per == 10
    assert np.mean(row) == np.float64(np.mean(values)).round(12) or abs(np.mean(row) - np.mean(values)) < 1e-12


def test_curves_logged_at_different_steps_meet_on_common_ones():
    steps, rows, _ = common([([0, 2], [1.0, 3.0]), ([1, 3], [5.0, 7.0])], points=2)
    assert steps == (0.5, 2.5)
    assert rows == ((1.0, 3.0), (5.0, 7.0))


def test_nothing_in_gives_nothing_out():
    assert common([]) == ((), (), 1)
    assert common([((), ())]) == ((), ((),), 1)
    assert spark((), (), 10) == ()


def test_a_spark_lies_inside_the_unit_square():
    line = spark(range(1000), np.exp(-np.arange(1000) / 50), 1000)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in line)
