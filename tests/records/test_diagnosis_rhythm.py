"""Broken batches that come back every epoch are found by their rhythm, where none stands out alone."""

import time

import numpy as np
import pytest

from calando.records.diagnosis import diagnose
from calando.records.diagnosis.rhythm import rhythm
from tests.records.synthetic import training


def struck(distance, *, size, seed=0, steps=600):
    """Losses with tails so heavy that a burst of that size is no rarity, and one every so many steps."""
    run = training(steps=steps, seed=seed, noise=0.02)
    run.train *= np.exp(0.35 * np.abs(np.random.default_rng(seed).standard_t(4, size=steps)))
    if distance:
        run.train[distance - 1 :: distance] *= size
    return run


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("distance", [40, 57])
def test_a_rhythm_is_found_and_its_distance_is_told(seed, distance):
    found = next(f for f in diagnose(struck(distance, size=4.0, seed=seed).seen()) if f.kind == "spikes")
    assert f"every {distance} steps" in found.words


@pytest.mark.parametrize("seed", range(20))
def test_heavy_tails_without_a_rhythm_are_none(seed):
    assert not [f for f in diagnose(struck(0, size=1.0, seed=seed).seen()) if "every" in f.words]


def test_chance_makes_a_rhythm_in_fewer_than_one_of_a_hundred_series():
    random = np.random.default_rng(0)
    assert sum(rhythm(random.standard_t(3, size=500)) is not None for _ in range(400)) <= 4


def test_two_beats_in_five_may_be_missing_but_not_more():
    sizes = np.zeros(500)
    sizes[24::50] = 5.0
    assert rhythm(sizes) == (24, 50)
    sizes[[124, 224, 324, 474]] = 0.0
    assert rhythm(sizes) == (24, 50)
    sizes[[74, 374]] = 0.0
    assert rhythm(sizes) is None


def test_what_is_among_the_highest_beats_however_little_that_is_in_its_noise():
    sizes = np.random.default_rng(0).uniform(0, 1.8, size=500)
    sizes[24::50] = 1.9
    assert rhythm(sizes) == (24, 50)


def pairs(distance, seed=0, steps=500):
    """Losses of batches of two, often near zero; nonsense once in so many steps, told by luck now and then."""
    random = np.random.default_rng(seed)
    run = training(steps=steps, seed=seed, noise=0.02)
    run.train *= 0.8 * random.gamma(1.2, size=steps)
    if distance:
        right = random.uniform(size=len(run.train[distance - 1 :: distance])) < 0.25
        run.train[distance - 1 :: distance] = np.where(right, 1e-6, random.uniform(4, 8, size=right.size))
    return run


@pytest.mark.parametrize("seed", range(6))
def test_nonsense_that_is_told_far_worse_or_far_better_than_anything_else_keeps_time(seed):
    (found,) = [f for f in diagnose(pairs(50, seed).seen()) if f.kind == "spikes"]
    assert "every 50 steps" in found.words


@pytest.mark.parametrize("seed", range(12))
def test_losses_of_batches_of_two_have_no_spikes_though_some_are_zero(seed):
    run = pairs(0, seed)
    run.train[run.train < 0.02] = 0.0
    assert not [f for f in diagnose(run.seen()) if f.kind == "spikes"]


@pytest.mark.parametrize("sizes", [np.zeros(100), np.full(100, 9.0), np.array([3.0]), np.array([])])
def test_where_nothing_or_everything_is_high_there_is_none(sizes):
    assert rhythm(sizes) is None


def test_a_million_losses_in_a_rhythm_are_looked_through_at_once():
    sizes = np.zeros(1_000_000)
    sizes[4::10] = 4.0
    begun = time.process_time()
    assert rhythm(sizes) is not None
    assert time.process_time() - begun < 5
