"""`import calando` is quick and loads nothing but the standard library; nor do the rooms that need no framework."""

import atexit
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contracts.source import PACKAGE, SRC

BUDGET_MS = 60.0
TRIES = 20

# Run in a fresh interpreter: what did this import load, and how long did it take?
PROBE = """
import json, sys, time
sys.path.insert(0, sys.argv[2])
before = set(sys.modules)
wall, cpu = time.perf_counter(), time.process_time()
__import__(sys.argv[1])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
new = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign = sorted(new - set(sys.stdlib_module_names) - {"calando"})
print(json.dumps({"wall": 1000 * wall, "cpu": 1000 * cpu, "foreign": foreign}))
"""

FRAMEWORKS = {"torch", "tensorflow", "keras", "jax"}
HEAVY = FRAMEWORKS | {"matplotlib", "plotly", "scipy", "sklearn", "jinja2", "optuna"}


@cache
def bytecode() -> str:
    """A folder for compiled files: an installed package is compiled, and a checkout must not be timed compiling."""
    folder = TemporaryDirectory(prefix="calando-bytecode-")
    atexit.register(folder.cleanup)
    return folder.name


def probe(module: str, src: Path = SRC) -> dict:
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings["PYTHONPYCACHEPREFIX"] = bytecode()
    command = [sys.executable, "-c", PROBE, module, str(src)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=settings)
    return json.loads(done.stdout)


def test_import_calando_loads_the_standard_library_alone() -> None:
    assert probe("calando")["foreign"] == []


@pytest.mark.alone
def test_import_calando_takes_less_than_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    # On an idle machine wall and CPU time agree; on a busy one the wall tells of the neighbours.
    seen: list[dict] = []
    while len(seen) < 5 or (min(x["cpu"] for x in seen) >= BUDGET_MS and len(seen) < TRIES):
        seen.append(probe("calando"))
    cpu, wall = (min(x[clock] for x in seen) for clock in ("cpu", "wall"))
    with capsys.disabled():
        print(f"\nimport calando: {cpu:.1f} ms CPU, {wall:.1f} ms wall, best of {len(seen)}; budget {BUDGET_MS:.0f} ms")
    assert cpu < BUDGET_MS


@pytest.mark.parametrize("module", ["calando.records", "calando.core.catalog", "calando.lab", "calando.report"])
def test_a_room_without_a_framework_loads_none(module: str) -> None:
    assert not HEAVY & set(probe(module)["foreign"])


def test_the_command_line_starts_without_anything_heavy() -> None:
    assert not HEAVY & set(probe("calando.cli")["foreign"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / "calando", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def plant(copy: Path, line: str) -> None:
    root = copy / "calando/__init__.py"
    root.write_text(root.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")


def test_a_planted_numpy_is_found(copy: Path) -> None:
    plant(copy, "import numpy")
    assert "numpy" in probe("calando", copy)["foreign"]


def test_a_planted_delay_breaks_the_budget(copy: Path) -> None:
    plant(copy, f"import time\nwhile time.process_time() < {3 * BUDGET_MS / 1000}: pass")
    assert probe("calando", copy)["cpu"] > BUDGET_MS
