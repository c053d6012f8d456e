"""Commands reach a run in their order, each once, whatever else stands in their file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.errors import BadFile, BadValue, LabError
from calando.records.live import COMMANDS, Command, Header, Inbox, Recorder, send


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Recorder(tmp_path, Header("first")).close()
    return tmp_path


def texts(inbox: Inbox) -> list[str]:
    return ["?" if isinstance(one.command, BadFile) else one.command.text for one in inbox.poll()]


def test_what_was_sent_is_heard_once_and_in_order(folder: Path) -> None:
    inbox = Inbox(folder)
    assert texts(inbox) == []
    for text in ("scale 0.5", "undo"):
        send(folder, text)
    assert texts(inbox) == ["scale 0.5", "undo"]
    assert texts(inbox) == []
    send(folder, "stop")
    assert texts(inbox) == ["stop"]


def test_who_was_answered_up_to_a_place_hears_what_comes_after(folder: Path) -> None:
    for text in ("scale 0.5", "undo", "stop"):
        send(folder, text)
    first = Inbox(folder).poll()[0]
    assert texts(Inbox(folder, first.after)) == ["undo", "stop"]


def test_a_line_is_heard_when_it_is_whole(folder: Path) -> None:
    inbox, line = Inbox(folder), Command("a1", "stop").line() + "\n"
    with (folder / COMMANDS).open("a", buffering=1) as file:
        file.write(line[:10])
        file.flush()
        assert texts(inbox) == []
        file.write(line[10:])
    assert texts(inbox) == ["stop"]


def test_a_sender_that_died_within_its_line_spoils_no_other(folder: Path) -> None:
    (folder / COMMANDS).write_text('{"id":"a1","te')
    send(folder, "stop")
    assert texts(Inbox(folder)) == ["?", "stop"]


def test_huge_and_garbled_lines_cost_little_memory_and_hide_nothing(folder: Path) -> None:
    with (folder / COMMANDS).open("wb") as file:
        file.write(b"\x00\xff{{{\n" + b"x" * 1_000_000 + b"\n")
    send(folder, "stop")
    inbox, heard = Inbox(folder), []
    for _ in range(40):
        heard += texts(inbox)
    assert heard[0] == "?"
    assert heard[-1] == "stop"
    assert set(heard[:-1]) == {"?"}


def test_a_file_that_was_begun_anew_is_read_from_its_beginning(folder: Path) -> None:
    inbox = Inbox(folder)
    send(folder, "scale 0.5")
    send(folder, "scale 0.5")
    assert len(texts(inbox)) == 2
    (folder / COMMANDS).unlink()
    send(folder, "stop")
    assert texts(inbox) == ["stop"]


def test_many_processes_send_at_once_and_nothing_is_mixed(folder: Path) -> None:
    program = (
        "import sys; from calando.records.live import send\nfor i in range(40): send(sys.argv[1], f'extend {i + 1}')"
    )
    senders = [subprocess.Popen([sys.executable, "-c", program, str(folder)]) for _ in range(3)]
    assert [sender.wait(timeout=120) for sender in senders] == [0, 0, 0]
    inbox, heard = Inbox(folder), []
    while new := texts(inbox):
        heard += new
    assert sorted(heard) == sorted(f"extend {i + 1}" for i in range(40) for _ in range(3))


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001, "scale 0.5\nstop", "stop\x1b[2J", "st\u202eop"])
def test_what_is_no_line_is_not_sent(folder: Path, text: str) -> None:
    with pytest.raises(BadValue):
        send(folder, text)
    assert not (folder / COMMANDS).exists()


def test_nothing_is_sent_where_no_run_is(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no run is recorded"):
        send(tmp_path, "stop")
    assert not any(tmp_path.iterdir())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_an_error_of_ours(line: bytes) -> None:
    try:
        command = Command.read(line)
    except BadFile:
        return
    assert Command.read(command.line()) == command


@pytest.mark.parametrize("when", ["1" + "0" * 400, "-1" + "0" * 400, "NaN", "1e999", '"inf"'])
def test_a_time_that_is_none_is_refused_and_ends_no_training(folder: Path, when: str) -> None:
    (folder / COMMANDS).write_text(f'{{"id":"a1","text":"stop","w":{when}}}\n')
    assert texts(Inbox(folder)) == ["?"]


def test_no_link_leads_a_command_into_another_file(folder: Path) -> None:
    victim = folder / "victim.txt"
    victim.write_text("mine\n")
    (folder / COMMANDS).symlink_to(victim)
    with pytest.raises(LabError, match="cannot be written"):
        send(folder, "stop")
    assert victim.read_text() == "mine\n"
    (folder / COMMANDS).unlink()
    os.mkfifo(folder / COMMANDS)
    with pytest.raises(LabError, match="no plain file"):
        send(folder, "stop")


def test_a_command_is_not_heard_as_sent_after_it_was() -> None:
    for when in (1_800_000_000.0004, 1_800_000_000.0005, 1_800_000_000.0006, 1_800_000_000.9999):
        heard = Command.read(Command("a", "stop", when=when).line()).when
        assert abs(heard - when) < 2e-6  # a run that goes on within the millisecond tells it from later ones
