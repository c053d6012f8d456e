"""A fit finds what made the curves, says when it should not be believed, and never warns."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from calando.errors import BadName, BadValue
from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.fitting import fit
from calando.forecast.laws import LAWS, EffectiveRate
from tests.forecast.fitting.synthetic import KNOWN, PEAK, curve, short_runs

LONG = ("wsd(warmup=50, cooldown=40%)", "linear_decay()", "warmup(50) | cosine()")


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_law_is_recovered_from_curves_that_it_made(name: str) -> None:
    found = fit(short_runs(name), name, belief=0)
    values = dict(zip((p.name for p in found.law.parameters), KNOWN[name], strict=True))
    assert found.scatter < 1e-4
    for parameter, value in values.items():
        if parameter not in {"beta", "gamma", "C"}:  # two runs tell these apart hardly, even without noise
            assert found.values[parameter] == pytest.approx(value, rel=0.15), parameter


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_longer_run_is_foretold_from_noisy_short_ones(name: str) -> None:
    found = fit(short_runs(name, noise=1e-3), name)
    for plan in LONG:
        truth = curve(LAWS[name], KNOWN[name], plan, 9000)
        assert found.predict(truth.rates)[0] == pytest.approx(truth.final, rel=6e-3), plan
    assert found.reasons == ()


def test_effective_rates_are_recovered() -> None:
    law = EffectiveRate(LAWS["momentum"], growth=2e-3, weight_decay=0.1)
    runs = [curve(law, KNOWN["momentum"], plan, 3000) for plan in LONG]
    found = fit(runs, EffectiveRate(LAWS["momentum"]), belief=0)
    assert found.values["g"] == pytest.approx(2e-3, rel=0.25)
    assert found.scatter < 3e-4
    plain = fit(runs, "momentum", belief=0)
    assert plain.cost > 5 * found.cost


def test_outliers_move_a_fit_little() -> None:
    clean, spoiled = short_runs("functional", noise=1e-3), short_runs("functional", noise=1e-3)
    losses = spoiled[0].losses.copy()
    losses[[30, 60, 85]] *= 1.3
    spoiled[0] = LossCurve("spoiled", spoiled[0].steps, losses, spoiled[0].rates)
    rates = plan_rates(LONG[0], PEAK, 9000)
    one, other = (fit(runs, "functional").predict(rates)[0] for runs in (clean, spoiled))
    assert other == pytest.approx(one, rel=2e-3)


def test_a_fit_is_the_same_every_time() -> None:
    runs = short_runs("multi_power", noise=1e-3)
    one, other = fit(runs), fit(runs)
    assert one.theta.tolist() == other.theta.tolist()


def test_the_order_and_the_unit_of_the_rates_do_not_matter() -> None:
    runs = short_runs("functional", noise=1e-3)
    scaled = [LossCurve(c.name, c.steps, c.losses, 1000 * c.rates) for c in reversed(runs)]
    rates = plan_rates(LONG[0], PEAK, 6000)
    one, other = fit(runs, "functional"), fit(scaled, "functional")
    assert other.predict(1000 * rates) == pytest.approx(one.predict(rates), rel=1e-5)


def test_many_candidates_are_told_as_one_by_one() -> None:
    found = fit(short_runs("multi_power", noise=1e-3))
    runs = [plan_rates(plan, PEAK, 4000) for plan in LONG]
    together = found.predict_ends(iter(runs))
    assert together.shape == (1, 3)
    assert together[0] == pytest.approx([found.predict(rates)[0] for rates in runs])
    thetas = [found.theta, found.theta * 1.01]
    assert found.predict_ends(runs, thetas)[1] == pytest.approx(replace(found, theta=thetas[1]).predict_ends(runs)[0])
    assert found.predict_ends([]).shape == (1, 0)
    many = [plan_rates(f"wsd(warmup=20, cooldown={share}%)", PEAK, 400) for share in range(10, 80)]  # in two goes
    assert found.predict_ends(many)[0] == pytest.approx([found.predict(rates)[0] for rates in many], rel=1e-13)


def test_the_numbers_of_a_fit_are_copies_that_nobody_can_change() -> None:
    found = fit(short_runs("multi_power", noise=1e-3))
    theta, left = np.array(found.theta), np.array(found.residuals)
    copy = replace(found, theta=theta, residuals=left)
    theta[:], left[:] = 0.0, 0.0
    assert (copy.theta == found.theta).all()
    assert (copy.residuals == found.residuals).all()
    for numbers in (found.theta, found.residuals, copy.theta, copy.residuals):
        with pytest.raises(ValueError, match="read-only"):
            numbers[0] = 1.0


def nonsense() -> dict[str, list[LossCurve]]:
    steps = np.arange(30, 3001, 30)
    rates = plan_rates("wsd(warmup=50, cooldown=20%)", PEAK, 3000)
    chance = np.random.default_rng(0)
    return {
        "constant loss": [LossCurve("a", steps, np.full(100, 2.0), rates)],
        "rising loss": [LossCurve("a", steps, 1.0 + steps / 3000, rates)],
        "nothing but noise": [LossCurve("a", steps, chance.uniform(0.1, 10, 100), rates)],
        "huge losses": [LossCurve("a", steps, 1e11 / steps, rates)],
        "tiny losses": [LossCurve("a", steps, 1e-11 / steps, rates)],
        "huge rates": [LossCurve("a", steps, 2 + 1 / steps, rates * 1e11)],
        "tiny rates": [LossCurve("a", steps, 2 + 1 / steps, rates * 1e-30)],
        "a rate only at first": [LossCurve("a", steps, 2 + 1 / steps, np.eye(1, 3000)[0])],
        "a rate only in the end": [LossCurve("a", steps, 2 + 1 / steps, np.eye(1, 3000, 2990)[0])],
        "one spike": [LossCurve("a", steps, np.where(steps == 1500, 1e6, 2.0), rates)],
        "ten losses": [LossCurve("a", steps[:10], 3 - steps[:10] / 3000, rates)],
        "contradiction": [
            LossCurve("a", steps, 3 - steps / 3000, rates), LossCurve("b", steps, 9 + steps / 3000, rates),
        ],
    }  # fmt: skip


@pytest.mark.parametrize("law", ["multi_power", "functional", "bound", "momentum", "multi_power_effective"])
def test_nonsense_is_refused_or_fitted_with_reasons_and_without_a_warning(law: str) -> None:
    for name, curves in nonsense().items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = fit(curves, law, tries=24, starts=2)
            except BadValue:
                continue
            assert found.reasons, name
            assert np.isfinite(found.theta).all(), name
            assert np.isfinite(found.predict(plan_rates("cosine()", curves[0].peak, 5000))).all(), name


def test_the_reasons_say_what_is_missing() -> None:
    constant = curve(LAWS["multi_power"], KNOWN["multi_power"], "constant()", 3000)
    (alone, no_cooldown, *_) = fit(constant).reasons
    assert alone.startswith("one curve alone")
    assert "comes down below 100 %" in no_cooldown
    flat = LossCurve("flat", constant.steps, np.full(100, 2.0), constant.rates)
    assert fit(flat).reasons[0] == "no loss falls by even 1 %: there is nothing to learn from"
    few = [run.kept(np.arange(5, 100, 14)) for run in short_runs("multi_power")]
    assert "14 losses for 7 parameters" in fit(few).reasons
    wild = short_runs("multi_power", noise=0.1)
    assert any(reason.startswith("the losses stray from the law by") for reason in fit(wild).reasons)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"law": "multipower"}, BadName, "did you mean 'multi_power' or"),
        ({"points": 3}, BadValue, ">= 8"),
        ({"tries": 0}, BadValue, ">= 1"),
        ({"starts": True}, BadValue, ">= 1"),
        ({"seed": -1}, BadValue, ">= 0"),
        ({"belief": -1.0}, BadValue, "belief=-1.0"),
        ({"belief": float("nan")}, BadValue, "belief=nan"),
    ],
)
def test_wrong_arguments_are_named(given: dict, error: type, says: str) -> None:
    with pytest.raises(error) as caught:
        fit(short_runs("momentum"), **given)
    assert says in str(caught.value)


def test_two_losses_are_too_few() -> None:
    with pytest.raises(BadValue, match="at least 9"):
        fit(LossCurve("a", [10, 20], [3.0, 2.0], np.ones(20)))


@pytest.mark.parametrize(
    ("rates", "at", "says"),
    [
        ([0.0, 0.0], None, "all 0"),
        ([1.0, np.nan], None, "nan"),
        ([1.0, 1.0], [3], "1 to 2"),
        ([1.0, 1.0], [0], "1 to 2"),
        ([1.0, 1.0], [2, 1], "rising"),
        ([1.0, 1.0], [1.5], "whole numbers"),
        ([1.0, 1.0], [], "whole numbers"),
    ],
)
def test_what_cannot_be_predicted_is_named(rates: list, at: list | None, says: str) -> None:
    found = fit(short_runs("momentum"), "momentum", tries=4, starts=1)
    with pytest.raises(BadValue) as caught:
        found.predict(rates, at)
    assert says in str(caught.value)
