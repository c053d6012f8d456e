"""Pieces whose exact length is no whole number of steps: what is rounded, and that ends are reached all the same."""

import numpy as np
import pytest

import calando
from calando.errors import DoesNotFit


@pytest.mark.parametrize("horizon", range(1000, 1060))
@pytest.mark.parametrize(
    "tail",
    [
        "points(at=[0, 50%, 95%], values=[1, 0.5, 0], between=step)",
        "points(at=[0, 95%], values=[1, 0])",
        "points(at=[0, 50%, 95%], values=[1, 0.5, 0], between=cubic)",
        "repeat(linear_decay(length=47.5%), times=2)",
        "repeat(cosine(length=19%), times=5)",
        "linear_decay(length=95%)",
    ],
)
def test_the_last_value_is_the_end_that_was_asked_for_at_every_horizon(tail: str, horizon: int) -> None:
    schedule = calando.parse(f"warmup(5%) | {tail}").bind(horizon)
    assert schedule(horizon) == 0.0
    assert schedule(10**6) == 0.0


def test_points_pushed_together_by_rounding_leave_the_last() -> None:
    schedule = calando.parse("warmup(2.5%) | points(at=[0, 1.6%, 2.5%], values=[1, 0.6, 0.1])").bind(100)
    assert schedule(100) == 0.1


@pytest.mark.parametrize("by", [2, 3, 1.5])
@pytest.mark.parametrize(
    "text",
    [
        "inverse_sqrt()",
        "inverse_sqrt(warmup=600)",
        "wsd(stable=inverse_sqrt, cooldown=0)",
        "wsd(stable=power, warmup=60, cooldown=600)",
        "cyclical(low=0, half=60, mode=exp_range, gamma=0.99)",
        "exponential_decay(rate=0.01)",
        "exponential_decay(factor=0.9, every=60, staircase=true)",
        "inverse_time(rate=0.1)",
        "warm_restarts(first=60, growth=2)",
        "warmup(60) | step_decay(every=600)",
    ],
)
def test_stretch_is_the_plan_at_a_slower_pace(text: str, by: float) -> None:
    plan = calando.parse(text)
    schedule, slower = plan.bind(6000), calando.stretch(plan, by=by).bind(int(6000 * by))
    for step in (0, 6, 60, 120, 606, 660, 3000, 5994):
        assert slower(int(step * by)) == pytest.approx(schedule(step), rel=1e-12)


def test_a_stretched_function_is_asked_at_whole_steps() -> None:
    schedule = calando.stretch(calando.function(lambda step: 0.5**step), by=2).bind(10)
    assert [schedule(step) for step in range(5)] == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_values_that_leave_the_floats_are_refused_wherever_they_hide() -> None:
    growing = calando.repeat(calando.constant(length=1), times=1100, decay=2)
    with pytest.raises(DoesNotFit):
        (growing | calando.constant()).bind(2000)
    with pytest.raises(DoesNotFit):
        calando.parse("step_decay(every=1, factor=10, length=1000) | constant()").bind(2000)
    with pytest.raises(DoesNotFit):
        calando.parse("warm_restarts(first=1, peak_decay=2)").bind(2000)


def test_a_one_cycle_whose_peak_no_update_would_see_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="a peak before the last update"):
        calando.one_cycle(peak_at="100%").bind(10)
    assert max(calando.one_cycle(peak_at="90%").bind(10)(np.arange(10))) == 1.0


def test_unsigned_steps_past_every_signed_one_are_past_the_end() -> None:
    steps = np.array([2**63 + 5, 3, 2**64 - 1], dtype=np.uint64)
    assert calando.linear_decay().bind(10)(steps).tolist() == [0.0, 0.7, 0.0]
    assert calando.linear_decay().bind(10_000)(np.array([100], dtype=np.int8)).tolist() == [0.99]
