"""What is public is pinned, sorted and true; everything else stays inside."""

import ast
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import calando
from tests.contracts.source import modules, public_names, tree

# Everything a user may rely on by `calando.NAME`. A plan comes here by its line in core/vocabulary.py and needs none.
PUBLIC = [
    "CalandoError",
    "Converted",
    "Facts",
    "Length",
    "Plan",
    "PlateauRule",
    "PlateauState",
    "Run",
    "Schedule",
    "StopRun",
    "catalog",
    "check",
    "compare",
    "current_run",
    "declare",
    "errors",
    "find",
    "from_deepspeed",
    "from_ignite",
    "from_json",
    "from_keras",
    "from_optax",
    "from_timm",
    "from_torch",
    "from_transformers",
    "parse",
    "register",
    "resume",
    "standalone",
    "tune",
]

# The spellings that must exist, whatever else the catalog has.
SPELLINGS = {
    "anneal",
    "constant",
    "warmup",
    "step_decay",
    "multistep",
    "exponential_decay",
    "polynomial_decay",
    "linear_decay",
    "inverse_sqrt",
    "inverse_time",
    "cosine",
    "warm_restarts",
    "cyclic_cosine",
    "one_cycle",
    "cyclical",
    "wsd",
    "points",
    "function",
    "reduce_on_plateau",
    "hold",
    "then",
    "product",
    "scale",
    "clip",
    "shift",
    "stretch",
    "reverse",
    "repeat",
    "minimum",
    "maximum",
    "bundle",
    "splice",
    "extend",
}

# Rooms and doors that are reached by their own name.
SUBMODULES = {
    "accelerate",
    "cli",
    "composer",
    "core",
    "deepspeed",
    "errors",
    "forecast",
    "ignite",
    "keras",
    "lab",
    "lightning",
    "optax",
    "peers",
    "records",
    "report",
    "testing",
    "torch",
    "transformers",
    "watch",
}


def listed(name: str) -> list[str] | None:
    """The names in a module's `__all__`, read from its source."""
    for node in tree(modules()[name]).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return [item.value for item in node.value.elts]
    return None


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions (plans are classes that read like functions)."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


LISTS = {name: names for name in modules() if (names := listed(name)) is not None}


def test_the_public_names_are_these() -> None:
    assert sorted(set(public_names()) - set(calando.catalog.names())) == sorted(PUBLIC)


def test_every_spelling_that_people_know_is_a_plan() -> None:
    assert sorted(SPELLINGS - set(calando.catalog.names())) == []
    assert [name for name in calando.catalog.names() if not issubclass(getattr(calando, name), calando.Plan)] == []


def test_a_plan_is_exported_by_its_one_line() -> None:
    assert calando.catalog.names() == tuple(sorted(name for name in public_names() if name in calando.catalog.names()))
    assert "cosine" not in (modules()["calando"]).read_text(encoding="utf-8").split('"""')[2]


@pytest.mark.parametrize("module", sorted(LISTS))
def test_every_list_of_names_is_sorted_and_true(module: str) -> None:
    names = LISTS[module]
    assert names == sorted(names, key=order)
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("_") and name != "__version__"] == []
    loaded = importlib.import_module(module)
    assert [name for name in names if not hasattr(loaded, name)] == []


def test_every_package_says_what_it_offers() -> None:
    packages = [name for name, path in modules().items() if path.name == "__init__.py"]
    assert [name for name in packages if name not in LISTS and _speaks(name)] == []


def _speaks(package: str) -> bool:
    """Whether an `__init__` holds more than its docstring."""
    return package != "calando" and len(tree(modules()[package]).body) > 1


def test_nothing_private_leaks_from_the_root() -> None:
    for name in public_names():
        getattr(calando, name)
    shown = {name for name in vars(calando) if not name.startswith("_")}
    assert shown - set(public_names()) <= SUBMODULES
    assert set(dir(calando)) >= set(public_names())


def test_the_root_holds_no_logic() -> None:
    kept = [type(node).__name__ for node in tree(modules()["calando"]).body if not isinstance(node, ALLOWED_AT_ROOT)]
    assert kept == []


ALLOWED_AT_ROOT = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr, ast.If, ast.FunctionDef)


def test_every_module_can_be_imported() -> None:
    for name in modules():
        if not name.endswith("__main__") and not name.startswith("calando.keras"):  # tests/keras/inside does
            assert isinstance(importlib.import_module(name), ModuleType)


def test_no_name_is_spelled_like_a_room() -> None:
    rooms = {found.name for found in pkgutil.iter_modules(calando.__path__)}
    assert {name for name in public_names() if name in rooms} <= {"catalog", "errors", "torch"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        calando.cosin  # noqa: B018 - reading it is the test


@pytest.mark.parametrize("name", ["BadValue", "CalandoError"])
def test_errors_can_be_caught_by_name(name: str) -> None:
    assert inspect.isclass(getattr(calando.errors, name))
