"""Each tool of `make test` is set up so that it finds what it is there to find: one planted error each."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.source import ROOT

CONFIG = str(ROOT / "pyproject.toml")


def tool(*words: str, given: str | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], input=given, capture_output=True, text=True, check=False, cwd=cwd, timeout=120
    )


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import os\n", "F401"),
        ("def f(x: int) -> int:\n    assert x\n    return x\n", "S101"),
        ("def f(text: str) -> object:\n    return eval(text)\n", "S307"),
        ("import pickle\n\n\ndef f(data: bytes) -> object:\n    return pickle.loads(data)\n", "S301"),
        ("def f() -> None:\n    print('x')\n", "T201"),
        ("def f() -> int:  # type: ignore\n    return 1\n", "PGH003"),
        ("def f() -> int:\n    return 1\n", "D103"),
    ],
)
def test_ruff_finds_a_planted_error(line: str, rule: str) -> None:
    done = tool("ruff", "check", "--stdin-filename", "src/calando/planted.py", "-", given=line)
    assert done.returncode == 1
    assert rule in done.stdout


def test_every_ignored_rule_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = text.split("\nignore = [\n", 1)[1].split("\n]", 1)[0].splitlines()
    assert len(ignored) > 3
    assert [line for line in ignored if "#" not in line] == []


@pytest.mark.slow
def test_mypy_is_strict(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("def f(x):\n    return x\n", encoding="utf-8")
    done = tool("mypy", "--config-file", CONFIG, "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "planted.py"))
    assert done.returncode == 1
    assert "[no-untyped-def]" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import warnings\n    warnings.warn('x')", "UserWarning: x"),
        ("open('planted', 'w')", "ResourceWarning"),
        ("pass  # noqa\n\n@pytest.mark.unheard\ndef test_other():\n    pass", "'unheard' not found in `markers`"),
    ],
)
def test_warnings_and_unknown_marks_are_errors(tmp_path: Path, body: str, said: str) -> None:
    test = tmp_path / "test_planted.py"
    test.write_text(f"import pytest\n\n\ndef test_planted():\n    {body}\n", encoding="utf-8")
    done = tool("pytest", "-c", CONFIG, "-p", "no:cacheprovider", "-q", str(test), cwd=tmp_path)
    assert done.returncode != 0
    assert said in done.stdout
