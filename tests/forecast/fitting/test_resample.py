"""Draws of a fit spread as far as the truth lies."""

import numpy as np
import pytest

from calando.errors import BadValue
from calando.forecast.curve import plan_rates
from calando.forecast.fitting import fit, resample
from calando.forecast.laws import LAWS
from tests.forecast.fitting.synthetic import KNOWN, PEAK, curve, short_runs

PLANS = ("wsd(warmup=50, cooldown=40%)", "linear_decay()", "warmup(50) | cosine(end=0.1)")


def test_draws_are_the_same_for_a_seed_and_others_for_another() -> None:
    found = fit(short_runs("functional", noise=2e-3), "functional")
    one, same, other = (resample(found, 4, seed) for seed in (1, 1, 2))
    assert one.tolist() == same.tolist()
    assert (one != other).any()
    assert one.shape == (4, 6)


@pytest.mark.parametrize("name", ["functional", "bound"])
def test_four_fifths_of_the_truths_lie_where_four_fifths_of_the_draws_lie(name: str) -> None:
    rates = [plan_rates(plan, PEAK, 6000) for plan in PLANS]
    truth = [curve(LAWS[name], KNOWN[name], plan, 6000).final for plan in PLANS]
    inside = []
    for seed in range(16):
        found = fit(short_runs(name, noise=2e-3, seed=seed, horizon=2000), name, tries=40, starts=2)
        ends = found.predict_ends(rates, resample(found, 40, seed))
        low, high = np.quantile(ends, [0.1, 0.9], axis=0)
        inside += ((low <= truth) & (truth <= high)).tolist()
    assert 0.6 <= np.mean(inside) <= 1.0


def test_what_the_curves_do_not_show_is_as_wide_as_what_was_believed() -> None:
    # Constant runs say nothing of what a cooldown gives; two with cooldowns do.
    law = LAWS["multi_power"]
    flat = fit([curve(law, KNOWN["multi_power"], "warmup(50) | constant()", 3000, 1e-3, seed) for seed in (0, 1)])
    shown = fit(short_runs("multi_power", noise=1e-3))
    rates = [plan_rates("linear_decay()", PEAK, 3000)]
    wide, narrow = (np.std(found.predict_ends(rates, resample(found, 30))) for found in (flat, shown))
    assert wide > 3 * narrow


def test_what_was_believed_is_left_open_where_the_losses_have_no_noise_at_all() -> None:
    # Without noise there is nothing to deal anew: what a cooldown gives is as open as the beliefs alone leave it.
    law = LAWS["multi_power"]
    flat = fit([curve(law, KNOWN["multi_power"], "warmup(50) | constant()", 3000)])
    ends = flat.predict_ends([plan_rates("linear_decay()", PEAK, 3000)], resample(flat, 30))
    assert np.std(np.log(ends)) > 0.01


def test_no_draws_are_refused() -> None:
    found = fit(short_runs("momentum"), "momentum", tries=4, starts=1)
    for n in (0, True, 2.5):
        with pytest.raises(BadValue, match="a whole number >= 1"):
            resample(found, n)
