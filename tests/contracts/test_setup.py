"""What `make run` and `make test` stand on: an installation cut short is never taken for a whole one."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.contracts.source import ROOT


class Installer:
    """Stands in for `python -m venv` and pip: keeps what was asked for, and can fail or be interrupted."""

    def __init__(self, setup: ModuleType) -> None:
        self.setup = setup
        self.asked: list[str] = []
        self.fails_at: str | None = None
        self.interrupted_at: str | None = None

    def __call__(self, command: list, **_: object) -> SimpleNamespace:
        words = " ".join(map(str, command))
        if "venv" in words.split():
            (self.setup.VENV / "bin").mkdir(parents=True)
            (self.setup.VENV / "bin" / "python").touch()
            self.asked.append("venv")
        elif "pip" in words.split():
            self.asked.append(words.split()[-1])
            assert not self.setup.STAMP.exists(), "the stamp is written last"
        elif not (self.setup.VENV / "bin" / "python").exists():
            raise FileNotFoundError(words)
        if self.interrupted_at and words.endswith(self.interrupted_at):
            raise KeyboardInterrupt
        failed = bool(self.fails_at) and words.endswith(str(self.fails_at))
        return SimpleNamespace(returncode=int(failed), stdout="(3, 11)\n")


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("calando_setup", ROOT / "scripts/setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "calando-complete")
    monkeypatch.setattr(module, "PINS", tmp_path / "constraints.txt")
    monkeypatch.setattr(module, "PROJECT", tmp_path / "pyproject.toml")
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.a]\nb = 1\n', encoding="utf-8")
    return module


@pytest.fixture
def installer(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Installer:
    stand_in = Installer(setup)
    monkeypatch.setattr(setup.subprocess, "run", stand_in)
    return stand_in


def test_a_fresh_machine_gets_everything_and_the_second_time_nothing(setup: ModuleType, installer: Installer) -> None:
    assert setup.main() == 0
    assert installer.asked == ["venv", "pip", "torch", "editables", "dev"]
    installer.asked.clear()
    assert setup.main() == 0
    assert installer.asked == []


def test_an_interrupted_installation_is_made_anew(setup: ModuleType, installer: Installer) -> None:
    installer.interrupted_at = "editables"
    with pytest.raises(KeyboardInterrupt):
        setup.main()
    installer.interrupted_at = None
    installer.asked.clear()
    setup.main()
    assert installer.asked[0] == "venv"
    assert installer.asked[-1] == "dev"


def test_an_interrupted_update_is_made_anew(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    setup.PINS.write_text("torch==2.13.1\n", encoding="utf-8")
    installer.interrupted_at = "torch"
    with pytest.raises(KeyboardInterrupt):
        setup.main()
    installer.interrupted_at = None
    installer.asked.clear()
    setup.main()
    assert installer.asked[0] == "venv"


def test_moved_pins_bring_the_same_venv_up_to_date(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    installer.asked.clear()
    setup.PINS.write_text("torch==2.13.1\n", encoding="utf-8")
    setup.main()
    assert installer.asked == ["pip", "torch", "editables", "dev"]


def test_a_change_of_tool_settings_installs_nothing(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    installer.asked.clear()
    setup.PROJECT.write_text('[project]\nname = "x"\n[tool.a]\nb = 2\n', encoding="utf-8")
    setup.main()
    assert installer.asked == []


def test_the_frameworks_come_into_the_same_venv_once(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    installer.asked.clear()
    setup.main("frameworks")
    assert installer.asked == ["frameworks"]
    installer.asked.clear()
    setup.main("frameworks")
    setup.main()
    assert installer.asked == []


def test_a_fresh_machine_gets_the_frameworks_in_one_go(setup: ModuleType, installer: Installer) -> None:
    setup.main("frameworks")
    assert installer.asked == ["venv", "pip", "torch", "editables", "dev", "frameworks"]


def test_frameworks_cut_short_are_never_taken_for_complete(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    installer.interrupted_at = "frameworks"
    with pytest.raises(KeyboardInterrupt):
        setup.main("frameworks")
    installer.interrupted_at = None
    installer.asked.clear()
    setup.main()
    assert installer.asked == ["venv", "pip", "torch", "editables", "dev"]
    installer.asked.clear()
    setup.main("frameworks")
    assert installer.asked == ["frameworks"]


def test_moved_pins_leave_no_old_frameworks_for_complete(setup: ModuleType, installer: Installer) -> None:
    setup.main("frameworks")
    setup.PINS.write_text("torch==2.13.1\n", encoding="utf-8")
    setup.main()
    installer.asked.clear()
    setup.main("frameworks")
    assert installer.asked == ["frameworks"]


def test_a_set_that_there_is_not_is_refused(setup: ModuleType, installer: Installer) -> None:
    with pytest.raises(setup.SetupError, match="base or frameworks"):
        setup.main("everything")
    assert installer.asked == []


def test_the_main_job_stays_light_and_the_tests_have_every_framework() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    needs = dict(re.findall(r"^([a-z]+): ([a-z ]*?) ?##", makefile, flags=re.MULTILINE))
    assert needs["run"] == "venv"
    assert {needs[name] for name in ("types", "tests", "quick", "nightly", "bench")} == {"frameworks"}
    assert needs["test"] == "lint types tests"


def test_a_venv_whose_python_is_gone_is_made_anew(setup: ModuleType, installer: Installer) -> None:
    setup.main()
    (setup.VENV / "bin" / "python").unlink()
    installer.asked.clear()
    setup.main()
    assert installer.asked[0] == "venv"


def test_a_clone_that_was_moved_gets_a_venv_of_its_own(
    setup: ModuleType, installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The scripts in .venv/bin name the Python of the place that they were installed in.
    setup.main("frameworks")
    moved = tmp_path / "moved"
    moved.mkdir()
    setup.VENV.rename(moved / ".venv")
    monkeypatch.setattr(setup, "VENV", moved / ".venv")
    monkeypatch.setattr(setup, "STAMP", moved / ".venv" / "calando-complete")
    assert setup.stamped() is None
    installer.asked.clear()
    setup.main()
    assert installer.asked == ["venv", "pip", "torch", "editables", "dev"]
    installer.asked.clear()
    setup.main()
    assert installer.asked == []


def test_scripts_of_a_moved_venv_do_not_run(tmp_path: Path) -> None:
    """Why it is made anew: what a real venv does when its folder moves."""
    made = subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "here")], check=False)
    assert made.returncode == 0
    assert subprocess.run([tmp_path / "here/bin/pip", "--version"], capture_output=True, check=False).returncode == 0
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(FileNotFoundError):
        subprocess.run([tmp_path / "there/bin/pip", "--version"], capture_output=True, check=False)


@pytest.mark.parametrize("stamp", ["", "\n", "only a hash\n"])
def test_a_stamp_that_says_no_place_is_not_believed(setup: ModuleType, installer: Installer, stamp: str) -> None:
    setup.main()
    setup.STAMP.write_text(stamp, encoding="utf-8")
    installer.asked.clear()
    setup.main()
    assert installer.asked[0] == "venv"


def test_a_failed_pip_says_what_to_do_and_leaves_no_stamp(setup: ModuleType, installer: Installer) -> None:
    installer.fails_at = "torch"
    with pytest.raises(setup.SetupError) as caught:
        setup.main()
    told = str(caught.value)
    assert told.startswith("given: pip ended with code 1 while installing torch")
    assert "\n  at: constraints.txt" in told
    assert "\n  do: read pip's lines above; check the network" in told
    assert not setup.STAMP.exists()


def test_without_a_python_the_message_has_four_parts() -> None:
    script = ["/bin/sh", str(ROOT / "scripts/python.sh")]
    where = {name: value for name, value in os.environ.items() if name != "PYTHON"} | {"PATH": "/nowhere"}
    done = subprocess.run(script, env=where, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for part in ("given: no Python", "allowed: Python 3.11", "\n  at: ", "\n  do: install one"):
        assert part in done.stderr


@pytest.mark.parametrize("named", ["/no/such/python3.12", "false", "/"])
def test_a_python_that_is_named_and_cannot_be_used_is_not_replaced_by_another(named: str) -> None:
    script = ["/bin/sh", str(ROOT / "scripts/python.sh")]
    done = subprocess.run(script, env={**os.environ, "PYTHON": named}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    for part in (f"given: PYTHON={named}, which cannot be used", "allowed: Python 3.11", "\n  at: ", "\n  do: name"):
        assert part in done.stderr


def test_a_python_that_is_named_is_the_one() -> None:
    script = ["/bin/sh", str(ROOT / "scripts/python.sh")]
    where = {**os.environ, "PYTHON": sys.executable}
    assert (
        subprocess.run(script, env=where, capture_output=True, text=True, check=True).stdout.strip() == sys.executable
    )


def test_help_keeps_names_and_words_apart() -> None:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", "help"], cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    names = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [line[:18].split() for line in done.stdout.splitlines()] == [["make", name] for name in names]
    assert all(line[18] == " " and line[19] != " " for line in done.stdout.splitlines())


def test_ci_runs_exactly_make_test() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        'cd "$(dirname "$0")/.." && exec make test'
    ]
