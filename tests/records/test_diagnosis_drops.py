"""Overfitting about a drop of the rate: that the drop began, or that was there before it."""

import numpy as np
import pytest

from calando.records.diagnosis import diagnose
from tests.records.synthetic import Curves
from tests.records.test_diagnosis import kinds

AFTER, KNOWN = "overfitting after a drop", "overfitting"


def dropped(held_out, *, when, seed=0, tremble=0.01):
    """A run whose rate falls to a fifth at a step, with a training loss that falls throughout."""
    random = np.random.default_rng(seed)
    steps = len(held_out)
    rate = np.where(np.arange(steps) < when, 0.1, 0.02)
    train = 2 * np.exp(-np.arange(steps) / (0.4 * steps)) * (1 + 0.2 * random.normal(size=steps))
    at = np.linspace(steps / 24, steps - 1, 24).astype(int)
    return Curves(steps, np.arange(steps), train, rate, at, held_out[at] + tremble * random.normal(size=24)).seen()


def turning(low, *, steps=800, climb=0.002):
    """A held-out loss that falls to a step and climbs from there."""
    at = np.arange(steps)
    return 1 + 1.5 * np.exp(-at / (low / 5)) + climb * np.maximum(at - low, 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_turns_at_the_drop_is_overfitting_after_it(seed):
    assert kinds(dropped(turning(160), when=160, seed=seed)) == [AFTER]


@pytest.mark.parametrize("seed", range(4, 8))
def test_evaluations_that_tremble_before_the_drop_do_not_hide_it(seed):
    assert kinds(dropped(turning(160), when=160, seed=seed, tremble=0.2)) == [AFTER]


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_turned_long_before_the_drop_is_overfitting_that_no_drop_began(seed):
    (finding,) = diagnose(dropped(turning(40), when=240, seed=seed))
    assert finding.kind == KNOWN
    assert next(one.value for one in finding.evidence if one.name == "best") < 1.2


@pytest.mark.parametrize("seed", range(4))
def test_nor_did_a_late_drop_begin_what_was_well_on_its_way_by_then(seed):
    assert kinds(dropped(turning(300), when=520, seed=seed)) == [KNOWN]
