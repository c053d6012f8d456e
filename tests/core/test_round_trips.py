"""Text and JSON say everything: what is written is read back as an equal value."""

import copy
import json
import pickle
from collections import Counter
from random import Random

import pytest
from hypothesis import given

import calando
from calando import catalog
from tests.growers import GROWERS, ROOT_ONLY, SIZES
from tests.oracles import tree
from tests.plans import build
from tests.strategies import Grown, grow, plans

ENOUGH = 20
DEEP = 3


def forest() -> list[Grown]:
    """The same random plans every time, grown until every name was seen often enough, deep enough."""
    chance, trees, seen = Random(2026), [], Counter[str]()
    for name in GROWERS:
        while seen[name] < ENOUGH:
            root = name if name in ROOT_ONLY else None
            grown = grow(chance, depth=chance.randint(DEEP, 5), root=root)
            if grown.tree.depth >= DEEP:
                trees.append(grown)
                seen.update(deep_names(grown.tree))
    return trees


def deep_names(node: tree.Node) -> Counter[str]:
    """How often each name stands at the third level or below; what is always the root counts by the plan's depth."""
    names = Counter(inner.name for level, inner in node.walk() if level >= DEEP)
    if node.name in ROOT_ONLY and node.depth >= DEEP:
        names[node.name] += 1
    return names


FOREST = forest()


def test_the_grower_knows_every_constructor_and_combinator_of_the_catalog() -> None:
    assert set(GROWERS) == {entry.name for entry in catalog.entries()}


def test_every_constructor_and_combinator_appears_twenty_times_at_depths_of_three_and_more() -> None:
    seen = sum((deep_names(grown.tree) for grown in FOREST), Counter[str]())
    rare = {entry.name: seen[entry.name] for entry in catalog.entries() if seen[entry.name] < ENOUGH}
    assert not rare
    assert all(grown.tree.depth >= DEEP for grown in FOREST)


def test_the_forest_gives_every_argument_of_every_plan_a_value_of_its_own() -> None:
    given = {(node.name, key) for grown in FOREST for _, node in grown.tree.walk() for key in node.args}
    known = {
        (entry.name, parameter.name)
        for entry in catalog.entries()
        for parameter in entry.parameters
        if parameter.name not in ("plan", "plans", "lr", "quantities")
    }
    assert known <= given


@pytest.mark.parametrize("part", range(10))
def test_random_deep_plans_survive_text_and_json_and_bind_alike(part: int) -> None:
    for grown in FOREST[part::10]:
        plan = build(grown.tree)
        by_text, by_json = calando.parse(str(plan)), calando.from_json(plan.to_json())
        assert by_text == plan, grown
        assert by_json == plan, grown
        assert hash(by_text) == hash(by_json) == hash(plan)
        assert str(by_text) == str(plan) == str(by_json)
        bound, again = plan.bind(grown.horizon, **SIZES), by_text.bind(grown.horizon, **SIZES)
        assert bound == again
        steps = range(0, grown.horizon + 2, 37)
        assert [bound(t) for t in steps] == [again(t) for t in steps]


@given(plans())
def test_any_plan_survives_text(grown: Grown) -> None:
    plan = build(grown.tree)
    assert calando.parse(str(plan)) == plan


@given(plans())
def test_any_plan_survives_json(grown: Grown) -> None:
    plan = build(grown.tree)
    text = plan.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert calando.from_json(text) == plan
    assert calando.from_json(text).to_json() == text


@given(plans())
def test_text_written_without_the_library_reads_as_the_plan_built_with_it(grown: Grown) -> None:
    assert calando.parse(str(grown.tree)) == build(grown.tree)


@given(plans())
def test_the_librarys_text_is_one_line_of_plain_ascii(grown: Grown) -> None:
    text = str(build(grown.tree))
    assert text.isascii()
    assert text.isprintable()


@given(plans())
def test_any_schedule_survives_json_with_its_clock(grown: Grown) -> None:
    schedule = build(grown.tree).bind(grown.horizon, **SIZES)
    again = calando.from_json(schedule.to_json())
    assert again == schedule
    assert again.fingerprint() == schedule.fingerprint()
    assert again.horizon == schedule.horizon
    steps = range(0, grown.horizon + 2, 29)
    assert [again(t) for t in steps] == [schedule(t) for t in steps]
    assert again.at(3) == schedule.at(3)


@given(plans())
def test_any_plan_survives_copy_and_pickle(grown: Grown) -> None:
    plan = build(grown.tree)
    for again in (copy.copy(plan), copy.deepcopy(plan), pickle.loads(pickle.dumps(plan))):
        assert again == plan
        assert str(again) == str(plan)
    schedule = plan.bind(grown.horizon, **SIZES)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_a_function_without_a_name_says_why_it_cannot_be_written() -> None:
    plan = calando.warmup(5) | calando.function(lambda t: 1.0)
    for write in (lambda: str(plan), plan.to_json, plan.bind(10).to_json, plan.bind(10).fingerprint):
        with pytest.raises(calando.errors.NotSerialisable, match="register"):
            write()


def test_a_registered_function_is_written_by_its_name() -> None:
    build(tree.node("function", call="sawtooth"))
    plan = calando.function("sawtooth")
    assert "sawtooth" in str(plan)
    assert calando.parse(str(plan)) == plan


def test_the_document_is_the_one_of_the_design() -> None:
    document = json.loads(calando.cosine(end=0.1).to_json())
    assert document["calando"] == 1
    assert document["kind"] == "plan"
    assert document["plan"] == {"name": "cosine", "end": 0.1}
    assert json.loads(calando.cosine().bind(10).to_json())["kind"] == "schedule"
    assert json.loads(calando.bundle(calando.cosine(), momentum=calando.constant(0.9)).to_json())["kind"] == "bundle"


@pytest.mark.parametrize(
    "text",
    [
        "warmup(5%) | cosine(end=0.1)",
        "wsd(warmup=300, cooldown=20%, cooldown_shape=1-sqrt)",
        "multistep(milestones=[30ep, 60ep], factor=0.1)",
        "repeat(cosine(length=10%), times=3, growth=2)",
        "reduce_on_plateau(cosine(), patience=5)",
        "warmup(2e9tok) | constant()",
        "warmup(64e6sa) | constant()",
        "hold(cosine(), every=1ep)",
        "  warmup( 5% )\n|\tcosine( end = 0.1 )  ",
        "warmup(length=5%)|cosine(end=1e-1)",
        "cosine(end=0.1,)",
    ],
)
def test_the_spellings_of_the_design_are_read(text: str) -> None:
    plan = calando.parse(text)
    assert calando.parse(str(plan)) == plan
