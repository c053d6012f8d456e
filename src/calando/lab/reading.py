"""What can be read off a script without executing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from calando.errors import CalandoError
from calando.lab.declare import Declared, declare, declared_by

__all__ = ["Literals", "own_modules"]

ASKING = "current_run"


@dataclass(frozen=True, slots=True)
class Literals:
    """What a script's call of `current_run` says in plain numbers and words; None where it does not.

    >>> Literals().declared.steps is None
    True
    """

    plan: str | None = None
    peak: float | None = None
    seed: int | None = None
    declared: Declared = field(default_factory=Declared)

    @classmethod
    def of(cls, path: Path) -> "Literals":
        """Read a script; nothing when it is no Python, which shows when it is executed."""
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return cls()
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == ASKING]
        if len(calls) != 1:
            return cls()
        call = calls[0]
        given: dict[str, Any] = {
            word.arg: word.value.value for word in call.keywords if word.arg and isinstance(word.value, ast.Constant)
        }
        if call.args and isinstance(call.args[0], ast.Constant):
            given["default"] = call.args[0].value
        names = {"steps": "horizon"}
        told = {f.name: given.get(names.get(f.name, f.name)) for f in fields(Declared)}
        try:
            declared = declared_by(declare(**told)(lambda: None))
        except CalandoError:
            declared = Declared()  # the call itself will tell, where it is made
        plan, peak, seed = given.get("default"), given.get("peak"), given.get("seed")
        return cls(
            plan if isinstance(plan, str) else None,
            peak if isinstance(peak, float | int) else None,
            seed if isinstance(seed, int) else None,
            declared,
        )


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def own_modules(script: Path) -> tuple[Path, ...]:
    """The files that a script imports from its own folder, and those that they import, in order of their names."""
    root = script.resolve().parent
    found: set[Path] = set()
    left = [script.resolve()]
    while left:
        for path in _imported(left.pop(), root):
            if path not in found and path != script.resolve():
                found.add(path)
                left.append(path)
    return tuple(sorted(found))


def _imported(path: Path, root: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _files(root, name.name)
        elif isinstance(node, ast.ImportFrom):
            inside = path.parent if node.level else root
            for _ in range(node.level - 1):
                inside = inside.parent
            yield from _files(inside, node.module or "")
            for name in node.names:
                yield from _files(inside, ".".join(filter(None, (node.module, name.name))))


def _files(root: Path, dotted: str) -> Iterator[Path]:
    """The file of a module below a folder, and those of the packages around it."""
    parts = dotted.split(".") if dotted else []
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path.resolve()
