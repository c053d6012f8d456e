"""A study goes on with the same question, code and packages, or it is set aside whole."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calando.errors import BadFile, CalandoError, LabError
from calando.lab import compare
from calando.lab.find import find_folder
from calando.lab.session import read_folder
from calando.lab.trainref import TrainRef
from calando.records import Environment, Store, Study, load
from tests.lab.small import outcomes, study

CODE = """
import calando, helper
@calando.declare(steps=12, evals=2, steps_per_epoch=4)
def train(run):
    for t in run.steps():
        run.log(train_loss=run.lr)
        if run.eval_due:
            run.log(val_loss=helper.value(run), acc=0.5)
"""
HELPER = "def value(run):\n    return run.lr + run.seed % 7\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)


def mine(**changes: Any) -> Study:
    Path("helper.py").touch()
    if not Path("mine.py").exists():
        Path("mine.py").write_text(CODE)
        Path("helper.py").write_text(HELPER)
    given: dict[str, Any] = {"peaks": [0.05], "confirm_seeds": 2, "humble": False, "live": False, "study": "s"}
    return compare("mine.py:train", ["cosine()"], **{"workers": 1, **given, **changes})


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ({"steps": 10}, "steps was 10 and is 12"),
        ({"metric": "acc"}, "metric was acc and is val_loss"),
        ({"mode": "max"}, "mode was max and is min"),
        ({"evals": 3}, "evals was 3 and is 2"),
        ({"steps_per_epoch": 3}, "steps_per_epoch was 3 and is 4"),
    ],
)
def test_a_finished_study_does_not_answer_for_what_is_declared_otherwise(first: dict[str, Any], told: str) -> None:
    found = mine(**first)
    with pytest.raises(LabError, match=told):
        mine()
    assert mine(**first) == found


def test_a_changed_module_beside_the_train_function_is_refused_by_name() -> None:
    found = mine()
    assert list(found.environment.sources) == ["helper.py", "mine.py"]
    Path("helper.py").write_text(HELPER + "# changed\n")
    for more in ({}, {"confirm_seeds": 3}, {"mixed": True}):
        with pytest.raises(LabError, match=r"finished runs of other code: helper.py changed since"):
            mine(**more)
    assert load("s") == found
    assert mine(fresh=True).verdict is not None


def test_code_that_changes_while_the_study_runs_is_noticed_by_the_next_worker() -> None:
    changes = 'import pathlib\npathlib.Path("helper.py").open("a").write("#\\n")\n'
    Path("mine.py").write_text(
        CODE.replace("    for t in", f"    {changes.replace(chr(10), chr(10) + '    ')}\n    for t in")
    )
    Path("helper.py").write_text(HELPER)
    with pytest.raises(LabError, match=r"code that changed while the study runs: helper.py"):
        mine(isolate=True)


def other(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import calando.lab.session  # noqa: F401

    module = sys.modules["calando.lab.session"]
    describe = module.describe
    monkeypatch.setattr(module, "describe", lambda *given: replace(describe(*given), **change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"packages": {"torch": "1"}}, "torch was 1 and is 2"),
        ({"threads_per_worker": 77}, "threads per worker was 77 and is 2"),
        ({"python": "3.1"}, "Python was 3.1 and is "),
    ],
)
def test_other_packages_python_or_threads_are_refused_where_runs_would_be_mixed(
    change: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now: dict[str, Any] = {"packages": {"torch": "2"}, "threads_per_worker": 2}
    with monkeypatch.context() as patch:
        other(now | change, patch)
        found = mine()
    other(now, monkeypatch)
    assert mine() == found  # nothing to make: nothing to mix
    with pytest.raises(LabError, match=told) as caught:
        mine(confirm_seeds=3)
    assert "--workers 1" in caught.value.fix
    assert load("s") == found
    assert len(mine(confirm_seeds=3, mixed=True).runs) == 3


def test_a_study_is_set_aside_only_after_everything_was_checked() -> None:
    found = mine()
    for wrong in ({"peaks": [-1.0]}, {"candidates": 3}, {"steps": 10**30}, {"confidence": 2.0}, {"workers": 0}):
        with pytest.raises((CalandoError, TypeError)):
            mine(fresh=True, **wrong)
    Path("mine.py").write_text("raise RuntimeError")
    with pytest.raises(LabError, match="cannot be loaded"):
        mine(fresh=True)
    assert load("s") == found
    assert not Path("s.old-1").exists()


def test_a_folder_that_is_no_study_is_not_moved() -> None:
    Path("s").mkdir()
    Path("s/thesis.txt").write_text("precious")
    mine(fresh=True)
    assert Path("s/thesis.txt").read_text() == "precious"
    assert not Path("s.old-1").exists()
    Path("f").mkdir()
    Path("f/study.sqlite3").write_text("foreign")
    with pytest.raises(BadFile):
        mine(fresh=True, study="f")
    assert Path("f/study.sqlite3").read_text() == "foreign"


@pytest.mark.parametrize("folder", [".", "..", os.curdir + os.sep, "../here"])
def test_the_folder_one_is_in_is_not_moved(folder: str) -> None:
    with pytest.raises(LabError, match="you are inside it"):
        mine(fresh=True, study=folder)


def test_a_folder_that_cannot_be_moved_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = mine()

    def denied(*_: object) -> None:
        raise PermissionError("not yours")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", denied)
        with pytest.raises(LabError, match="not yours"):
            mine(fresh=True)
    assert load("s") == found


def test_two_verbs_asked_about_one_file_do_not_meet_in_one_folder() -> None:
    """`calando tune train.py:train`, then `calando compare train.py:train`: neither is refused."""
    ref = TrainRef("train.py", "train")
    folders = [read_folder(None, ref), read_folder(None, ref, where="tune.study"), find_folder(ref)]
    assert [folder.name for folder in folders] == ["train", "train-tune", "train-find"]


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_no_folder(name: str) -> None:
    with pytest.raises(LabError, match="an empty name"):
        mine(study=name)
    assert not Path("study.sqlite3").exists()


def test_a_study_whose_question_cannot_be_read_is_not_touched() -> None:
    import sqlite3

    mine()
    with sqlite3.connect("s/study.sqlite3") as connection:
        connection.execute("""UPDATE study SET spec = '{"horizon": "ten"}'""")
    connection.close()
    before = Path("s/study.sqlite3").read_bytes()
    for more in ({}, {"fresh": True}, {"retry_failed": True}):
        with pytest.raises(BadFile):
            mine(**more)
    assert Path("s/study.sqlite3").read_bytes() == before
    assert not Path("s.old-1").exists()


def test_failed_runs_are_dropped_only_when_the_study_really_goes_on() -> None:
    given: dict[str, Any] = {"peaks": [0.05], "retries": 0, "function": "dies_once"}
    found = study(**given)
    assert outcomes(found) == {"failed": 2}
    for wrong in ({"steps": 21}, {"evals": 1}):
        with pytest.raises(LabError, match="asked something else"):
            study(**given, retry_failed=True, **wrong)
    assert load("s") == found
    assert outcomes(study(**given, retry_failed=True)) == {"done": 2}


def test_dropping_failed_runs_and_writing_the_question_is_one_step(tmp_path: Path) -> None:
    given: dict[str, Any] = {"peaks": [0.05], "retries": 0, "function": "dies_once"}
    found = study(**given)
    with Store("s") as store:
        store.save_spec(found.spec, retry_failed=True)
        left = store.study()
    assert left is not None
    assert (left.verdict, outcomes(left)) == (None, {})
    assert isinstance(left.environment, Environment)
