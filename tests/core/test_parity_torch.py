"""Every class of torch.optim.lr_scheduler that the library shares: the same number at every step.

Ten settings each. Where torch is wrong the test is called after its defect, shows it, and asserts our value.
"""

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers
from torch.optim.swa_utils import SWALR

import calando
from calando import Plan
from tests.core.peers import CLOSE, STEPS, assert_parity, seen


@pytest.mark.parametrize(
    ("every", "factor"),
    [(1, 0.9), (2, 0.5), (3, 0.1), (7, 0.3), (10, 0.1), (13, 0.99), (20, 0.5), (30, 0.1), (59, 0.2), (60, 0.25)],
)
def test_step_decay_is_steplr(every: int, factor: float) -> None:
    plan = calando.step_decay(every=every, factor=factor)
    assert_parity(plan, lambda o: peers.StepLR(o, every, gamma=factor), lr=0.3)


@pytest.mark.parametrize(
    ("milestones", "factor"),
    [
        ([1], 0.1),
        ([30], 0.5),
        ([60], 0.1),
        ([10, 20], 0.1),
        ([10, 11, 12], 0.9),
        ([5, 25, 45], 0.3),
        ([1, 2, 3, 4], 0.7),
        ([30, 45], 0.2),
        ([10, 20, 30, 40, 50, 60], 0.5),
        ([59, 60], 0.01),
    ],
)
def test_multistep_is_multisteplr(milestones: list[int], factor: float) -> None:
    plan = calando.multistep(milestones=milestones, factor=factor)
    assert_parity(plan, lambda o: peers.MultiStepLR(o, milestones, gamma=factor), lr=0.1)


@pytest.mark.parametrize(
    ("factor", "steps"),
    [(1 / 3, 5), (0.5, 1), (0.1, 10), (0.25, 59), (0.9, 30), (1.0, 7), (0.01, 2), (0.75, 20), (1e-3, 33), (0.2, 60)],
)
def test_constant_then_constant_is_constantlr(factor: float, steps: int) -> None:
    plan = calando.constant(factor, length=steps) | calando.constant(1.0)
    make = lambda o: peers.ConstantLR(o, factor=factor, total_iters=steps)  # noqa: E731
    if steps == STEPS:  # the run ends where the plan would step up; ours never rises again past the end
        assert seen(make, STEPS + 1)[STEPS] == pytest.approx(1.0)
        assert [plan.bind(STEPS)(t) for t in range(STEPS)] == pytest.approx(seen(make, STEPS))
        return
    assert_parity(plan, make, lr=0.02)


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (1 / 3, 1.0, 5),
        (0.1, 1.0, 10),
        (1e-4, 1.0, 20),
        (1.0, 0.1, 30),
        (1.0, 0.0, 60),
        (0.5, 0.25, 7),
        (0.25, 0.5, 1),
        (1.0, 1.0, 9),
        (0.01, 0.99, 59),
        (1.0, 0.5, 60),
    ],
)
def test_linear_decay_is_linearlr(start: float, end: float, steps: int) -> None:
    plan = calando.linear_decay(start=start, end=end, length=steps)
    assert_parity(plan, lambda o: peers.LinearLR(o, start_factor=start, end_factor=end, total_iters=steps), lr=0.7)


@pytest.mark.parametrize("factor", [0.5, 0.9, 0.95, 0.99, 0.999, 1.0, 0.1, 0.75, 0.3, 1.01])
def test_exponential_decay_is_exponentiallr(factor: float) -> None:
    plan = calando.exponential_decay(factor=factor)
    assert_parity(plan, lambda o: peers.ExponentialLR(o, gamma=factor), lr=1e-3)


@pytest.mark.parametrize(
    ("steps", "power"),
    [(5, 1.0), (60, 1.0), (60, 2.0), (30, 0.5), (59, 3.0), (10, 0.9), (1, 1.0), (40, 1.5), (60, 0.1), (25, 4.0)],
)
def test_polynomial_decay_is_polynomiallr(steps: int, power: float) -> None:
    plan = calando.polynomial_decay(power=power, length=steps)
    assert_parity(plan, lambda o: peers.PolynomialLR(o, total_iters=steps, power=power), lr=0.05)


@pytest.mark.parametrize(
    ("steps", "floor"),
    [(60, 0.0), (60, 0.1), (10, 0.0), (1, 0.0), (33, 0.05), (59, 0.3), (2, 0.01), (45, 0.0), (60, 0.299), (7, 1e-6)],
)
def test_cosine_is_cosineannealinglr_up_to_its_end(steps: int, floor: float) -> None:
    lr = 0.3
    plan = calando.cosine(end=floor / lr)
    assert_parity(plan, lambda o: peers.CosineAnnealingLR(o, T_max=steps, eta_min=floor), lr, horizon=steps)


@pytest.mark.parametrize(
    ("first", "growth", "floor"),
    [(10, 1, 0.0), (10, 2, 0.0), (1, 2, 0.0), (7, 3, 0.1), (60, 1, 0.0), (5, 1, 0.02), (3, 2, 1e-4), (20, 2, 0.0),
     (4, 4, 0.05), (13, 1, 0.01)],
)  # fmt: skip
def test_warm_restarts_are_cosineannealingwarmrestarts(first: int, growth: int, floor: float) -> None:
    lr = 0.5
    plan = calando.warm_restarts(first=first, growth=growth, end=floor / lr)
    make = lambda o: peers.CosineAnnealingWarmRestarts(o, T_0=first, T_mult=growth, eta_min=floor)  # noqa: E731
    theirs, schedule = seen(make, STEPS, lr), plan.bind(STEPS)
    assert [lr * schedule(t) for t in range(STEPS)] == pytest.approx(theirs, rel=CLOSE, abs=1e-15)


CYCLES = [
    (0.1, 1.0, 10, None),
    (0.01, 0.1, 4, 16),
    (0.2, 0.4, 1, 1),
    (0.001, 0.006, 30, None),
    (0.1, 0.3, 7, 3),
    (0.05, 0.5, 59, None),
    (0.3, 0.9, 2, 28),
    (1e-5, 1.0, 20, 10),
    (0.5, 1.0, 15, 15),
    (0.1, 0.2, 25, 5),
]


def _cyclical(low: float, high: float, up: int, down: int | None, mode: str) -> tuple[Plan, Callable[[Any], Any]]:
    gamma = 0.97 if mode == "exp_range" else None
    plan = calando.cyclical(low=low / high, half=up, down=down, mode=mode, gamma=gamma)
    return plan.with_momentum(low=0.8, high=0.9), lambda o: peers.CyclicLR(
        o, low, high, step_size_up=up, step_size_down=down, mode=mode, gamma=gamma or 1.0
    )


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
@pytest.mark.parametrize(("low", "high", "up", "down"), CYCLES)
def test_cyclical_is_cycliclr_with_its_momentum(low: float, high: float, up: int, down: int | None, mode: str) -> None:
    plan, make = _cyclical(low, high, up, down, mode)
    schedule = plan.bind(STEPS)
    lrs = seen(make, STEPS, lr=low, momentum=0.9)
    momenta = seen(make, STEPS, lr=low, momentum=0.9, what="momentum")
    assert [high * schedule(t) for t in range(STEPS)] == pytest.approx(lrs, rel=1e-10)
    assert [schedule.at(t)["momentum"] for t in range(STEPS)] == pytest.approx(momenta, rel=1e-10)


ONE_CYCLES = [
    (60, 0.3, 25.0, 1e4),
    (60, 0.25, 25.0, 1e4),
    (50, 0.1, 10.0, 100.0),
    (40, 0.5, 25.0, 1e4),
    (20, 0.45, 4.0, 10.0),
    (100, 0.3, 25.0, 1e5),
    (100, 0.02, 2.0, 1e4),
    (80, 0.05, 25.0, 1.0),
    (30, 0.2, 1.5, 50.0),
    (10, 0.4, 25.0, 1e4),
]
"""total_steps and pct_start whose product is whole: only then does torch reach its own peak."""


@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize("phases", [2, 3])
@pytest.mark.parametrize(("total", "share", "div", "final"), ONE_CYCLES)
def test_one_cycle_is_onecyclelr_where_its_phases_are_whole(
    total: int, share: float, div: float, final: float, phases: int, anneal: str
) -> None:
    up = round(share * total) - 1
    if phases == 3 and 2 * up >= total - 1:
        share, up = 0.2, round(0.2 * total) - 1
    plan = calando.one_cycle(
        peak_at=up, start=1 / div, end=1 / div / final, phases=phases, anneal=anneal, length=total - 1
    ).with_momentum(low=0.85, high=0.95)
    schedule, highest = plan.bind(total), 0.6

    def make(o: Any) -> Any:
        return peers.OneCycleLR(
            o,
            highest,
            total_steps=total,
            pct_start=share,
            anneal_strategy="cos" if anneal == "cosine" else "linear",
            div_factor=div,
            final_div_factor=final,
            three_phase=phases == 3,
        )

    lrs = seen(make, total, momentum=0.9)
    momenta = seen(make, total, momentum=0.9, what="momentum")
    assert [highest * schedule(t) for t in range(total)] == pytest.approx(lrs, rel=1e-10)
    assert [schedule.at(t)["momentum"] for t in range(total)] == pytest.approx(momenta, rel=1e-10)


@pytest.mark.parametrize(
    ("target", "steps", "strategy"),
    [
        (0.05, 10, "cos"),
        (0.05, 10, "linear"),
        (0.5, 20, "cos"),
        (0.5, 20, "linear"),
        (0.0, 7, "cos"),
        (0.0, 7, "linear"),
        (0.2, 1, "linear"),
        (0.1, 33, "cos"),
        (1e-4, 59, "cos"),
        (0.19, 40, "linear"),
    ],
)
def test_cosine_and_linear_decay_are_swalr(target: float, steps: int, strategy: str) -> None:
    lr = 0.2
    shape = calando.cosine if strategy == "cos" else calando.linear_decay
    plan = shape(end=target / lr, length=steps)
    schedule = plan.bind(STEPS)
    theirs = seen(lambda o: SWALR(o, target, steps, strategy), STEPS, lr)
    # torch divides by what is left to recover the first LR, which costs it digits close to the end
    assert [lr * schedule(t) for t in range(STEPS)] == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_every_class_of_torch_is_compared_somewhere() -> None:
    here = {
        "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR",
        "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "SequentialLR", "ChainedScheduler", "LambdaLR",
        "MultiplicativeLR",
    }  # fmt: skip
    elsewhere = {"ReduceLROnPlateau": "test_plateau", "LRScheduler": "the base class"}
    assert set(peers.__all__) == here | elsewhere.keys()
