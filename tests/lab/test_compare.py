"""Whole studies with real worker processes: what they leave, how they go on, what they refuse."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calando.errors import BadFile, BadValue, CalandoError, LabError
from calando.lab import compare
from calando.lab.declare import Declared
from calando.lab.question import build
from calando.records import Candidate, Store, load
from tests.lab.small import QUADRATIC, outcomes, study


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_study_ends_with_a_verdict_and_everything_that_a_report_needs() -> None:
    found = study()
    assert found.verdict is not None
    assert found.verdict.leader in ("wsd()", "linear_decay()")
    assert Counter(run.status for run in found.runs) == {"done": 2 * (2 + 2)}
    for run in found.runs:
        assert run.curve("lr").steps == tuple(range(20))
        assert run.curve("val_loss").steps == (9, 19)
        assert run.final == run.curve("val_loss").last
        assert run.seconds > 0
    assert found.environment.cpus >= 1
    assert found.environment.packages["calando"]
    assert found.sessions[0].ended is not None
    assert found == load("s")


def test_the_function_itself_may_be_given_and_declares_its_horizon() -> None:
    from tests.lab.trains.quadratic import train

    found = compare(train, {"mine": "cosine()"}, peaks=[0.05], confirm_seeds=2, humble=False, live=False)
    assert found.spec.horizon == 40
    assert found.path.endswith("studies/tests-lab-trains-quadratic/study.sqlite3") or "quadratic" in found.path
    assert len(found.of("mine")) == 2


def test_the_humble_ones_and_the_users_own_baseline_take_part() -> None:
    found = study(candidates=["linear_decay(end=0.1)"], humble=True, baseline="mine: cosine() @ 0.04", seeds=1)
    assert [(c.label, c.role) for c in found.spec.candidates] == [
        ("linear_decay(end=0.1)", "candidate"),
        ("mine", "baseline"),
        ("constant()", "humble"),
        ("linear_decay()", "humble"),
        ("cosine()", "humble"),
        ("wsd()", "humble"),
    ]
    assert {run.spec.peak for run in found.of("mine")} == {0.04}
    assert found.verdict is not None
    assert found.verdict.baseline == "mine"


def test_the_same_command_again_starts_nothing() -> None:
    first = study()
    again = study()
    assert again == first


def test_more_candidates_and_seeds_extend_a_study() -> None:
    first = study()
    more = study(candidates=("wsd()", "linear_decay()", "cosine()"), confirm_seeds=3)
    assert len(more.runs) == 3 * (2 + 3)
    assert more.runs[: len(first.runs)] == first.runs
    assert Counter(a.key for a in more.attempts).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 21}, "steps was 20 and is 21"),
        ({"evals": 3}, "evals was 2 and is 3"),
        ({"metric": "other"}, "metric was val_loss and is other"),
        ({"candidates": ("wsd()",)}, r"the candidates linear_decay\(\) are missing"),
        ({"peaks": (0.02,)}, "peaks 0.05 are missing"),
        ({"confirm_seeds": 1}, "confirm seeds 1001 are missing"),
        ({"function": "crashes"}, "the train function was .*train and is .*crashes"),
    ],
)
def test_a_changed_question_is_refused_and_what_differs_is_named(change: dict, told: str) -> None:
    first = study()
    with pytest.raises(LabError, match=told):
        study(**change)
    assert load("s") == first


def test_failed_runs_stay_failed_until_they_are_asked_for_again(tmp_path: Path) -> None:
    given: dict = {"peaks": [0.05], "retries": 0, "function": "dies_once"}
    assert outcomes(study(**given)) == {"failed": 2}
    assert outcomes(study(**given)) == {"failed": 2}
    again = study(**given, retry_failed=True)
    assert outcomes(again) == {"done": 2}
    assert again.verdict is not None
    starts = Counter(a.key for a in again.attempts)
    assert {starts[run.spec.key] for run in again.of("linear_decay()")} == {1}


def test_a_changed_train_function_is_refused_and_can_be_begun_anew(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(Path(QUADRATIC).read_text(encoding="utf-8"), encoding="utf-8")
    given: dict = {"peaks": [0.05], "confirm_seeds": 2, "humble": False, "live": False, "steps": 10, "study": "s"}
    compare("mine.py:train", ["cosine()"], **given)
    with mine.open("a") as file:
        file.write("\n# changed\n")
    with pytest.raises(LabError, match=r"the source of mine.py:train has changed since"):
        compare("mine.py:train", ["cosine()"], **given)
    assert len(compare("mine.py:train", ["cosine()"], fresh=True, **given).runs) == 2
    assert len(load("s.old-1").runs) == 2


def test_a_store_that_fails_in_the_middle_loses_nothing_that_was_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    finish, done = Store.finish, []

    def full(self: Store, *given: Any) -> None:
        if len(done) == 3:
            raise LabError(given="a full disk", allowed="room", where="here", fix="make room")
        done.append(given)
        finish(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "finish", full)
        with pytest.raises(LabError, match="a full disk"):
            study()
    assert len(load("s").runs) == 3
    found = study()
    assert len(found.runs) == 8
    assert max(Counter(a.key for a in found.attempts if a.outcome == "done").values()) == 1


def test_a_seed_that_changes_nothing_is_told() -> None:
    found = study("ignores_its_seed")
    assert found.verdict is not None
    assert any("the seed changes nothing" in sentence for sentence in found.verdict.not_proven)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"function": "train", "candidates": ["cosin()"]}, CalandoError),
        ({"candidates": ["warmup(50) | cosine()"]}, CalandoError),
        ({"candidates": []}, LabError),
        ({"candidates": ["a: cosine()", "a: wsd()"]}, LabError),
        ({"candidates": ["cosine() @ -1"]}, BadValue),
        ({"candidates": ["cosine() @ 1 @ 2"]}, BadValue),
        ({"peaks": [0.0]}, BadValue),
        ({"peaks": [float("nan")]}, BadValue),
        ({"seeds": 0}, BadValue),
        ({"seeds": [1000]}, BadValue),
        ({"seeds": [1, 1]}, BadValue),
        ({"seeds": 2.5}, BadValue),
        ({"workers": 0}, BadValue),
        ({"steps": -1}, BadValue),
        ({"steps": 10**30}, BadValue),
        ({"confidence": 1.0}, BadValue),
        ({"margin": float("inf")}, BadValue),
        ({"timeout": 0}, BadValue),
        ({"mode": "best"}, BadValue),
        ({"extend": True}, BadValue),
        ({"function": "train me"}, LabError),
    ],
)
def test_what_is_wrong_is_told_before_a_worker_is_paid_for(change: dict, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        study(**change)
    assert isinstance(caught.value, CalandoError)
    assert not Path("s").exists()


def test_functions_that_no_other_process_can_load_are_refused() -> None:
    def inner(run: object) -> None: ...

    for function in (lambda run: None, inner, Counter().update, 3):
        with pytest.raises(LabError):
            compare(function, ["cosine()"], steps=10)  # type: ignore[arg-type]


def test_a_folder_with_a_file_that_is_not_ours_is_left_alone() -> None:
    Path("s").mkdir()
    Path("s/study.sqlite3").write_text("precious")
    with pytest.raises(BadFile):
        study()
    assert Path("s/study.sqlite3").read_text() == "precious"


@pytest.mark.parametrize(
    ("given", "mode"),
    [({"metric": "val_loss"}, "min"), ({"metric": "reward"}, "max"), ({"metric": "reward_loss"}, "min"),
     ({"metric": "val_accuracy", "mode": "min"}, "min"), ({"metric": "hits", "mode": "max"}, "max")],
)  # fmt: skip
@pytest.mark.parametrize("declared", [Declared(), Declared(metric="hits_at_ten", mode="max")])
def test_which_way_is_better_is_told_by_the_name_of_the_metric_where_nobody_says_it_of_this_one(
    declared: Declared, given: dict, mode: str
) -> None:
    candidate = Candidate("cosine()", "cosine()")
    spec = build(
        train="a.py:train", train_sha256="", declared=declared, candidates=(candidate,), baseline="cosine()",
        peaks=(0.1,), seeds=1, confirm_seeds=None, steps=10, evals=None, steps_per_epoch=None, extend=0,
        confidence=0.95, margin=0.0, question=None, **{"mode": None, **given},
    )  # fmt: skip
    assert spec.mode == mode
    assert (f"gives the {'lowest' if mode == 'min' else 'highest'} {spec.metric}") in spec.question


def test_two_coordinators_on_one_study_are_refused() -> None:
    with Store("s"), pytest.raises(LabError, match="another process"):
        study()
    with Store("s"), pytest.raises(LabError, match="another process"):
        study(fresh=True)


def test_text_with_markup_and_control_characters_is_only_text() -> None:
    found = study(candidates={"<script>\x1b[31m[bold]é\u202e": "cosine()"}, live=True)
    assert found.spec.candidates[0].label == "<script>\ufffd[31m[bold]é\ufffd"
