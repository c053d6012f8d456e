"""From neutral trees to the library's plans."""

from typing import Any

import calando
from tests.growers import leaves
from tests.oracles.evaluate import FUNCTIONS
from tests.oracles.tree import Node

assert leaves.REGISTERED  # it has entered its functions
for _name, _call in FUNCTIONS.items():
    calando.register(_name, _call)


def build(tree: Node) -> Any:
    """The plan that a tree stands for, made by calling the library's own functions."""
    args = {key: _built(value) for key, value in tree.args.items()}
    return getattr(calando, tree.name)(*map(build, tree.children), **args)


def _built(value: Any) -> Any:
    if isinstance(value, list):
        return [_built(one) for one in value]
    return build(value) if isinstance(value, Node) else value
