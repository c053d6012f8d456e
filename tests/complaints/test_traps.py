"""Other traps, found by running the peers. Those of PyTorch stand in tests/core/test_torch_defects.py."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.installed import deepspeed_scheduler, timm_scheduler, transformers_scheduler
from tests.complaints.sides import Make, used_by
from tests.torch.helpers import optimizer_of, rates

Rate = Callable[[int], float]


def timms(kind: str, **options: Any) -> Rate:
    """The rate of each update by one of timm's schedulers."""
    scheduler = timm_scheduler(kind, optimizer_of(1.0), **options)
    return lambda step: float(scheduler._get_lr(step)[0])


def test_a_cosine_of_transformers_rises_again_after_its_end() -> None:
    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(5) | cosine()").bind(20))

    def check(make: Make) -> None:
        assert max(used_by(make, 30)[20:]) < 1e-12, "it rises again"

    told_apart(check, living=lambda o: transformers_scheduler("cosine", o, 5, 20), ours=ours, because="it rises again")


def test_a_polynomial_of_transformers_divides_by_zero_when_all_is_warm_up() -> None:
    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(10) | linear_decay(length=0)").bind(10))

    def check(make: Make) -> None:
        assert used_by(make, 10) == pytest.approx([t / 10 for t in range(10)])
        used_by(make, 12)

    told_apart(
        check,
        living=lambda o: transformers_scheduler("polynomial", o, 10, 10),
        ours=ours,
        because="division by zero",
        fails=ZeroDivisionError,
    )


def test_a_wsd_of_transformers_jumps_where_its_phases_are_longer_than_the_run() -> None:
    def theirs(optimizer: Any) -> Any:
        phases: Any = {"num_decay_steps": 15, "decay_type": "linear"}
        return transformers_scheduler("warmup_stable_decay", optimizer, 15, 20, **phases)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.wsd(warmup=15, cooldown=15).bind(20))

    def check(make: Make) -> None:
        with pytest.raises(ValueError, match="30 steps in all"):
            make(optimizer_of(1.0))

    told_apart(check, living=theirs, ours=ours, because="DID NOT RAISE", fails=pytest.fail.Exception)


def test_a_least_rate_of_transformers_is_that_of_one_group() -> None:
    def theirs(optimizer: Any) -> Any:
        return transformers_scheduler("cosine_with_min_lr", optimizer, 0, 10, min_lr=0.05)

    def ours(optimizer: Any) -> Any:
        floors = {i: calando.cosine(end=0.05 / rate).bind(10) for i, rate in enumerate(rates(optimizer))}
        return attach(optimizer, groups=floors)

    def check(make: Make) -> None:
        optimizer = optimizer_of(1.0, 0.1, lr=1.0)
        scheduler = make(optimizer)
        for _ in range(10):
            optimizer.step()
            scheduler.step()
        assert rates(optimizer) == pytest.approx([0.05, 0.05]), "one group is below the least rate"

    told_apart(check, living=theirs, ours=ours, because="below the least rate")


def test_the_greedy_rule_of_transformers_raises_a_fine_tuning_rate_nine_hundredfold() -> None:
    def theirs(optimizer: Any) -> Any:
        return transformers_scheduler("greedy", optimizer, patience=2)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.reduce_on_plateau(calando.constant(), patience=2).bind(400))

    def check(make: Make) -> None:
        optimizer = optimizer_of(2e-5)
        scheduler = make(optimizer)
        for step in range(400):
            scheduler.step(1.0 - step * 1e-3)
        assert rates(optimizer)[0] <= 2e-5, "above the rate that was asked for"

    told_apart(check, living=theirs, ours=ours, because="above the rate that was asked for")


def test_milestones_of_timm_come_one_step_early() -> None:
    def check(rate: Rate) -> None:
        assert rate(4) == 1.0, "dropped before its milestone"
        assert rate(5) == pytest.approx(0.1)

    theirs = timms("MultiStepLRScheduler", decay_t=[5], decay_rate=0.1, t_in_epochs=False)
    ours = calando.multistep(milestones=[5]).bind(10)
    told_apart(check, living=theirs, ours=ours, because="dropped before its milestone")


def test_restarts_of_timm_are_missed_by_a_rounded_logarithm() -> None:
    def check(rate: Rate) -> None:
        assert rate(121) == 1.0, "no restart at 1 + 3 + 9 + 27 + 81"

    theirs = timms("CosineLRScheduler", t_initial=1, cycle_mul=3.0, cycle_limit=10, t_in_epochs=False)
    ours = calando.warm_restarts(first=1, growth=3).bind(200)
    told_apart(check, living=theirs, ours=ours, because="no restart")


def test_timm_stands_still_when_the_wrong_of_two_steps_is_called() -> None:
    def theirs(optimizer: Any) -> Any:
        scheduler = timm_scheduler("CosineLRScheduler", optimizer, t_initial=20, warmup_t=5, t_in_epochs=False)

        class Stepped:
            at = 0

            def step(self) -> None:
                self.at += 1
                scheduler.step(self.at)

        return Stepped()

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(5) | cosine()").bind(20))

    def check(make: Make) -> None:
        assert max(used_by(make, 20)) == 1.0, "it stands still"

    told_apart(check, living=theirs, ours=ours, because="it stands still")


@pytest.mark.filterwarnings("ignore")
def test_a_warm_up_of_deepspeed_is_logarithmic_unless_it_is_told() -> None:
    def theirs(optimizer: Any) -> Any:
        return deepspeed_scheduler("WarmupLR", optimizer, warmup_max_lr=1.0, warmup_num_steps=5)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(5) | constant()").bind(10))

    def check(make: Make) -> None:
        used = used_by(make, 7)
        steps = [b - a for a, b in zip(used, used[1:], strict=False) if b > a]
        assert max(steps) == pytest.approx(min(steps)), "no straight line"

    told_apart(check, living=theirs, ours=ours, because="no straight line")


def test_a_rate_in_a_float32_tensor_drifts_when_each_is_made_of_the_last() -> None:
    steps = 5000

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.cosine().bind(steps))

    def check(make: Make) -> None:
        used = used_by(make, steps, lr=torch.tensor(1.0))
        exact = [0.5 * (1 + math.cos(math.pi * t / steps)) for t in range(steps)]
        off = max(abs(a - b) for a, b in zip(used, exact, strict=True))
        assert off < 1e-7, f"off by {off:.0e} of the peak"

    told_apart(check, living=lambda o: peers.CosineAnnealingLR(o, steps), ours=ours, because="off by")


def test_a_cosine_of_ignite_begins_again_instead_of_ending() -> None:
    def theirs() -> list[float]:
        handlers = pytest.importorskip("ignite.handlers.param_scheduler")
        cosine = handlers.CosineAnnealingScheduler
        told = cosine.simulate_values(num_events=11, param_name="lr", start_value=1.0, end_value=0.0, cycle_size=10)
        return [value for _, value in told]

    schedule = calando.cosine().bind(10)

    def check(used: Callable[[], list[float]]) -> None:
        assert used()[10] < 0.01, "it is back at its start"

    told_apart(check, living=theirs, ours=lambda: [schedule(t) for t in range(11)], because="back at its start")
