"""`find` with real worker processes: the answer, its cost, and going on after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calando
from calando.errors import BadValue, CalandoError, LabError
from calando.records import load
from tests.lab.small import QUADRATIC

TRAIN = f"{QUADRATIC}:train"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_finds_an_interval_below_the_edge_within_one_full_run() -> None:
    found = calando.find(TRAIN, steps=480, rates="1e-5..10", live=False)
    assert found.outcome == "found"
    assert found.reading is not None
    assert 0.02 < (found.reading.edge or 0) < 1  # the quadratic's own bound is 2/16
    assert 0 < (found.low or 0) <= (found.best or 0) <= (found.high or 0) < 0.125
    assert found.steps <= 480
    study = load("studies/quadratic-find")
    assert sum(run.steps - run.reused for run in study.runs) == found.steps
    assert {run.spec.phase for run in study.runs} == {"range", "short"}
    assert study.facts["verb"] == "find"
    assert "find" not in study.facts  # the question itself is the study's
    assert study.decisions


def test_the_same_search_again_makes_no_run_and_gives_the_same_answer() -> None:
    first = calando.find(TRAIN, steps=480, live=False)
    attempts = len(load(first.path).attempts)
    assert calando.find(TRAIN, steps=480, live=False) == first
    assert len(load(first.path).attempts) == attempts


def test_another_span_in_the_same_folder_is_refused() -> None:
    calando.find(TRAIN, steps=480, live=False)
    with pytest.raises(LabError, match="the span of rates differ"):
        calando.find(TRAIN, steps=480, rates="1e-5..1", live=False)


def test_a_horizon_that_is_too_short_is_told_to_compare() -> None:
    with pytest.raises(LabError) as told:
        calando.find(TRAIN, live=False)  # it declares 40 updates
    assert "calando compare" in told.value.fix


@pytest.mark.parametrize("rates", ["1e-3", "1..2", "0..1", (1.0,)])
def test_a_span_that_is_none_is_refused(rates: str) -> None:
    with pytest.raises(BadValue):
        calando.find(TRAIN, steps=480, rates=rates, live=False)


def test_two_seeds_are_too_few_to_see_how_rules_vary() -> None:
    with pytest.raises(BadValue, match="seeds"):
        calando.find(TRAIN, steps=480, seeds=2, live=False)


def test_killed_at_any_moment_it_goes_on_to_the_same_answer() -> None:
    whole = calando.find(TRAIN, steps=480, live=False, study="whole")
    code = f"import calando; calando.find({TRAIN!r}, steps=480, live=False, study='killed')"
    for pause in (1.2, 1.6):
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        time.sleep(pause)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    again = calando.find(TRAIN, steps=480, live=False, study="killed")
    assert (again.best, again.low, again.high, again.minis) == (whole.best, whole.low, whole.high, whole.minis)
    done = [attempt.key for attempt in load("killed").attempts if attempt.outcome in ("done", "diverged")]
    assert len(done) == len(set(done))


def outcome(folder: str) -> tuple[object, ...]:
    fact = load(folder).facts["finding"]
    return tuple(str(fact[name]) for name in ("outcome", "best", "low", "high", "confidence", "minis", "steps"))


def test_resume_of_a_finished_search_trains_nothing_and_changes_nothing() -> None:
    found = calando.find(TRAIN, steps=480, live=False, confidence=0.7, rates="1e-5..10")
    before, runs = outcome(found.path), len(load(found.path).attempts)
    again = calando.resume(found.path, live=False)
    assert outcome(found.path) == before
    assert len(again.attempts) == runs
    assert again.verdict is None
    assert {run.spec.phase for run in again.runs} == {"range", "short"}


def test_resume_of_a_killed_search_goes_on_as_a_search_to_the_same_answer() -> None:
    calando.find(TRAIN, steps=480, live=False, confidence=0.7, study="whole")
    code = f"import calando; calando.find({TRAIN!r}, steps=480, live=False, confidence=0.7, study='killed', workers=1)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    until = time.monotonic() + 30
    while time.monotonic() < until and not (Path("killed/study.sqlite3").exists() and runs_of("killed")):
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    study = calando.resume("killed", live=False)
    assert outcome("killed") == outcome("whole")
    assert sum(run.steps - run.reused for run in study.runs) <= 480


def runs_of(folder: str) -> int:
    try:
        return len(load(folder).runs)
    except CalandoError:
        return 0


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"confidence": "0.8"}, "find.confidence"),
        ({"confidence": None}, "find.confidence"),
        ({"place": 3}, "find.place"),
        ({"metric": ""}, "find.metric"),
        ({"seeds": -1}, "find.seeds"),
        ({"plan": "cosine() @ 0.1"}, "find.plan"),
        ({"timeout": -1.0}, "find.timeout"),
        ({"mode": "lowest"}, "find.mode"),
        ({"retries": 99}, "find.retries"),
    ],
)
def test_what_cannot_be_meant_is_refused_under_the_name_of_find(given: dict[str, Any], word: str) -> None:
    with pytest.raises(CalandoError) as told:
        calando.find(TRAIN, steps=480, live=False, **given)
    assert told.value.where == word


@pytest.mark.parametrize(
    ("verb", "call", "name"),
    [
        ("compare", lambda: calando.compare(TRAIN, ["cosine()"], steps=40, confidence=2.0), "confidence"),
        ("compare", lambda: calando.compare(TRAIN, ["cosine()"], steps=40, mode="best"), "mode"),
        ("compare", lambda: calando.compare(TRAIN, ["cosine()"], steps=40, disk="much"), "disk"),
        ("check", lambda: calando.check(TRAIN, steps=1), "steps"),
        ("check", lambda: calando.check(TRAIN, mode="best"), "mode"),
        ("resume", lambda: calando.resume(calando.find(TRAIN, steps=480, live=False).path, retries=-1), "retries"),
        ("standalone", lambda: calando.standalone("cosine()", horizon=0), "horizon"),
    ],
)
def test_every_verb_names_itself_where_an_argument_is_wrong(verb: str, call: Callable[[], object], name: str) -> None:
    with pytest.raises(BadValue) as told:
        call()
    assert told.value.where == f"{verb}.{name}"


def test_too_few_updates_for_the_range_tests_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(LabError, match="range tests") as told:
        calando.find(TRAIN, steps=480, seeds=12, live=False)
    assert "fewer seeds or more steps" in told.value.fix
    assert not Path("studies").exists()


RAISES = """
def train(run):
    for _ in run.steps():
        run.lr
        raise KeyError("a column")
"""


def test_an_exception_of_the_train_function_is_told_with_its_line() -> None:
    Path("bad.py").write_text(RAISES)
    answer = calando.find("bad.py:train", steps=480, live=False)
    assert "the range test failed" in answer.reason
    assert "a column" in answer.reason
    assert 'raise KeyError("a column")' in answer.traceback
