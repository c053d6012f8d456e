"""What whoever holds an optimizer asks: which front door is its framework's, and what is inside its wrappers."""

import sys
from collections.abc import Callable
from typing import Any

from calando.core.entries import installed, opened
from calando.errors import BadValue

__all__ = ["GROUP", "door_for", "innermost", "register_door"]

GROUP = "calando.hosts"

FACTORIES = ("optax",)
"""Frameworks whose optimizers are what functions make: the function is what a schedule is attached to."""

_DOORS: dict[str, Callable[..., Any]] = {}


def register_door(root: str, attach: Callable[..., Any]) -> None:
    """Register a front door in this process, before those of installed packages.

    Args:
        root: root module of the classes it serves, such as "torch".
        attach: called as attach(optimizer, schedule, ...).
    """
    _DOORS[root] = attach


def door_for(optimizer: object) -> Callable[..., Any]:
    """The `attach` of the front door that serves an optimizer.

    Formula: the first class in the optimizer's ancestry whose root module has a door, by `register_door` or by an
    entry point of the group "calando.hosts" named like the root module. A function belongs to a framework whose
    optimizers functions make, if that is loaded.

    Args:
        optimizer: any object of a framework that has a door.

    Raises:
        BadValue: when no door serves it.
        MissingExtra: when its door cannot be imported.
    """
    points = installed(GROUP)
    roots = [cls.__module__.partition(".")[0] for cls in type(optimizer).__mro__]
    if callable(optimizer):
        roots += [root for root in FACTORIES if root in sys.modules]
    for root in roots:
        if root in _DOORS:
            return _DOORS[root]
        if root in points:
            door: Callable[..., Any] = opened(points[root], "the front door", "attach")
            return door
    raise BadValue(
        given=f"a {type(optimizer).__module__}.{type(optimizer).__qualname__}",
        allowed="an optimizer of " + (", ".join(sorted({*points, *_DOORS})) or "an installed front door"),
        where="attach",
        fix="pass the framework's own optimizer, or register a door with calando.core.hosts.register_door",
    )


def innermost(optimizer: object) -> Any:
    """The optimizer inside any wrappers that keep it as `.optimizer`, as Accelerate's and DeepSpeed's do."""
    for _ in range(8):
        inside = getattr(optimizer, "optimizer", None)
        if not hasattr(inside, "param_groups"):
            break
        optimizer = inside
    return optimizer
