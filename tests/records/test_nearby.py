"""A path that is not there is answered by the paths that are and are spelled nearly so."""

import difflib
import os
from pathlib import Path

import pytest

from calando.cli.arguments import read_plan
from calando.errors import BadFile, BadName
from calando.records import load
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


def test_of_many_names_only_those_that_begin_and_end_alike_are_compared_sign_by_sign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    close = difflib.get_close_matches

    def counting(word: str, names: list[str], **how: float) -> list[str]:
        compared.append(len(names))
        return close(word, names, **how)  # type: ignore[arg-type]

    monkeypatch.setattr("calando.records.nearby.difflib.get_close_matches", counting)
    for number in range(400):
        Path(f"sweep-{number:03d}-of-400").touch()
    Path("sweep-117-off-400").touch()
    assert or_rather("sweep-117-of-4000").startswith("; did you mean 'sweep-117-of-400'")
    assert max(compared) <= 300


def test_of_many_folders_that_may_be_meant_a_dozen_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    for a in range(3):
        for b in range(3):
            for c in range(3):
                Path(f"alpha{a}", f"beta{b}", f"gamma{c}").mkdir(parents=True)
    looked: list[Path] = []
    scan = os.scandir
    monkeypatch.setattr("calando.records.nearby.os.scandir", lambda folder: looked.append(folder) or scan(folder))
    assert or_rather("alpha/beta/gamma/delta") == ""
    assert len(looked) <= 12


def test_no_name_steers_the_terminal() -> None:
    Path("runs", "fir\x1b[2Jst").mkdir()
    assert "\x1b" not in or_rather("runs/fir[2Jst")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("runs/secnod", "'runs/second'"), ("secnod", "'runs/second'"), ("rnus/second", "'runs/second'"),
     ("studies/peak", "'studies/peaks'")],
)  # fmt: skip
def test_a_plan_that_is_none_may_have_been_meant_for_a_run_or_a_study(asked: str, meant: str) -> None:
    with pytest.raises(BadFile) as seen:
        read_plan(asked)
    assert f"did you mean {meant}" in seen.value.given


def test_what_is_nearly_a_plan_is_taken_for_one() -> None:
    Path("runs", "cosin").mkdir()
    with pytest.raises(BadName, match="did you mean 'cosine'"):
        read_plan("cosin")
    with pytest.raises(BadName, match="secnod"):
        read_plan("secnod()")


def test_a_study_that_is_not_there_may_be_another_one() -> None:
    with pytest.raises(BadFile, match="no such study; did you mean 'studies/peaks'"):
        load("studies/peak")
