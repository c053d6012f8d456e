"""Whoever takes snapshots finds the keepers of a framework by the classes of its objects."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from calando.core import keepers
from calando.core.keepers import generators, keeper_for, register_keepers
from calando.errors import MissingExtra


class Thing:
    pass


class Special(Thing):
    pass


@pytest.fixture(autouse=True)
def no_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepers, "_DOORS", {})
    monkeypatch.setattr(keepers, "_installed", dict)


def door(kind: Any, **sources: Any) -> Any:
    return SimpleNamespace(
        keeper_for=lambda thing: f"keeper of {type(thing).__name__}" if isinstance(thing, kind) else None,
        generators=lambda: sources,
    )


def test_a_door_serves_the_classes_of_its_root_module_and_what_inherits_from_them() -> None:
    register_keepers("tests", door(Thing))
    assert keeper_for(Special()) == "keeper of Special"
    assert keeper_for(object()) is None


def test_a_door_whose_framework_is_loaded_is_asked_about_everything_else() -> None:
    register_keepers("json", door(dict))
    register_keepers("nobody_imports_this", door(list))
    assert keeper_for({"a": 1}) == "keeper of dict"
    assert keeper_for([1]) is None


def test_generators_come_from_the_frameworks_that_are_loaded() -> None:
    register_keepers("json", door(dict, **{"json.cpu": 1}))
    register_keepers("nobody_imports_this", door(dict, **{"other.cpu": 2}))
    assert generators() == {"json.cpu": 1}


@pytest.mark.parametrize(
    ("target", "fix"),
    [
        ("calando.torch.is_not_here:keeper_for", r"pip install 'calando\[torch\]'"),
        ("calando.optax.is_not_here:keeper_for", r"pip install 'calando\[jax\]'"),
        ("is_not_here.keep:keeper_for", "install is_not_here, which is_not_here.keep imports"),
    ],
)
def test_a_door_that_cannot_be_imported_names_what_to_install(
    target: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("tests", target, "calando.keepers")
    monkeypatch.setattr(keepers, "_installed", lambda: {"tests": point})
    with pytest.raises(MissingExtra, match=fix):
        keeper_for(Thing())


def test_installed_doors_are_found_and_nothing_is_imported_for_objects_of_nobodys() -> None:
    program = """
import sys, torch
from calando.core.keepers import keeper_for, generators
assert type(keeper_for(torch.nn.Linear(1, 1))).__name__ == "ModuleKeeper"
assert keeper_for(3) is None
assert list(generators()) == ["torch.cpu"]
assert "jax" not in sys.modules and "keras" not in sys.modules and "calando.lab" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
