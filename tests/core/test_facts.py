"""Facts are true: every one is held against the values themselves."""

import time

import numpy as np
import pytest
from hypothesis import given

import calando
from tests.core.test_golden import BY_PLAN, STEPS_PER_EPOCH
from tests.growers import SIZES
from tests.plans import build
from tests.strategies import Grown, plans


def jumps(text: str, horizon: int) -> list[tuple[int, float, float]]:
    """Step, value before, value after, rounded for the eye."""
    facts = calando.parse(text).bind(horizon).facts
    return [(jump.step, round(jump.before, 6), round(jump.after, 6)) for jump in facts.jumps]


def test_a_smooth_join_is_no_jump() -> None:
    for text in (
        "warmup(10) | cosine()",
        "wsd(warmup=10)",
        "one_cycle()",
        "cyclical(low=0.1, half=7)",
        "linear_decay()",
    ):
        assert jumps(text, 100) == [], text


def test_a_jump_says_where_from_what_and_to_what() -> None:
    assert jumps("multistep(milestones=[30, 60])", 100) == [(30, 1.0, 0.1), (60, 0.1, 0.01)]
    assert jumps("constant(length=50) | constant(0.5)", 100) == [(50, 1.0, 0.5)]
    assert jumps("linear_decay(length=50) | constant(0.5)", 100) == [(50, 0.0, 0.5)]
    assert jumps("warm_restarts(first=50)", 100) == [(50, 0.0, 1.0)]
    assert jumps("repeat(linear_decay(end=0.2, length=25), decay=0.5)", 75) == [(25, 0.2, 0.5), (50, 0.1, 0.25)]
    assert jumps("reverse(multistep(milestones=[30]))", 100) == [(71, 0.1, 1.0)]


def test_a_drop_at_the_horizon_itself_is_a_jump_that_no_update_sees() -> None:
    for text in ("step_decay(50)", "multistep(milestones=[50, 100])"):
        assert jumps(text, 100) == [(50, 1.0, 0.1), (100, 0.1, 0.01)]


@given(plans())
def test_monotone_pieces_cover_the_run_and_are_what_they_say(grown: Grown) -> None:
    schedule = build(grown.tree).bind(grown.horizon, **SIZES)
    values = schedule(np.arange(grown.horizon))
    pieces = schedule.facts.pieces
    assert pieces[0].first == 0
    assert pieces[-1].last == grown.horizon - 1 or len(pieces) == 1000
    slack = 2e-15 * values.max()
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        change = np.diff(values[piece.first : piece.last + 1])
        if piece.direction == "rises":
            assert (change > 0).all()
        elif piece.direction == "falls":
            assert (change < 0).all()
        else:
            assert (np.abs(change) <= slack).all()
        assert following is None or following.first == piece.last


@given(plans())
def test_a_jump_lands_on_the_value_of_its_step(grown: Grown) -> None:
    schedule = build(grown.tree).bind(grown.horizon, **SIZES)
    for jump in schedule.facts.jumps:
        assert 0 < jump.step <= grown.horizon
        assert jump.after == schedule(jump.step)
        assert abs(jump.after - jump.before) >= 0.999e-3 * max(jump.before, jump.after)


def test_the_peak_step_is_the_first_that_has_the_peak() -> None:
    facts = calando.parse("warmup(10) | constant()").bind(100).facts
    assert (facts.peak, facts.peak_step) == (1.0, 10)


def test_the_area_of_a_line_is_that_of_its_triangle() -> None:
    facts = calando.linear_decay().bind(1000).facts
    assert facts.area == pytest.approx(500.5, rel=1e-15)
    assert facts.mean == pytest.approx(0.5005, rel=1e-15)
    assert facts.exact


@pytest.mark.parametrize(("plan", "horizon"), [key for key in BY_PLAN if key[1] > 10**9], ids=str)
def test_a_run_of_a_trillion_steps_is_known_within_a_second(plan: str, horizon: int) -> None:
    begun = time.process_time()
    schedule = calando.parse(plan).bind(horizon, steps_per_epoch=STEPS_PER_EPOCH)
    facts = schedule.facts
    schedule.preview()
    assert time.process_time() - begun < 1.0
    assert facts.peak == pytest.approx(1.0)
    assert not facts.exact
    assert facts.end == schedule(horizon)


def test_the_area_of_a_long_run_is_close() -> None:
    horizon = 10**9
    assert calando.cosine().bind(horizon).facts.mean == pytest.approx(0.5, rel=1e-3)
    assert calando.parse("wsd(warmup=1%, cooldown=20%)").bind(horizon).facts.mean == pytest.approx(0.895, rel=1e-3)


def test_a_reversed_curve_has_the_jumps_of_the_curve_and_no_others() -> None:
    assert jumps("reverse(warmup(5%) | cosine())", 100) == []
    assert jumps("reverse(warmup(4) | constant())", 20) == []
    staircase = calando.parse("reverse(repeat(step_decay(every=1, length=10)))").bind(30)
    assert all(0 <= jump.before <= 1 and 0 <= jump.after <= 1 for jump in staircase.facts.jumps)


def test_the_facts_of_long_runs_look_at_every_corner_and_top() -> None:
    lone = calando.points(at=[0, 3333333, 3333343, 3333353, 10**7], values=[0.1, 0.1, 1, 0.1, 0.1]).bind(10**7)
    assert (lone.facts.peak, lone.facts.peak_step) == (1.0, 3333343)
    wave = calando.cyclical(low=0.1, half=1234567).bind(10**7)
    assert (wave.facts.peak, wave.facts.peak_step, wave.facts.exact) == (1.0, 1234567, False)
    assert wave.lint() == ()
    assert calando.cyclical(low=0.1, half=3).bind(3_000_000).facts.peak == 1.0


def test_a_drop_is_a_jump_however_low_it_happens() -> None:
    text = "multistep(milestones=[20, 40, 60, 80], factor=0.1)"
    assert [jump.step for jump in calando.parse(text).bind(100).facts.jumps] == [20, 40, 60, 80]


def test_the_lowest_factor_is_that_of_an_update() -> None:
    assert calando.parse("warmup(5, first=step) | linear_decay(end=0.1)").bind(50).facts.lowest == pytest.approx(0.12)


def test_a_sum_that_leaves_the_floats_is_infinite() -> None:
    facts = calando.constant(1e308).bind(10).facts
    assert (facts.peak, facts.area, facts.mean) == (1e308, float("inf"), float("inf"))
