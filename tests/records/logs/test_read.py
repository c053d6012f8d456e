"""Files, patterns and folders: what is no log is passed over in a folder, and refused where it was named."""

import json
import os
from pathlib import Path

import pytest

from calando.errors import BadFile, BadValue, CalandoError
from calando.records.logs import read_logs
from calando.records.logs.formats import FORMATS
from calando.records.logs.log import Kind
from calando.records.logs.places import glance
from tests.records.logs.samples import state

TABLE = "step,loss\n10,3\n20,2\n"


def test_a_folder_of_everything_gives_a_log_for_each_run(torch_files: Path, keras_files: Path) -> None:
    logs = read_logs(torch_files, keras_files)
    assert sorted((log.kind, log.name) for log in logs) == [
        ("keras", "keras"),
        ("keras", "tabs"),
        ("lightning", "every1/version_0"),
        ("lightning", "every4/version_0"),
        ("tensorboard", "callback"),
        ("tensorboard", "numbers"),
        ("tensorboard", "tensors"),
        ("transformers", "linear"),
        ("transformers", "warm"),
    ]


def test_every_format_is_in_the_registry_once_and_the_widest_comes_last() -> None:
    assert [known.kind for known in FORMATS].count("csv") == 1
    assert FORMATS[-1].kind == "csv"
    assert {known.kind for known in FORMATS} == set(Kind.__args__)


def test_kinds_are_told_by_content_and_not_by_name(torch_files: Path, keras_files: Path, tmp_path: Path) -> None:
    (events,) = (keras_files / "writers" / "numbers").iterdir()
    for name, source in {
        "events.csv": events,
        "table.json": torch_files / "lightning" / "every1" / "version_0" / "metrics.csv",
        "state.tfevents": torch_files / "linear" / "checkpoint-40" / "trainer_state.json",
    }.items():
        (tmp_path / name).write_bytes(source.read_bytes())
    kinds = {Path(log.source).name: log.kind for log in read_logs(tmp_path / "*.*")}
    assert kinds == {"events.csv": "tensorboard", "table.json": "lightning", "state.tfevents": "transformers"}


def test_in_a_folder_what_is_no_log_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "log.csv").write_text(TABLE)
    (tmp_path / "data.csv").write_text("x,y\n1,2\n")
    (tmp_path / "tokenizer.json").write_text(json.dumps({"vocab": {}}))
    (tmp_path / "model.safetensors").write_bytes(os.urandom(2000))
    (tmp_path / "README.md").write_text("# Words, and more words\n")
    (tmp_path / ".hidden.csv").write_text(TABLE)
    (tmp_path / "events.out.tfevents.1.x").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (log,) = read_logs(tmp_path)
    assert log.name == "er"


def test_what_was_named_and_cannot_be_read_is_an_error_or_put_aside(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("no table\n")
    with pytest.raises(BadFile, match=r"b\.csv"):
        read_logs(tmp_path / "*.csv")
    refused: list[CalandoError] = []
    (log,) = read_logs(tmp_path / "*.csv", tmp_path / "none.csv", refused=refused)
    assert log.name == "a"
    assert [Path(error.where).name for error in refused] == ["b.csv", "none.csv"]


def test_a_pattern_may_fit_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.csv").write_text(TABLE)
    (tmp_path / "deep" / "data.csv").write_text("x,y\n1,2\n")
    (tmp_path / "a.csv").write_text(TABLE)
    assert [log.name for log in read_logs(tmp_path / "*")] == ["a", "b"]


def test_a_table_without_rows_does_not_spoil_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text("step,loss\n")
    refused: list[CalandoError] = []
    assert [log.name for log in read_logs(tmp_path)] == ["a"]
    assert [log.name for log in read_logs(tmp_path, refused=refused)] == ["a"]
    assert ["nothing was logged" in error.given for error in refused] == [True]


@pytest.mark.parametrize("place", ["nowhere.csv", "no*.csv", "empty", "a\0b", "x" * 5000, "pipe"])
def test_a_place_without_a_log_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    os.mkfifo("pipe")
    with pytest.raises(BadFile):
        read_logs(place)


def test_a_folder_without_a_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x,y\n1,2\n")
    with pytest.raises(BadFile, match="a folder without a log that is known here"):
        read_logs(tmp_path)


@pytest.mark.parametrize("paths", [(), ("",), (3,), (None,)])
def test_what_is_no_path_is_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(BadValue):
        read_logs(*paths)


def test_runs_that_are_called_alike_get_their_folder_and_then_a_number(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.csv").write_text(TABLE)
        (tmp_path / name / "more.csv").write_text("run,step,loss\nx,1,2\n")
    (tmp_path / "a" / "again.csv").write_text("run,step,loss\nx,1,2\n")
    assert [log.name for log in read_logs(tmp_path)] == ["a/x", "a/x (2)", "a/run", "b/x", "b/run"]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "link.csv").symlink_to("a.csv")
    monkeypatch.chdir(tmp_path)
    assert len(read_logs("a.csv", "*.csv", tmp_path, tmp_path / "a.csv")) == 1
    assert len(read_logs(tmp_path / "a.csv", ".")) == 1


def test_a_logs_name_is_its_folders_where_all_files_are_called_alike(tmp_path: Path) -> None:
    entries = [{"step": 5, "loss": 2.0}]
    state(tmp_path / "out" / "checkpoint-500", entries)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metrics.csv").write_text(TABLE)
    (tmp_path / "mine" / "lr3e-4.run2.csv").write_text(TABLE)
    assert [log.name for log in read_logs(tmp_path)] == ["lr3e-4.run2", "mine", "out"]


def test_of_a_folder_with_too_much_below_it_the_rest_is_told_and_what_was_found_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("a", "b", "c"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "history.csv").write_text(TABLE)
    monkeypatch.setattr("calando.records.logs.places.MOST", 2)
    refused: list[CalandoError] = []
    assert [log.name for log in read_logs(tmp_path, refused=refused)] == ["a"]  # the folder itself is one of two
    (told,) = refused
    assert "more than 2 files or folders" in told.given
    assert str(tmp_path / "b") in told.given
    assert "name folders nearer to the logs" in told.fix
    monkeypatch.setattr("calando.records.logs.places.MOST", 0)
    with pytest.raises(BadFile, match="nothing was looked at"):
        read_logs(tmp_path)


def test_a_walk_ends_where_its_bound_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number:02d}").mkdir()
    walked: list[str] = []
    walk = os.walk
    monkeypatch.setattr("calando.records.logs.places.MOST", 5)
    monkeypatch.setattr(
        "calando.records.logs.places.os.walk", lambda top: (walked.append(one[0]) or one for one in walk(top))
    )
    (tmp_path / "00" / "x.txt").write_text("no log")
    (tmp_path / "20" / "history.csv").write_text(TABLE)
    with pytest.raises(BadFile, match="more than 5 files or folders"):
        read_logs(tmp_path)
    assert len(walked) < 10


def test_folders_are_followed_so_deep_and_no_deeper(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefghijklmnopqrst")
    deep.mkdir(parents=True)
    (deep / "history.csv").write_text(TABLE)
    with pytest.raises(BadFile, match=r"more than 16 folders in one another: nothing below .*p was looked at"):
        read_logs(tmp_path)
    assert len(read_logs(tmp_path.joinpath(*"abcdefgh"))) == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="NOT RUN: a system without /proc")
def test_files_that_the_system_makes_up_as_they_are_read_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("opened"))
    assert not glance(Path("/proc/self/status"))


def test_a_link_that_may_not_be_followed_does_not_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: object) -> str:
        raise PermissionError(path)

    (tmp_path / "history.csv").write_text(TABLE)
    monkeypatch.setattr("calando.records.logs.read.realpath", closed)
    assert len(read_logs(tmp_path)) == 1
