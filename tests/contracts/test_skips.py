"""A test that is skipped says what was not run; and where `make test` has installed everything, nothing is missing."""

import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.contracts.source import ROOT

STAMP = Path(sys.prefix) / "calando-complete"


def complete() -> bool:
    """Whether this Python is the one that `make test` has completed with every framework."""
    return STAMP.exists() and "frameworks" in STAMP.read_text(encoding="utf-8").split()


def missing(names: list[str]) -> list[str]:
    """Which of these requirements are not installed, though they apply here."""
    found = []
    for requirement in map(Requirement, names):
        if requirement.marker is None or requirement.marker.evaluate():
            try:
                metadata.version(requirement.name)
            except metadata.PackageNotFoundError:
                found.append(requirement.name)
    return found


def told(call: ast.Call) -> str:
    """The reason that a skip gives, its variable parts left out (but NOT_RUN is one); empty for none."""
    given = [word.value for word in call.keywords if word.arg == "reason"] or call.args[:1]
    if given and ast.unparse(given[0]).rpartition(".")[2] == "NOT_RUN":
        return "NOT RUN: "
    parts = [part for one in given for part in ast.walk(one) if isinstance(part, ast.Constant)]
    return "".join(part.value for part in parts if isinstance(part.value, str))


def skips(source: str) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [told(call) for call in calls if ast.unparse(call.func) in ("pytest.skip", "pytest.mark.skip")] + [
        told(call) for call in calls if ast.unparse(call.func) == "pytest.mark.skipif"
    ]


def test_what_a_skip_was_for_is_there_where_make_test_installed_it() -> None:
    """Else a framework that fell out of the installation would take its tests with it, and nobody would see."""
    if not complete():
        pytest.skip("NOT RUN: this is not the .venv that make test completes")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert missing([name for name in groups["frameworks"] if isinstance(name, str)]) == []


def test_a_package_that_fell_out_is_seen() -> None:
    assert missing(["numpy>=1", "no-such-package>=2", "nor-this; sys_platform == 'nowhere'"]) == ["no-such-package"]


def test_every_skip_says_that_it_was_not_run_and_why() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): reason
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if "pytest." in (source := path.read_text(encoding="utf-8")) and "skip" in source
        for reason in skips(source)
    }
    assert len(found) >= 8
    assert {path: reason for path, reason in found.items() if not reason.startswith("NOT RUN: ")} == {}


def test_a_skip_without_a_word_is_seen() -> None:
    assert skips("import pytest\npytest.skip('later')\npytest.skip(f'NOT RUN: needs {x}')") == [
        "later",
        "NOT RUN: needs ",
    ]
