"""Our own studies: each run is a log that knows its plan, and a single run of `calando run` is a study of one."""

import math
from pathlib import Path

import numpy as np
import pytest

import calando
from calando.errors import BadFile
from calando.records import Candidate, Curve, RunRecord, RunSpec, Store, StudySpec
from calando.records.logs import read_logs
from tests.cli.calling import call

SCRIPT = str(Path(__file__).parents[2] / "lab" / "trains" / "script.py")


def test_a_real_run_is_a_log_whose_rates_are_its_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--plan", "warmup(10%) | cosine(end=0.1)", "--peak", "0.05", "--study", "one", "--steps", "40"]
    assert call("run", *words, "--quiet", "--", "python", SCRIPT).exit_code == 0
    (log,) = read_logs("one")
    assert (log.kind, log.unit, log.lr, log.val_loss) == ("study", "step", "lr", "val_loss")
    assert (log.meta["peak"], log.meta["horizon"], log.meta["status"]) == (0.05, 40, "done")
    schedule = calando.parse(str(log.meta["plan"])).bind(log.horizon)
    assert np.allclose(log.rates(), [0.05 * schedule(t) for t in range(40)], rtol=1e-12)
    assert log.column("val_loss").steps[-1] == 40
    (same,) = read_logs(Path("one") / "study.sqlite3")
    assert same.name == log.name


def study(folder: Path, *runs: RunRecord, **spec: object) -> Path:
    with Store(folder) as store:
        store.save_spec(StudySpec("Which?", "t.py:train", 10, (Candidate("c", "cosine()"),), **spec))  # type: ignore[arg-type]
        for run in runs:
            store.finish(0, run)
    return folder


def a_run(seed: int = 0, status: str = "done", **curves: Curve) -> RunRecord:
    return RunRecord(RunSpec("c", "cosine()", 0.1, seed, 10), status, reason="the loss was inf", curves=curves)  # type: ignore[arg-type]


def test_steps_of_a_study_are_counted_from_0_and_of_a_log_as_made(tmp_path: Path) -> None:
    curves = {"train_loss": Curve((0, 1, 9), (3.0, 2.0, 1.0)), "lr": Curve((0, 1, 9), (0.1, 0.1, 0.02))}
    (log,) = read_logs(study(tmp_path / "s", a_run(**curves)))
    assert log.column("train_loss").steps.tolist() == [1, 2, 10]
    assert log.rates()[[0, 9]].tolist() == [0.1, 0.02]


def test_a_run_that_diverged_is_kept_with_what_broke(tmp_path: Path) -> None:
    broken = a_run(1, "diverged", train_loss=Curve((0, 1, 2), (3.0, math.inf, math.nan)))
    sound = a_run(0, train_loss=Curve((0, 1), (3.0, 2.0)))
    first, second = read_logs(study(tmp_path / "s", sound, broken))
    assert (first.diverged, second.diverged) == (None, 2)
    assert any("diverged: the loss was inf" in str(problem) for problem in second.problems)


def test_a_metric_that_is_better_when_higher_is_no_loss(tmp_path: Path) -> None:
    run = a_run(train_loss=Curve((0,), (3.0,)), accuracy=Curve((0,), (0.5,)))
    (log,) = read_logs(study(tmp_path / "s", run, metric="accuracy", mode="max"))
    assert (log.loss, log.val_loss) == ("train_loss", "")
    (log,) = read_logs(study(tmp_path / "t", run, metric="accuracy", mode="min"))
    assert log.val_loss == "accuracy"


def test_a_study_without_a_run_and_a_foreign_database_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no run has finished"):
        read_logs(study(tmp_path / "s"))
    foreign = tmp_path / "other.db"
    import sqlite3

    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(BadFile):
        read_logs(foreign)
