"""Every error that a user can cause is one of ours and tells four parts, none of them empty."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import calando.errors
from calando.errors import CalandoError
from tests.contracts.source import SRC, modules, tree

OURS = {name for name, kind in vars(calando.errors).items() if inspect.isclass(kind) and issubclass(kind, CalandoError)}
PARTS = {"given", "allowed", "where", "fix"}

# Errors of other people that their protocols ask for, and where.
PROTOCOLS = {
    "AttributeError": {"__getattr__", "__getattribute__", "__setattr__", "__delattr__"},
    "IndexError": {"__getitem__"},
    "KeyError": {"__getitem__", "__delitem__"},
    "StopIteration": {"__next__"},
    "NotImplementedError": None,  # an abstract method; no user meets it
    "SystemExit": None,
    "KeyboardInterrupt": None,
    "StopRun": None,  # ends a run from inside the train function: a signal, not an error
}


def helpers(src: Path = SRC) -> set[str]:
    """Our functions that build an error: annotated to return one."""
    found = set()
    for path in modules(src).values():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and node.returns:
                kinds = {kind.strip() for kind in ast.unparse(node.returns).strip("'\"").split("|")}
                if kinds <= OURS:
                    found.add(node.name)
    return found


def raises(path: Path) -> Iterator[tuple[ast.Raise, str]]:
    """Every `raise` of a file with the name of the function it stands in."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[ast.Raise, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Raise):
                yield child, function
            inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from walk(child, inner)

    yield from walk(tree(path), "")


def caught_inside(path: Path) -> set[str]:
    """The builtin errors that a module itself catches: its private functions may raise them to one another."""
    handlers = [node.type for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler) and node.type]
    return {name.id for handler in handlers for name in ast.walk(handler) if isinstance(name, ast.Name)}


def fault(statement: ast.Raise, function: str, builders: set[str], caught: set[str], *, cli: bool) -> str | None:
    """What is wrong with one `raise`; None when it is in order."""
    error = statement.exc
    if error is None or (isinstance(error, ast.Name) and error.id[0].islower()):
        return None  # passing on an error that was caught or built before
    called = error.func if isinstance(error, ast.Call) else error
    dotted = ast.unparse(called)
    name = dotted.rpartition(".")[2]
    if name in builders or (cli and dotted.startswith("click.")):
        return None
    if name in PROTOCOLS:
        places = PROTOCOLS[name]
        return None if places is None or function in places else f"{name} outside {sorted(places)}"
    if function.startswith("_") and name in caught:
        return None
    # type(error)(given=..., ...) says more about an error of ours that was caught.
    if name not in OURS and not dotted.startswith("type("):
        return f"{dotted} is not one of our errors"
    if not isinstance(error, ast.Call) or error.args or {k.arg for k in error.keywords} != PARTS:
        return f"{name} without its four parts by name"
    empty = [k.arg for k in error.keywords if isinstance(k.value, ast.Constant) and not str(k.value.value).strip()]
    return f"{name} with an empty part: {empty}" if empty else None


def faults(src: Path = SRC) -> list[str]:
    builders = helpers(src)
    found = []
    for name, path in modules(src).items():
        caught = caught_inside(path)
        for statement, function in raises(path):
            wrong = fault(statement, function, builders, caught, cli=name.startswith("calando.cli"))
            if wrong:
                found.append(f"{name}:{statement.lineno}: {wrong}")
    return found


def asserts(src: Path = SRC) -> list[str]:
    """Every `assert`: `python -O` removes it, so it cannot guard what a user gives."""
    return [
        f"{name}:{node.lineno}"
        for name, path in modules(src).items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]


def test_every_raise_is_ours_and_tells_four_parts() -> None:
    assert faults() == []


def test_nothing_is_guarded_by_assert() -> None:
    assert asserts() == []


PLANTED = {
    "raise ValueError('no')": "not one of our errors",
    "raise CalandoError('no')": "four parts",
    "raise BadValue(given='x', allowed='y', where='z')": "four parts",
    "raise BadValue(given='x', allowed='y', where='z', fix=' ')": "empty part",
    "raise BadValue": "four parts",
    "raise KeyError('x')": "outside",
    "raise errors.Unheard(given='x', allowed='y', where='z', fix='f')": "not one of our errors",
}


@pytest.mark.parametrize("line", PLANTED)
def test_a_planted_raise_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "planted.py").write_text(f"def f():\n    {line}\n", encoding="utf-8")
    (found,) = faults(tmp_path)
    assert PLANTED[line] in found


def test_a_planted_assert_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("def f(x):\n    assert x > 0\n", encoding="utf-8")
    assert asserts(tmp_path) == ["planted:2"]


@pytest.mark.parametrize("line", ["raise", "raise error from other", "raise KeyError", "raise bad(1)"])
def test_what_is_in_order_passes(tmp_path: Path, line: str) -> None:
    text = f"def bad(x) -> BadValue: ...\ndef __getitem__(self, x):\n    {line}\n"
    (tmp_path / "planted.py").write_text(text, encoding="utf-8")
    assert faults(tmp_path) == []


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_error_survives_a_worker_process(name: str) -> None:
    import pickle

    error = getattr(calando.errors, name)(given="a", allowed="b", where="c", fix="d")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == "a; allowed: b\n  at: c\n  do: d"


def test_the_tree_drawn_at_the_top_of_errors_is_the_real_one() -> None:
    drawn = calando.errors.__doc__ or ""
    lines = [line for line in drawn.splitlines() if "──" in line]
    shown = {line.split("── ")[1].split()[0]: line.rpartition("(")[2].rstrip(")") for line in lines}
    assert set(shown) | {"CalandoError"} == OURS
    for name, builtin in shown.items():
        assert builtin in {base.__name__ for base in getattr(calando.errors, name).__mro__}
