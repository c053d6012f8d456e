"""Complaints about states that cannot be loaded, and about parameter groups."""

import collections
import io
import json
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim import lr_scheduler as peers

import calando
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.sides import Make, used_by
from tests.torch.helpers import PLANS, bound, optimizer_of, rates, update

State = Callable[[], dict[str, Any]]


class OldCycle:
    """What the states of OneCycleLR and CyclicLR referred to: a method of the scheduler, which has the optimizer."""

    def __init__(self) -> None:
        self.optimizer = optimizer_of(1.0)

    def scale(self, x: float) -> float:
        return x


class Unlisted(collections.Counter[int]):
    """What a Counter was to weights_only: a class that it does not know."""


def every_state_of_ours() -> dict[str, Any]:
    return {name: attach(optimizer_of(1.0, momentum=0.9), bound(text)).state_dict() for name, text in PLANS.items()}


def loaded(state: dict[str, Any]) -> Any:
    """A state after a trip to a file and back, safely; a RuntimeError where it does not come back."""
    file = io.BytesIO()
    try:
        torch.save(state, file)
        file.seek(0)
        return torch.load(file, weights_only=True)
    except Exception as error:
        raise AssertionError(f"does not come back: {error}") from error


@pytest.mark.parametrize(
    ("issue", "kept"),
    [
        ("pytorch#163105", {"lr_lambdas": [used_by]}),
        ("pytorch#88684", {"_scale_fn_ref": weakref.WeakMethod(OldCycle().scale)}),
        ("pytorch#90414", {"_scale_fn_ref": weakref.WeakMethod(OldCycle().scale), "last_epoch": 3}),
        ("pytorch#94450", {"anneal_func": OldCycle().scale}),
    ],
)
def test_pytorch_163105_88684_90414_94450_states_hold_what_cannot_be_loaded(issue: str, kept: Any) -> None:
    def check(state: State) -> None:
        assert loaded(state()) == state(), "comes back as another"

    told_apart(check, old=lambda: {"last_epoch": 3, **kept}, ours=every_state_of_ours, because="does not come back")


def test_pytorch_98921_a_state_with_a_counter_does_not_load_safely() -> None:
    def plain(value: Any) -> bool:
        if type(value) is dict:
            return all(type(key) is str and plain(inside) for key, inside in value.items())
        if type(value) in (list, tuple):
            return all(map(plain, value))
        return value is None or type(value) in (int, float, str, bool)

    def check(state: State) -> None:
        assert loaded(state()) == state(), "comes back as another"
        assert plain(state()), "more than numbers, texts, lists and dicts"
        assert json.loads(json.dumps(state())) == state()

    told_apart(
        check,
        old=lambda: {"milestones": Unlisted([3, 6]), "last_epoch": 3},
        ours=every_state_of_ours,
        because="(?s)does not come back: .*Unlisted",
    )


JOIN = {
    "pytorch#79888": (lambda o: peers.CosineAnnealingWarmRestarts(o, 10), "zip", ValueError),
    "pytorch#53712": (
        lambda o: peers.CyclicLR(o, 0.1, 1.0, step_size_up=5, cycle_momentum=False),
        "zip",
        ValueError,
    ),
    "pytorch#62475": (lambda o: peers.OneCycleLR(o, 1.0, total_steps=10, cycle_momentum=False), "max_lr", KeyError),
}


@pytest.mark.parametrize("issue", JOIN)
def test_pytorch_79888_53712_62475_a_group_that_joins_in_the_middle_of_a_run(issue: str) -> None:
    theirs, because, fails = JOIN[issue]

    def check(make: Make) -> None:
        optimizer = optimizer_of(1.0)
        scheduler = make(optimizer)
        for _ in range(5):
            update(optimizer)
            scheduler.step()
        optimizer.add_param_group({"params": [Parameter(torch.ones(2))], "lr": 0.5})
        update(optimizer)
        scheduler.step()
        first, second = rates(optimizer)
        assert second == pytest.approx(first / 2)

    schedule = calando.cosine().bind(10)
    told_apart(check, living=theirs, ours=lambda o: attach(o, schedule), because=because, fails=fails)


def test_pytorch_104361_a_plateau_and_a_group_that_joins() -> None:
    class Old:
        """ReduceLROnPlateau as it was: one least rate for each group that there was at its construction."""

        def __init__(self, optimizer: Any) -> None:
            self.optimizer, self.least, self.best = optimizer, [0.0] * len(optimizer.param_groups), float("inf")

        def step(self, metric: float) -> None:
            if metric >= self.best:
                for i, group in enumerate(self.optimizer.param_groups):
                    group["lr"] = max(group["lr"] * 0.1, self.least[i])
            self.best = min(self.best, metric)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.reduce_on_plateau(calando.constant(), patience=0).bind(10))

    def check(make: Make) -> None:
        optimizer = optimizer_of(1.0)
        scheduler = make(optimizer)
        scheduler.step(1.0)
        optimizer.add_param_group({"params": [Parameter(torch.ones(2))], "lr": 0.5})
        scheduler.step(1.0)
        assert rates(optimizer) == pytest.approx([0.1, 0.05])

    told_apart(check, old=Old, ours=ours, because="list index out of range", fails=IndexError)


def test_katsura_jp_14_one_largest_rate_overrides_those_of_the_groups() -> None:
    def theirs(optimizer: Any) -> Any:
        return peers.OneCycleLR(optimizer, max_lr=1.0, total_steps=10, cycle_momentum=False)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.one_cycle().bind(10), peak=1.0)

    def check(make: Make) -> None:
        optimizer = optimizer_of(0.1, 0.01)
        make(optimizer)
        backbone, head = rates(optimizer)
        assert backbone / head == pytest.approx(10.0), "the groups are all alike"

    told_apart(check, living=theirs, ours=ours, because="the groups are all alike")
