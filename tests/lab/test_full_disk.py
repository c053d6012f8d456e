"""A disk without room stops the study with an error of ours; nothing is lost, and with room it goes on."""

import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from calando.records import Study, load
from tests.lab.lost import RUNS, Moment, command, finished, in_store, repeated, results, trace


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return finished(tmp_path_factory.mktemp("undisturbed"))


def no_file_beyond(size: int) -> Callable[[], None]:
    """For a child process: whatever it or its children write, no file grows beyond so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def starved(folder: Path, function: str, size: int) -> tuple[int, str]:
    (folder / "pause").write_text("0")
    process = subprocess.run(
        command(function), cwd=folder, capture_output=True, text=True, timeout=120, preexec_fn=no_file_beyond(size)
    )
    return process.returncode, process.stderr


def goes_on(folder: Path, function: str, undisturbed: Study) -> None:
    before, moments = in_store(folder), []
    if before is not None:
        moments.append(Moment(before, len(trace(folder))))
    study = finished(folder, function=function)
    assert len(study.runs) == RUNS
    assert results(study) == results(undisturbed)
    assert study.verdict == undisturbed.verdict
    assert list(repeated(moments, study, trace(folder))) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [150_000, 400_000])
def test_a_study_file_that_cannot_grow(tmp_path: Path, undisturbed: Study, size: int) -> None:
    status, told = starved(tmp_path, "slow", size)
    assert status == 2, told
    assert "what is finished is kept, the same command goes on" in told
    assert "Traceback" not in told
    goes_on(tmp_path, "slow", undisturbed)


@pytest.mark.slow
def test_a_log_that_cannot_grow_is_no_candidates_failure(tmp_path: Path, undisturbed: Study) -> None:
    status, told = starved(tmp_path, "talks", 90_000)
    assert status == 2, told
    assert "a disk without room" in told
    study = in_store(tmp_path)
    assert study is not None
    assert [run for run in study.runs if run.status == "failed"] == []
    goes_on(tmp_path, "talks", undisturbed)


@pytest.mark.slow
def test_without_room_for_snapshots_nothing_is_shared_and_nothing_else_changes(
    tmp_path: Path, undisturbed: Study
) -> None:
    status, told = starved(tmp_path, "heavy", 3_000_000)
    assert status == 0, told
    assert "nothing is shared" in told
    assert results(load(tmp_path / "s")) == results(undisturbed)
    assert sum(run.reused for run in load(tmp_path / "s").runs) == 0


TINY = """
mount -t tmpfs -o size=1m none small && cd small && echo 0 > pause
"$@" 2> ../told; echo $? > ../status; cp s/study.sqlite3* ..; mkdir ../before && cp s/study.sqlite3* ../before
mount -o remount,size=64m . && "$@" && cp -r s ..
"""


def _may_mount() -> bool:
    try:
        return not subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
        ).returncode
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("where", ["a small disk"] if _may_mount() else [])
def test_a_small_disk_that_snapshots_logs_and_the_study_fill(tmp_path: Path, undisturbed: Study, where: str) -> None:
    """Beside the tests above, where a user may mount: they need no right at all."""
    (tmp_path / "small").mkdir()
    line = ["unshare", "-rm", "sh", "-c", TINY, "sh", *command("heavy")]
    process = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (tmp_path / "status").read_text() == "2\n", (tmp_path / "told").read_text()
    assert "make room" in (tmp_path / "told").read_text(), where
    assert "Traceback" not in (tmp_path / "told").read_text()
    assert len(load(tmp_path / "before").runs) < RUNS
    study = load(tmp_path / "s")
    assert results(study) == results(undisturbed)
