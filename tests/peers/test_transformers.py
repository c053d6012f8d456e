"""Every name of transformers.get_scheduler: 20 random settings each, equal to the living one at all of 200 steps."""

from random import Random
from typing import Any

import pytest
import torch
from transformers import SchedulerType, get_scheduler
from transformers.optimization import GreedyLR

import calando
from calando.errors import BadName, BadValue, Unconvertible
from calando.peers import from_transformers
from tests.peers.stepping import RATES, STEPS, optimizer, stepped, worst

SETTINGS = 20
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of", "ignore:Both num_training_steps")


def _wsd(c: Random) -> dict[str, Any]:
    return {
        "num_decay_steps": c.randint(0, 90),
        "warmup_type": c.choice(("linear", "cosine", "1-sqrt")),
        "decay_type": c.choice(("linear", "cosine", "1-sqrt")),
        "min_lr_ratio": c.choice((0.0, c.random())),
        "num_cycles": c.choice((0.5, 0.5, 1.5)),
        "num_stable_steps": c.choice((None, c.randint(0, 90))),
    }


SPECIFIC: dict[str, Any] = {
    "linear": lambda c: {},
    "cosine": lambda c: {"num_cycles": c.choice((0.5, 1.0, c.uniform(0.1, 4)))},
    "cosine_with_restarts": lambda c: {"num_cycles": c.choice((1, 2, 3, 7, c.uniform(0.5, 6)))},
    "polynomial": lambda c: {"lr_end": c.choice((1e-7, 0.01)), "power": c.choice((1.0, 2.0, c.uniform(0.3, 4), 0.0))},
    "constant": lambda c: {},
    "constant_with_warmup": lambda c: {},
    "inverse_sqrt": lambda c: {"timescale": c.choice((None, c.randint(1, 500)))},
    "cosine_with_min_lr": lambda c: {
        "num_cycles": c.choice((0.5, c.uniform(0.1, 3))), **c.choice(({"min_lr": 0.01}, {"min_lr_rate": c.random()}))
    },
    "cosine_warmup_with_min_lr": lambda c: {
        "num_cycles": c.choice((0.5, c.uniform(0.1, 3))), **c.choice(({"min_lr": 0.01}, {"min_lr_rate": c.random()})),
        "warmup_lr_rate": c.choice((None, c.random())),
    },
    "warmup_stable_decay": _wsd,
}  # fmt: skip


def drawn(name: str, chance: Random) -> tuple[int, int, dict[str, Any]]:
    warm = chance.choice((0, 1, chance.randint(2, 60)))
    return warm, max(STEPS, warm + 1) + chance.randint(-60, 60), SPECIFIC[name](chance)


def living(name: str, warm: int, total: int, specific: dict[str, Any]) -> tuple[torch.optim.Optimizer, Any]:
    driven = optimizer()
    return driven, get_scheduler(name, driven, warm, total, scheduler_specific_kwargs=specific)


def test_there_are_settings_for_every_name() -> None:
    assert {str(kind.value) for kind in SchedulerType} == {*SPECIFIC, "reduce_lr_on_plateau", "greedy"}


@pytest.mark.parametrize("name", SPECIFIC)
def test_twenty_random_settings_equal_the_living_schedule_by_name_and_as_an_object(name: str) -> None:
    chance = Random(name)
    for _ in range(SETTINGS):
        warm, total, specific = drawn(name, chance)
        driven, scheduler = living(name, warm, total, specific)
        asked = {"num_warmup_steps": warm, "num_training_steps": total, **specific}
        by_name, by_object = from_transformers(name, lr=RATES, **asked), from_transformers(scheduler)
        assert by_name.plans == by_object.plans, asked
        assert by_name.bases == by_object.bases
        rates, momenta = stepped(driven, scheduler, max(total, STEPS))
        inside = min(len(rates), by_object.horizon or len(rates))
        assert worst(by_object, rates[:inside], momenta[:inside]) <= 1.0, asked
        from_transformers(name, lr=RATES, quirks=False, **asked)


@pytest.mark.parametrize("name", list(SPECIFIC))
def test_past_its_end_it_differs_only_where_it_says_so(name: str) -> None:
    driven, scheduler = living(name, 10, 100, SPECIFIC[name](Random(3)))
    converted = from_transformers(scheduler)
    rates, _ = stepped(driven, scheduler, STEPS)
    for g, schedule in enumerate(converted.schedules(converted.horizon or STEPS)):
        same = all(
            converted.bases[g] * schedule(t) == pytest.approx(rates[t][g], rel=1e-9, abs=1e-12) for t in range(STEPS)
        )
        assert same or any("past step" in told for told in converted.differences), name


def test_the_usual_ones_become_the_usual_plans() -> None:
    asked = {"num_warmup_steps": 10, "num_training_steps": 100}
    warm, end = calando.warmup(10), calando.constant(0)
    assert from_transformers("linear", **asked).plan == warm | calando.linear_decay(length=90) | end
    assert from_transformers("cosine", quirks=False, **asked).plan == warm | calando.cosine(length=90) | end
    assert from_transformers("inverse_sqrt", num_warmup_steps=10).plan == calando.inverse_sqrt(warmup=10)
    assert from_transformers(SchedulerType.LINEAR, **asked) == from_transformers("linear", **asked)


def test_a_restart_that_transformers_rounds_away_is_kept_and_told() -> None:
    found = []
    for span in (98, 147, 196, 245):
        driven, scheduler = living("cosine_with_restarts", 0, span, {"num_cycles": 49})
        converted = from_transformers(scheduler)
        assert worst(converted, *stepped(driven, scheduler, span)) <= 1.0, span
        clean = from_transformers("cosine_with_restarts", num_training_steps=span, num_cycles=49, quirks=False)
        found += [told for told in clean.differences if "rounds its clock" in told]
    assert found
    assert all("first at step" in told for told in found)


def test_what_starts_a_step_early_is_told_without_quirks() -> None:
    asked = {"num_warmup_steps": 10, "num_training_steps": 100, "min_lr_rate": 0.1}
    converted = from_transformers("cosine_warmup_with_min_lr", quirks=False, **asked)
    assert converted.plan == calando.parse("warmup(10) | cosine(end=0.1, length=90) | constant(0.1)")
    assert any("num_warmup_steps - 1" in told and "first at step 0" in told for told in converted.differences)


def test_a_decay_that_begins_in_the_warm_up_is_told_without_quirks() -> None:
    asked = {"num_warmup_steps": 60, "num_decay_steps": 80, "num_training_steps": 100}
    converted = from_transformers("warmup_stable_decay", quirks=False, **asked)
    assert any("overlap" in told and "first at step 60" in told for told in converted.differences)
    assert not from_transformers("warmup_stable_decay", **asked).differences


def test_plateau_by_name_is_the_one_of_the_living_scheduler() -> None:
    driven = optimizer()
    specific = {"factor": 0.5, "patience": 3, "min_lr": 0.001, "mode": "max"}
    scheduler = get_scheduler("reduce_lr_on_plateau", driven, scheduler_specific_kwargs=specific)
    assert from_transformers("reduce_lr_on_plateau", lr=RATES, **specific) == from_transformers(scheduler)


def test_greedy_is_refused_by_name_and_as_an_object() -> None:
    for greedy in ("greedy", SchedulerType.GREEDY, GreedyLR(optimizer())):
        with pytest.raises(Unconvertible, match="raises and lowers"):
            from_transformers(greedy)


def test_a_decay_without_a_step_is_refused_as_transformers_divides_by_zero() -> None:
    with pytest.raises(Unconvertible, match="over 0 steps"):
        from_transformers("polynomial", num_warmup_steps=100, num_training_steps=100)


def test_wrong_names_and_missing_arguments_are_told() -> None:
    with pytest.raises(BadName, match="did you mean 'cosine'"):
        from_transformers("cosin", num_training_steps=10)
    with pytest.raises(BadName, match="did you mean 'num_cycles'"):
        from_transformers("cosine", num_training_steps=10, num_cycle=1)
    with pytest.raises(BadName, match="per='week'"):
        from_transformers("linear", num_training_steps=10, per="week")
    for name, missing in (
        ("linear", {}),
        ("warmup_stable_decay", {}),
        ("cosine_with_min_lr", {"num_training_steps": 9}),
    ):
        with pytest.raises(BadValue):
            from_transformers(name, **missing)
    with pytest.raises(Unconvertible, match="not transformers' own"):
        from_transformers(torch.optim.lr_scheduler.LambdaLR(optimizer(), lambda t: 1.0))
    with pytest.raises(BadValue, match="below lr"):
        from_transformers("polynomial", lr=1e-8, num_training_steps=10)


def test_it_is_reached_from_the_root_and_from_the_peers() -> None:
    assert calando.from_transformers is from_transformers
