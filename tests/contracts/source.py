"""Reading the package's source as data: its modules, and everything each one imports."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "calando"


@dataclass(frozen=True)
class Import:
    """One import: `who` loads `what` at `line`; `lazy` when it happens inside a function."""

    who: str
    what: str
    line: int
    lazy: bool

    def __str__(self) -> str:
        return f"{self.who}:{self.line} imports {self.what}" + (" (lazily)" if self.lazy else "")


def modules(src: Path = SRC) -> dict[str, Path]:
    """Dotted name -> file, for every module below `src`."""
    found = {}
    for path in sorted(src.rglob("*.py")):
        parts = path.relative_to(src).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(src: Path = SRC) -> list[Import]:
    """Every import of every module: at the top, inside functions, for types only, by a literal name."""
    known = modules(src)
    return [found for name, path in known.items() for found in _imports_of(name, path, known)]


def _imports_of(who: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    for node, lazy in _imports_in(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(who, alias.name, node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, who, path)
            for alias in node.names:
                # "from calando import torch" loads a module; "from calando import cosine" reads the root.
                deeper = f"{base}.{alias.name}"
                yield Import(who, deeper if deeper in known else base, node.lineno, lazy)
        elif isinstance(node, ast.Call) and _loads_by_name(node):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Import(who, name.value.partition(":")[0], node.lineno, lazy)


@cache  # by the text: the same files are looked at again for each planted violation
def _imports_in(text: str) -> tuple[tuple[ast.AST, bool], ...]:
    """What may import something, and whether it stands inside a function."""
    found: list[tuple[ast.AST, bool]] = []
    left: list[tuple[ast.AST, bool]] = [(ast.parse(text), False)]
    while left:
        node, lazy = left.pop()
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            found.append((node, lazy))
        left += [(child, lazy) for child in ast.iter_child_nodes(node)]
    return tuple(sorted(found, key=lambda pair: (pair[0].lineno, pair[0].col_offset)))


def _absolute(node: ast.ImportFrom, who: str, path: Path) -> str:
    if not node.level:
        return node.module or ""
    package = who.split(".") if path.name == "__init__.py" else who.split(".")[:-1]
    kept = package[: len(package) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _loads_by_name(call: ast.Call) -> bool:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return bool(call.args) and called in {"import_module", "__import__", "find_spec", "importorskip"}


def at_load(found: Import, src: Path = SRC) -> bool:
    """Whether this import runs when the module is loaded: not inside a function, not for types only."""
    return not found.lazy and found.line not in _lines_for_types(_file(found.who, src).read_text(encoding="utf-8"))


def _file(module: str, src: Path) -> Path:
    place = src.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def _lines_for_types(text: str) -> set[int]:
    blocks = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test)]
    inside = [inner for block in blocks for part in block.body for inner in ast.walk(part)]
    return {inner.lineno for inner in inside if isinstance(inner, ast.stmt)}


def public_names() -> list[str]:
    """What `import calando` offers by name: everything at the root without an underscore that is no module of ours,
    but for the two modules that are meant to be read as names."""
    import calando

    meant = {"catalog", "errors"}
    found = {name for name in dir(calando) if not name.startswith("_")} - {"TYPE_CHECKING"}
    return sorted(name for name in found if name in meant or not _room(name))


def _room(name: str) -> bool:
    return find_spec(f"calando.{name}") is not None
