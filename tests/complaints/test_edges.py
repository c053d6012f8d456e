"""Complaints about edges: nothing, one, and off by one."""

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.installed import deepspeed_scheduler, timm_scheduler
from tests.complaints.sides import Make, used_by
from tests.torch.helpers import optimizer_of, rates

Scales = Callable[[list[float]], list[float]]
"""What the rate is multiplied by after each metric of a list."""


def listener(**settings: Any) -> Scales:
    """Ours, in an optimizer."""

    def scales(metrics: list[float]) -> list[float]:
        plan = calando.reduce_on_plateau(calando.constant(), factor=0.5, **settings)
        optimizer = optimizer_of(1.0)
        scheduler = attach(optimizer, plan.bind(100))
        heard = []
        for metric in metrics:
            scheduler.step(metric)
            heard.append(rates(optimizer)[0])
        return heard

    return scales


def torchs(**settings: Any) -> Scales:
    """PyTorch's, in an optimizer."""

    def scales(metrics: list[float]) -> list[float]:
        optimizer = optimizer_of(1.0)
        scheduler = peers.ReduceLROnPlateau(optimizer, factor=0.5, **settings)
        heard = []
        for metric in metrics:
            scheduler.step(metric)
            heard.append(rates(optimizer)[0])
        return heard

    return scales


def test_pytorch_185006_194712_a_constant_of_zero_divides_by_zero_in_the_middle_of_a_run() -> None:
    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("constant(0, length=5) | constant()").bind(10))

    def check(make: Make) -> None:
        assert used_by(make, 10) == [0.0] * 5 + [1.0] * 5

    told_apart(
        check,
        living=lambda o: peers.ConstantLR(o, factor=0.0, total_iters=5),
        ours=ours,
        because="division by zero",
        fails=ZeroDivisionError,
    )


def test_pytorch_119763_2545_a_patience_of_two_waits_three_times() -> None:
    def check(scales: Scales) -> None:
        heard = scales([1.0] * 5)
        assert heard[:3] == [1.0, 1.0, 0.5], "it waits once more than its patience"
        assert heard[3:] == [0.5, 0.25]

    ours = listener(patience=2, convention="keras")
    told_apart(check, living=torchs(patience=2), ours=ours, because="once more than its patience")
    assert listener(patience=2)([1.0] * 5) == torchs(patience=2)([1.0] * 5), "and torch's count where it is wanted"


def test_pytorch_47513_38622_a_plateau_is_never_seen_in_a_negative_metric() -> None:
    def check(scales: Scales) -> None:
        assert scales([-1.0] * 8)[-1] < 1.0, "never reduced"

    told_apart(check, living=torchs(patience=2), ours=listener(patience=2), because="never reduced")


def test_timm_1242_swin_277_a_cliff_after_the_warm_up() -> None:
    def theirs(step: int) -> float:
        optimizer = optimizer_of(1.0)
        scheduler = timm_scheduler("CosineLRScheduler", optimizer, t_initial=20, warmup_t=5, t_in_epochs=False)
        return float(scheduler._get_lr(step)[0])

    schedule = calando.parse("warmup(5) | cosine()").bind(20)

    def check(rate: Callable[[int], float]) -> None:
        used = [rate(t) for t in range(21)]
        assert max(used) == 1.0, f"the peak is never reached, {max(used):.3f} is the most"
        assert used[20] == 0.0

    told_apart(check, living=theirs, ours=schedule, because="the peak is never reached, 0.854")
    cliff = calando.parse("warmup(5) | scale(cosine(), by=0.854)").bind(20)
    assert [line for line in cliff.lint() if "jumps down at step 5" in line]
    assert not [line for line in schedule.lint() if "jumps" in line]


def test_timm_2312_with_a_warm_up_the_least_rate_is_not_reached_in_the_epochs_asked_for() -> None:
    def theirs(step: int) -> float:
        options = {"t_initial": 20, "warmup_t": 5, "warmup_prefix": True, "lr_min": 0.1, "t_in_epochs": False}
        return float(timm_scheduler("CosineLRScheduler", optimizer_of(1.0), **options)._get_lr(step)[0])

    def check(rate: Callable[[int], float]) -> None:
        assert rate(5) == 1.0
        assert rate(20) == pytest.approx(0.1), "the end of the run is not the end of the schedule"

    ours = calando.parse("warmup(5) | cosine(end=0.1)").bind(20)
    told_apart(check, living=theirs, ours=ours, because="the end of the run is not")


def test_deepspeed_771_a_warm_up_of_one_step() -> None:
    import math

    def old(steps: int) -> list[float]:
        """WarmupLR as it was: 1/log(W) is taken when it is built."""
        inverse = 1.0 / math.log(steps)
        return [min(1.0, inverse * math.log(t + 1)) for t in range(3)]

    def ours(steps: int) -> list[float]:
        schedule = (calando.warmup(steps) | calando.constant()).bind(10)
        return [schedule(t) for t in range(3)]

    def check(warm_up: Callable[[int], list[float]]) -> None:
        assert warm_up(1)[1:] == [1.0, 1.0]

    told_apart(check, old=old, ours=ours, because="division by zero", fails=ZeroDivisionError)


@pytest.mark.filterwarnings("ignore")
def test_deepspeed_5287_the_first_two_updates_are_wasted() -> None:
    def theirs(optimizer: Any) -> Any:
        return deepspeed_scheduler(
            "WarmupCosineLR", optimizer, total_num_steps=100, warmup_num_steps=10, warmup_type="linear"
        )

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.parse("warmup(10) | cosine()").bind(100))

    def check(make: Make) -> None:
        used = used_by(make, 11)
        assert used[1] == pytest.approx(0.1), "the second update is wasted, too"
        assert used[10] == 1.0

    told_apart(check, living=theirs, ours=ours, because="the second update is wasted")


def test_deepspeed_7969_only_the_first_group_is_initialised() -> None:
    def old(optimizer: Any) -> None:
        """WarmupCosineLR as it was: before its start it gave one rate, whatever the number of groups."""
        for group, rate in zip(optimizer.param_groups, [0.0], strict=False):
            group["lr"] = rate

    def ours(optimizer: Any) -> None:
        attach(optimizer, calando.parse("warmup(10) | cosine()").bind(100))

    def check(begin: Callable[[Any], None]) -> None:
        optimizer = optimizer_of(1.0, 0.5, 0.25)
        begin(optimizer)
        assert rates(optimizer) == [0.0, 0.0, 0.0], "some groups keep their base"

    told_apart(check, old=old, ours=ours, because="some groups keep their base")
