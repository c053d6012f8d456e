"""Plateau at high LR: a second half that still brings a little, and evaluations that shake by all that was gained."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose

STEPS = 600
AT = np.arange(STEPS)
RATES = np.minimum(1, (AT + 1) / 30)
EVALUATED = AT[23::24]


def told(true, trembles, seed):
    random = np.random.default_rng(seed)
    train = true + 0.15 * random.normal(size=STEPS)
    val = true[EVALUATED] + trembles * random.normal(size=EVALUATED.size)
    seen = Observed(
        horizon=STEPS, train=(AT.tolist(), train.tolist()), val=(EVALUATED.tolist(), val.tolist()),
        lr=(AT.tolist(), RATES.tolist()),
    )  # fmt: skip
    return {one.kind: one for one in diagnose(seen)}


def kinds(true, trembles, seed):
    return set(told(true, trembles, seed))


def test_a_second_half_that_brings_a_tenth_of_the_gain_hardly_moves():
    slowing = 1.5 + np.exp(-AT / 40) + 0.5 * np.exp(-AT / 260)
    assert all("plateau at high LR" in kinds(slowing, 0.05, seed) for seed in range(6))


def test_evaluations_that_shake_by_all_that_was_gained_stand_still_at_nothing():
    fitted = np.where(AT < 20, 2.3, 2.2)
    assert all("plateau at high LR" not in kinds(fitted, 0.9, seed) for seed in range(4))


def test_a_run_that_was_cut_off_while_it_trembled_is_told_to_decay_as_well_as_to_go_on():
    falling = 1.0 + np.exp(-AT / 40) + 1.8 * np.exp(-AT / 500)
    assert all({"plateau at high LR", "horizon too short"} <= kinds(falling, 0.2, seed) for seed in range(6))


def test_a_run_that_was_cut_off_in_a_calm_descent_is_told_to_go_on_and_no_more():
    falling = 1.0 + np.exp(-AT / 40) + 1.2 * np.exp(-AT / 700)
    assert all(kinds(falling, 0.005, seed) == {"horizon too short"} for seed in range(6))


@pytest.mark.parametrize(("trembles", "higher"), [(0.2, False), (0.005, True)])
def test_a_higher_peak_is_advised_only_where_noise_does_not_hold_the_loss_up(trembles, higher):
    falling = 1.0 + np.exp(-AT / 40) + 1.5 * np.exp(-AT / 600)
    advice = " ".join(told(falling, trembles, 0)["horizon too short"].advice)
    assert ("higher peak" in advice) is higher


def test_a_standstill_begins_no_later_than_the_stretch_that_was_found_flat():
    late = np.where((AT > 490) & (AT < 510), 0.5, 0.0)
    stood = told(1.5 + np.exp(-AT / 20) + late, 0.01, 0)["plateau at high LR"]
    assert int(stood.title.rsplit(" ", 1)[1]) <= 0.55 * STEPS  # the second half of what followed the warm-up
