"""Ways to a longer run."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import calando
from calando.errors import BadValue
from calando.forecast import bound, extend

WSD = "wsd(cooldown=20%)"
LATE = "wsd(warmup=5%, cooldown=40%, cooldown_shape=1-sqrt)"


def ways(*given_ones, **more):
    return {way.name: way for way in extend(*given_ones, **more).ways}


def of(plan: str, steps: int):
    return bound(calando.parse(plan).bind(steps)(np.arange(steps)))


# Known from the bound itself: from WSD with 20 % tuned at 4,000 updates, by theory's own exponent.
@pytest.mark.parametrize(
    ("times", "matched", "lowest", "stage"), [(2, 0.63, 0.69, 0.48), (4, 1.0, 0.98, 0.40), (8, 1.0, 1.0, 0.31)]
)
def test_cooldown_and_second_stage_are_the_published_ones(times, matched, lowest, stage) -> None:
    found = ways(WSD, times, peak=1e-3, horizon=4000, exponent=-0.5)
    assert found["cooldown, matched"].value == pytest.approx(matched, abs=0.006)
    if "cooldown, lowest" in found:
        assert found["cooldown, lowest"].value == pytest.approx(lowest, abs=0.025)
    assert found["second stage"].value == pytest.approx(stage, abs=0.006)


def test_the_bounds_at_twice_the_horizon_are_the_published_ones() -> None:
    found = ways(WSD, 2, horizon=4000, exponent=-0.5)
    linear = of("linear_decay", 8000).best_value
    assert linear == pytest.approx(0.02237, abs=6e-6)
    published = {
        "as it is": 0.02563,
        "cooldown, lowest": 0.02249,
        "second stage": 0.02306,
        "anew, linear decay": 0.02237,
    }
    for name, value in published.items():
        assert found[name].bound * linear == pytest.approx(value, abs=6e-6), name


def test_every_ways_bound_is_that_of_the_plan_it_prints() -> None:
    answer = extend("wsd(warmup=100, cooldown=25%)", 3, peak=1e-3, horizon=2000, exponent=-0.5)
    old = of("wsd(warmup=100, cooldown=25%)", 2000).best_peak
    for way in answer.ways:
        plan = of(way.plan, 6000)
        at = old * (way.peak / 1e-3)
        assert way.bound == pytest.approx(plan.at(at) / of("linear_decay", 6000).best_value, rel=1e-6), way.name
        assert way.multiple == pytest.approx(at / plan.best_peak, rel=1e-6), way.name


@settings(max_examples=10)
@given(some.sampled_from([WSD, "cosine", LATE]), some.floats(-1.0, 0.5))
def test_once_as_long_is_the_run_as_it_is(plan: str, exponent: float) -> None:
    answer = extend(plan, 1, peak=1e-3, horizon=2000, exponent=exponent)
    same, retuned, _ = answer.ways
    assert answer.longer == answer.horizon
    assert calando.parse(same.plan) == calando.parse(plan.replace("5%", "100"))
    assert (same.multiple, same.leaves) == (1.0, 2000)
    assert retuned.peak == pytest.approx(1e-3)
    assert answer.advice == ""


@settings(max_examples=10)
@given(some.floats(1.2, 6.0), some.floats(0.05, 0.6), some.floats(-0.6, -0.1))
def test_a_matched_cooldown_has_its_best_peak_where_the_run_has_its_own(times, share, exponent) -> None:
    way = ways(f"wsd(cooldown={100 * share:.1f}%)", times, horizon=3000, exponent=exponent)["cooldown, matched"]
    if way.value < 0.999:
        assert way.multiple == pytest.approx(1.0, rel=5e-3)
    else:
        assert way.multiple >= 0.995


@settings(max_examples=10)
@given(some.floats(1.2, 6.0), some.floats(0.05, 0.6))
def test_no_way_beats_the_linear_decay_and_naive_is_the_worst_that_goes_on(times: float, share: float) -> None:
    found = ways(f"wsd(cooldown={100 * share:.1f}%)", times, horizon=3000)
    assert min(way.bound for way in found.values()) >= 1 - 1e-3
    assert found["as it is"].bound >= max(found[name].bound for name in ("cooldown, matched", "second stage")) - 1e-3
    lowest = found.get("cooldown, lowest", found["cooldown, matched"])
    assert lowest.bound <= found["cooldown, matched"].bound + 1e-4


def test_a_way_leaves_the_run_at_the_first_update_that_differs() -> None:
    answer = extend("wsd(warmup=100, cooldown=25%)", 2, horizon=2000)
    old = calando.parse("wsd(warmup=100, cooldown=25%)").bind(2000)
    for way in answer.ways[:4]:
        new = calando.parse(way.plan).bind(4000)
        first = next(t for t in range(2000) if abs(old(t) - new(t)) > 1e-9)
        assert way.leaves == first > 1000


# Beyond 200,000 updates not every one is looked at.
@pytest.mark.parametrize("horizon", [200_000, 200_001, 300_000, 399_999, 500_000])
def test_a_way_leaves_a_long_run_at_the_first_update_that_differs(horizon: int) -> None:
    old = calando.parse(WSD).bind(horizon)
    steps = np.arange(horizon)
    going_on = extend(WSD, 2, horizon=horizon).ways[:4]
    assert [way.name for way in going_on] == ["as it is", "cooldown, matched", "cooldown, lowest", "second stage"]
    for way in going_on:
        new = calando.parse(way.plan).bind(2 * horizon)
        assert way.leaves == int(np.argmax(np.abs(old(steps) - new(steps)) > 1e-9)) > 0.79 * horizon, way.name


def test_the_warm_up_stays_as_long_as_it_was() -> None:
    in_steps = ways("wsd(warmup=5%, cooldown=20%)", 2, horizon=10_000)
    assert all("warmup=500" in way.plan.replace("(500)", "=500") for way in in_steps.values())
    in_shares = ways("wsd(warmup=5%, cooldown=20%)", 2)
    assert all("2.5%" in way.plan for way in in_shares.values())


def test_without_a_horizon_lengths_are_shares_and_the_answer_is_that_of_any_horizon() -> None:
    assumed, long = ways(WSD, 2, peak=1e-3), ways(WSD, 2, peak=1e-3, horizon=300_000)
    assert extend(WSD, 2).assumed
    for name in assumed:
        assert assumed[name].bound == pytest.approx(long[name].bound, rel=2e-3), name
        if assumed[name].value is not None:
            assert assumed[name].value == pytest.approx(long[name].value, rel=5e-3), name


def test_a_range_follows_from_the_exponents() -> None:
    found = ways(WSD, 2, horizon=10_000)
    for name in ("cooldown, matched", "cooldown, lowest", "second stage", "anew, peak retuned"):
        theory, mild = (ways(WSD, 2, horizon=10_000, exponent=e)[name].value for e in (-0.5, -0.2))
        way = found[name]
        assert sorted((way.low, way.high)) == pytest.approx(sorted((theory, mild)), abs=2e-3), name
        assert way.low < way.value < way.high


@pytest.mark.parametrize(
    "plan", ["cosine", "warmup(10%) | cosine", "one_cycle", "linear_decay", "warmup(10%, shape=cosine) | linear_decay"]
)
def test_a_run_that_has_been_falling_all_along_begins_anew(plan: str) -> None:
    answer = extend(plan, 2, peak=1e-3)
    (note,) = [note for note in answer.notes if "no stable stage" in note]
    shared = max(way.leaves for way in answer.ways[1:])
    assert (f"first {shared:,} updates are trained already" if shared > 1 else "nothing is trained") in note
    assert next(way for way in answer.ways if way.name == answer.advice).leaves == 0
    assert "second stage" not in {way.name for way in answer.ways}
    assert answer.advice != "as it is"


def test_steps_are_no_cooldown_and_the_plan_stays_what_it_is() -> None:
    found = ways("multistep(milestones=[50%, 75%])", 2)
    assert found["as it is"].plan == "multistep(milestones=[50%, 75%])"
    assert found["second stage"].plan.startswith("constant(length=25%)")


def test_above_a_floor_nothing_is_advised() -> None:
    answer = extend("wsd(cooldown=20%, end=0.1)", 2, peak=1e-3)
    assert (answer.promise, answer.advice) == ("range", "")
    assert any("above a floor" in note for note in answer.notes)
    assert all("end=0.1" in way.plan for way in answer.ways if way.name.startswith("cooldown"))


def test_above_a_floor_there_are_ranges_and_no_points() -> None:
    floor, known = ways("wsd(cooldown=20%, end=0.1)", 2, peak=1e-3), ways(WSD, 2, peak=1e-3)
    assert all(way.value is None for way in floor.values())
    assert floor["anew, peak retuned"].peak is floor["anew, linear decay"].peak is None
    for name in ("cooldown, matched", "cooldown, lowest", "second stage"):
        way, sure = floor[name], known[name]
        assert way.low < way.high
        assert way.high - way.low > sure.high - sure.low  # theory fails by half an octave there
        assert sure.value is not None
    assert known["anew, linear decay"].peak is not None


def test_a_cooldown_that_the_run_as_it_is_has_already_is_left_out() -> None:
    assert "cooldown, matched" not in ways("linear_decay", 2)
    assert "cooldown, matched" not in ways(WSD, 2, exponent=0.0)
    assert "cooldown, matched" in ways(WSD, 2)


def test_a_plan_that_listens_gets_no_ways() -> None:
    answer = extend("reduce_on_plateau(wsd(cooldown=20%))", 2)
    assert (answer.promise, answer.ways) == ("none", ())
    assert any("listens" in note for note in answer.notes)


def test_very_long_runs_are_answered_in_the_same_time() -> None:
    long, short = ways(WSD, 2, horizon=10**12), ways(WSD, 2, horizon=10**6)
    assert long["second stage"].value == pytest.approx(short["second stage"].value, rel=5e-3)
    assert math.isclose(long["as it is"].leaves, 0.8 * 10**12, rel_tol=1e-3)


@pytest.mark.parametrize("by", [0.5, 0.0, 1001, math.nan, math.inf, True, "2"])
def test_a_factor_that_lengthens_nothing_is_refused(by) -> None:
    with pytest.raises(BadValue) as caught:
        extend(WSD, by)
    assert caught.value.where == "extend.by"
