"""What lies below a folder: runs, studies with their runs under way, logs of other tools; nothing else."""

from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records import Candidate, Store, StudySpec
from calando.records.live import Header, Recorder, discover


def test_it_finds_runs_studies_and_logs_and_nothing_twice(tmp_path: Path) -> None:
    for name in ("runs/first", "runs/group/second", "studies/s/live/cosine 0"):
        Recorder(tmp_path / name, Header(name)).close()
    with Store(tmp_path / "studies" / "s") as store:
        store.save_spec(StudySpec("Which?", "t.py:train", 10, (Candidate("c", "cosine()"),)))
    (tmp_path / "log.csv").write_text("step,loss,lr\n1,3.5,0.1\n2,3.0,0.1\n")
    (tmp_path / "other.csv").write_text("colour,taste\nred,sweet\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "log.csv").write_text("step,loss\n1,3.5\n2,3.0\n")
    found = {(one.kind, one.path.relative_to(tmp_path).as_posix()) for one in discover(tmp_path)}
    assert found == {
        ("log", "log.csv"),
        ("run", "runs/first"),
        ("run", "runs/group/second"),
        ("study", "studies/s"),
        ("run", "studies/s/live/cosine 0"),
    }
    (inside,) = [one for one in discover(tmp_path) if one.study]
    assert (inside.path.name, inside.study) == ("cosine 0", tmp_path / "studies" / "s")
    assert {one.kind for one in discover(tmp_path, logs=False)} == {"run", "study"}


@pytest.mark.parametrize("given", ["run", "run/record.jsonl"])
def test_a_run_is_found_by_its_folder_or_its_file(tmp_path: Path, given: str) -> None:
    Recorder(tmp_path / "run", Header("run")).close()
    assert [(one.kind, one.path) for one in discover(tmp_path / given)] == [("run", tmp_path / "run")]


def test_a_single_file_is_a_log_and_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss\n1,3.5\n")
    assert [one.kind for one in discover(tmp_path / "log.csv")] == ["log"]
    assert discover(tmp_path / ".") != []
    with pytest.raises(BadFile, match="no such file"):
        discover(tmp_path / "none")


def test_links_in_a_circle_and_deep_trees_end(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    deep = tmp_path.joinpath(*("d" * 3 for _ in range(20)))
    Recorder(deep, Header("deep")).close()
    Recorder(tmp_path / "near", Header("near")).close()
    assert [one.path.name for one in discover(tmp_path)] == ["near"]


def test_a_name_too_long_is_no_such_place() -> None:
    with pytest.raises(BadFile, match="no such file"):
        discover("a" * 5000)
