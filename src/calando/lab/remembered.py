"""What the function around the loop holds beside what it names: generators, and what objects of its own remember."""

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from types import FrameType, FunctionType, ModuleType
from typing import Any

from calando.core.keepers import Keeper, keeper_for
from calando.errors import CalandoError
from calando.lab.snapshot.inside import Inside
from calando.lab.snapshot.keepers import leaves

__all__ = ["is_ours", "is_own", "local_sources", "variables"]

ELSEWHERE = tuple(str(Path(sysconfig.get_paths()[name])) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
HERE = str(Path(__file__).resolve().parents[1])


def variables(frame: FrameType) -> dict[str, Any]:
    """The local variables of a frame.

    >>> word = "here"
    >>> variables(sys._getframe())["word"]
    'here'
    """
    return {name: value for name, value in list(frame.f_locals.items()) if not name.startswith("__")}


def is_own(thing: object) -> bool:
    """Whether an object's class is of the user's: no library's, no framework's, and not Calando's.

    >>> is_own(3), is_own(Path("."))
    (False, False)
    """
    kind = type(thing)
    if isinstance(thing, type | ModuleType | FunctionType) or not isinstance(getattr(thing, "__dict__", None), dict):
        return False
    if kind.__module__ in sys.stdlib_module_names or kind.__module__ == "builtins":
        return False
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is None or not str(Path(file).resolve()).startswith((*ELSEWHERE, HERE))


def is_ours(frame: FrameType) -> bool:
    """Whether a loop stands in a driver of Calando's, which passes over the data again and keeps what it must itself.

    >>> is_ours(sys._getframe())
    False
    """
    return frame.f_code.co_filename.startswith(HERE)


def local_sources(frame: FrameType, named: Iterable[object]) -> dict[str, Keeper]:
    """Keepers of the generators and of the counting objects that stand in local variables when the loop begins.

    They are put back as a loader's own generators are.

    Args:
        frame: of the function that the loop is in.
        named: what the run keeps; of that, only a framework's object in a class of the user's is looked at.
    """
    found: dict[str, Keeper] = {}
    owners: dict[str, Any] = {}
    kept = [one for one in named if not _framed(one)]
    for name, value in variables(frame).items():
        if any(value is one for one in kept):
            continue
        if _draws(value):
            found |= {f"local {path}": keeper for path, keeper in _kept(name, value)}
        elif is_own(value):
            owners[name] = value
    if owners:
        found["local objects"] = Inside(owners)
    return found


def _draws(value: object) -> bool:
    module = type(value).__module__
    if isinstance(value, Random) or (module.startswith("numpy.random") and hasattr(value, "random")):
        return True
    return type(value).__name__ == "Generator" and not module.startswith("numpy") and keeper_for(value) is not None


def _kept(name: str, value: object) -> Iterator[tuple[str, Keeper]]:
    try:
        yield from ((path, keeper) for path, _, keeper in leaves(name, value))
    except CalandoError:
        return  # nobody keeps it


def _framed(thing: object) -> bool:
    """Whether it is a framework's object in a class of the user's: its state_dict knows no plain attribute."""
    return callable(getattr(thing, "parameters", None)) or hasattr(thing, "param_groups")
