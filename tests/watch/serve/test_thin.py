"""What is left of a long curve is true of it: its extremes, its ends, and nothing that was not there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.watch.serve.thin import BLOCK, Blocks, window


def curve(points: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return np.cumsum(chance.integers(1, 4, points)), chance.normal(size=points).cumsum()


def blocks_of(steps: np.ndarray, values: np.ndarray) -> Blocks:
    blocks = Blocks()
    blocks.grow(steps, values)
    return blocks


@given(
    st.integers(1, 20_000), st.integers(1, 400), st.floats(0, 1), st.floats(0.001, 1), st.integers(0, 5), st.booleans()
)  # fmt: skip
def test_every_point_is_a_real_one_the_extremes_stay_and_a_pixel_has_few(points, pixels, start, width, seed, looked):
    steps, values = curve(points, seed)
    first = start * steps[-1]
    last = first + width * steps[-1] + 1
    x, y = window(steps, values, first, last, pixels, blocks_of(steps, values) if looked else None)
    there = dict(zip(steps.tolist(), values.tolist(), strict=True))
    assert all(there[step] == value for step, value in zip(x.tolist(), y.tolist(), strict=True))
    assert (np.diff(x) > 0).all()
    assert x.size <= 2 * pixels + 4
    inside = values[(steps >= first) & (steps <= last)]
    if inside.size:
        assert y.min() <= inside.min()
        assert y.max() >= inside.max()


def test_a_single_wild_batch_in_a_million_is_seen():
    steps = np.arange(1_000_000)
    values = np.zeros(steps.size)
    values[765_432] = 9.0
    x, y = window(steps, values, 0, 999_999, 300, blocks_of(steps, values))
    assert x[y.argmax()] == 765_432
    assert y.max() == 9.0


def test_what_is_not_finite_is_left_out_and_the_rest_stays():
    steps, values = np.arange(1000), np.ones(1000)
    values[[3, 500]] = np.nan, np.inf
    values[700] = -1e31
    x, y = window(steps, values, 0, 999, 100, blocks_of(steps, values))
    assert np.isfinite(y).all()
    assert {3, 500, 700}.isdisjoint(x.tolist())
    assert window(steps, np.full(1000, np.nan), 0, 999, 100)[0].size == 0


def test_a_curve_that_grows_is_looked_at_on_and_one_that_was_thinned_anew():
    steps, values = curve(50 * BLOCK)
    blocks = Blocks()
    for size in (1, 10, BLOCK, BLOCK + 1, 5 * BLOCK, 50 * BLOCK):
        blocks.grow(steps[:size], values[:size])
        assert len(blocks) == (size - 1) // BLOCK
    assert (blocks.ends(0, 49) == blocks_of(steps, values).ends(0, 49)).all()
    thinned, fewer = steps[::2], values[::2]
    blocks.grow(thinned, fewer)
    assert (blocks.ends(0, len(blocks)) == blocks_of(thinned, fewer).ends(0, len(blocks))).all()


def test_what_lies_beside_the_window_is_joined_to_it():
    steps = np.arange(0, 1000, 100)
    x, _ = window(steps, steps * 1.0, 250, 450, 100)
    assert x.tolist() == [200, 300, 400, 500]


@pytest.mark.parametrize("first", [2000, -2000])
def test_a_window_beside_the_curve_costs_nothing(first):
    steps = np.arange(1000)
    assert window(steps, steps * 1.0, first, first + 10, 100)[0].size <= 2
