"""What is said of a held-out metric that only ever got worse, where no training loss tells why."""

import numpy as np
import pytest

from calando.records.diagnosis import diagnose
from calando.records.diagnosis.finding import Observed

STEPS = list(range(0, 600, 20))


def evaluated(values, **known):
    """A run of which little more than the evaluations was logged."""
    noise = np.random.default_rng(0).normal(0, 0.01, 30)
    return diagnose(Observed(horizon=600, val=(STEPS, (values + noise).tolist()), **known))


def test_a_validation_loss_that_rose_from_the_start_is_not_said_to_have_stayed_within_its_noise():
    (finding,) = evaluated(np.linspace(0.098, 0.899, 30))
    assert finding.kind == "not converging"
    assert "it rose, further than its noise" in finding.words
    assert "within the noise" not in finding.words


def test_an_accuracy_read_as_a_loss_is_asked_whether_higher_is_better():
    (finding,) = evaluated(0.9 - 0.8 * np.exp(-np.arange(30) / 6), metric="acc")
    assert "If the acc is better when higher, say so (`--higher`)" in finding.advice[0]
    assert "Log the training loss" in finding.advice[1]


@pytest.mark.parametrize("count", [8, 16])
def test_a_training_loss_that_rose_needs_a_lower_peak_and_no_other_log(count):
    train = (STEPS[:count], np.linspace(1.0, 3.0, count).tolist())
    (finding,) = diagnose(Observed(horizon=600, train=train))
    assert finding.advice == ("Try a peak of a tenth of this one.",)
    assert "it rose" in finding.words


def test_one_that_lay_still_is_still_within_its_noise():
    (finding,) = evaluated(np.full(30, 2.0))
    assert "within the noise, nothing was learned" in finding.words


def test_no_accuracy_is_told_with_a_sign_before_it():
    train = (STEPS[:10], (2 + 0.01 * np.sin(np.arange(10))).tolist())
    (finding,) = evaluated(np.full(30, 0.1), train=train, metric="accuracy", higher_is_better=True)
    assert finding.kind == "not converging"
    assert "-0.1" not in finding.words
