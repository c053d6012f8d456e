"""Momentum, betas, weight decay and whatever else follows the clock of the learning rate."""

from typing import Any

import pytest
import torch
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

from calando.errors import BadName, BadValue
from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of, rates, run, update

CYCLE = bound("bundle(cosine(), momentum=linear_decay(end=0.85, start=0.95))")


PLACES = [(SGD, "momentum"), (RMSprop, "momentum"), (AdamW, "betas"), (Adam, "betas")]


@pytest.mark.parametrize(("kind", "read"), PLACES)
def test_momentum_goes_to_momentum_or_to_the_first_beta(kind: Any, read: str) -> None:
    optimizer = optimizer_of(0.1, kind=kind)
    second = optimizer.param_groups[0].get("betas", (0, None))[1]
    scheduler = attach(optimizer, CYCLE)
    for t in range(50):
        value = CYCLE.at(t)["momentum"]
        group = optimizer.param_groups[0]
        assert group[read] == (value if read == "momentum" else (value, second))
        assert rates(optimizer) == [0.1 * CYCLE(t)]
        scheduler.step()


def test_both_betas_and_the_weight_decay_may_move() -> None:
    schedule = bound("bundle(cosine(), beta1=constant(0.8), beta2=constant(0.99), weight_decay=linear_decay())")
    optimizer = optimizer_of(0.1, kind=AdamW)
    scheduler = attach(optimizer, schedule)
    scheduler.step()
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.99)
    assert optimizer.param_groups[0]["weight_decay"] == schedule.at(1)["weight_decay"]


def test_tensor_betas_are_filled_in_place() -> None:
    betas = (torch.tensor(0.9), torch.tensor(0.999))
    optimizer = optimizer_of(torch.tensor(0.1), kind=AdamW, betas=betas, capturable=False, foreach=False)
    held = optimizer.param_groups[0]["betas"]
    scheduler = attach(optimizer, CYCLE)
    scheduler.step()
    assert optimizer.param_groups[0]["betas"] is held
    assert held[0].item() == pytest.approx(CYCLE.at(1)["momentum"])
    assert held[1].item() == pytest.approx(0.999)


def test_a_setter_gets_what_no_group_holds_and_only_when_it_changes() -> None:
    seen: list[float] = []
    schedule = bound("bundle(constant(), dropout=step_decay(every=2ep, factor=0.5))")
    optimizer = optimizer_of(0.1)
    scheduler = attach(optimizer, schedule, setters={"dropout": seen.append})
    run(optimizer, scheduler, 0, 50)
    assert seen == [0.5**i for i in range(5)] + [schedule.at(50)["dropout"]][: len(seen) - 5]


def test_a_setter_hears_the_value_again_after_a_load() -> None:
    seen: list[float] = []
    schedule = bound("bundle(constant(), dropout=constant(0.3))")
    scheduler = attach(optimizer_of(0.1), schedule, setters={"dropout": seen.append})
    scheduler.load_state_dict(scheduler.state_dict())
    assert seen == [0.3, 0.3]


def test_a_setter_that_fails_leaves_the_optimizer_alone() -> None:
    def broken(value: float) -> None:
        raise RuntimeError("no such layer")

    optimizer = optimizer_of(0.1)
    schedule = bound("bundle(linear_decay(), dropout=constant(0.3))")
    with pytest.raises(RuntimeError, match="no such layer"):
        attach(optimizer, schedule, setters={"dropout": broken}, follow=True)
    update(optimizer)
    attach(optimizer, bound("constant()"))
    assert rates(optimizer) == [0.1]


def test_a_setter_goes_before_the_group() -> None:
    seen: list[float] = []
    optimizer = optimizer_of(0.1, momentum=0.5)
    attach(optimizer, CYCLE, setters={"momentum": seen.append})
    assert seen == [0.95]
    assert optimizer.param_groups[0]["momentum"] == 0.5


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Adagrad, "bundle(cosine(), momentum=constant(0.9))", "no such number"),
        (SGD, "bundle(cosine(), beta2=constant(0.9))", "no such number"),
        (AdamW, "bundle(cosine(), betas=constant(0.9))", "use beta1 and beta2"),
        (AdamW, "bundle(cosine(), weight_decy=constant(0.9))", "did you mean 'weight_decay'"),
        (SGD, "bundle(cosine(), dropout=constant(0.9))", "setters={'dropout': function}"),
        (SGD, "bundle(cosine(), nesterov=constant(1))", "no such number"),
    ],
)
def test_a_quantity_that_the_optimizer_lacks_is_refused_early(kind: Any, text: str, words: str) -> None:
    with pytest.raises(BadName) as caught:
        attach(optimizer_of(0.1, kind=kind), bound(text))
    assert words in str(caught.value)


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("betas", [("a", None), (0.9, None), ("a", 0.99), (True, 0.99), 0.9])
def test_betas_that_are_no_numbers_are_refused(betas: Any, tensors: bool) -> None:
    optimizer = optimizer_of(0.1, kind=AdamW)
    optimizer.param_groups[0]["betas"] = betas
    with pytest.raises(BadName, match="has no such number"):
        attach(optimizer, bound("bundle(cosine(), momentum=0.5)"), tensors=tensors)
    assert optimizer.param_groups[0]["betas"] is betas


def test_a_momentum_in_a_tensor_of_whole_numbers_is_refused() -> None:
    optimizer = optimizer_of(0.1, momentum=0.9)
    optimizer.param_groups[0]["momentum"] = torch.tensor(1)
    with pytest.raises(BadValue, match="would round every value"):
        attach(optimizer, bound("bundle(cosine(), momentum=0.5)"))


def test_an_absolute_value_never_erases_what_groups_differ_in() -> None:
    optimizer = AdamW(
        [
            {"params": [torch.nn.Parameter(torch.ones(1))], "weight_decay": 0.1},
            {"params": [torch.nn.Parameter(torch.ones(1))], "weight_decay": 0.0},
        ],
        lr=0.1,
    )
    decay = bound("bundle(cosine(), weight_decay=constant(0.2))")
    with pytest.raises(BadValue, match="would erase the difference"):
        attach(optimizer, decay)
    attach(optimizer, decay, groups={1: bound("cosine()")})
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.2, 0.0]
    assert rates(optimizer) == [0.1, 0.1]


def test_groups_with_schedules_of_their_own_get_their_own_quantities() -> None:
    optimizer = optimizer_of(0.1, 0.1, momentum=0.9)
    other = bound("bundle(constant(), momentum=constant(0.5))")
    scheduler = attach(optimizer, CYCLE, groups={1: other})
    scheduler.step()
    assert [group["momentum"] for group in optimizer.param_groups] == [CYCLE.at(1)["momentum"], 0.5]


def test_two_schedules_cannot_share_a_setter() -> None:
    one, two = (bound(f"bundle(constant(), dropout=constant({x}))") for x in (0.1, 0.2))
    with pytest.raises(BadValue, match="one setter"):
        attach(optimizer_of(0.1, 0.1), one, groups={1: two}, setters={"dropout": print})
