"""The files themselves: their size, what must be there, and what must not stand in them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.contracts.source import PACKAGE, ROOT, modules, tree

LONGEST = 400
# Spelled in halves, so that this file does not accuse itself.
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:ho" + r"me|Us" + r"ers|ro" + r"ot|wo" + r"rk|op" + r"t)/\w|[A-Z]:\\\\?Us" + r"ers"
)
REGISTRIES = re.compile(r"py" + r"pi\.org|python" + r"hosted\.org|registry\.np" + r"mjs|down" + r"load\.pytorch")


def kept() -> list[Path]:
    """Every file of the project: what git tracks, and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def held_by(text: str) -> set[str]:
    """Every `tests/...py::test_name` that a text speaks of."""
    return set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", text))


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    return any(isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name for n in ast.walk(tree(file)))


def rules(architecture: str) -> list[str]:
    """The numbered rules of ARCHITECTURE.md: each item of the list below the heading "Rules"."""
    section = architecture.split("\n## Rules", 1)[1].split("\n## ", 1)[0]
    return [rule.strip() for rule in re.findall(r"^\d+\. .*(?:\n(?!\d+\. |\n).*)*", section, flags=re.MULTILINE)]


def test_no_python_file_is_long() -> None:
    lengths = {str(p.relative_to(ROOT)): len(text_of(p).splitlines()) for p in kept() if p.suffix == ".py"}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert [str(p.relative_to(ROOT)) for p in kept() if MACHINE_PATHS.search(text_of(p))] == []


def test_no_file_names_the_address_of_a_package_registry() -> None:
    assert [str(p.relative_to(ROOT)) for p in kept() if REGISTRIES.search(text_of(p))] == []


@pytest.mark.parametrize("line", ["open('/ho" + "me/ann/x')", "see /wo" + "rk/main", r"C:\Us" + r"ers\ann"])
def test_a_machine_path_would_be_found(line: str) -> None:
    assert MACHINE_PATHS.search(line)


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, path in modules().items() if not ast.get_docstring(tree(path))] == []


def test_the_papers_are_here() -> None:
    assert "Apache License" in text_of(ROOT / "LICENSE")
    assert (PACKAGE / "py.typed").is_file()
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "constraints.txt"):
        assert text_of(ROOT / name).strip(), name


def test_the_changelog_keeps_its_form_and_knows_this_version() -> None:
    changelog = text_of(ROOT / "CHANGELOG.md")
    project = text_of(ROOT / "pyproject.toml")
    version = re.search(r'^version = "(.+)"', project, flags=re.MULTILINE)
    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert version
    assert version[1] in headings or version[1] in changelog.split("\n## ", 2)[1]


def test_every_rule_of_the_architecture_names_a_test_that_exists() -> None:
    listed = rules(text_of(ROOT / "ARCHITECTURE.md"))
    assert len(listed) >= 18
    assert [rule for rule in listed if not held_by(rule)] == []
    assert [test for rule in listed for test in held_by(rule) if not exists(test)] == []


def test_a_rule_without_its_test_would_be_found() -> None:
    text = "x\n## Rules\n1. Held by `tests/contracts/test_files.py::test_nothing`.\n2. Held by hope,\n   and care.\n"
    first, second = rules(text)
    assert not exists(held_by(first).pop())
    assert held_by(second) == set()
    assert second.endswith("care.")


def test_constraints_hold_everywhere() -> None:
    lines = [x for x in text_of(ROOT / "constraints.txt").splitlines() if x and not x.startswith("#")]
    assert "torch==2.13.0" in lines
    assert [x for x in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9.]+", x)] == []
    assert [x for x in lines if x.lower().startswith(("nvidia", "triton", "pywin", "colorama", "appnope"))] == []


def test_every_requirement_is_pinned() -> None:
    import tomllib

    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for group in [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]:
        asked += group
    names = {re.split(r"[<>=!~\[; ]", x, maxsplit=1)[0].lower() for x in asked if not x.startswith("calando")}
    pinned = {x.partition("==")[0].lower() for x in text_of(ROOT / "constraints.txt").splitlines() if "==" in x}
    assert names - pinned == set()
