"""The page in the terminal: the same runs at any size, lines where nobody looks, nothing that steers the screen."""

import io
import json
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from calando.records.live import Event
from calando.watch.text import duration, follow, line_of, once, read, screen_of
from tests.watch.serve.served import ended, overfitted, record
from tests.watch.serve.test_told import HOSTILE


def printed(board: object, width: int, height: int | None = None) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None, highlight=False)
    console.print(screen_of(board, width, height))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ended(record(tmp_path, "first"))
    recorder = record(tmp_path, "second", steps=300)
    recorder.event(
        Event(250, "applied", {"id": "a", "text": "scale 0.5", "by": "cli", "revision": 1, "reason": "too hot"})
    )
    ended(recorder, "diverged", "train_loss is not finite")
    return tmp_path


@pytest.mark.parametrize("width", [6, 16, 20])
def test_on_a_very_narrow_screen_the_name_comes_first_and_then_the_state(folder: Path, width: int) -> None:
    text = printed(read([folder]), width, 24)
    assert max(map(len, text.splitlines())) <= width
    assert "first" in text
    assert any("diverged" in line for line in text.splitlines()[1:3]) == (width >= 16)


@pytest.mark.parametrize("width", [30, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [8, 24, 60, None])
def test_it_fits_any_screen_and_names_every_run_that_has_room(folder: Path, width: int, height: int | None) -> None:
    text = printed(read([folder]), width, height)
    assert max(map(len, text.splitlines())) <= width
    assert "first" in text
    if height is not None and height >= 24 and width >= 60:
        assert len(text.splitlines()) <= height
    if height is None or height >= 24:
        assert "second" in text
        assert "diverged" in text


def test_a_tall_screen_has_curves_findings_and_decisions(folder: Path) -> None:
    text = printed(read([folder]), 100, 60)
    assert "A val_loss, B train_loss" in text
    assert "learning rate" in text
    assert "step 250 applied scale 0.5 too hot" in text
    assert any("\u2800" < sign <= "\u28ff" for sign in text)


def test_once_says_how_things_stand_in_words_and_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once([folder])
    assert "second" in capsys.readouterr().out
    once([folder], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["calando"], told["kind"]) == (1, "watch")
    assert {run["name"]: (run["state"], run["step"]) for run in told["runs"]} == {
        "first": ("ended", 199), "second": ("diverged", 299),
    }  # fmt: skip
    assert all(run["findings"] for run in told["runs"])


def test_hostile_names_do_not_steer_the_terminal(tmp_path: Path) -> None:
    recorder = record(tmp_path, HOSTILE + " [bold red]x[/] [link=file:///etc/passwd]y[/link]")
    recorder.log(200, {HOSTILE: 1.0, "train_loss": 1.0})
    recorder.event(Event(200, "refused", {"id": "a", "text": HOSTILE, "reason": HOSTILE}))
    recorder.close()
    console = Console(width=300, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(screen_of(read([tmp_path]), 300, None))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold red]x[/]" in text  # no markup of ours either
    assert "\x1b[2J" not in text
    assert "\x1b]8" not in text
    assert not {"\u202e", "\u2066", "\x00"} & set(text)


def test_without_a_screen_lines_are_printed_and_end_with_the_last_run(folder: Path) -> None:
    console = Console(width=200, file=io.StringIO(), force_terminal=False, highlight=False)
    follow([folder], console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert "second: step 250: applied scale 0.5 too hot" in lines
    assert any(line.startswith("first: ended 200 of 1,000 updates; val_loss ") for line in lines)
    assert any(line.startswith("second: diverged 300 of 1,000 updates") for line in lines)


def test_lines_follow_a_run_that_goes_on_until_it_ends(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    console = Console(width=200, file=io.StringIO(), force_terminal=False, highlight=False)
    thread = threading.Thread(target=follow, args=([tmp_path], console), daemon=True)
    thread.start()
    time.sleep(0.6)
    assert thread.is_alive()
    recorder.log(200, {"train_loss": 0.125, "lr": 0.1})
    ended(recorder)
    thread.join(15)
    assert not thread.is_alive()
    assert "train_loss 0.125" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_screen_that_changes_its_size_is_drawn_anew(folder: Path) -> None:
    console = Console(width=100, height=40, file=io.StringIO(), force_terminal=True, highlight=False)
    looks = iter(range(30))

    def stop() -> bool:
        look = next(looks)
        if look == 12:
            console.size = (50, 20)  # type: ignore[assignment]
        return look > 20

    console.file.write("")
    follow([folder], console, stop=stop)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1  # the screen is given back


def test_a_line_says_what_is_left_and_numbers_that_are_not_finite(tmp_path: Path) -> None:
    from calando.watch.serve.told import summary

    recorder = record(tmp_path)
    recorder.log(200, {"train_loss": float("nan"), "lr": 0.1}, when=1.7e9 + 20)
    ((name, run),) = read([tmp_path]).runs.items()
    line = line_of(summary(name, run))
    assert "201 of 1,000 updates, 1 min 20 s left" in line
    assert "train_loss nan" in line
    recorder.close()


def test_durations_are_written_as_people_write_them() -> None:
    assert [duration(seconds) for seconds in (0, 59, 60, 3599, 3600, 86400)] == [
        "0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 d 0 h",
    ]  # fmt: skip


def test_a_terminal_that_cannot_draw_gets_lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console = Console(width=200, file=io.StringIO(), force_terminal=True, highlight=False)
    follow([folder], console)
    assert "second: diverged 300 of 1,000 updates" in console.file.getvalue()  # type: ignore[attr-defined]


def test_lines_wait_for_a_run_that_begins_later(tmp_path: Path) -> None:
    console = Console(width=200, file=io.StringIO(), highlight=False)
    looking = threading.Thread(target=follow, args=([tmp_path], console), daemon=True)
    looking.start()
    time.sleep(0.5)
    assert looking.is_alive()
    assert "Nothing to see yet" in console.file.getvalue()  # type: ignore[attr-defined]
    ended(record(tmp_path, "first"))
    looking.join(10)
    assert not looking.is_alive()
    assert "first: ended 200 of 1,000 updates" in console.file.getvalue()  # type: ignore[attr-defined]


LONG = "a-run-with-a-name-that-is-longer-than-any-list-of-runs-has-room-for-it"


@pytest.mark.parametrize("width", [36, 60, 80, 100, 140])
@pytest.mark.parametrize("name", ["short", LONG])
def test_a_finding_or_a_long_name_hides_no_state(tmp_path: Path, width: int, name: str) -> None:
    overfitted(tmp_path, name)
    text = printed(read([tmp_path]), width, 6)
    row = text.splitlines()[1]
    assert " lost " in row
    assert width < 60 or " overfitting" in row[row.index(" lost ") :]


def test_a_finding_that_repeats_the_state_is_not_said_twice(tmp_path: Path) -> None:
    overfitted(tmp_path, "first", "failed", "RuntimeError: 'CUDA out of memory'")
    assert printed(read([tmp_path]), 120, 6).splitlines()[1].count("failed") == 1


def test_a_line_says_the_state_and_what_the_curves_say(tmp_path: Path) -> None:
    from calando.watch.serve.told import summary

    overfitted(tmp_path, "first")
    ((name, run),) = read([tmp_path]).runs.items()
    line = line_of(summary(name, run))
    assert line.startswith("first: lost 700 of 1,000 updates")
    assert "; overfitting since step" in line


def test_what_happened_before_the_first_update_is_at_no_step_below_0(tmp_path: Path) -> None:
    recorder = record(tmp_path, "first", steps=0)
    recorder.event(Event(-1, "note", {"text": "a new optimizer"}))
    recorder.event(Event(-1, "ended", {"status": "failed", "reason": "no data"}))
    recorder.close()
    console = Console(width=100, file=io.StringIO(), color_system=None)
    follow([tmp_path], console)
    lines = console.file.getvalue()  # type: ignore[attr-defined]
    assert "first: before step 0: note a new optimizer" in lines
    shown = printed(read([tmp_path]), 100)
    assert "before step 0 note a new optimizer" in shown
    assert "step -1" not in lines + shown
