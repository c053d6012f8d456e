"""From one plan's best peak to another's."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import calando
from calando.errors import BadName, BadValue, DoesNotFit
from calando.forecast import transfer
from calando.forecast.bounds import linear_bound, power_limit, staged_limit
from calando.forecast.transferring.reading import read

WSD = "wsd(cooldown=20%)"
LATE = "wsd(warmup=5%, cooldown=50%, cooldown_shape=1-sqrt)"
SHAPES = ["linear_decay", "cosine", WSD, LATE, "polynomial_decay(power=2)"]
shapes = some.sampled_from(SHAPES)


# Constants of the literature: best peaks over the linear decay's.
@pytest.mark.parametrize(
    ("plan", "ratio"),
    [
        ("cosine", 0.971),
        ("wsd(cooldown=100%, cooldown_shape=1-sqrt)", 1.490),
        ("wsd(cooldown=10%)", 0.461),
        ("wsd(cooldown=40%)", 0.608),
        ("wsd(cooldown=80%)", 0.832),
        ("polynomial_decay(power=2)", math.sqrt(2)),
    ],
)
def test_the_ratio_is_the_published_one(plan: str, ratio: float) -> None:
    (target,) = transfer("linear_decay", plan, peak=1.0, horizon=100_000).targets
    assert target.ratio == pytest.approx(ratio, rel=1e-3)
    assert target.peak == target.ratio
    assert target.low < target.ratio < target.high


@given(shapes, shapes, some.floats(1e-6, 1e3))
def test_there_and_back_again_is_the_same_peak(one: str, other: str, peak: float) -> None:
    there = transfer(one, other, peak=peak, horizon=1000).targets[0]
    back = transfer(other, one, peak=there.peak, horizon=1000).targets[0]
    assert back.peak == pytest.approx(peak, rel=1e-9)
    assert back.keeping == pytest.approx(there.keeping, rel=1e-9)
    assert back.relative == pytest.approx(1 / there.relative, rel=1e-9)


@given(shapes, some.floats(0.05, 20.0))
def test_a_plan_scaled_up_wants_a_peak_scaled_down(plan: str, by: float) -> None:
    scaled = calando.scale(calando.parse(plan), by=by)
    (target,) = transfer(plan, scaled, peak=1.0, horizon=500).targets
    assert target.ratio == pytest.approx(1 / by, rel=1e-9)
    assert target.relative == pytest.approx(1.0, rel=1e-9)


@settings(max_examples=30)
@given(shapes, some.floats(-1.0, 0.5), some.integers(2, 16))
def test_the_same_plan_over_another_horizon_moves_by_the_exponent_alone(plan: str, exponent: float, times: int) -> None:
    (target,) = transfer(plan, plan, horizon=5000, to_horizon=5000 * times, exponent=exponent).targets
    assert target.ratio == pytest.approx(times**exponent, rel=5e-3)
    assert target.low == target.high == target.ratio


def test_between_horizons_the_default_exponent_has_a_range_and_a_warning() -> None:
    answer = transfer(WSD, WSD, peak=1e-3, horizon=10_000, to_horizon=40_000)
    (target,) = answer.targets
    assert (answer.exponent, answer.exponents) == (-0.3, (-0.5, -0.2))
    assert target.peak == pytest.approx(1e-3 * 4**-0.3, rel=2e-3)
    assert target.peak_low == pytest.approx(1e-3 * 4**-0.5, rel=2e-3)
    assert target.peak_high == pytest.approx(1e-3 * 4**-0.2, rel=2e-3)
    assert any("does not hold under AdamW with weight decay" in note for note in answer.notes)


def test_the_same_plan_keeps_its_peak_and_promises_nothing_less() -> None:
    (target,) = transfer("cosine(end=0.1)", "cosine(end=0.1)", peak=3e-4).targets
    assert (target.peak, target.peak_low, target.peak_high, target.promise) == (3e-4, 3e-4, 3e-4, "best guess")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("cosine(end=0.1)", "ends at 10 % of its peak"),
        ("constant()", "ends at 100 % of its peak"),
        ("inverse_sqrt(warmup=5%)", "above a floor the theory is known to fail"),
        ("repeat(cosine(length=20%), times=5)", "it rises again 4 times"),
        ("warm_restarts(first=50%)", "no evidence for cycles"),
    ],
)
def test_where_theory_fails_there_is_a_range_and_no_best_guess(plan: str, words: str) -> None:
    (target,) = transfer(WSD, plan, peak=1e-3).targets
    assert target.promise == "range"
    assert target.peak is None
    assert target.peak_low < 1e-3 * target.ratio < target.peak_high
    assert any(words in reason for reason in target.reasons)
    (back,) = transfer(plan, WSD, peak=1e-3).targets
    assert back.promise == "range"
    assert any(words in reason and "the plan it comes from" in reason for reason in back.reasons)


def test_a_floor_widens_the_range_the_more_the_taller_it_is() -> None:
    answer = transfer(WSD, ["cosine", "cosine(end=0.01)", "cosine(end=0.1)"])
    octaves = [math.log2(target.high / target.low) for target in answer.targets]
    assert octaves == sorted(octaves)
    assert octaves[2] > octaves[0] + 0.8


def test_a_plan_that_listens_gets_no_answer() -> None:
    for answer in (transfer(WSD, "reduce_on_plateau(cosine)", peak=1.0), transfer("reduce_on_plateau(cosine)", WSD)):
        (target,) = answer.targets
        assert (target.promise, target.ratio, target.peak) == ("none", None, None)
        assert any("listens" in reason for reason in target.reasons)


def test_last_updates_with_next_to_no_rate_are_left_out_and_said() -> None:
    (bare, tail) = transfer("linear_decay", ["constant()", "constant(length=99%) | constant(1e-9)"]).targets
    assert tail.ratio == pytest.approx(bare.ratio, rel=0.02)
    assert any("have next to no rate" in reason for reason in tail.reasons)


def test_updates_without_a_rate_in_between_are_said() -> None:
    (target,) = transfer(WSD, "linear_decay(length=40%) | constant(0, length=10%) | linear_decay").targets
    assert any("1,000 updates in between have a rate of 0" in reason for reason in target.reasons)


def test_in_a_long_run_updates_are_told_and_not_the_ones_looked_at() -> None:
    plan = "linear_decay(length=40%) | constant(0, length=10%) | constant(length=49%) | constant(1e-9)"
    (target,) = transfer(WSD, plan, horizon=1_000_000).targets
    assert "about 100,000 updates in between have a rate of 0" in " ".join(target.reasons)
    assert "its last about 10,000 updates have next to no rate" in " ".join(target.reasons)
    (ended,) = transfer(WSD, "linear_decay(length=40%) | constant(0)", horizon=1_000_000).targets
    assert not any("in between" in reason for reason in ended.reasons)


def test_a_peak_is_the_rate_of_factor_one() -> None:
    (target,) = transfer(WSD, "scale(cosine, by=2)", peak=1e-3).targets
    assert any("highest factor is 2" in reason for reason in target.reasons)


def test_a_missing_horizon_is_assumed_and_said_and_a_schedule_brings_its_own() -> None:
    assert transfer(WSD, "cosine").assumed
    assert transfer(WSD, "cosine").horizon == 10_000
    given_one = transfer(calando.parse(WSD).bind(777), calando.parse("cosine"))
    assert (given_one.assumed, given_one.horizon, given_one.targets[0].horizon) == (False, 777, 777)
    own = transfer(WSD, calando.cosine().bind(300), horizon=1000)
    assert own.targets[0].horizon == 300


def test_lengths_in_epochs_need_their_size_and_get_it() -> None:
    (target,) = transfer("cosine", "warmup(3ep) | cosine", horizon="90ep", steps_per_epoch=10).targets
    assert target.horizon == 900
    with pytest.raises(DoesNotFit, match="steps_per_epoch"):
        transfer("cosine", "warmup(3ep) | cosine")


def test_a_horizon_beyond_what_is_summed_step_by_step_gives_the_same_ratios() -> None:
    few = transfer("linear_decay", [WSD, "constant()"], horizon=1_000_000).targets
    many = transfer("linear_decay", [WSD, "constant()"], horizon=10**12).targets
    assert many[0].ratio == pytest.approx(few[0].ratio, rel=1e-3)
    shrunk = math.sqrt((1 + math.log(1e6) + 0.5772) / (1 + math.log(1e12) + 0.5772))  # of a constant rate, exactly
    assert many[1].ratio == pytest.approx(few[1].ratio * shrunk, rel=1e-3)


@settings(max_examples=15)
@given(some.floats(0.1, 0.95))
def test_the_cooldown_for_a_peak_is_the_closed_forms(share: float) -> None:
    wanted = staged_limit(share).best_peak / power_limit().best_peak
    answer = transfer("linear_decay", [], peak=1.0, cooldown_at=wanted, horizon=20_000)
    assert answer.cooldown.share == pytest.approx(share, rel=1e-2)
    assert (answer.cooldown.low or 0.0) < share < (answer.cooldown.high or 1.0)


def test_the_cooldown_found_has_its_best_peak_there() -> None:
    found = transfer("wsd(warmup=500, cooldown=20%)", [], peak=1e-3, cooldown_at=1.3e-3, horizon=20_000).cooldown
    assert "warmup=500" in found.plan
    (target,) = transfer("wsd(warmup=500, cooldown=20%)", found.plan, peak=1e-3, horizon=20_000).targets
    assert target.peak == pytest.approx(1.3e-3, rel=2e-3)


@pytest.mark.parametrize("wanted", [2e-3, 1e-5])
def test_a_peak_that_no_cooldown_suits_is_said(wanted: float) -> None:
    found = transfer("linear_decay", [], peak=1e-3, cooldown_at=wanted).cooldown
    assert found.share is None
    assert any("no cooldown suits it" in reason for reason in found.reasons)


def cooldown(wanted: float, exponent: float | None = None, **more):
    return transfer(WSD, [], peak=1e-3, cooldown_at=wanted, horizon=10_000, exponent=exponent, **more).cooldown


def test_at_another_horizon_the_cooldown_is_the_one_for_the_peak_that_moved() -> None:
    moved = cooldown(1e-3 * 10**-0.5, -0.5, to_horizon=100_000)
    assert moved.share == pytest.approx(0.2, rel=5e-3)  # the run's own
    (target,) = transfer(WSD, moved.plan, peak=1e-3, horizon=10_000, to_horizon=100_000, exponent=-0.5).targets
    assert target.peak == pytest.approx(1e-3 * 10**-0.5, rel=2e-3)


def test_the_range_of_a_cooldown_at_another_horizon_is_that_of_the_exponents() -> None:
    at = {"to_horizon": 100_000}
    found, theory, mild = (cooldown(5e-4, exponent, **at) for exponent in (None, -0.5, -0.2))
    assert found.share == pytest.approx(cooldown(5e-4, -0.3, **at).share)
    assert found.low < mild.share < found.share < theory.share < found.high
    alone = cooldown(5e-4, -0.3, **at)
    assert found.low < alone.low < alone.high < found.high


def test_where_only_the_range_has_a_cooldown_it_is_said() -> None:
    found = cooldown(1e-3, to_horizon=100_000)
    assert (found.share, found.high) == (None, None)
    (reason,) = found.reasons
    assert "no cooldown suits it by the best guess" in reason
    assert f"within the range one of {100 * found.low:.3g} % or longer may" in reason
    notes = transfer(WSD, [], peak=1e-3, cooldown_at=1e-3, horizon=10_000, to_horizon=100_000).notes
    assert notes[0].startswith("horizons differ")


def test_what_keeping_the_old_peak_costs_is_the_bound_itself() -> None:
    (target,) = transfer("linear_decay", "cosine", peak=1.0, horizon=400).targets
    at_old = linear_bound(400).best_peak
    cosine = calando.forecast.bound([calando.cosine().bind(400)(t) for t in range(400)])
    assert target.keeping == pytest.approx(cosine.at(at_old) / cosine.best_value, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: transfer(WSD, []), BadValue),
        (lambda: transfer(WSD, "cosine", peak=0.0), BadValue),
        (lambda: transfer(WSD, "cosine", peak=math.inf), BadValue),
        (lambda: transfer(WSD, "cosine", exponent=-2), BadValue),
        (lambda: transfer(WSD, "cosine", exponent=math.nan), BadValue),
        (lambda: transfer(WSD, "cosine", exponent=True), BadValue),
        (lambda: transfer(WSD, "cosine", cooldown_at=1e-3), BadValue),
        (lambda: transfer("wsd(warmup=50)", [], peak=1.0, cooldown_at=1.0, to_horizon=20), BadValue),
        (lambda: transfer(WSD, 3), BadValue),
        (lambda: transfer(WSD, [None]), BadValue),
        (lambda: transfer("constant(0)", WSD), BadValue),
        (lambda: transfer(WSD, "cosin"), BadName),
        (lambda: transfer("warmup(20000) | cosine", WSD), DoesNotFit),
        (lambda: transfer(WSD, "cosine", horizon=0), BadValue),
    ],
)
def test_what_makes_no_sense_is_refused(call, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call()


def test_an_answer_is_frozen() -> None:
    answer = transfer(WSD, "cosine")
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.peak = 1.0


def test_the_factors_of_a_reading_are_copies_that_nobody_can_change() -> None:
    found = read(WSD, 100, "test")
    factors = np.array(found.factors)
    copy = dataclasses.replace(found, factors=factors)
    factors[:] = 0.0
    assert (copy.factors == found.factors).all()
    for one in (found, copy):
        with pytest.raises(ValueError, match="read-only"):
            one.factors[0] = 2.0
