"""docs/convert.md keeps its word: its Python runs, its commands do, its options are those that there are."""

import re
import shlex

import pytest

from tests.cli.calling import said, spawn
from tests.contracts.source import ROOT

TEXT = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
(SHELL,) = re.findall(r"^```sh\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
PLANS = ("anneal(over=100, end=0.0001", "warmup(5, start=0.1)", "shift(", "multistep(milestones=[30, 60])")


@pytest.mark.parametrize("code", PYTHON)
def test_its_python_runs(code: str) -> None:
    exec(code, {})


@pytest.mark.parametrize(("command", "plan"), list(zip(SHELL.splitlines(), PLANS, strict=True)))
def test_its_commands_print_a_plan(command: str, plan: str) -> None:
    tool, peer, source, *words = shlex.split(command)[0:1] + shlex.split(command)[2:]
    assert tool == "calando"
    done = spawn("convert", peer, source, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(plan)
    assert "largest difference" in done.stdout


def test_its_options_are_those_of_the_command() -> None:
    asked = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    told = said("convert", "--help")
    assert len(asked) == 6
    assert [option for option in sorted(asked) if option not in told] == []
