"""Which line of the user's source a promise is about."""

import ast
from dataclasses import dataclass, field

from calando.errors import CalandoError
from calando.lab.trainref import TrainRef

__all__ = ["Places", "places_of"]


@dataclass(frozen=True, slots=True)
class Places:
    """Lines of the source: the train function's own, and those of the calls on its run, by method name.

    >>> Places("train.py", 3, {"attach": 7}).at("attach", "keep")
    'train.py:7'
    """

    file: str = ""
    function: int = 0
    calls: dict[str, int] = field(default_factory=dict)

    def at(self, *names: str) -> str:
        """The line of the first of these calls that is there, else of the function; "" when nothing is known."""
        if not self.file:
            return ""
        line = next((self.calls[name] for name in names if name in self.calls), self.function)
        return f"{self.file}:{line}" if line else self.file

    def has(self, name: str) -> bool:
        """Whether the source holds such a call."""
        return name in self.calls


def places_of(ref: TrainRef) -> Places:
    """The lines of a train function's source; empty when it cannot be read."""
    try:
        file = ref.file()
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (CalandoError, OSError, SyntaxError, ValueError):
        return Places()
    name = str(file) if len(str(file)) < 60 else file.name
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    mine = next((node for node in functions if node.name == ref.name), None)
    parameter = mine.args.args[0].arg if mine is not None and mine.args.args else "run"
    calls: dict[str, int] = {}
    order: list[ast.AST] = [mine] if mine is not None else []
    for root in [*order, tree]:  # the function itself first, then helpers that are handed the run
        for node in ast.walk(root):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in {parameter, "run"}
            ):
                calls.setdefault(node.attr, node.lineno)
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("step", "keep")
            ):
                calls.setdefault(f"*.{node.func.attr}", node.lineno)
    return Places(name, mine.lineno if mine is not None else 0, calls)
