"""A path that is not there is answered by the paths that are and are spelled nearly so."""

from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records.live import discover
from calando.records.logs import read_logs
from calando.records.nearby import or_rather


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("runs/first", "runs/second", "runs/.frist", "studies/peaks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "history.csv").write_text("step,loss\n1,2\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("runs/frist", "'runs/first'"),
        ("runs/FIRST", "'runs/first'"),
        ("rnus/frist", "'runs/first'"),
        ("rnus/first", "'runs/first'"),
        ("first", "'runs/first'"),
        ("peak", "'studies/peaks'"),
        ("history.cvs", "'history.csv'"),
    ],
)
def test_what_is_spelled_nearly_so_is_named(asked: str, meant: str) -> None:
    assert or_rather(asked) == f"; did you mean {meant}?"
    with pytest.raises(BadFile) as seen:
        discover(asked)
    assert meant in seen.value.given
    with pytest.raises(BadFile) as read:
        read_logs(asked)
    assert meant in read.value.given


@pytest.mark.parametrize(
    "asked",
    ["runs/entirely-else", "nowhere", "", ".", "..", "/", "x" * 5000, "a\0b", "runs/*.csv", "../nowhere/at/all"],
)
def test_and_nothing_where_nothing_is_near(asked: str) -> None:
    assert or_rather(asked) == ""


def test_a_folder_that_may_not_be_read_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(folder: Path) -> None:  # root, as which these tests may run, reads every folder
        raise PermissionError(folder)

    monkeypatch.setattr("calando.records.nearby.os.scandir", closed)
    assert or_rather("runs/frist") == ""


def test_of_a_folder_with_very_many_names_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        Path(f"peak-{number}").touch()
    monkeypatch.setattr("calando.records.nearby.MOST", 0)
    assert or_rather("peak-") == ""
    monkeypatch.setattr("calando.records.nearby.MOST", 12)
    assert or_rather("peak-") != ""


def test_no_name_steers_the_terminal() -> None:
    Path("runs", "fir\x1b[2Jst").mkdir()
    assert "\x1b" not in or_rather("runs/fir[2Jst")
