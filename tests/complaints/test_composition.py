"""Complaints about putting schedules together: one after the other, one times the other, one over the other."""

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.sides import Make, used_by
from tests.torch.helpers import optimizer_of, rates, update


def attached(text: str, horizon: int) -> Make:
    schedule = calando.parse(text).bind(horizon)
    return lambda optimizer: attach(optimizer, schedule)


def test_pytorch_129565_a_chain_with_warm_restarts_ignores_the_other() -> None:
    def theirs(optimizer: Any) -> Any:
        return peers.ChainedScheduler(
            [peers.MultiStepLR(optimizer, [5]), peers.CosineAnnealingWarmRestarts(optimizer, 4)]
        )

    def check(both: Make) -> None:
        alone = used_by(lambda o: peers.CosineAnnealingWarmRestarts(o, 4), 10)
        wanted = [rate * (1.0 if t < 5 else 0.1) for t, rate in enumerate(alone)]
        assert used_by(both, 10) == pytest.approx(wanted), "the milestone left no trace"

    ours = attached("product(multistep(milestones=[5]), warm_restarts(first=4))", 12)
    told_apart(check, living=theirs, ours=ours, because="left no trace")


def test_pytorch_82859_78917_a_lambda_erases_what_it_is_chained_with() -> None:
    def theirs(losses: list[float]) -> list[float]:
        optimizer = optimizer_of(1.0)
        plateau = peers.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        scale = peers.LambdaLR(optimizer, lambda t: 0.9**t)
        used = []
        for loss in losses:
            used.append(rates(optimizer)[0])
            update(optimizer)
            plateau.step(loss)
            scale.step()
        return used

    def ours(losses: list[float]) -> list[float]:
        plan = calando.reduce_on_plateau(calando.exponential_decay(factor=0.9), patience=0, factor=0.5)
        optimizer = optimizer_of(1.0)
        scheduler = attach(optimizer, plan.bind(10))
        used = []
        for loss in losses:
            used.append(rates(optimizer)[0])
            update(optimizer)
            scheduler.step()
            scheduler.step(loss)
        return used

    def check(run: Callable[[list[float]], list[float]]) -> None:
        wanted = [1.0, 0.9, 0.9**2 * 0.5, 0.9**3 * 0.25]  # the first loss is the best, each further one is bad
        assert run([1.0] * 4) == pytest.approx(wanted), "the reductions are gone"

    told_apart(check, living=theirs, ours=ours, because="the reductions are gone")


def test_pytorch_68978_lightning_10759_transformers_29417_a_warm_up_and_then_a_plateau() -> None:
    def theirs(optimizer: Any) -> Any:
        plateau: Any = peers.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        return peers.SequentialLR(optimizer, [peers.LinearLR(optimizer, 0.2, total_iters=4), plateau], [4])

    def ours(optimizer: Any) -> Any:
        plan = calando.reduce_on_plateau(calando.parse("warmup(4, start=0.2) | constant()"), patience=0, factor=0.5)
        return attach(optimizer, plan.bind(20))

    def check(make: Make) -> None:
        optimizer = optimizer_of(1.0)
        scheduler = make(optimizer)
        used = []
        for step in range(8):
            used.append(rates(optimizer)[0])
            update(optimizer)
            scheduler.step()
            if step == 4 or step == 6:
                scheduler.step(1.0)
        assert used == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 0.5])

    told_apart(check, living=theirs, ours=ours, because="does not support `ReduceLROnPlateau`", fails=ValueError)


def test_pytorch_180594_a_cosine_that_multiplies_another_schedule() -> None:
    def theirs(optimizer: Any) -> Any:
        return peers.ChainedScheduler(
            [peers.StepLR(optimizer, 4, 0.5), peers.CosineAnnealingLR(optimizer, 12, eta_min=0.1)]
        )

    def check(both: Make) -> None:
        cosine = used_by(lambda o: peers.CosineAnnealingLR(o, 12, eta_min=0.1), 12)
        wanted = [rate * 0.5 ** (t // 4) for t, rate in enumerate(cosine)]
        assert used_by(both, 12) == pytest.approx(wanted), "that is no product"

    ours = attached("product(step_decay(every=4, factor=0.5), cosine(end=0.1))", 12)
    told_apart(check, living=theirs, ours=ours, because="that is no product")


def test_pytorch_195009_restarts_whose_peaks_decay() -> None:
    def theirs(optimizer: Any) -> Any:
        return peers.ChainedScheduler(
            [peers.CosineAnnealingWarmRestarts(optimizer, 4), peers.StepLR(optimizer, 4, 0.5)]
        )

    def check(make: Make) -> None:
        used = used_by(make, 12)
        assert [used[0], used[4], used[8]] == pytest.approx([1.0, 0.5, 0.25]), "the third peak is as high as the second"
        assert used[6] == pytest.approx(0.25)

    ours = attached("warm_restarts(first=4, peak_decay=0.5)", 12)
    told_apart(check, living=theirs, ours=ours, because="as high as the second")


def test_pytorch_80308_a_warm_up_once_and_then_decaying_restarts() -> None:
    def theirs(optimizer: Any) -> Any:
        restarts: Any = peers.ChainedScheduler(
            [peers.CosineAnnealingWarmRestarts(optimizer, 4), peers.StepLR(optimizer, 4, 0.5)]
        )
        return peers.SequentialLR(optimizer, [peers.LinearLR(optimizer, 0.1, total_iters=3), restarts], [3])

    def check(make: Make) -> None:
        used = used_by(make, 12)
        assert used[:3] == pytest.approx([0.1, 0.4, 0.7])
        assert [used[3], used[5], used[7], used[11]] == pytest.approx([1.0, 0.5, 0.5, 0.25])

    ours = attached("warmup(3, start=0.1) | warm_restarts(first=4, peak_decay=0.5)", 15)
    told_apart(check, living=theirs, ours=ours, because="^$", fails=NotImplementedError)
