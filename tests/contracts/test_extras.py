"""Installing one extra pulls in no other framework, and importing one front door imports no other."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.source import PACKAGE, ROOT, SRC

INSTALLED_AS = {"tensorflow": "tensorflow-cpu", "tensorflow-cpu": "tensorflow-cpu"}
"""The same package for processors alone, which is what the tests run with where there is one."""

FRAMEWORKS = {
    "accelerate", "deepspeed", "equinox", "flax", "jax", "jaxlib", "keras", "lightning", "optax", "pytorch-ignite",
    "pytorch-lightning", "ray", "tensorflow", "tensorflow-cpu", "timm", "torch", "torchvision", "transformers",
}  # fmt: skip

EXTRAS = {
    "torch": {"torch"},
    "keras": {"keras"},
    "tensorflow": {"tensorflow", "keras"},
    "jax": {"jax", "jaxlib", "optax"},
    "plot": set(),
    "forecast": set(),
    "lab": set(),
    "ray": {"ray"},
    "watch": set(),
    "examples": set(),
}


def named(name: str) -> str:
    name = canonicalize_name(name)
    if name not in INSTALLED_AS:
        return name
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return INSTALLED_AS[name]
    return name


def needs(name: str, extras: frozenset[str] = frozenset()) -> set[tuple[str, frozenset[str]]]:
    """What a distribution asks for here: its requirements whose markers hold, with their own extras."""
    found = set()
    for line in metadata.requires(named(name)) or ():
        asked = Requirement(line)
        if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            found.add((canonicalize_name(asked.name), frozenset(asked.extras)))
    return found


def closure(name: str, *extras: str) -> set[str]:
    """Every distribution that pip would install for `name[extras]`."""
    seen: set[tuple[str, frozenset[str]]] = set()
    left = {(canonicalize_name(name), frozenset(extras))}
    while left:
        one = left.pop()
        seen.add(one)
        left |= needs(*one) - seen
    return {found for found, _ in seen}


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_pulls_in_no_other_framework(extra: str) -> None:
    assert closure("calando", extra) & FRAMEWORKS == EXTRAS[extra]


def test_calando_alone_pulls_in_no_framework() -> None:
    assert closure("calando") == {
        "calando", "click", "markdown-it-py", "mdurl", "numpy", "pygments", "rich",
    }  # fmt: skip


def test_everything_that_is_pulled_in_from_anywhere_is_pinned_and_has_its_pinned_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines if "==" in line}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    asked = [Requirement(line) for group in groups.values() for line in group]
    wanted = closure("calando", *EXTRAS)
    for one in asked:
        if one.marker is None or one.marker.evaluate():
            wanted |= closure(one.name, *one.extras)
    versions = {name: metadata.version(named(name)).partition("+")[0] for name in wanted - {"calando"}}
    assert {name: version for name, version in versions.items() if pins.get(name) != version} == {}
    assert versions["torch"] == "2.13.0"


def test_the_walk_finds_what_is_pulled_in_from_afar() -> None:
    assert "torch" in closure("lightning")
    assert {"jax", "jaxlib", "optax"} <= closure("flax")


def test_every_extra_of_the_project_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"])
    assert set(metadata.metadata("calando").get_all("Provides-Extra") or ()) == set(EXTRAS)


DOORS = {
    "torch": ("torch",),
    "keras": ("keras",),
    "optax": ("jax", "optax"),
    "lightning": ("torch", "lightning"),
    "transformers": ("torch", "transformers"),
    "accelerate": ("torch", "accelerate"),
    "ignite": ("torch", "ignite"),
    "composer": ("torch",),
    "deepspeed": ("torch", "deepspeed"),
    "peers": (),
}
"""What each room may load, with what that brings along by itself."""

OTHERS = {"cli", "core", "errors", "forecast", "lab", "records", "report", "testing", "watch"}


def rooms() -> set[str]:
    """What `calando.NAME` can be imported."""
    return {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


ROOMS = rooms() - {"__init__", "__main__"}


PACKAGES = {
    "accelerate", "deepspeed", "equinox", "flax", "ignite", "jax", "keras", "lightning", "optax", "tensorflow", "timm",
    "torch", "torchvision", "transformers",
}  # fmt: skip

DECLARED = (ROOT / "tests/torchvision_operators.py").read_text(encoding="utf-8") + "declared()\n"
"""Lets what asks for torchvision be imported, whose build for CUDA lacks two operators on a machine without one."""

PROBE = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[3:]:
    importlib.import_module(name)
before = set(sys.modules)
importlib.import_module(sys.argv[2])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def added(module: str, *brought: str, src: Path = SRC, **settings: str) -> set[str]:
    """The frameworks of which a module loads something that these packages had not loaded by themselves."""
    probe = DECLARED + PROBE if "torch" in brought else PROBE
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", probe, str(src), module, *brought],
        capture_output=True, text=True, check=False, timeout=240, env=os.environ | settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1])) & PACKAGES


@pytest.mark.slow
@pytest.mark.parametrize("room", sorted(ROOMS & set(DOORS) - {"keras"}))
def test_a_door_imports_no_other_framework(room: str) -> None:
    assert added(f"calando.{room}", *DOORS[room]) <= set(DOORS[room])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_door_to_keras_imports_its_backend_alone(backend: str) -> None:
    settings = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    assert added("calando.keras", "keras", **settings) <= {"keras", backend}


def test_every_door_is_looked_at() -> None:
    assert set(DOORS) >= ROOMS - OTHERS


def test_a_framework_planted_in_a_door_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("import calando.core, torch\n", encoding="utf-8")
    assert added("planted", "calando", src=tmp_path) == {"torch"}
