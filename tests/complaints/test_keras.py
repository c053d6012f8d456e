"""Complaints about Keras, run on one backend in a process of its own; see `keras_sides`."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from typing import Any

import pytest

import calando
from tests.complaints.apart import told_apart
from tests.contracts.source import ROOT

BACKEND = next((name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)), "")


@pytest.fixture(scope="module")
def sides() -> Any:
    """What both sides did, by scenario."""
    pytest.importorskip("keras", reason="NOT RUN: Keras is not installed")
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.complaints.keras_sides"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_keras_8829_a_learning_rate_scheduler_overrides_the_plateau(sides: Any) -> None:
    def check(used: list[float]) -> None:
        wanted = [1.0, 0.9, 0.9**2 * 0.5, 0.9**3 * 0.25, 0.9**4 * 0.125]  # bad from the second epoch on
        assert used == pytest.approx(wanted, abs=1e-5), "the reductions are gone"

    told_apart(check, living=sides["overrides"]["theirs"], ours=sides["overrides"]["ours"], because="are gone")


def test_tensorflow_36612_a_plateau_crashes_on_a_schedule(sides: Any) -> None:
    def check(used: Any) -> None:
        assert not isinstance(used, str), f"it crashes: {used}"
        falls = [0.5 * (1 + math.cos(math.pi * t / 10)) for t in range(5)]
        scales = [1.0, 1.0, 0.5, 0.25, 0.125]
        assert used == pytest.approx([a * b for a, b in zip(falls, scales, strict=True)], abs=1e-5)

    theirs, ours = sides["crashes"]["theirs"], sides["crashes"]["ours"]
    told_apart(check, living=theirs, ours=ours, because="it crashes: TypeError: This optimizer was created")


def test_keras_10924_a_cooldown_of_one_epoch_changes_nothing(sides: Any) -> None:
    def check(runs: list[list[float]]) -> None:
        without, cooled = runs
        assert without[:3] == [1.0, 1.0, 1.0]
        assert without != cooled, "a cooldown of one is none"
        assert sum(cooled) > sum(without)

    told_apart(check, living=sides["cooldown"]["theirs"], ours=sides["cooldown"]["ours"], because="of one is none")


def test_keras_forgets_between_two_fits_how_long_it_waited(sides: Any) -> None:
    def check(used: list[float]) -> None:
        assert min(used) < 1.0, "eight bad epochs in four fits, and no reduction"

    told_apart(check, living=sides["forgets"]["theirs"], ours=sides["forgets"]["ours"], because="and no reduction")


def test_a_peak_that_is_a_whole_number_bends_a_cosine_of_keras(sides: Any) -> None:
    schedule = calando.cosine().bind(10)

    def check(used: list[float]) -> None:
        assert used[5] == pytest.approx(0.5), "it is not half way at half the time"

    ours = [1 * schedule(t) for t in range(11)]
    told_apart(check, living=sides["whole"]["theirs"], ours=ours, because="not half way")


def test_values_of_keras_change_one_step_after_their_boundary(sides: Any) -> None:
    schedule = calando.multistep(milestones=[3]).bind(6)

    def check(used: list[float]) -> None:
        assert used == pytest.approx([1.0, 1.0, 1.0, 0.1, 0.1, 0.1]), "one step late"

    told_apart(check, living=sides["boundary"]["theirs"], ours=[schedule(t) for t in range(6)], because="one step late")


def test_boundaries_of_keras_that_are_out_of_order_add_their_values_up(sides: Any) -> None:
    def ours() -> str:
        try:
            return str(calando.points(at=[0, 4, 2], values=[1.0, 0.5, 0.25]))
        except calando.CalandoError as error:
            return error.allowed

    def check(outcome: Any) -> None:
        assert outcome == "lengths that rise, each once", f"taken, and the largest value of 1 becomes {max(outcome)}"

    told_apart(check, living=sides["unsorted"]["theirs"], ours=ours(), because="value of 1 becomes 1.25")
