"""Plateau at high LR: a second half that still brings a little, and evaluations that shake by all that was gained."""

import numpy as np

from calando.records.diagnosis import Observed, diagnose

STEPS = 600
AT = np.arange(STEPS)
RATES = np.minimum(1, (AT + 1) / 30)
EVALUATED = AT[23::24]


def kinds(true, trembles, seed):
    random = np.random.default_rng(seed)
    train = true + 0.15 * random.normal(size=STEPS)
    val = true[EVALUATED] + trembles * random.normal(size=EVALUATED.size)
    seen = Observed(
        horizon=STEPS, train=(AT.tolist(), train.tolist()), val=(EVALUATED.tolist(), val.tolist()),
        lr=(AT.tolist(), RATES.tolist()),
    )  # fmt: skip
    return {one.kind for one in diagnose(seen)}


def test_a_second_half_that_brings_a_tenth_of_the_gain_hardly_moves():
    slowing = 1.5 + np.exp(-AT / 40) + 0.5 * np.exp(-AT / 260)
    assert all("plateau at high LR" in kinds(slowing, 0.05, seed) for seed in range(6))


def test_evaluations_that_shake_by_all_that_was_gained_stand_still_at_nothing():
    fitted = np.where(AT < 20, 2.3, 2.2)
    assert all("plateau at high LR" not in kinds(fitted, 0.9, seed) for seed in range(4))
