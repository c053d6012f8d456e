"""Records to plain JSON and back, driven by their own type hints. Non-finite floats become text."""

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from calando.errors import BadFile, shown

__all__ = ["decode", "encode"]

T = TypeVar("T")


def encode(record: object) -> str:
    """A record as one line of strict JSON.

    >>> from calando.records.result import Cost
    >>> encode(Cost(runs=1))
    '{"runs": 1, "steps": 0, "diverged": 0, "failed": 0}'
    """
    return json.dumps(_plain(record), allow_nan=False)


def decode(kind: type[T], text: str, where: str = "stored record") -> T:
    """The record that `encode` wrote; raises BadFile when the text is not one.

    >>> from calando.records.result import Cost
    >>> decode(Cost, '{"runs": 3}').runs
    3
    """
    try:
        value = _build(kind, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadFile(
            given=shown(text),
            allowed=f"the JSON of a {kind.__name__}",
            where=where,
            fix=f"restore the file from a copy ({type(error).__name__}: {shown(str(error))})",
        ) from error
    return typing.cast(T, value)


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _build(inner, value)
    if origin is typing.Literal:
        if value not in arguments:
            raise ValueError(f"{value!r} is not one of {arguments}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError("a list was expected")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in value)
        return tuple(_build(inner, item) for inner, item in zip(arguments, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {str(key): _build(arguments[1], item) for key, item in value.items()}
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError("an object was expected")
        hints = _hints(typing.cast(type, kind))
        return typing.cast(type, kind)(**{name: _build(hints[name], item) for name, item in value.items()})
    if kind is float:
        if isinstance(value, bool):
            raise TypeError("a number was expected")
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{typing.cast(type, kind).__name__} was expected")
    return value
