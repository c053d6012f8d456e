"""Torch's composing classes and their functions: SequentialLR, ChainedScheduler, LambdaLR, MultiplicativeLR.

Ten settings each, every step.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers

import calando
from calando import Plan
from tests.core.peers import STEPS, assert_parity

SEQUENCES: list[tuple[Plan, list[int], Callable[[Any], list[Any]]]] = [
    (
        calando.linear_decay(start=0.1, end=1, length=5) | calando.cosine(),
        [5],
        lambda o: [peers.LinearLR(o, 0.1, 1.0, 5), peers.CosineAnnealingLR(o, STEPS - 5)],
    ),
    (
        calando.linear_decay(start=0.01, end=1, length=20) | calando.linear_decay(),
        [20],
        lambda o: [peers.LinearLR(o, 0.01, 1.0, 20), peers.LinearLR(o, 1.0, 0.0, STEPS - 20)],
    ),
    (
        calando.constant(0.5, length=10) | calando.exponential_decay(factor=0.9),
        [10],
        lambda o: [peers.ConstantLR(o, 0.5, 100), peers.ExponentialLR(o, 0.9)],
    ),
    (
        calando.linear_decay(start=0.2, end=1, length=10) | calando.step_decay(every=7, factor=0.5),
        [10],
        lambda o: [peers.LinearLR(o, 0.2, 1.0, 10), peers.StepLR(o, 7, 0.5)],
    ),
    (
        calando.linear_decay(start=0.2, end=1, length=10) | calando.multistep(milestones=[10, 30], factor=0.1),
        [10],
        lambda o: [peers.LinearLR(o, 0.2, 1.0, 10), peers.MultiStepLR(o, [10, 30], 0.1)],
    ),
    (
        calando.linear_decay(start=0.5, end=1, length=4) | calando.polynomial_decay(power=2),
        [4],
        lambda o: [peers.LinearLR(o, 0.5, 1.0, 4), peers.PolynomialLR(o, STEPS - 4, 2.0)],
    ),
    (
        calando.constant(0.1, length=6) | calando.warm_restarts(first=9, growth=2),
        [6],
        lambda o: [peers.ConstantLR(o, 0.1, 100), peers.CosineAnnealingWarmRestarts(o, 9, 2)],
    ),
    (
        calando.linear_decay(start=0.1, end=1, length=10)
        | calando.constant(length=30)
        | calando.linear_decay(start=1, end=0),
        [10, 40],
        lambda o: [
            peers.LinearLR(o, 0.1, 1.0, 10),
            peers.ConstantLR(o, 1.0, 100),
            peers.LinearLR(o, 1.0, 0.0, STEPS - 40),
        ],
    ),
    (
        calando.exponential_decay(factor=0.8, length=15) | calando.cosine(end=0.25),
        [15],
        lambda o: [peers.ExponentialLR(o, 0.8), peers.CosineAnnealingLR(o, STEPS - 15, eta_min=0.25 * 0.4)],
    ),
    (
        calando.cosine(length=20) | calando.cosine(length=20) | calando.cosine(),
        [20, 40],
        lambda o: [peers.CosineAnnealingLR(o, 20), peers.CosineAnnealingLR(o, 20), peers.CosineAnnealingLR(o, 20)],
    ),
]


@pytest.mark.parametrize(("plan", "milestones", "parts"), SEQUENCES)
def test_then_is_sequentiallr(plan: Plan, milestones: list[int], parts: Callable[[Any], list[Any]]) -> None:
    assert_parity(plan, lambda o: peers.SequentialLR(o, parts(o), milestones), lr=0.4)


CHAINS: list[tuple[Plan, Callable[[Any], list[Any]]]] = [
    (
        calando.linear_decay(start=0.1, end=1, length=10) * calando.exponential_decay(factor=0.9),
        lambda o: [peers.LinearLR(o, 0.1, 1.0, 10), peers.ExponentialLR(o, 0.9)],
    ),
    (
        calando.step_decay(every=10, factor=0.5) * calando.exponential_decay(factor=0.99),
        lambda o: [peers.StepLR(o, 10, 0.5), peers.ExponentialLR(o, 0.99)],
    ),
    (
        calando.multistep(milestones=[20, 40]) * calando.linear_decay(start=0.25, end=1, length=8),
        lambda o: [peers.MultiStepLR(o, [20, 40]), peers.LinearLR(o, 0.25, 1.0, 8)],
    ),
    (
        (calando.constant(0.1, length=5) | calando.constant()) * calando.exponential_decay(factor=0.9),
        lambda o: [peers.ConstantLR(o, 0.1, 5), peers.ExponentialLR(o, 0.9)],
    ),
    (
        calando.polynomial_decay(power=2, length=80) * calando.step_decay(every=25, factor=0.3),
        lambda o: [peers.PolynomialLR(o, 80, 2.0), peers.StepLR(o, 25, 0.3)],
    ),
    (
        calando.exponential_decay(factor=0.9) * calando.exponential_decay(factor=0.95),
        lambda o: [peers.ExponentialLR(o, 0.9), peers.ExponentialLR(o, 0.95)],
    ),
    (
        calando.product(
            calando.linear_decay(start=0.5, end=1, length=4),
            calando.step_decay(every=15, factor=0.5),
            calando.exponential_decay(factor=0.98),
        ),
        lambda o: [peers.LinearLR(o, 0.5, 1.0, 4), peers.StepLR(o, 15, 0.5), peers.ExponentialLR(o, 0.98)],
    ),
    (
        calando.cosine(length=80) * calando.step_decay(every=20, factor=0.5),
        lambda o: [peers.CosineAnnealingLR(o, 80), peers.StepLR(o, 20, 0.5)],
    ),
    (
        calando.linear_decay(start=1, end=0.1, length=50) * calando.multistep(milestones=[30], factor=0.5),
        lambda o: [peers.LinearLR(o, 1.0, 0.1, 50), peers.MultiStepLR(o, [30], 0.5)],
    ),
    (
        calando.step_decay(every=7, factor=0.9) * calando.step_decay(every=11, factor=0.8),
        lambda o: [peers.StepLR(o, 7, 0.9), peers.StepLR(o, 11, 0.8)],
    ),
]


@pytest.mark.parametrize(("plan", "parts"), CHAINS)
def test_product_is_chainedscheduler_of_recursive_classes(plan: Plan, parts: Callable[[Any], list[Any]]) -> None:
    assert_parity(plan, lambda o: peers.ChainedScheduler(parts(o), o), lr=0.2, horizon=80)


LAMBDAS: list[Callable[[int], float]] = [
    lambda t: 0.95**t,
    lambda t: 1.0,
    lambda t: t // 30,
    lambda t: 1 / (1 + t),
    lambda t: min(1.0, t / 10),
    lambda t: 0.5 * (1 + math.cos(math.pi * t / 60)),
    lambda t: 1 / math.sqrt(max(t, 1)),
    lambda t: 0.1 if t > 20 else 1.0,
    lambda t: (t % 7) / 7,
    lambda t: 0.65 ** (t // 8),
]


@pytest.mark.parametrize("call", LAMBDAS)
def test_function_is_lambdalr(call: Callable[[int], float]) -> None:
    assert_parity(calando.function(call), lambda o: peers.LambdaLR(o, call), lr=0.01)


MULTIPLIERS: list[tuple[Plan, Callable[[int], float]]] = [
    (calando.exponential_decay(factor=0.95), lambda t: 0.95),
    (calando.exponential_decay(factor=0.5), lambda t: 0.5),
    (calando.constant(), lambda t: 1.0),
    (calando.step_decay(every=10, factor=0.5), lambda t: 0.5 if t % 10 == 0 else 1.0),
    (calando.step_decay(every=3, factor=0.9), lambda t: 0.9 if t % 3 == 0 else 1.0),
    (calando.multistep(milestones=[20, 40]), lambda t: 0.1 if t in (20, 40) else 1.0),
    (calando.multistep(milestones=[1], factor=0.25), lambda t: 0.25 if t == 1 else 1.0),
    (calando.linear_decay(), lambda t: max(0, STEPS - t) / max(1, STEPS - t + 1)),
    (calando.inverse_time(rate=1.0), lambda t: t / (t + 1)),
    (calando.inverse_sqrt(timescale=1), lambda t: math.sqrt(t / (t + 1))),
]


@pytest.mark.parametrize(("plan", "multiplier"), MULTIPLIERS)
def test_closed_forms_are_multiplicativelr_of_their_ratios(plan: Plan, multiplier: Callable[[int], float]) -> None:
    assert_parity(plan, lambda o: peers.MultiplicativeLR(o, multiplier), lr=0.3)
