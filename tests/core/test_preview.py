"""Lint and preview: what a schedule is like, in words, before it is run."""

import pytest

import calando
from calando.errors import BadValue


def lint(text: str, horizon: int = 1000, **sizes: int) -> str:
    return "\n".join(calando.parse(text).bind(horizon, **sizes).lint())


def test_a_sound_schedule_has_nothing_to_be_told() -> None:
    assert lint("warmup(5%, first=step) | cosine(end=0.1)") == ""
    assert lint("step_decay(every=100)") == ""
    assert lint("one_cycle()") == ""


def test_a_wasted_first_update_is_named() -> None:
    assert "first update is wasted" in lint("warmup(5%) | cosine()")


def test_a_peak_that_is_not_the_peak_is_named_with_its_size() -> None:
    assert "peak is 2, not 1" in lint("constant(2)")
    assert "peak is 0.9, not 1" in lint("warmup(10) | linear_decay(start=0.5)", 100)


def test_a_schedule_that_never_learns_is_named() -> None:
    assert lint("constant(0)") == "never learns: the factor is 0 at every step"


def test_a_jump_is_named_with_its_step_and_both_values() -> None:
    assert "jumps down at step 10: from 1 to 0.5" in lint("warmup(10) | linear_decay(start=0.5)", 100)
    assert "jumps up at step 100: from 0 to 1 (a restart)" in lint("warm_restarts(first=100)")


def test_many_jumps_are_counted_not_listed() -> None:
    found = lint("warm_restarts(first=100)")
    assert found.count("jumps up at") == 3
    assert "has 9 jumps in all" in found


def test_wanted_drops_are_no_surprise() -> None:
    assert lint("multistep(milestones=[300, 600])") == ""


def test_a_floor_that_is_not_reached_is_named() -> None:
    assert "floor not reached: end=0.01 was asked for" in lint("warm_restarts(first=10, growth=2, end=0.01)", 100)
    assert "floor reached only after the run: the last update still has 0.1" in lint("linear_decay()", 10)


def test_a_last_update_near_its_floor_needs_no_word() -> None:
    assert "floor" not in lint("linear_decay()", 20)
    assert "floor reached only after the run" in lint("linear_decay()", 19)


def test_a_floor_inside_a_clip_or_a_cut_cycle_is_named() -> None:
    assert "floor not reached: clip(low=0.01) never holds" in lint("clip(exponential_decay(factor=0.999), low=0.01)")
    assert lint("clip(exponential_decay(factor=0.99), low=0.01)") == ""
    assert "floor not reached: end=0 was asked for" in lint("repeat(cosine(length=30), decay=0.5)", 100)


def test_a_plan_that_is_over_early_is_named() -> None:
    assert "ends early: the last piece is over at step 50 of 100" in lint("cosine(length=50)", 100)


def test_a_drop_past_the_end_is_named() -> None:
    assert (
        lint("multistep(milestones=[50, 500])", 100) == "never happens: multistep drops at 500, the run has 100 steps"
    )
    assert "never happens: multistep drops at 100, the run has 100" in lint("multistep(milestones=[50, 100])", 100)
    late = lint("constant(length=50) | multistep(milestones=[49, 60])", 100)
    assert "never happens: multistep drops at 60, the piece has 50 steps" in late
    assert "drops at 49" not in late
    assert "never happens: step_decay drops at 30ep" in lint("step_decay(every=30ep)", 90, steps_per_epoch=3)
    assert lint("exponential_decay(factor=0.5, every=1000)", 100) == ""


def test_a_run_of_another_length_is_held_against_the_schedule() -> None:
    schedule = calando.parse("linear_decay()").bind(100)
    assert schedule.lint(horizon=100) == ()
    assert schedule.lint(horizon=150)[0] == "under-runs: made for 100 steps of 150; the last 50 stay at 0"
    assert "over-runs: made for 100 steps, the run ends at 50 with the factor at 0.5" in schedule.lint(horizon=50)[0]


@pytest.mark.parametrize("horizon", [0, -1, 1.5, "100", True])
def test_a_horizon_that_is_none_is_refused(horizon: object) -> None:
    with pytest.raises(BadValue):
        calando.cosine().bind(100).lint(horizon=horizon)  # type: ignore[arg-type]


def test_a_preview_tells_peak_end_area_and_lint_beside_the_curve() -> None:
    told = calando.parse("warmup(5%) | cosine(end=0.1)").bind(1000).preview(width=40)
    plan, curve, facts, area, wasted = told.splitlines()
    assert plan == "warmup(5%) | cosine(end=0.1)"
    assert len(curve) == 40
    assert "peak 1 at step 50" in facts
    assert "end 0.1" in facts
    assert "mean factor 0.547" in area
    assert wasted.startswith("! first update")


@pytest.mark.parametrize("width", [19, 1001, 2.5, True])
def test_a_preview_needs_a_sensible_width(width: object) -> None:
    with pytest.raises(BadValue):
        calando.cosine().bind(100).preview(width=width)  # type: ignore[arg-type]


def test_a_plan_with_a_nameless_function_can_be_looked_at() -> None:
    schedule = calando.function(lambda step: 1 / (1 + step)).bind(10)
    assert "function(" in str(schedule)
    assert "function(" in schedule.preview()
    calando.register("harmonic_of_preview", lambda step: 1 / (1 + step))
    assert repr(calando.function("harmonic_of_preview")) == "function(call='harmonic_of_preview')"


def test_a_small_factor_still_shows_in_the_curve() -> None:
    curve = calando.parse("step_decay(every=10)").bind(40).preview(width=20).splitlines()[1]
    assert " " not in curve


def test_lint_reads_lengths_inside_a_stretch_as_stretched() -> None:
    plan = calando.parse("stretch(constant() | constant(0.5, length=133) | constant(0.2, length=134), by=0.5)")
    assert not any("never" in line for line in plan.bind(200).lint())
    late = calando.parse("stretch(multistep(milestones=[150]), by=2)").bind(200)
    assert any("never happens: multistep drops at 150" in line for line in late.lint())
