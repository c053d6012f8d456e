"""The arrows between the rooms of the house point down, lazy imports included.

                cli
 ┌───────┬───────┼────────┬──────────── lightning  transformers  ignite ...   (hosts built on PyTorch)
lab    watch   report     │                 │
 └──┬────┴───┬───┘        │               torch  keras  optax                  (front doors)
forecast     │            │                 └──────┴──────┤
    └──── records         │                             peers                  (what other libraries' schedules mean)
             └────────── core ────────────────────────────┘
                          │
                        errors
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.contracts.source import PACKAGE, SRC, Import, at_load, imports, modules

DOORS = {"torch", "keras", "optax"}
HOSTS = {"accelerate", "composer", "deepspeed", "ignite", "lightning", "transformers"}
BELOW_RECORDS = {"core", "errors"}
BELOW_FORECAST = {"records"} | BELOW_RECORDS
BELOW_PAGES = {"forecast"} | BELOW_FORECAST

# Each room, and the rooms it may look into. A room that is not listed here fails the test: draw it first.
MAY_USE: dict[str, set[str]] = {
    "errors": set(),
    "core": {"errors"},
    "records": BELOW_RECORDS,
    "forecast": BELOW_FORECAST,
    "lab": BELOW_PAGES,
    "watch": BELOW_PAGES,
    "report": BELOW_PAGES,
    "peers": BELOW_RECORDS,
    **dict.fromkeys(DOORS, {"peers"} | BELOW_RECORDS),
    **dict.fromkeys(HOSTS, {"torch", "peers"} | BELOW_RECORDS),
}
EVERYTHING = {"lab", "watch", "report", "testing", "peers"} | DOORS | HOSTS | BELOW_PAGES
MAY_USE |= {"cli": EVERYTHING - {"testing"} | {""}, "testing": EVERYTHING | {""}}
# The root gathers the public names; python -m calando is the command line.
MAY_USE |= {"": EVERYTHING - {"testing"}, "__main__": {"cli"}}

FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "optax", "flax", "lightning", "pytorch_lightning", "transformers"}
FRAMEWORKS |= {"accelerate", "composer", "deepspeed", "equinox", "ignite", "timm"}
ARRAYS = {"numpy"}


def room(module: str) -> str:
    """`calando.core.text` stands in `core`, `calando` itself in "" (the root)."""
    return module.split(".")[1] if "." in module else ""


def ours(found: Import) -> bool:
    return found.what == "calando" or found.what.startswith("calando.")


def upward(src: Path = SRC) -> list[str]:
    """Every import between our rooms that is not in the picture."""
    wrong = []
    for found in filter(ours, imports(src)):
        here, there = room(found.who), room(found.what)
        if here != there and there not in MAY_USE.get(here, set()):
            wrong.append(f"{found}: {here or 'the root'} may not use {there or 'the root'}")
    return wrong


def foreign(src: Path = SRC) -> list[str]:
    """Every import of an outside package in a room that has to do without it."""
    wrong = []
    for found in imports(src):
        here, package = room(found.who), found.what.partition(".")[0]
        if package in FRAMEWORKS and here not in DOORS | HOSTS | {"testing"}:
            wrong.append(f"{found}: only the front doors know a framework")
        elif here in {"", "errors", "core", "records"} and not (_standard(package) or package in ARRAYS | {"calando"}):
            wrong.append(f"{found}: {here or 'the root'} stands on the standard library and NumPy alone")
        elif here in {"", "errors", "core"} and package in ARRAYS and at_load(found, src):
            wrong.append(f"{found}: NumPy is loaded only when arrays are asked for, inside a function")
    return wrong


def circles(src: Path = SRC) -> list[str]:
    """Every circle of modules that load one another at import time."""
    edges: dict[str, set[str]] = {name: set() for name in modules(src)}
    for found in filter(ours, imports(src)):
        if found.what in edges and found.what != found.who and at_load(found, src):
            edges[found.who].add(found.what)
    found_circles: list[str] = []
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            found_circles.append(" -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for below in sorted(edges[module]):
                visit(below, [*trail, module])
            done.add(module)

    for name in sorted(edges):
        visit(name, [])
    return found_circles


def _standard(package: str) -> bool:
    return package in sys.stdlib_module_names


def test_every_room_is_in_the_picture() -> None:
    assert {room(name) for name in modules()} <= set(MAY_USE)


def test_arrows_point_down() -> None:
    assert upward() == []


def test_only_the_doors_know_a_framework() -> None:
    assert foreign() == []


def test_no_modules_load_one_another_in_a_circle() -> None:
    assert circles() == []


PLANTED = [
    ("core/clock.py", "from calando.records import store", upward),
    ("core/clock.py", "import calando.torch", upward),
    ("core/clock.py", "def late():\n    from calando import lab", upward),
    ("core/clock.py", "def late():\n    import importlib\n    importlib.import_module('calando.torch')", upward),
    ("core/clock.py", "def late():\n    from ..lab import compare", upward),
    ("core/clock.py", "from calando import cosine", upward),
    ("errors.py", "from calando.core import clock", upward),
    ("records/__init__.py", "from calando.report import build", upward),
    ("report/__init__.py", "def late():\n    from calando.lab import compare", upward),
    ("lab/__init__.py", "from calando.torch import attach", upward),
    ("lab/__init__.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import calando.report", upward),
    ("keras/__init__.py", "from calando.records import store", upward),
    ("keras/__init__.py", "from calando.torch import attach", upward),
    ("torch/__init__.py", "def late():\n    import calando.lightning", upward),
    ("peers/__init__.py", "import calando.torch", upward),
    ("peers/__init__.py", "def late():\n    import timm", foreign),
    ("cellar/__init__.py", "from calando.core import clock", upward),
    ("core/clock.py", "def late():\n    import torch", foreign),
    ("core/clock.py", "import numpy as np", foreign),
    ("core/clock.py", "def late():\n    import rich", foreign),
    ("lab/__init__.py", "def late():\n    import torch.nn as nn", foreign),
    ("records/__init__.py", "from pandas import DataFrame", foreign),
    ("errors.py", "import calando.core.clock", circles),
]


@pytest.mark.parametrize(("file", "line", "finds"), PLANTED, ids=[f"{f}: {x.splitlines()[-1]}" for f, x, _ in PLANTED])
def test_a_planted_violation_is_found(tmp_path: Path, file: str, line: str, finds) -> None:
    shutil.copytree(PACKAGE, tmp_path / "calando", ignore=shutil.ignore_patterns("__pycache__"))
    before = finds(tmp_path)
    victim = tmp_path / "calando" / file
    victim.parent.mkdir(exist_ok=True)
    text = victim.read_text(encoding="utf-8") if victim.exists() else ""
    victim.write_text(f"{text}\n{line}\n", encoding="utf-8")
    if finds is circles:
        (tmp_path / "calando/core/clock.py").write_text("import calando.errors\n", encoding="utf-8")
    assert len(finds(tmp_path)) > len(before)


def test_a_type_only_or_lazy_import_of_numpy_in_the_core_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "calando/core").mkdir(parents=True)
    for name in ("__init__", "core/__init__"):
        (tmp_path / f"calando/{name}.py").write_text("", encoding="utf-8")
    (tmp_path / "calando/core/lazy.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\ndef f():\n    import numpy\n",
        encoding="utf-8",
    )
    assert foreign(tmp_path) == []
