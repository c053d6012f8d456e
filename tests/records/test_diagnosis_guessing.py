"""A classifier that only guesses, after a first short fall of its loss; and losses near such a level that are not."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose

STEPS = 400
AT = np.arange(STEPS)
RATES = np.minimum(1, (AT + 1) / 20) * np.cos(0.5 * np.pi * AT / STEPS) ** 2


def found(level, *, scatter=0.005, began=1.06, pace=4.0, seed=0):
    random = np.random.default_rng(seed)
    train = level * (1 + (began - 1) * np.exp(-AT / pace)) * (1 + scatter * random.normal(size=STEPS))
    return diagnose(Observed(horizon=STEPS, train=(AT.tolist(), train.tolist()), lr=(AT.tolist(), RATES.tolist())))


@pytest.mark.parametrize("classes", [2, 3, 10, 20])
def test_a_loss_of_even_guessing_is_no_sound_end_though_it_came_down_at_first(classes):
    told = found(np.log(classes))[0]
    assert told.kind == "not converging"
    assert f"{classes} classes" in told.words
    assert (told.changes[0].what, told.changes[0].value) == ("peak", 0.1)


def test_losses_that_differ_between_batches_are_of_a_model_that_tells_them_apart():
    assert all(one.kind != "not converging" for one in found(np.log(10), scatter=0.04, began=1.3))


def test_losses_that_lie_clearly_below_even_guessing_have_learned():
    assert all(one.kind != "not converging" for one in found(0.98 * np.log(2), began=1.03))


@pytest.mark.parametrize("classes", [16, 19, 20])
def test_a_model_of_language_that_ends_at_such_a_level_far_below_its_start_has_learned(classes):
    assert all(one.kind != "not converging" for one in found(np.log(classes), began=3.7, pace=12.0))


def test_a_slow_fall_that_ends_at_the_level_of_guessing_by_chance_is_none():
    assert all(one.kind != "not converging" for one in found(np.log(10), began=1.9, pace=80))
