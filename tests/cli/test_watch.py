"""`calando watch` from the command line."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from calando.cli import main
from tests.watch.serve.served import ended, record


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["watch", *words])
    return done.exit_code, done.output


def test_once_as_json_for_scripts(tmp_path: Path) -> None:
    ended(record(tmp_path))
    code, text = run("--once", "--json", str(tmp_path))
    assert code == 0
    (told,) = json.loads(text)["runs"]
    assert (told["name"], told["state"]) == ("first", "ended")


def test_text_prints_lines_where_there_is_no_screen(tmp_path: Path) -> None:
    ended(record(tmp_path))
    code, text = run("--text", str(tmp_path))
    assert code == 0
    assert "first: ended 200 of 1,000 updates" in text


def test_without_a_name_it_looks_into_runs_and_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = run("--once")
    assert code == 2
    assert "no runs/ and no studies/" in text
    ended(record(tmp_path / "runs"))
    code, text = run("--once")
    assert code == 0
    assert "first" in text


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, text = run("--once", str(tmp_path / "nowhere"))
    assert code == 2
    assert "no such file" in text


def test_without_the_extra_it_says_what_to_install_and_what_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else found(name, *rest)
    )
    code, text = run("--no-browser", str(tmp_path))
    assert code == 2
    assert "calando[watch]" in text
    assert "--text" in text


def started(*words: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "calando", "watch", "--no-browser", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def ended_well(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=30)


def test_it_serves_on_loopback_until_interrupted_and_prints_no_token_but_the_one_address(tmp_path: Path) -> None:
    ended(record(tmp_path))
    process, address = started(str(tmp_path))
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
        token = address.partition("=")[2]
        for _ in range(100):
            try:
                with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - the address was looked at
                    assert b"calando watch" in answer.read()
                break
            except OSError:
                time.sleep(0.1)
        out, err = ended_well(process)
    finally:
        process.kill()
    assert token not in out + err
    assert "Traceback" not in err
    assert "open to others" not in err


def test_a_place_that_is_not_there_yet_is_waited_for_and_said(tmp_path: Path) -> None:
    process, address = started(str(tmp_path / "later"))
    try:
        assert address.startswith("http://127.0.0.1:")
        _, err = ended_well(process)
    finally:
        process.kill()
    assert "later is not there yet" in err


def test_a_misspelt_place_is_said_at_once_with_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(record(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    process, _ = started("runs/frist")
    try:
        _, err = ended_well(process)
    finally:
        process.kill()
    told = "runs/frist is not there yet; a run, study or log is shown as soon as one is; did you mean 'runs/first'?"
    assert told in err
    code, text = run("--text", "runs/frist", "runs/first")  # beside one that is there, too
    assert code == 0
    assert told in text
    assert "first: ended 200 of 1,000 updates" in text
    code, text = run("--once", "frist")
    assert code == 2
    assert "no such file or folder; did you mean 'runs/first'?" in text


def test_without_any_of_the_usual_folders_it_waits_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calando.cli import watch as module

    monkeypatch.chdir(tmp_path)
    assert module._named((), wait=True) == [Path("runs"), Path("studies")]


def test_letting_others_in_is_said_loudly(tmp_path: Path) -> None:
    process, address = started("--host", "0" + ".0" * 3, str(tmp_path))
    try:
        assert address.startswith("http://127.0.0.1:")
        _, err = ended_well(process)
    finally:
        process.kill()
    assert "open to others" in err
    assert "ssh -L" in err


def test_the_browser_is_opened_by_a_file_that_nobody_else_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calando.cli import watch as module

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    path = module._open("http://127.0.0.1:1/?token=abc&x=1")
    limit = time.monotonic() + 10
    while not opened and time.monotonic() < limit:
        time.sleep(0.05)
    assert opened == [path.as_uri()]
    assert "token" not in opened[0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "token=abc&amp;x=1" in path.read_text(encoding="utf-8")
    path.unlink()
