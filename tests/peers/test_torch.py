"""Every class of torch.optim.lr_scheduler: 20 random settings each, equal to the living one at all of 200 steps."""

from random import Random
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as torch_schedulers
from torch.optim.swa_utils import SWALR

import calando
import calando.torch
from calando.errors import BadName, Unconvertible
from calando.peers import from_torch
from tests.peers.stepping import RATES, STEPS, momentum, optimizer, stepped, worst
from tests.peers.torch_settings import MAKERS

SETTINGS = 20
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of", "ignore:The epoch parameter", "ignore:To get the")


def made_on(driven: torch.optim.Optimizer, name: str, settings: dict[str, Any]) -> Any:
    return (SWALR if name == "SWALR" else getattr(torch_schedulers, name))(driven, **settings)


def made(name: str, kind: str = "sgd", **settings: Any) -> tuple[torch.optim.Optimizer, Any]:
    driven = optimizer(kind=kind)
    return driven, made_on(driven, name, settings)


@pytest.mark.parametrize("name", MAKERS)
def test_twenty_random_settings_equal_the_living_scheduler_at_every_step(name: str) -> None:
    chance = Random(name)
    for _ in range(SETTINGS):
        settings = MAKERS[name](chance)
        driven, scheduler = made(name, chance.choice(("sgd", "adamw")), **settings)
        converted = from_torch(scheduler)
        assert worst(converted, *stepped(driven, scheduler, STEPS)) <= 1.0, settings


EDGES: dict[str, tuple[str, dict[str, Any]]] = {
    "half steps up and down": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 2.5}),
    "a base above the maximum": ("CyclicLR", {"base_lr": 1.0, "max_lr": 0.1, "step_size_up": 7}),
    "a peak before the first step": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 300, "pct_start": 0.0}),
    "no way down": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 300, "pct_start": 1.0}),
    "a second phase past the end": (
        "OneCycleLR", {"max_lr": 1.0, "total_steps": 300, "pct_start": 0.7, "three_phase": True}
    ),
    "a half period of one step": ("CosineAnnealingLR", {"T_max": 1}),
    "restarts where torch's own logarithm fails": ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
}  # fmt: skip


@pytest.mark.parametrize("edge", EDGES)
def test_edges_equal_the_living_scheduler(edge: str) -> None:
    name, settings = EDGES[edge]
    driven, scheduler = made(name, **settings)
    assert worst(from_torch(scheduler), *stepped(driven, scheduler, STEPS)) <= 1.0


def test_a_group_whose_rate_is_0_stays_at_0_or_is_refused() -> None:
    frozen = optimizer((0.0, 0.1))
    scheduler = torch_schedulers.CosineAnnealingLR(frozen, 50)
    assert worst(from_torch(scheduler), *stepped(frozen, scheduler, STEPS)) <= 1.0
    with pytest.raises(Unconvertible, match="learning rate is 0"):
        from_torch(torch_schedulers.CosineAnnealingLR(optimizer((0.0, 0.1)), 50, eta_min=0.01))


# --- joined ----------------------------------------------------------------------------------------------------------

APART = (1.0, 1e-7, 3.3)


def _sequence(chance: Random, rates: tuple[float, ...]) -> tuple[torch.optim.Optimizer, Any]:
    driven = optimizer(rates, chance.choice(("sgd", "adamw")))
    names = [chance.choice(list(MAKERS)) for _ in range(chance.randint(1, 4))]
    inner = [made_on(driven, name, MAKERS[name](chance)) for name in names]
    marks = sorted(chance.randint(1, 150) for _ in names[1:])
    return driven, torch_schedulers.SequentialLR(driven, inner, marks)


EXPECTED = ("MultiplicativeLR", "total_iters=0", "where torch raises")


@pytest.mark.parametrize("rates", [RATES, APART], ids=["near", "apart"])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_random_sequences_equal_the_living_one_or_are_refused_by_name(seed: str, rates: tuple[float, ...]) -> None:
    chance, equal, reasons = Random(f"SequentialLR {seed} {rates}"), 0, []
    while equal < SETTINGS:
        try:
            driven, scheduler = _sequence(chance, rates)
            converted = from_torch(scheduler)
        except Unconvertible as error:
            reasons.append(error.given)
            continue
        steps = min(STEPS, converted.horizon or STEPS)
        assert worst(converted, *stepped(driven, scheduler, steps)) <= 1.0, str(converted)
        equal += 1
    assert len(reasons) <= 2 * SETTINGS, reasons
    assert [one for one in reasons if not any(word in one for word in EXPECTED)] == []


LATER = {
    "one cycle": lambda o: torch_schedulers.OneCycleLR(o, max_lr=0.1, total_steps=60, cycle_momentum=False),
    "cycles": lambda o: torch_schedulers.CyclicLR(o, 0.01, 0.1, step_size_up=7, cycle_momentum=False),
}
FIRST = {
    "cosine": lambda o: torch_schedulers.CosineAnnealingLR(o, 20, eta_min=0.01),
    "short cosine": lambda o: torch_schedulers.CosineAnnealingLR(o, 9, eta_min=0.01),
    "cosine between steps": lambda o: torch_schedulers.CosineAnnealingLR(o, 8.5, eta_min=0.01),
    "warm-up": lambda o: torch_schedulers.LinearLR(o, 0.1, total_iters=20),
    "average": lambda o: SWALR(o, swa_lr=0.5, anneal_epochs=12),
}


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("first", FIRST)
def test_the_first_of_a_sequence_begins_at_the_rate_that_a_later_one_wrote_over_its_own(first: str, later: str) -> None:
    driven = optimizer(APART)
    inner = [FIRST[first](driven), LATER[later](driven)]
    scheduler = torch_schedulers.SequentialLR(driven, inner, [30])
    converted = from_torch(scheduler)
    rates, momenta = stepped(driven, scheduler, 14)
    assert from_torch(scheduler).plans == converted.plans
    for found, rest in zip((rates, momenta), stepped(driven, scheduler, 60), strict=True):
        found.extend(rest)
    assert worst(converted, rates, momenta) <= 1.0


def test_a_first_scheduler_whose_rate_was_written_over_by_0_stays_at_0() -> None:
    driven = optimizer((0.1,))
    inner = [torch_schedulers.StepLR(driven, 5), torch_schedulers.OneCycleLR(driven, 0.0, total_steps=60)]
    scheduler = torch_schedulers.SequentialLR(driven, inner, [10])
    assert worst(from_torch(scheduler), *stepped(driven, scheduler, 60)) <= 1.0


def test_a_momentum_that_cannot_be_told_any_more_is_refused_after_the_first_step() -> None:
    driven = optimizer((0.1,))
    inner = [
        torch_schedulers.StepLR(driven, 5),
        torch_schedulers.CyclicLR(driven, 0.01, 0.1, max_momentum=0.7, base_momentum=0.6),
        torch_schedulers.OneCycleLR(driven, 0.1, total_steps=60),
    ]
    scheduler = torch_schedulers.SequentialLR(driven, inner, [10, 20])
    converted = from_torch(scheduler)
    found = stepped(driven, scheduler, 70)
    assert worst(converted, *found) <= 1.0
    with pytest.raises(Unconvertible, match=r"leave the momenta 0\.7, 0\.95"):
        from_torch(scheduler)


MULTIPLY = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "MultiplicativeLR")


def test_random_chains_of_schedulers_that_multiply_equal_the_living_one() -> None:
    chance = Random("ChainedScheduler")
    for _ in range(SETTINGS):
        driven = optimizer()
        names = [chance.choice(MULTIPLY) for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.3:
            names.insert(0, "cosine")
        inner = [
            torch_schedulers.CosineAnnealingLR(driven, STEPS + 50)
            if name == "cosine"
            else made_on(driven, name, MAKERS[name](chance))
            for name in names
        ]
        scheduler = torch_schedulers.ChainedScheduler(inner, driven)
        converted = from_torch(scheduler)
        assert worst(converted, *stepped(driven, scheduler, STEPS)) <= 1.0, str(converted)


def test_a_chain_past_its_cosine_is_not_taken_for_one_that_was_changed_by_hand() -> None:
    driven = optimizer((0.1,))
    inner = [torch_schedulers.CosineAnnealingLR(driven, 9), torch_schedulers.PolynomialLR(driven, 12)]
    scheduler = torch_schedulers.ChainedScheduler(inner, driven)
    fresh = from_torch(scheduler)
    stepped(driven, scheduler, 20)
    assert from_torch(scheduler).plans == fresh.plans


# --- listening to a metric -------------------------------------------------------------------------------------------


def test_random_plateaus_equal_the_living_one_metric_by_metric_negative_ones_too() -> None:
    chance = Random("ReduceLROnPlateau")
    for _ in range(SETTINGS):
        driven = optimizer((0.1, 0.03, 1e-7))
        settings = {
            "mode": chance.choice(("min", "max")), "factor": chance.uniform(0.1, 0.9), "patience": chance.randint(0, 6),
            "threshold": chance.choice((1e-4, 0.1)), "threshold_mode": chance.choice(("rel", "abs")),
            "cooldown": chance.randint(0, 4), "min_lr": chance.choice((0.0, 0.001, [0.01, 0.02, 0.0])),
            "eps": chance.choice((1e-8, 0.0, 0.01)),
        }  # fmt: skip
        scheduler = torch_schedulers.ReduceLROnPlateau(driven, **settings)
        converted = from_torch(scheduler)
        states = [plan.rule.initial() for plan in converted.plans]
        sign = chance.choice((1, -1))
        for t in range(STEPS):
            for g, state in enumerate(states):
                ours = converted.bases[g] * state.scale
                assert ours == pytest.approx(driven.param_groups[g]["lr"], rel=1e-12), (settings, t)
            metric = sign * round(chance.uniform(0.5, 1.0) + 10 / (t + 1), 1)
            scheduler.step(metric)
            states = [plan.rule.update(state, metric) for plan, state in zip(converted.plans, states, strict=True)]


def test_the_clean_plateau_says_what_torch_does_otherwise() -> None:
    _, scheduler = made("ReduceLROnPlateau")
    converted = from_torch(scheduler, quirks=False)
    assert converted.plan == calando.reduce_on_plateau(calando.constant())
    assert any("negative metric" in told for told in converted.differences)
    assert any("eps=1e-08" in told for told in converted.differences)
    scheduler.step(1.0)
    assert from_torch(scheduler).position == 1
    assert any("heard 1 metrics" in told for told in from_torch(scheduler).differences)


# --- attached --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in MAKERS if "lambda" not in str(name)])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_attached_it_gives_the_peers_rates_and_momenta_update_by_update(name: str, kind: str) -> None:
    settings = MAKERS[name](Random(f"attached {name}"))
    driven, scheduler = made(name, kind, **settings)
    converted = from_torch(scheduler)
    follower = optimizer(kind=kind)
    ours = calando.torch.attach(follower, **converted.attach_arguments(max(converted.horizon or STEPS, STEPS)))
    for t in range(STEPS):
        for theirs, mine in zip(driven.param_groups, follower.param_groups, strict=True):
            assert mine["lr"] == pytest.approx(theirs["lr"], rel=1e-12, abs=1e-14), t
            if getattr(scheduler, "cycle_momentum", False):
                assert momentum(mine) == pytest.approx(momentum(theirs), rel=1e-12), t
        driven.step()
        scheduler.step()
        follower.step()
        ours.step()


def test_a_loop_that_steps_once_an_epoch_is_told_in_epochs() -> None:
    driven = optimizer()
    scheduler = torch_schedulers.SequentialLR(driven, **warm_cosine(driven))
    converted = from_torch(scheduler, per="epoch")
    assert str(converted.plans[0]).startswith("hold(warmup(5ep, start=0.1) | ")
    rates, _ = stepped(driven, scheduler, 45)
    for g, schedule in enumerate(converted.schedules(steps_per_epoch=7)):
        for step in range(45 * 7):
            assert schedule(step) * converted.bases[g] == pytest.approx(rates[step // 7][g], rel=1e-12, abs=1e-15)


def warm_cosine(driven: torch.optim.Optimizer) -> dict[str, Any]:
    warm = torch_schedulers.LinearLR(driven, 0.1, total_iters=5)
    fall = torch_schedulers.CosineAnnealingLR(driven, T_max=40)
    return {"schedulers": [warm, fall], "milestones": [5]}


# --- somewhere in its run --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_living_scheduler_gives_the_same_plan_wherever_it_stands(name: str) -> None:
    settings = MAKERS[name](Random(f"mid-run {name}"))
    if name == "MultiplicativeLR" or name == "LambdaLR":
        settings = {"lr_lambda": slowly}
    driven, scheduler = made(name, **settings)
    fresh = from_torch(scheduler)
    stepped(driven, scheduler, 37)
    later = from_torch(scheduler)
    assert later.position == 37
    assert [round(base, 12) for base in later.bases] == [round(base, 12) for base in fresh.bases]
    if name != "MultiplicativeLR":
        assert later.plans == fresh.plans


def slowly(step: int) -> float:
    return 1.0 / (1.0 + step / 1000)


@pytest.mark.parametrize("name", ["StepLR", "CosineAnnealingLR", "ExponentialLR"])
def test_rates_that_were_changed_by_hand_are_found(name: str) -> None:
    driven, scheduler = made(
        name, **{**MAKERS[name](Random(1)), **({"T_max": 100} if "Cosine" in name else {"gamma": 0.9})}
    )
    stepped(driven, scheduler, 10)
    driven.param_groups[1]["lr"] *= 0.5
    with pytest.raises(Unconvertible, match="group 1 was changed by hand"):
        from_torch(scheduler)
    assert any("group 1 was changed by hand" in told for told in from_torch(scheduler, quirks=False).differences)


def test_a_scheduler_that_writes_its_rates_anew_undoes_what_was_changed_and_says_so() -> None:
    driven, scheduler = made("LambdaLR", lr_lambda=slowly)
    stepped(driven, scheduler, 10)
    driven.param_groups[0]["lr"] = 5.0
    assert any("group 0 was changed by hand" in told for told in from_torch(scheduler).differences)


def test_a_schedulers_start_at_a_later_epoch_on_a_fresh_optimizer_is_found_to_be_wrong() -> None:
    driven = optimizer()
    for group in driven.param_groups:
        group["initial_lr"] = group["lr"]
    scheduler = torch_schedulers.ExponentialLR(driven, 0.9, last_epoch=6)
    with pytest.raises(Unconvertible, match="changed by hand"):
        from_torch(scheduler)


def test_rates_that_are_tensors_are_read_like_numbers() -> None:
    driven = optimizer(tensors=True)
    scheduler = torch_schedulers.CosineAnnealingLR(driven, 150, eta_min=0.001)
    assert worst(from_torch(scheduler), *stepped(driven, scheduler, STEPS)) <= 1.0


# --- what was probably meant -----------------------------------------------------------------------------------------


CLEAN = {
    "step_decay(every=30)": ("StepLR", {"step_size": 30}),
    "warmup(10, start=0.1) | constant()": ("LinearLR", {"start_factor": 0.1, "total_iters": 10}),
    "cosine(length=50) | constant(0)": ("CosineAnnealingLR", {"T_max": 50}),
    "warm_restarts(first=10, growth=2)": ("CosineAnnealingWarmRestarts", {"T_0": 10, "T_mult": 2}),
    "one_cycle(length=100)": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 100, "cycle_momentum": False}),
    "polynomial_decay(power=2, length=90) | constant(0)": ("PolynomialLR", {"total_iters": 90, "power": 2.0}),
    "exponential_decay(factor=0.99)": ("ExponentialLR", {"gamma": 0.99}),
    "multistep(milestones=[30, 60])": ("MultiStepLR", {"milestones": [30, 60]}),
    "constant(0.5, length=8) | constant()": ("ConstantLR", {"factor": 0.5, "total_iters": 8}),
}


@pytest.mark.parametrize("text", CLEAN)
def test_without_quirks_it_is_the_plan_that_one_would_write(text: str) -> None:
    name, settings = CLEAN[text]
    plan = from_torch(made(name, **settings)[1], quirks=False).plan
    wanted = calando.parse(text)
    if name == "OneCycleLR":
        assert plan == calando.one_cycle(peak_at=30, length=100)
    else:
        assert plan == wanted


ODD = {
    "stuck at its first factor": ("LinearLR", {"total_iters": 0}, 0),
    "stuck at a constant": ("ConstantLR", {"total_iters": 0}, 0),
    "a peak that is missed": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 95}, 1),
    "a milestone between steps": ("MultiStepLR", {"milestones": [2.5, 60]}, 3),
}


@pytest.mark.parametrize("quirk", ODD)
def test_every_quirk_is_told_with_its_first_step_and_its_size(quirk: str) -> None:
    name, settings, first = ODD[quirk]
    converted = from_torch(made(name, **settings)[1], quirks=False)
    assert any(f"first at step {first} " in told and "at most" in told for told in converted.differences)
    assert not from_torch(made(name, **settings)[1]).differences or name == "OneCycleLR"


def test_a_peak_that_torch_misses_is_reached_without_quirks() -> None:
    _, scheduler = made("OneCycleLR", max_lr=1.0, total_steps=95)
    exact, clean = from_torch(scheduler), from_torch(scheduler, quirks=False)
    assert exact.schedules()[0].facts.peak == pytest.approx(0.99986, abs=1e-5)
    assert clean.schedules()[0].facts.peak == 1.0


# --- others -----------------------------------------------------------------------------------------------------------


def test_a_function_of_the_epoch_is_refused_where_epochs_are_counted() -> None:
    with pytest.raises(Unconvertible, match="function of the epoch"):
        from_torch(made("LambdaLR", lr_lambda=slowly)[1], per="epoch")
    with pytest.raises(BadName, match="step, epoch"):
        from_torch(made("StepLR", step_size=3)[1], per="week")


def test_our_own_scheduler_gives_its_plan_back() -> None:
    schedule = calando.parse("warmup(5%) | cosine(end=0.1)").bind(100)
    ours = calando.torch.attach(optimizer(), schedule)
    assert from_torch(ours).plan == schedule.plan
    assert from_torch(ours).bases == RATES
    assert from_torch(ours).horizon == 100


def test_a_chain_whose_last_scheduler_writes_the_rate_is_that_one_alone() -> None:
    driven = optimizer()
    inner = [torch_schedulers.StepLR(driven, 10), torch_schedulers.CosineAnnealingWarmRestarts(driven, 30)]
    scheduler = torch_schedulers.ChainedScheduler(inner, driven)
    converted = from_torch(scheduler)
    assert any("StepLR before it is lost" in told for told in converted.differences)
    assert worst(converted, *stepped(driven, scheduler, STEPS)) <= 1.0


def test_one_cycle_after_a_warm_up_holds_its_momentum_before_and_after() -> None:
    driven = optimizer()
    cycle = torch_schedulers.OneCycleLR(driven, [0.5, 0.2, 1.0], total_steps=100)
    warm = torch_schedulers.LinearLR(driven, 0.1, total_iters=20)
    fall = torch_schedulers.StepLR(driven, 40)
    scheduler = torch_schedulers.SequentialLR(driven, [warm, cycle, fall], [20, 110])
    converted = from_torch(scheduler)
    assert worst(converted, *stepped(driven, scheduler, STEPS)) <= 1.0
