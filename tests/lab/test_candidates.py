"""Who takes part, from what people type."""

from pathlib import Path

import pytest

import calando
from calando.core.text import parse
from calando.errors import BadFile, BadValue, CalandoError, LabError
from calando.lab.candidates import gather, read_candidate
from calando.lab.question import bind
from calando.records import Candidate, StudySpec


@pytest.mark.parametrize(
    ("typed", "label", "plan", "peak"),
    [
        ("cosine()", "cosine()", "cosine()", None),
        (" cosine( end = 0.1 ) ", "cosine(end=0.1)", "cosine(end=0.1)", None),
        ("cosine() @ 3e-4", "cosine() @ 0.0003", "cosine()", 3e-4),
        ("mine: warmup(5%) | cosine() @ 0.1", "mine", "warmup(5%) | cosine()", 0.1),
        ("my own one:wsd()", "my own one", "wsd()", None),
    ],
)
def test_a_candidate_is_a_label_a_plan_and_a_peak(typed: str, label: str, plan: str, peak: float | None) -> None:
    found = read_candidate(typed)
    assert (found.label, found.plan, found.peak) == (label, plan, peak)
    assert calando.from_json(found.plan_json) == calando.parse(plan)


@pytest.mark.parametrize(
    "typed", ["", ":", "@", "cosine() @", "cosine() @ x", "cosine() @ inf", "a: b: cosine()", "x" * 10**6]
)
def test_what_is_no_candidate_is_refused(typed: str) -> None:
    with pytest.raises(CalandoError):
        read_candidate(typed)


def test_plans_may_be_values() -> None:
    assert read_candidate(calando.warmup("5%") | calando.cosine()).plan == "warmup(5%) | cosine()"
    with pytest.raises(BadValue, match="a plan, or its text"):
        read_candidate(3)  # type: ignore[arg-type]


def test_a_plan_named_twice_takes_part_once() -> None:
    everyone, _ = gather(["cosine()", "cosine( )", calando.cosine()], humble=True)
    assert [c.label for c in everyone] == ["cosine()", "constant()", "linear_decay()", "wsd()"]


def test_the_baseline_is_the_users_else_cosine_else_the_first() -> None:
    assert gather(["wsd(cooldown=10%)"])[1] == "cosine()"
    assert gather(["wsd()", "constant()"], humble=False)[1] == "wsd()"
    assert gather(["wsd()", "mine: constant()"], humble=False, baseline="mine")[1] == "mine"
    everyone, baseline = gather(["wsd()"], humble=False, baseline="constant() @ 0.1")
    assert baseline == "constant() @ 0.1"
    assert {c.label: c.role for c in everyone} == {"wsd()": "candidate", "constant() @ 0.1": "baseline"}
    everyone, baseline = gather(["wsd()"], baseline="cosine()")
    assert [c.label for c in everyone if c.role == "baseline"] == [baseline] == ["cosine()"]


def test_one_label_stands_for_one_candidate() -> None:
    with pytest.raises(LabError, match="two different candidates"):
        gather(["a: cosine()", "a: wsd()"])
    with pytest.raises(LabError, match="no candidates"):
        gather([], humble=False)


def test_a_mapping_names_its_candidates() -> None:
    everyone, _ = gather({"mine": "cosine()", "other": calando.wsd()}, humble=False)
    assert everyone[0] == Candidate("mine", "cosine()", calando.cosine().to_json())
    assert everyone[1].label == "other"


def test_a_long_text_is_read_whole_or_refused_and_never_cut() -> None:
    text = "cosine()" + " " * 100_000 + "| nonsense"
    with pytest.raises(CalandoError):
        read_candidate(text)


def test_a_plan_may_be_json_or_a_file_of_it(tmp_path: Path) -> None:
    plan = parse("cosine(end=0.1)")
    file = tmp_path / "plan.json"
    file.write_text(plan.to_json())
    for given in (plan.to_json(), str(file)):
        found = read_candidate(given)
        assert (found.label, found.plan, found.plan_json) == ("cosine(end=0.1)", "cosine(end=0.1)", plan.to_json())


def test_a_schedule_as_json_and_a_file_that_is_not_there_are_told() -> None:
    with pytest.raises(BadFile, match="JSON of a schedule, which has a horizon of its own"):
        read_candidate(parse("cosine()").bind(100).to_json())
    with pytest.raises(BadFile, match=r"no/plan\.json"):
        read_candidate("no/plan.json")


@pytest.mark.parametrize(
    ("length", "told"), [("2e9tok", "500, 5% or 3ep"), ("64e6sa", "500, 5% or 3ep"), ("3ep", "--steps-per-epoch N")]
)
def test_a_length_that_the_study_cannot_know_is_told_in_the_studys_words(length: str, told: str) -> None:
    candidate = read_candidate(f"warmup({length}) | cosine()")
    with pytest.raises(CalandoError) as caught:
        bind(StudySpec("Which?", "t.py:train", 100, (candidate,)), candidate)
    assert told in caught.value.fix
