"""Nothing is lost: killed at any moment, the same command goes on and ends with the same verdict."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records import Study, load
from tests.lab.lost import gone

QUADRATIC = Path(__file__).parent / "trains" / "quadratic.py"
COMMAND = [
    *(sys.executable, "-m", "calando", "compare", f"{QUADRATIC}:slow"),
    *("--candidates", "linear_decay()", "wsd()", "cosine()", "--no-humble"),
    *("--peaks", "0.02", "0.05", "0.1", "--seeds", "2", "--confirm-seeds", "3"),
    *("--steps", "30", "--evals", "3", "--workers", "2", "--no-report"),
]


def started(folder: Path, study: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--study", study], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(folder: Path, study: str) -> Study:
    process = started(folder, study)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    return load(folder / study)


def begun(folder: Path, runs: int, process: subprocess.Popen[str], seconds: float = 60) -> Study:
    """Wait until so many runs have finished."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() not in (None, 0):
            pytest.fail(f"the coordinator ended with {process.returncode}: {process.communicate()}")
        try:
            study = load(folder)
        except BadFile:  # not written yet
            study = None
        if study is not None and len(study.runs) >= runs:
            return study
        time.sleep(0.01)
    process.kill()
    pytest.fail(f"{runs} runs did not finish in {seconds} s: {process.communicate()}")


def running_workers(study: Study) -> set[int]:
    return {a.pid for a in study.attempts if not a.outcome and a.session == len(study.sessions)}


def nothing_finished_was_repeated(study: Study) -> bool:
    ends = Counter(a.key for a in study.attempts if a.outcome in ("done", "diverged", "failed"))
    after = {r.spec.key: r.started for r in study.runs}
    late = [a for a in study.attempts if a.key in after and a.started > after[a.key] + 0.5]
    return set(ends.values()) == {1} and not late


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return finished(tmp_path_factory.mktemp("undisturbed"), "s")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("CALANDO_KILLS", "3"))))
def test_a_coordinator_killed_at_three_random_moments_reaches_the_same_verdict(
    tmp_path: Path, undisturbed: Study, seed: int
) -> None:
    chance, kept = random.Random(seed), {}
    for _ in range(3):
        process = started(tmp_path, "s")
        before = begun(tmp_path / "s", len(kept) + chance.randint(0, 5), process)
        time.sleep(chance.uniform(0, 0.3))
        workers = running_workers(before)
        process.kill()
        process.communicate()
        assert all(gone(pid) for pid in workers), "workers outlived their coordinator"
        now = {run.spec.key: run for run in load(tmp_path / "s").runs}
        assert all(now[key] == run for key, run in kept.items())
        kept = now
    study = finished(tmp_path, "s")
    assert study.verdict == undisturbed.verdict
    assert all({r.spec.key: r for r in study.runs}[key] == run for key, run in kept.items())
    assert nothing_finished_was_repeated(study)
    assert {r.spec.key: (r.final, r.curves) for r in study.runs} == {
        r.spec.key: (r.final, r.curves) for r in undisturbed.runs
    }


def test_a_worker_stuck_in_a_c_call_dies_with_its_coordinator(tmp_path: Path) -> None:
    line = [word.replace(":slow", ":holds_the_interpreter") for word in COMMAND]
    process = subprocess.Popen(
        [*line, "--study", "s"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    end, stuck = time.monotonic() + 60, set()
    while not stuck and time.monotonic() < end:
        study = begun(tmp_path / "s", 3, process)
        stuck = {a.pid for a in study.attempts if not a.outcome and time.time() - a.started > 1}
    process.kill()
    process.wait()
    assert stuck
    assert all(gone(pid) for pid in stuck)


def test_a_worker_killed_from_outside_costs_only_its_own_run(tmp_path: Path, undisturbed: Study) -> None:
    process = started(tmp_path, "s")
    victims = set()
    while not victims:
        victims = running_workers(begun(tmp_path / "s", 4, process))
    os.kill(min(victims), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    study = load(tmp_path / "s")
    assert study.verdict == undisturbed.verdict, err
    assert sum(a.outcome == "lost" for a in study.attempts) <= 1
    assert nothing_finished_was_repeated(study)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_keeps_everything_and_says_how_to_go_on(
    tmp_path: Path, undisturbed: Study, how: signal.Signals
) -> None:
    process = started(tmp_path, "s")
    workers = running_workers(begun(tmp_path / "s", 1, process))
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "every finished run is kept. To go on:\n  calando compare" in err
    assert "'linear_decay()'" in err
    assert "Traceback" not in err
    assert all(gone(pid) for pid in workers)
    study = load(tmp_path / "s")
    assert study.runs
    assert {a.outcome for a in study.attempts} <= {"done", "interrupted"}
    assert finished(tmp_path, "s").verdict == undisturbed.verdict


def test_the_undisturbed_study_is_itself_sound(undisturbed: Study) -> None:
    assert nothing_finished_was_repeated(undisturbed)
    assert undisturbed.verdict is not None
    assert len(undisturbed.runs) >= 3 * (3 * 2 + 3)
    assert undisturbed.command[:2] == ("calando", "compare")
