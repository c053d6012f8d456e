"""Nothing is lost: whoever is killed, whenever, a study of shared stages ends as if nobody had been, and repeats no
finished stage."""

import os
from collections import Counter
from pathlib import Path

import pytest

from calando.records import Study
from tests.lab.lost import RUNS, Moment, finished, repeated, results, tormented, trace

KILLS = int(os.environ.get("CALANDO_KILLS", "12"))
SEED = int(os.environ.get("CALANDO_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return finished(folder), folder


def held(folder: Path, study: Study, moments: list[Moment], undisturbed: Study) -> None:
    assert len(study.runs) == RUNS
    assert results(study) == results(undisturbed)
    assert study.verdict == undisturbed.verdict
    assert list(repeated(moments, study, trace(folder))) == []
    assert max(Counter(a.key for a in study.attempts if a.outcome == "done").values()) == 1
    assert list((folder / "s" / "snapshots").iterdir()) == []


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing_and_no_finished_stage_runs_twice(
    tmp_path: Path, undisturbed: tuple[Study, Path]
) -> None:
    study, moments, log = tormented(tmp_path, KILLS, SEED, pause=0.02 if KILLS < 20 else 0.04)
    assert 3 * len(log) >= 2 * KILLS
    assert any(moment.study.stages for moment in moments)
    held(tmp_path, study, moments, undisturbed[0])


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [50, 51])
def test_fifty_kills_change_nothing(tmp_path: Path, undisturbed: tuple[Study, Path], seed: int) -> None:
    study, moments, log = tormented(tmp_path, 50, seed, pause=0.04)
    assert len(log) == 50
    held(tmp_path, study, moments, undisturbed[0])


def test_the_undisturbed_study_makes_each_step_of_the_tree_once(undisturbed: tuple[Study, Path]) -> None:
    study, folder = undisturbed
    made = trace(folder)
    assert len(made) == sum(run.steps - run.reused for run in study.runs) < 0.7 * RUNS * study.spec.horizon
    assert study.stages
    assert all(stage.snapshot is None for stage in study.stages)
    assert list(repeated([Moment(study, len(made))], study, made)) == []


def test_the_watch_for_repeated_stages_sees_one(undisturbed: tuple[Study, Path]) -> None:
    study, folder = undisturbed
    made = trace(folder)
    assert len(list(repeated([Moment(study, len(made) - 5)], study, made))) == 5
