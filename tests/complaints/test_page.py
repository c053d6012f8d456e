"""The table is whole, its tests are there, and docs/complaints.md is made from it and runs."""

import ast
import doctest
import importlib.util
import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.complaints.apart import told_apart
from tests.complaints.table import COMPLAINTS, HOMES, ISSUES, TRAPS, Complaint, parts, versions
from tests.complaints.write_page import HEAD, NAMES, PAGE, page
from tests.contracts.source import ROOT, tree

REPORTED = {
    "pytorch": [
        2545, 38622, 44511, 47513, 53712, 55585, 62475, 67590, 68978, 78917, 79888, 80308, 82859, 88684, 90414, 94450,
        98921, 104361, 107076, 119763, 120934, 129565, 130467, 133898, 162591, 163105, 168044, 171515, 180594, 184517,
        185006, 194712, 195009,
    ],
    "Lightning": [1476, 10759, 15462, 17544, 21339, 21491],
    "transformers": [29417, 34053, 34754],
    "optax": [415, 1036, 1744, 1767],
    "keras": [8829, 10924],
    "tensorflow": [36612],
    "timm": [1242, 2125, 2312],
    "DeepSpeed": [771, 5287, 7969],
    "composer": [418, 1350],
    "OLMo": [385],
    "bert": [1293],
    "detectron2": [429],
    "insightface": [2143],
    "katsura-jp": [14],
    "mesh-transformer-jax": [25],
    "pith-train": [55],
    "sd-scripts": [141],
    "Swin-Transformer": [277],
    "torchtune": [2681],
}  # fmt: skip
"""The issues that were collected, apart from the table, so that none gets lost in it."""

EVERY = (*COMPLAINTS, *TRAPS)


def body(test: str) -> ast.FunctionDef:
    """The function of a test that the table names."""
    path, _, name = test.partition("::")
    (found,) = [node for node in tree(ROOT / path).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found


def told(function: ast.FunctionDef) -> set[str]:
    """The named arguments of all calls of `told_apart` in it."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    mine = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "told_apart"]
    return {keyword.arg or "" for call in mine for keyword in call.keywords}


def test_every_issue_is_in_the_table_once() -> None:
    listed = {home: sorted(n for where, _, n in map(parts, ISSUES) if where == home) for home in HOMES}
    assert listed == REPORTED


@pytest.mark.parametrize("complaint", COMPLAINTS, ids=lambda c: c.ids[0])
def test_every_complaint_has_a_test_that_is_named_after_it(complaint: Complaint) -> None:
    name = complaint.test.rpartition("::")[2]
    words = name.split("_")
    first = parts(complaint.ids[0])[0].lower().replace("-", "_").split("_")[0]
    assert words[1] == first
    assert [issue for issue in complaint.ids if str(parts(issue)[2]) not in words] == []
    wanted = {"old", "ours", "because"} if complaint.mended else {"living", "ours", "because"}
    assert wanted <= told(body(complaint.test)), "its failing side is not the one that the table tells"
    assert not ({"old", "living"} - wanted) & told(body(complaint.test))


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.title[:40])
def test_every_trap_has_a_test(trap: Complaint) -> None:
    assert trap.test.startswith("tests/core/") or {"living", "ours", "because"} <= told(body(trap.test))
    assert body(trap.test).name.startswith("test_")


def test_every_check_is_in_the_table() -> None:
    here = {c.test for c in EVERY}
    for path in sorted((ROOT / "tests" / "complaints").glob("test_*.py")):
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and path.name != "test_page.py" and node.name.startswith("test_"):
                assert f"{path.relative_to(ROOT)}::{node.name}" in here


def test_a_check_that_cannot_fail_would_be_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        told_apart(lambda side: None, living=1, ours=2, because="never")


def test_a_check_that_fails_for_another_reason_would_be_found() -> None:
    def check(side: int) -> None:
        assert side == 2, "not two"

    with pytest.raises(AssertionError, match="Regex pattern did not match"):
        told_apart(check, living=1, ours=2, because="not three")


def test_the_versions_are_those_that_are_installed() -> None:
    from importlib.metadata import PackageNotFoundError, version

    for peer in NAMES:
        try:
            installed = version(peer)
        except PackageNotFoundError:
            continue
        assert installed.partition("+")[0] == versions()[peer]


def test_the_page_is_what_the_table_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.complaints.write_page"


def examples(needs: str) -> list[Complaint]:
    return [complaint for complaint in COMPLAINTS if complaint.needs == needs]


def failures(complaint: Complaint, names: dict[str, Any]) -> str:
    """What an example gives that it should not."""
    test = doctest.DocTestParser().get_doctest(complaint.example, names, complaint.ids[0], None, 0)
    assert test.examples
    said = io.StringIO()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    doctest.DocTestRunner(optionflags=flags).run(test, out=said.write, clear_globs=False)
    return said.getvalue()


@pytest.mark.parametrize("complaint", examples("torch"), ids=lambda c: c.ids[0])
def test_the_examples_run(complaint: Complaint) -> None:
    names: dict[str, Any] = {}
    exec(HEAD.split("```python\n")[1].split("```")[0], names)
    assert failures(complaint, names) == ""


@pytest.mark.parametrize("complaint", examples("optax"), ids=lambda c: c.ids[0])
def test_the_examples_of_optax_run(complaint: Complaint) -> None:
    optax = pytest.importorskip("optax")
    calando = pytest.importorskip("calando.optax") and sys.modules["calando"]
    assert failures(complaint, {"calando": calando, "optax": optax}) == ""


def test_the_examples_of_keras_run() -> None:
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("jax") is None:
        pytest.skip("NOT RUN: Keras and JAX are not installed")
    program = (
        "import json, keras, calando, calando.keras\n"
        "from tests.complaints.test_page import examples, failures\n"
        "names = {'calando': calando, 'keras': keras}\n"
        "print(json.dumps([failures(complaint, dict(names)) for complaint in examples('keras')]))\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "".join(found) == ""
    assert len(found) == len(examples("keras")) > 0
