"""docs/compare.md keeps its word: its example is a study, its names and options are those that there are."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from calando import Run, cosine
from calando.records import Study, load
from tests.contracts.source import ROOT

TEXT = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
(SHELL,) = re.findall(r"^```sh\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def said(command: str, folder: Path) -> str:
    """What a command of the page prints, with this Python for `python` and for `calando`."""
    tool, *words = shlex.split(command)
    asked = [sys.executable, *(["-m", "calando"] if tool == "calando" else []), *words]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Study]:
    """Everything that the page's commands print, in order, and the study that they leave."""
    pytest.importorskip("scipy")
    folder = tmp_path_factory.mktemp("doc")
    (folder / "fit.py").write_text(PYTHON[0], encoding="utf-8")
    return [said(command, folder) for command in SHELL.splitlines()], load(folder / "studies" / "fit")


def test_the_example_runs_alone_and_as_a_study_without_a_broken_run(told: tuple[list[str], Study]) -> None:
    (alone, compared, reported), study = told
    assert "step 200/200" in alone
    assert "VERDICT" in compared
    assert "VERDICT" in reported
    assert {run.status for run in study.runs} == {"done"}
    assert [note for run in study.runs for note in run.notes] == []
    assert "mine" in {standing.label for standing in study.verdict.standings} if study.verdict else False


def test_the_files_are_where_the_page_says(told: tuple[list[str], Study]) -> None:
    _, study = told
    folder = Path(study.path).parent
    assert "studies/fit/report.html" in TEXT
    assert (folder / "report.html").is_file()


def test_every_name_of_a_run_is_one_that_it_has() -> None:
    names = set(re.findall(r"\brun\.([a-z_]+)", TEXT))
    own = set(vars(Run(cosine().bind(3))))
    assert {"seed", "attach", "steps", "log", "eval_due", "lr", "peak", "horizon"} <= names
    assert [name for name in sorted(names) if not hasattr(Run, name) and name not in own] == []


def test_every_option_is_one_that_a_command_has() -> None:
    helps = "".join(said(f"calando {verb} --help", ROOT) for verb in ("compare", "report"))
    asked = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    assert len(asked) > 12
    assert [option for option in sorted(asked) if option not in helps] == []


def test_what_is_not_run_can_at_least_be_read() -> None:
    for block in PYTHON:
        ast.parse(block)


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, place = link.partition("#")
        assert (ROOT / "docs" / path).exists()
        assert not place or f"## {place.replace('-', ' ')}" in TEXT.lower()
