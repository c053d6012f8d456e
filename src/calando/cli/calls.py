"""Calls as people write them, read and never run: `SequentialLR([LinearLR(total_iters=5), StepLR(30)], [5])`."""

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from calando.errors import BadText, shown

__all__ = ["Call", "calls_in", "read_call"]

LONGEST = 100_000


class Call(NamedTuple):
    """A name and its arguments: numbers, texts, lists, dicts, and calls."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self) -> str:
        given = [*map(_told, self.args), *(f"{name}={_told(value)}" for name, value in self.kwargs.items())]
        return f"{self.name}({', '.join(given)})"


def _told(value: Any) -> str:
    if isinstance(value, Call):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_told, value))}]"
    return repr(value)


def read_call(text: str) -> Call:
    """One call, its arguments literals and further calls; a dotted name is its last part.

    Raises:
        BadText: for anything else, at its column.

    >>> str(read_call("torch.optim.lr_scheduler.StepLR(30, gamma=0.1)"))
    'StepLR(30, gamma=0.1)'
    """
    if len(text) > LONGEST:
        raise _bad(f"{len(text):,} characters", 0, "give a shorter call")
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", 0) or 0
        raise _bad(f"{shown(text)}, which is no Python call", column, "close every bracket and quote") from error
    if isinstance(parsed, ast.Name | ast.Attribute):
        return Call(_name(parsed), (), {})
    try:
        found = _value(parsed)
    except RecursionError as error:
        raise _bad("calls nested too deeply", 0, "nest fewer of them") from error
    if not isinstance(found, Call):
        raise _bad(shown(text), 1, "write a name and its arguments in round brackets")
    return found


def _bad(given: str, column: int, fix: str) -> BadText:
    where = f"column {column}" if column else "the call"
    return BadText(
        given=given, allowed="a call of literals, such as StepLR(step_size=30, gamma=0.1)", where=where, fix=fix
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        _name(node.value)
        return node.attr
    raise _bad(f"{shown(ast.unparse(node))} as a name", node.col_offset + 1, "write the peer's own name there")


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(k.arg is None for k in node.keywords):
            raise _bad("* in a call", node.col_offset + 1, "write every argument out")
        kwargs = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
        return Call(_name(node.func), tuple(map(_value, node.args)), kwargs)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(entry) for entry in node.elts]
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        return {
            _value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key is not None
        }
    if isinstance(node, ast.Name) and node.id in JSON_WORDS:
        return JSON_WORDS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _value(node.operand)
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | bool | None):
        return node.value
    raise _bad(f"{shown(ast.unparse(node))}, which is no literal", node.col_offset + 1,
               "give numbers, texts, lists or calls of the peer's own names: nothing is computed here")  # fmt: skip


JSON_WORDS = {"true": True, "false": False, "null": None}


def calls_in(value: Any) -> Iterator[Call]:
    """Every call inside a value, itself first."""
    if isinstance(value, Call):
        yield value
        for entry in (*value.args, *value.kwargs.values()):
            yield from calls_in(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from calls_in(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from calls_in(entry)
