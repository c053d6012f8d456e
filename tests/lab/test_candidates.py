"""Who takes part, from what people type."""

import pytest

import calando
from calando.errors import BadValue, CalandoError, LabError
from calando.lab.candidates import gather, read_candidate
from calando.records import Candidate


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
