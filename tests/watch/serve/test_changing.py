"""What is looked at comes late, goes away, is cut, or may not be read: each is said, and the rest is shown."""

import io
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from rich.console import Console

from calando.records.live import RECORD, Event, Tail
from calando.watch.serve.board import Board
from calando.watch.serve.judge import Judge
from calando.watch.serve.told import details, steerable, summary
from calando.watch.text import follow, screen_of
from tests.watch.serve.served import ended, record
from tests.watch.serve.test_board import only, searched

NOBODY = 65534
Given = TypeVar("Given")


def as_another(work: Callable[[], Given]) -> Given:
    """What a function gives where whoever calls it is not root."""
    if os.geteuid() != 0:
        return work()
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        return work()
    finally:
        os.setresuid(0, 0, 0)


def readable(folder: Path) -> Path:
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and "pytest" in str(place):
            place.chmod(0o755)
    return folder


def test_a_folder_that_is_not_there_yet_is_waited_for_and_said(tmp_path: Path) -> None:
    place = tmp_path / "runs" / "later"
    board = searched(Board([place], wait=True))
    assert not board.runs
    assert [problem for problem in board.problems if "later" in problem and "not there" in problem]
    console = Console(width=500, file=io.StringIO(), color_system=None)
    console.print(screen_of(board, 500, 20))
    assert "not there yet" in console.file.getvalue()  # type: ignore[attr-defined]
    recorder = record(tmp_path / "runs", "later")
    assert only(searched(board))[1].facts.name == "later"
    assert board.problems == []
    recorder.close()


def test_the_terminal_waits_for_a_folder_that_appears_later(tmp_path: Path) -> None:
    console = Console(width=200, file=io.StringIO(), highlight=False)
    looking = threading.Thread(target=follow, args=([tmp_path / "runs"], console), daemon=True)
    looking.start()
    time.sleep(0.5)
    assert looking.is_alive()
    ended(record(tmp_path / "runs", "first"))
    looking.join(12)
    assert not looking.is_alive()
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "not there yet" in said
    assert "first: ended 200 of 1,000 updates" in said


@pytest.mark.parametrize("longer", [False, True])
def test_a_record_that_is_replaced_in_its_own_file_is_read_anew(tmp_path: Path, longer: bool) -> None:
    recorder = record(tmp_path, "first", steps=100)
    other = record(tmp_path, "second", steps=400 if longer else 40)
    ended(other)
    tail = Tail(recorder.folder)
    tail.poll()
    (recorder.folder / RECORD).write_bytes((other.folder / RECORD).read_bytes())  # the same file, other bytes
    news = tail.poll()
    assert news.fresh
    assert (tail.name, tail.last) == ("second", 399 if longer else 39)
    assert tail.problems == []
    recorder.close()


def test_a_record_that_is_emptied_says_so(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    board = searched(Board([tmp_path]))
    name, run = only(board)
    Judge(board).tell(name, ahead=True)
    assert run.findings
    os.truncate(recorder.path, 0)
    searched(board)
    told = details(name, run)
    assert (told["state"], told["step"]) == ("waiting", -1)
    assert (told["findings"], told["forecast"], told["worst"]) == ([], None, [])
    assert "cut" in told["why"]
    recorder.close()


def test_events_of_a_record_that_was_replaced_are_told_in_lines(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    for number in range(5):
        recorder.event(Event(199, "note", {"text": f"old {number}"}))
    console = Console(width=200, file=io.StringIO(), highlight=False)
    looking = threading.Thread(target=follow, args=([tmp_path], console), daemon=True)
    looking.start()
    until = time.monotonic() + 10
    while "old 4" not in console.file.getvalue() and time.monotonic() < until:  # type: ignore[attr-defined]
        time.sleep(0.1)
    other = record(tmp_path / "elsewhere", "other", steps=20)
    other.event(Event(19, "note", {"text": "new"}))
    ended(other)
    recorder.close()
    text = other.path.read_bytes()
    shutil.rmtree(tmp_path / "elsewhere")
    recorder.path.write_bytes(text)
    looking.join(12)
    assert not looking.is_alive()
    assert "note new" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_record_that_may_not_be_read_is_said_to_be_so_and_is_read_when_it_may(tmp_path: Path) -> None:
    ended(record(readable(tmp_path), "open"))
    closed = record(tmp_path, "closed")
    ended(closed)
    closed.path.chmod(0o000)
    board = as_another(lambda: searched(Board([tmp_path])))
    told = {run.facts.name: summary(name, run) for name, run in board.runs.items()}
    assert told["open"]["state"] == "ended"
    assert told["closed"]["state"] == "waiting"
    assert "Permission denied" in told["closed"]["why"]
    closed.path.chmod(0o644)
    as_another(lambda: searched(board))
    told = {run.facts.name: summary(name, run) for name, run in board.runs.items()}
    assert (told["closed"]["state"], told["closed"]["why"]) == ("ended", "")


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path: Path) -> None:
    place = readable(tmp_path) / "private"
    ended(record(place, "first"))
    place.chmod(0o000)
    try:
        board = as_another(lambda: searched(Board([place])))
    finally:
        place.chmod(0o755)
    assert not board.runs
    assert any("private" in problem and "not be read" in problem for problem in board.problems)


def test_in_a_folder_that_is_read_only_a_run_is_shown_and_steering_says_why_not(tmp_path: Path) -> None:
    recorder = record(readable(tmp_path))
    recorder.path.chmod(0o644)
    recorder.folder.chmod(0o555)
    try:
        board = as_another(lambda: searched(Board([tmp_path])))
        name, run = only(board)
        can, why = as_another(lambda: steerable(run))
        assert as_another(lambda: details(name, run))["step"] == 199
    finally:
        recorder.folder.chmod(0o755)
    assert can == "nothing"
    assert "may not write" in why
    recorder.close()


def test_nothing_is_said_of_a_run_before_it_was_read(tmp_path: Path) -> None:
    ended(record(tmp_path, steps=400))
    board = Board([tmp_path])
    _, run = only(board)
    judge = Judge(board)
    assert not judge.step()  # found, and not yet looked into
    assert run.findings == []
    searched(board)
    assert judge.step()
    assert run.findings
    assert run.findings[0]["kind"] != "too little data"


def test_nothing_is_said_of_a_long_run_before_it_was_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calando.records.live import tail
    from calando.watch.serve import shown

    monkeypatch.setattr(tail, "BLOCK", 4096)
    monkeypatch.setattr(shown, "READ_AT_ONCE", 1)
    ended(record(tmp_path, steps=400))
    board = Board([tmp_path])
    name, run = only(board)
    judge = Judge(board)
    assert board.read()
    assert run.columns
    assert not judge.step()
    searched(board)
    assert judge.step()
    assert name in board.runs
