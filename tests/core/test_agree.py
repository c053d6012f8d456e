"""How far two schedules go together is what asking both for every value says, and is known without asking."""

import struct
import time
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import calando
from calando.core import agree
from calando.core.agree import agreement
from calando.core.schedule import Schedule
from calando.errors import CalandoError
from tests.growers import SIZES, Grower
from tests.plans import build
from tests.strategies import plans


def literally(a: Schedule, b: Schedule) -> int:
    """Step by step, every bit of every quantity."""
    for step in range(min(a.horizon, b.horizon)):
        one, other = a.at(step), b.at(step)
        if one.keys() != other.keys() or a.rule != b.rule:
            return step
        if any(struct.pack("<d", one[name]) != struct.pack("<d", other[name]) for name in one):
            return step
    return min(a.horizon, b.horizon)


def bound(text: str, horizon: int = 100) -> Schedule:
    return calando.parse(text).bind(horizon, **SIZES)


@given(plans(), plans(), st.sampled_from([0.5, 0.9, 1.0, 1.5]))
def test_a_plan_goes_with_itself_for_as_long_as_values_say_whatever_the_horizon(one, other, share) -> None:
    plan = build(one.tree)
    try:
        schedules = [plan.bind(one.horizon, **SIZES), plan.bind(max(int(one.horizon * share), 1), **SIZES)]
        schedules.append(build(other.tree).bind(other.horizon, **SIZES))
    except CalandoError:
        assume(False)
    for a, b in ((0, 1), (1, 0), (0, 2)):
        assert agreement(schedules[a], schedules[b]) == literally(schedules[a], schedules[b])


@given(st.randoms(use_true_random=False))
def test_plans_that_part_somewhere_inside_are_followed_to_that_step(chance: Random) -> None:
    horizon = 200
    grower = Grower(chance, horizon)
    cut, later = sorted(chance.sample(range(1, horizon), 2))
    changes = (
        lambda plan: plan,
        lambda plan: calando.scale(plan, by=0.5),
        lambda plan: calando.clip(plan, low=0.2, high=0.7),
        lambda plan: calando.hold(plan, every=chance.randint(2, 9)),
        lambda plan: calando.product(plan, calando.multistep([cut])),
    )
    change = chance.choice(changes)
    first = grower.plan(2, cut, fixed=True)
    ends = [grower.plan(2, horizon - start, fixed=False) for start in (cut, cut, later)]
    try:
        between = build(grower.plan(2, later - cut, fixed=True))
        one, two = (change(build(first) | build(end)).bind(horizon, **SIZES) for end in ends[:2])
        six = change(build(first) | between | build(ends[2])).bind(horizon, **SIZES)
    except CalandoError:
        assume(False)
    for a, b in ((one, two), (two, six), (one, six)):
        assert agreement(a, b) == agreement(b, a) == literally(a, b)


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("wsd(warmup=10, cooldown=20)", "wsd(warmup=10, cooldown=40)", 61),
        ("multistep(milestones=[30, 60])", "multistep(milestones=[30, 80])", 60),
        ("multistep(milestones=[30])", "constant()", 30),
        ("constant(length=30) | cosine()", "constant(length=50) | cosine()", 31),
        ("cosine()", "scale(cosine(), by=1)", 100),
        ("hold(wsd(cooldown=20), every=7)", "hold(wsd(cooldown=40), every=7)", 63),
        ("cosine()", "bundle(cosine(), momentum=0.9)", 0),
        ("bundle(constant(), momentum=multistep(milestones=[5]))", "bundle(constant(), momentum=1)", 5),
        ("constant()", "reduce_on_plateau(constant())", 0),
        ("splice(plans=[cosine(), constant(0)], at=[40])", "splice(plans=[cosine(), constant(0)], at=[60])", 40),
        ("extend(cosine(), horizon=100)", "cosine()", 100),
        ("extend(wsd(cooldown=20), horizon=50)", "splice(plans=[constant(), constant(0.9)], at=[70])", 31),
        ("repeat(multistep(milestones=[5], length=10))", "repeat(multistep(milestones=[5], length=20))", 10),
    ],
)
def test_schedules_part_where_the_first_value_differs(one: str, other: str, steps: int) -> None:
    a, b = bound(one), bound(other)
    assert agreement(a, b) == agreement(b, a) == steps
    if a.quantities == b.quantities and a.rule == b.rule:
        assert literally(a, b) == steps


def test_the_last_bit_parts_them() -> None:
    assert agreement(bound("constant(0.3)"), bound("constant(0.30000000000000004)")) == 0


def test_impatience_only_ever_tells_of_less() -> None:
    a, b = bound("cosine()"), bound("scale(cosine(), by=1)")
    assert agreement(a, b) == 100
    assert agreement(a, b, patience=40) == 40


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("wsd(warmup=1%, cooldown=20%)", "wsd(warmup=1%, cooldown=40%)", 6_000_001),
        ("warmup(1%) | multistep(milestones=[30%, 60%])", "warmup(1%) | multistep(milestones=[30%, 80%])", 6_100_000),
        ("step_decay(every=1000)", "clip(step_decay(every=1000), low=0.000005)", 6_000),
        ("clip(wsd(cooldown=20%), high=0.9)", "clip(wsd(cooldown=30%), high=0.9)", 7_300_001),
        ("hold(wsd(cooldown=20%), every=1000)", "hold(wsd(cooldown=30%), every=1000)", 7_001_000),
        (
            "splice(plans=[wsd(cooldown=20%), constant(0)], at=[50%])",
            "splice(plans=[wsd(cooldown=30%), constant(0.5)], at=[60%])",
            5_000_000,
        ),
    ],
)
def test_ten_million_steps_are_compared_without_asking_for_them(one: str, other: str, steps: int) -> None:
    a, b = bound(one, 10_000_000), bound(other, 10_000_000)
    begun = time.process_time()
    assert agreement(a, b) == steps
    assert time.process_time() - begun < 2


def test_what_is_known_by_structure_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    bits = agree._bits
    monkeypatch.setattr(agree, "_bits", lambda value: asked.append(value) or bits(value))
    a, b = bound("wsd(warmup=1%, cooldown=20%)", 10_000_000), bound("wsd(warmup=1%, cooldown=40%)", 10_000_000)
    agreement(a, b)
    assert len(asked) < 50
