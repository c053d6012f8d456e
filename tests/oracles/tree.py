"""A plan as a neutral tree, with a writer and a reader of the text form that share nothing with the library."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

VARIADIC = ("then", "product", "minimum", "maximum")
POSITIONAL = {  # the order in which arguments may be given without a name
    "warmup": ("length",),
    "constant": ("value",),
    "step_decay": ("every",),
    "scale": ("by",),
    "shift": ("by",),
    "stretch": ("by",),
}


@dataclass(frozen=True)
class Node:
    """One constructor or combinator: its name, its inner plans, its other arguments."""

    name: str
    children: tuple["Node", ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)

    def walk(self, level: int = 1) -> Iterator[tuple[int, "Node"]]:
        """Every node below and including this one, with its level; the root is at level 1."""
        yield level, self
        for child in self.children:
            yield from child.walk(level + 1)
        for value in self.args.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Node):
                    yield from one.walk(level + 1)

    @property
    def depth(self) -> int:
        """How many levels there are; a leaf alone has 1."""
        return max(level for level, _ in self.walk())

    def __str__(self) -> str:
        if self.name == "then":
            return " | ".join(f"then({c})" if c.name == "then" else str(c) for c in self.children)
        inner = [str(child) for child in self.children]
        inner += [f"{key}={_spelled(value)}" for key, value in self.args.items()]
        return f"{self.name}({', '.join(inner)})"


def node(name: str, *children: Node, **args: Any) -> Node:
    """A tree node from keyword arguments; an argument of None is left out."""
    return Node(name, children, {k: v for k, v in args.items() if v is not None})


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_spelled(v) for v in value) + "]"
    return str(value) if not isinstance(value, float) else repr(value)


_TOKEN = re.compile(r"\s*([A-Za-z_0-9.+%-]+|[()\[\],=|])")


def read(text: str) -> Node:
    """The tree that a text stands for."""
    tokens = _TOKEN.findall(text)
    assert "".join(tokens) == re.sub(r"\s", "", text), f"stray characters in {text!r}"
    tokens.append("")
    position = 0

    def take(expected: str | None = None) -> str:
        nonlocal position
        token = tokens[position]
        assert expected is None or token == expected, f"{expected!r} expected, {token!r} found in {text!r}"
        position += 1
        return str(token)

    def chain() -> Node:
        pieces = [call()]
        while tokens[position] == "|":
            take("|")
            pieces.append(call())
        return pieces[0] if len(pieces) == 1 else Node("then", tuple(pieces))

    def call() -> Node:
        name = take()
        take("(")
        children: list[Node] = []
        args: dict[str, Any] = {}
        order = list(POSITIONAL.get(name, ()))
        while tokens[position] != ")":
            if tokens[position + 1] == "=":
                key = take()
                take("=")
                args[key] = argument()
            elif tokens[position + 1] == "(" or tokens[position] == "(":
                children.append(chain())
            else:
                args[order.pop(0)] = argument()
            if tokens[position] == ",":
                take(",")
        take(")")
        return Node(name, tuple(children), args)

    def argument() -> Any:
        if tokens[position] == "[":
            take("[")
            items = []
            while tokens[position] != "]":
                items.append(argument())
                if tokens[position] == ",":
                    take(",")
            take("]")
            return items
        if tokens[position + 1] == "(":
            return chain()
        return _atom(take())

    tree = chain()
    take("")
    return tree


def _atom(word: str) -> Any:
    if word in ("true", "false"):
        return word == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
