"""docs/export.md keeps its word: its commands run, its table is what the exporters answer, its names exist."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import calando
from calando.core.snippet import HOSTS, code
from calando.errors import Unconvertible
from calando.peers import exports
from tests.contracts.source import ROOT

TEXT = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
((_, SHELL), (_, REFUSED)) = re.findall(r"^```sh( refused)?\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
TABLES = re.findall(r"(?:^\|.*\n)+", TEXT, flags=re.MULTILINE)


def rows(table: str) -> list[list[str]]:
    """The cells of a table, its heading first."""
    lines = [line for line in table.splitlines() if not line.startswith("| ---")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def ran(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    tool, *words = shlex.split(command)
    asked = [sys.executable, *(["-m", "calando"] if tool == "calando" else []), *words]
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_its_commands_run_and_the_program_too(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    said = [ran(command, tmp_path) for command in SHELL.splitlines()]
    assert [done.returncode for done in said] == [0, 0, 0], [done.stderr for done in said]
    assert '"lr_scheduler_type": "cosine_with_min_lr"' in said[1].stdout
    assert (tmp_path / "checkpoint.pt").is_file()


def test_what_it_says_is_refused_is_refused_with_the_difference(tmp_path: Path) -> None:
    done = ran(REFUSED.strip(), tmp_path)
    assert done.returncode == 2
    assert "by 10 % of the peak at step 0" in done.stderr


def test_the_table_of_configs_is_what_the_exporters_answer() -> None:
    (heading, *table) = rows(TABLES[1])
    assert len(table) > 20
    assert {f"to_{name}" for name in heading[1:]} == set(exports.__all__)
    for plan, *cells in table:
        schedule = calando.parse(plan.strip("`")).bind(100)
        for name, cell in zip(heading[1:], cells, strict=True):
            try:
                getattr(exports, f"to_{name}")(schedule, 0.1)
            except Unconvertible:
                assert cell == "-", (plan, name)
            else:
                assert cell == "yes", (plan, name)


def test_the_table_of_programs_names_what_they_call() -> None:
    plain = calando.parse("warmup(5%) | cosine()").bind(100)
    (_, *table) = rows(TABLES[0])
    assert [row[0].strip("`") for row in table] == list(HOSTS)
    for host, driver, *_ in table:
        for name in re.findall(r"`(calando\.[a-z]+\.[A-Za-z_]+)`", driver):
            module, _, attribute = name.rpartition(".")
            assert attribute in code(host.strip("`"), plain, 0.1)
            assert importlib.util.find_spec(module) is not None


def test_the_words_beside_the_table_are_true() -> None:
    def config(text: str) -> dict[str, object]:
        return exports.to_transformers(calando.parse(text).bind(100), 0.1)

    assert config("wsd(warmup=10, start=0.1, end=0.1)")["lr_scheduler_type"] == "warmup_stable_decay"
    with pytest.raises(Unconvertible):
        config("wsd(warmup=10, end=0.1)")
    early = config("warmup(9, start=0.1) | cosine(end=0.1, inclusive=true)")
    assert early["lr_scheduler_type"] == "cosine_warmup_with_min_lr"
