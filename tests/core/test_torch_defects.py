"""Where torch.optim.lr_scheduler is wrong: each test is called after the defect, shows that the living class has it,
and asserts our value. Those that people complained about stand in tests/complaints.
"""

import math
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers

import calando
from tests.core.peers import optimizer, seen


def test_defect_constantlr_of_no_steps_is_stuck_and_ours_is_at_the_base() -> None:
    assert seen(lambda o: peers.ConstantLR(o, factor=0.5, total_iters=0), 10) == [0.5] * 10
    schedule = (calando.constant(0.5, length=0) | calando.constant()).bind(10)
    assert [schedule(t) for t in range(10)] == [1.0] * 10


def test_defect_linearlr_of_no_steps_is_stuck_at_its_start_and_ours_is_at_its_end() -> None:
    stuck = seen(lambda o: peers.LinearLR(o, start_factor=0.5, total_iters=0), 10)
    assert stuck == [0.5] * 10
    schedule = (calando.warmup(0, start=0.5) | calando.constant()).bind(10)
    assert [schedule(t) for t in range(10)] == [1.0] * 10


def test_defect_linearlr_refuses_a_start_of_zero_and_ours_takes_it() -> None:
    with pytest.raises(ValueError, match="multiplicative factor"):
        peers.LinearLR(optimizer(), start_factor=0.0)
    assert calando.linear_decay(start=0, end=1).bind(4)(1) == 0.25


def test_defect_polynomiallr_of_no_steps_stays_at_its_base_and_ours_is_refused_or_at_its_end() -> None:
    assert seen(lambda o: peers.PolynomialLR(o, total_iters=0), 5) == [1.0] * 5
    with pytest.raises(calando.CalandoError):
        calando.polynomial_decay(length=0).bind(5)


def test_defect_cosineannealinglr_climbs_back_after_its_end_and_ours_holds() -> None:
    theirs = seen(lambda o: peers.CosineAnnealingLR(o, T_max=10), 21)
    assert theirs[10] == pytest.approx(0, abs=1e-15)
    assert [theirs[15], theirs[20]] == pytest.approx([0.5, 1.0])
    ours = calando.cosine().bind(10)
    assert [ours(t) for t in (10, 15, 20)] == [0.0] * 3


def test_defect_cosineannealinglr_takes_a_negative_length_and_a_floor_above_the_base() -> None:
    assert seen(lambda o: peers.CosineAnnealingLR(o, T_max=-5), 2)[0] == 1.0
    with pytest.raises(calando.CalandoError):
        calando.cosine(length=-5)


def test_defect_warm_restarts_stepped_to_an_epoch_are_wrong_exactly_at_a_restart() -> None:
    sgd = optimizer()
    scheduler = peers.CosineAnnealingWarmRestarts(sgd, T_0=1, T_mult=3)
    scheduler.step(121)
    assert sgd.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)
    assert calando.warm_restarts(first=1, growth=3).bind(200)(121) == 1.0


def test_defect_onecyclelr_skips_its_peak_where_a_phase_is_not_whole_and_ours_reaches_it() -> None:
    theirs = seen(lambda o: peers.OneCycleLR(o, 1.0, total_steps=95, cycle_momentum=False), 95)
    assert max(theirs) < 0.9999
    ours = calando.one_cycle().bind(95)
    assert max(ours(t) for t in range(95)) == 1.0 == ours(29)


def test_defect_onecyclelr_divides_by_zero_for_a_short_rise_and_ours_does_not() -> None:
    with pytest.raises(ZeroDivisionError):
        seen(lambda o: peers.OneCycleLR(o, 1.0, total_steps=10, pct_start=0.1, cycle_momentum=False), 10)
    assert calando.one_cycle(peak_at="10%").bind(10)(1) == 1.0


def test_defect_onecyclelr_bounces_or_goes_negative_at_its_horizon_then_raises_and_ours_holds() -> None:
    with pytest.raises(ValueError, match="Tried to step"):
        seen(lambda o: peers.OneCycleLR(o, 1.0, total_steps=10, cycle_momentum=False), 12)
    for anneal, wrong in (("cos", 0.0495), ("linear", -0.1429)):
        sgd = optimizer()
        scheduler = peers.OneCycleLR(sgd, 1.0, total_steps=10, anneal_strategy=anneal, cycle_momentum=False)
        for _ in range(10):
            sgd.step()
            scheduler.step()
        assert sgd.param_groups[0]["lr"] == pytest.approx(wrong, abs=1e-3)
    ours = calando.one_cycle().bind(10)
    assert ours(10) == ours(11) == ours(10**6) == 4e-6


def test_defect_onecyclelr_gives_momentum_to_an_optimizer_that_had_none_and_ours_only_when_asked() -> None:
    sgd = optimizer(momentum=0.0)
    peers.OneCycleLR(sgd, 1.0, total_steps=10)
    assert sgd.param_groups[0]["momentum"] == pytest.approx(0.95)
    assert calando.one_cycle().bind(10).quantities == ("lr",)


def test_defect_multisteplr_never_fires_for_a_fractional_milestone_and_ours_refuses_it() -> None:
    milestones: Any = [2.5]
    assert seen(lambda o: peers.MultiStepLR(o, milestones), 10) == [1.0] * 10
    with pytest.raises(calando.CalandoError):
        calando.multistep(milestones=milestones)


def test_defect_multisteplr_takes_unsorted_milestones_and_ours_refuses_them() -> None:
    assert seen(lambda o: peers.MultiStepLR(o, [6, 2]), 7)[-1] == pytest.approx(0.01)
    with pytest.raises(calando.CalandoError):
        calando.multistep(milestones=[6, 2])


def test_defect_exponentiallr_takes_nan_and_ours_refuses_it() -> None:
    assert math.isnan(seen(lambda o: peers.ExponentialLR(o, math.nan), 3)[1])
    with pytest.raises(calando.CalandoError):
        calando.exponential_decay(factor=math.nan)


def test_defect_steplr_of_no_steps_divides_by_zero_and_ours_says_what_is_allowed() -> None:
    with pytest.raises(ZeroDivisionError):
        seen(lambda o: peers.StepLR(o, 0), 3)
    with pytest.raises(calando.CalandoError):
        calando.step_decay(every=0)
