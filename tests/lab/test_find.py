"""`find` with real worker processes: the answer, its cost, and going on after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import calando
from calando.errors import BadValue, LabError
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
