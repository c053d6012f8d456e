"""A broken contract is the train function's fault: the study stops on it, and nothing is proven."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calando.errors import LabError
from calando.lab import compare
from calando.records import Store, load
from tests.lab.small import TRAINS, outcomes, study


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def forgot(**changes: Any) -> Any:
    given = {"peaks": [0.1], "steps": 10, "live": False, "study": "s", "workers": 1, "seeds": 1, "confirm_seeds": 2}
    return compare(f"{TRAINS / 'host.py'}:forgets_to_step", ["constant()", "cosine()"], **{**given, **changes})


def test_a_forgotten_step_of_the_scheduler_does_not_crown_the_constant() -> None:
    with pytest.raises(LabError, match="broke its contract") as caught:
        forgot()
    assert "the rate did not move on: call scheduler.step() once after every update" in caught.value.fix
    assert "--fresh" in caught.value.fix
    assert "nothing is proven" in caught.value.allowed
    found = load("s")
    assert found.verdict is None
    assert Counter(run.status for run in found.runs)["failed"] == 1


def test_the_same_command_again_says_the_same_without_another_run() -> None:
    for _ in range(2):
        with pytest.raises(LabError, match="broke its contract"):
            forgot()
    found = load("s")
    assert len(found.runs) == len(found.attempts)
    assert Counter(run.status for run in found.runs)["failed"] == 1


def test_one_call_of_the_runs_own_that_is_wrong_stops_the_study() -> None:
    with pytest.raises(LabError, match=r"broke its contract \(wsd\(\), peak 0.02, seed 0\): train_loss=\["):
        study("logs_a_vector", workers=1)
    assert len(load("s").runs) == 1


def test_deaths_in_sittings_that_were_ended_from_outside_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, starts = Store.begin_attempt, []

    def ended(self: Store, *given: Any) -> int:
        starts.append(given)
        if len(starts) == 2:  # the worker's death was heard; now the coordinator ends, too
            raise KeyboardInterrupt
        return begin(self, *given)

    alone: dict[str, Any] = {"candidates": ["wsd()"], "peaks": [0.05], "workers": 1, "confirm_seeds": 1}
    for _ in range(2):
        starts.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Store, "begin_attempt", ended)
            with pytest.raises(KeyboardInterrupt):
                study("is_killed_with_its_coordinator", **alone)
    assert Counter(a.outcome for a in load("s").attempts) == {"lost": 2}
    assert outcomes(study("is_killed_with_its_coordinator", **alone)) == {"done": 1}
