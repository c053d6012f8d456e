"""docs/diagnosis is made from the catalogue that the rules read, and every finding has its entry."""

import ast
import re
from pathlib import Path

from bench.watch.pages import FOLDER, pages
from calando.records.diagnosis.catalogue import CATALOGUE

RULES = Path(__file__).parents[2] / "src" / "calando" / "records" / "diagnosis"


def calls(name):
    """The texts of the first arguments of all calls of a function in the rules, where they are written out."""
    for file in RULES.glob("*.py"):
        tree = ast.parse(file.read_text())
        names = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name and node.args:
                first = node.args[0]
                kind = first.value if isinstance(first, ast.Constant) else names.get(getattr(first, "id", ""))
                if kind is not None:
                    yield kind, [names.get(getattr(a, "id", ""), getattr(a, "value", None)) for a in node.args]


def test_the_pages_are_what_the_catalogue_makes_of_them():
    assert {file.name: file.read_text() for file in FOLDER.glob("*.md")} == pages()


def test_every_finding_that_a_rule_makes_is_in_the_catalogue_and_the_other_way_round():
    assert {kind for kind, _ in calls("Diagnosis")} == set(CATALOGUE)


def test_every_number_that_a_rule_asks_for_is_in_the_catalogue_and_is_asked_for():
    asked = {(kind, arguments[1]) for kind, arguments in calls("limit")}
    assert asked == {(kind, name) for kind, entry in CATALOGUE.items() for name in entry.limits}


def test_every_warning_says_what_to_do_and_every_page_is_reached():
    for entry in CATALOGUE.values():
        assert entry.do or entry.severity == "good"
        assert f"({entry.slug}.md)" in pages()["index.md"]


def test_no_row_of_the_list_is_torn_by_a_bar() -> None:
    rows = [line for line in pages()["index.md"].splitlines() if line.startswith("| ")]
    assert any("\\|" in row for row in rows)
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {5}
