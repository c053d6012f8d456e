"""The README keeps its word: its code runs, its commands exist, its picture is the tool's own, its table is true."""

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contracts.source import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN_HERE = {"show", "export", "list", "cite"}  # verbs that answer at once


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(tool: str) -> list[str]:
    """Every line of the shell blocks that calls `tool`, without its comment."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.startswith(tool + " ")]


def rows() -> list[tuple[list[str], str]]:
    """The table of what there is: the names in each row and its state."""
    table = README.split("## What there is", 1)[1]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")][2:]
    return [(re.findall(r"`(calando[ .][\w. ]+)`", row[1]), row[2].strip()) for row in cells]


def verb_help(verb: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "calando", verb, "--help"], capture_output=True, text=True, check=False, timeout=120
    )


def present(name: str) -> bool:
    """Whether a verb of the command line or a dotted Python name exists."""
    if " " in name:
        return verb_help(name.split()[1]).returncode == 0
    owner, _, last = name.rpartition(".")
    try:
        if hasattr(importlib.import_module(owner), last):
            return True
        importlib.import_module(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = blocks("python")
    assert len(told) >= 2
    exec(compile("\n".join(told), "README.md", "exec"), {"__name__": "readme"})


def test_every_make_command_is_a_target() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    asked = [command.split()[1] for command in commands("make")]
    assert asked[:2] == ["run", "test"]
    assert set(asked) <= set(targets)


@pytest.mark.parametrize("command", commands("calando"), ids=lambda c: c.split()[1])
def test_every_calando_command_is_understood(command: str) -> None:
    words = shlex.split(command)
    if words[1] in RUN_HERE:
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
    else:
        told = verb_help(words[1])
        assert told.returncode == 0
        assert [word for word in words if word.startswith("--") and word not in told.stdout] == []


def test_the_shell_is_told_where_calando_is_before_it_is_called() -> None:
    (told,) = [block.splitlines() for block in blocks("sh") if "calando " in block]
    called = [i for i, line in enumerate(told) if line.startswith("calando ")]
    assert told.index(next(line for line in told if line.split("  #")[0].strip() == ". .venv/bin/activate")) < called[0]


def test_what_pip_is_told_to_install_are_extras_that_there_are() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (asked,) = re.findall(r"pip install '\.\[([\w,]+)\]'", README)
    assert set(asked.split(",")) <= set(extras)


def test_what_is_here_is_here_and_what_comes_is_not() -> None:
    states = [(name, state) for names, state in rows() for name in names]
    assert len(states) >= 10
    assert {state for _, state in states} <= {"here", "planned"}
    assert [name for name, state in states if present(name) != (state == "here")] == []


def test_its_pictures_are_files_of_ours_without_scripts() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    for name in pictures:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.lstrip().startswith(("<?xml", "<svg"))
        assert "<script" not in text


def test_its_picture_is_what_the_command_below_it_draws(tmp_path: Path) -> None:
    (command,) = re.findall(r"<sub>`calando (show .+)`</sub>", README)
    words = shlex.split(command)
    kept = ROOT / words[-1]
    drawn = tmp_path / kept.name
    subprocess.run([sys.executable, "-m", "calando", *words[:-1], str(drawn)], check=True, capture_output=True)
    assert drawn.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")


def test_make_picture_draws_the_same() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    schedules = re.findall(r"^SCHEDULES = (.*)$", makefile, flags=re.MULTILINE)[0]
    assert f"show {schedules} --horizon" in README


def test_its_links_lead_to_files() -> None:
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in x]
    assert [x for x in links if not (ROOT / x).exists()] == []
