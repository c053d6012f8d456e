"""What an error tells to install can be installed: the extras that are named anywhere are the project's own."""

import ast
import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from calando.cli import living
from calando.core.entries import opened
from calando.errors import MissingExtra
from tests.contracts.source import ROOT, SRC, modules, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])

FILLED = {
    "calando.cli.living": "{extra}",
    "calando.core.entries": "{EXTRAS.get(room, room)}",
    "calando.keras": "{_extra}",
}
"""Where an extra's name is filled in; tests/keras/test_import.py reads what the last one says."""


def named(text: str) -> set[str]:
    """The extras of ours that a text names."""
    return {name.strip() for names in re.findall(r"calando\[([^\]]*)\]", text) for name in names.split(",")}


def wrong(src: Path = SRC) -> list[str]:
    """Every extra that the source names and the project does not have."""
    found = []
    for module, path in modules(src).items():
        names = re.sub(re.escape(FILLED.get(module, "\0")), "", path.read_text(encoding="utf-8"))
        found += [f"{module}: calando[{name}]" for name in sorted(named(names) - EXTRAS - {""})]
    return found


def silent(src: Path = SRC) -> list[str]:
    """Every MissingExtra that does not tell what to install."""
    found = []
    for module, path in modules(src).items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "MissingExtra":
                fix = next((ast.unparse(one.value) for one in node.keywords if one.arg == "fix"), "")
                if "pip install" not in fix and fix != "_remedy(point, error)":
                    found.append(f"{module}:{node.lineno}: {fix}")
    return found


def test_every_extra_that_is_named_can_be_installed() -> None:
    assert wrong() == []
    assert set(living.EXTRAS.values()) <= EXTRAS


def test_every_missing_extra_tells_what_to_install() -> None:
    assert silent() == []


def test_the_pages_name_extras_that_can_be_installed() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        assert named(page.read_text(encoding="utf-8")) <= EXTRAS, page


@pytest.mark.parametrize("group", sorted(PROJECT["entry-points"]))
def test_a_door_of_ours_that_cannot_be_opened_names_an_extra(group: str) -> None:
    for name, target in PROJECT["entry-points"][group].items():
        module = target.partition(":")[0].split(".")[:2]
        point = EntryPoint(name, ".".join([*module, "is_not_here"]) + ":nothing", group)
        with pytest.raises(MissingExtra) as told:
            opened(point, "the door", "attach")
        assert named(told.value.fix) <= EXTRAS
        assert named(told.value.fix), told.value.fix


@pytest.mark.parametrize("text", ["fix = \"pip install 'calando[transformers]'\"", "fix = f'calando[{name}]'"])
def test_an_extra_that_does_not_exist_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(text, encoding="utf-8")
    assert len(wrong(tmp_path)) == 1


def test_a_missing_extra_that_names_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text('raise MissingExtra(given="a", fix="look elsewhere")', encoding="utf-8")
    assert len(silent(tmp_path)) == 1
