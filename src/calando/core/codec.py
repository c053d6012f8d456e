"""Plans, bundles and schedules as versioned JSON; nothing that is read is ever executed.

{"calando": 1, "kind": "plan",     "plan": {"name": "cosine", "end": 0.1}}
{"calando": 1, "kind": "bundle",   "plan": {"name": "bundle", "lr": {...}, "quantities": {"momentum": {...}}}}
{"calando": 1, "kind": "schedule", "plan": {...}, "horizon": 1000, "steps_per_epoch": 100}
"""

import json
from collections.abc import Callable
from typing import Any, Final

from calando.core.bundle import bundle
from calando.core.plan import MOST, Plan, is_default
from calando.core.schedule import Schedule
from calando.errors import BadFile, BadName, CalandoError, did_you_mean, shown

__all__ = ["MIGRATIONS", "VERSION", "decode", "encode", "from_json", "plan_plain"]

VERSION: Final = 1
LONGEST_JSON: Final = 3_000_000
DEEPEST: Final = 60

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From version n to n + 1, by n; empty as long as there is one version."""

_SIZES: Final = ("steps_per_epoch", "tokens_per_step", "samples_per_step", "strict")


def plan_plain(plan: Plan) -> dict[str, Any]:
    """A plan as plain data."""
    plain: dict[str, Any] = {"name": type(plan).__name__}
    if isinstance(plan, bundle):
        plain["lr"] = plan_plain(plan.lr)
        plain["quantities"] = {name: plan_plain(inner) for name, inner in plan.quantities}
    elif plan.variadic:
        plain[plan.variadic] = [plan_plain(inner) for inner in plan.children]
    else:
        for parameter, value in zip(plan.parameters, plan.arguments, strict=True):
            if not is_default(parameter, value):
                plain[parameter.name] = parameter.kind.plain(value)
    return plain


def encode(value: Plan | Schedule) -> str:
    """A plan or a schedule as one line of JSON.

    Raises:
        NotSerialisable: when it holds a Python function that was not registered by name.
    """
    if isinstance(value, Schedule):
        document: dict[str, Any] = {"calando": VERSION, "kind": "schedule", "plan": plan_plain(value.plan)}
        document["horizon"] = value.horizon
        for name in _SIZES:
            if getattr(value, name) not in (None, False):
                document[name] = getattr(value, name)
    else:
        kind = "bundle" if isinstance(value, bundle) else "plan"
        document = {"calando": VERSION, "kind": kind, "plan": plan_plain(value)}
    return json.dumps(document, allow_nan=False)


def from_json(text: str | bytes) -> Plan | Schedule:
    """Read a plan, a bundle or a schedule from its JSON.

    Formula: the inverse of `to_json`.

    Args:
        text: JSON of at most 3,000,000 characters, nested at most 60 deep.

    Raises:
        BadFile: for text that is no JSON, not Calando's, of a newer version, or with a key that does not belong.
        BadName, BadValue, DoesNotFit: as when the plan is built in Python, with the path in the document.

    Example:
        >>> import calando
        >>> calando.from_json(calando.cosine().bind(100).to_json()) == calando.cosine().bind(100)
        True
    """
    if not isinstance(text, str | bytes):
        raise _bad(f"{shown(text)} ({type(text).__name__})", "JSON text", "$", "pass what to_json returned")
    if len(text) > LONGEST_JSON:
        raise _bad(f"{len(text)} characters", f"at most {LONGEST_JSON}", "$", "split it, or thin out its points")
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise _bad("deeply nested JSON", f"at most {DEEPEST} levels", "$", "flatten the plan") from None
    except CalandoError:
        raise
    except ValueError as error:
        raise _bad(f"{shown(text)}: {error}", "JSON", "$", "pass what to_json returned") from None
    return decode(document)


def _bad(given: str, allowed: str, where: str, fix: str) -> BadFile:
    return BadFile(given=given, allowed=allowed, where=where, fix=fix)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _bad(f"the key {shown(key)} twice", "each key once", "$", "drop one of them")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise _bad(name, "finite numbers", "$", "replace it by a number")


def decode(document: object) -> Plan | Schedule:
    """A plan or a schedule from the plain data of its JSON.

    Raises:
        BadFile: when the document is not Calando's, of a newer version, or has a key that does not belong.
    """
    if not isinstance(document, dict) or type(document.get("calando")) is not int:
        raise _bad(shown(document), 'an object with "calando": 1', "$", "pass what to_json returned")
    version = document["calando"]
    if version > VERSION:
        raise _bad(
            f"version {shown(version)}", f"versions up to {VERSION}", "$.calando",
            f"read it with the Calando that wrote it, or a newer one: this one knows version {VERSION}",
        )  # fmt: skip
    while version < VERSION:
        if version not in MIGRATIONS:
            raise _bad(f"version {shown(version)}", f"version {VERSION}", "$.calando", "write the file anew")
        document = MIGRATIONS[version](dict(document))
        version += 1
    kind = document.get("kind")
    if kind not in ("plan", "bundle", "schedule"):
        raise _bad(f"kind {shown(kind)}", "plan, bundle or schedule", "$.kind", "pass what to_json returned")
    plan = _plan(document.get("plan"), "$.plan", 0)
    allowed = {"calando", "kind", "plan"}
    if kind == "schedule":
        allowed |= {"horizon", *_SIZES}
    for key in document:
        if key not in allowed:
            raise _bad(
                f"the key {shown(key)}{did_you_mean(key, allowed)}", ", ".join(sorted(allowed)), "$", "drop the key"
            )
    if kind != "schedule":
        if isinstance(plan, bundle) != (kind == "bundle"):
            raise _bad(
                f"kind {kind} with {type(plan).__name__}", "a kind that says what is inside", "$.kind", "mend it"
            )
        return plan
    sizes = {name: document[name] for name in _SIZES if name in document}
    return Schedule(plan, document.get("horizon"), **sizes)  # type: ignore[arg-type]  # bind checks it


def _plan(plain: object, where: str, depth: int) -> Plan:
    from calando.core.catalog import plan_class

    if not isinstance(plain, dict) or not isinstance(plain.get("name"), str):
        raise _bad(shown(plain), 'an object with a "name"', where, 'write {"name": "cosine"}')
    if depth > DEEPEST:
        raise _bad("deeply nested plans", f"at most {DEEPEST} levels", where[:80], "flatten the plan")
    arguments = {key: value for key, value in plain.items() if key != "name"}
    try:
        cls = plan_class(plain["name"])
        if cls is bundle:
            return _bundle(arguments, where, depth)
        if cls.variadic:
            inside = arguments.pop(cls.variadic, None)
            if arguments or not isinstance(inside, list):
                raise BadName(
                    given=shown(sorted(plain)),
                    allowed=f"name and {cls.variadic} (a list)",
                    where=cls.__name__,
                    fix="mend the keys",
                )
            if len(inside) > MOST:
                raise _bad(f"{len(inside)} plans", f"at most {MOST}", f"{where}.{cls.variadic}", "use fewer plans")
            return cls(*[_plan(item, f"{where}.{cls.variadic}[{i}]", depth + 1) for i, item in enumerate(inside)])
        return cls(**{key: _value(value, f"{where}.{key}", depth + 1) for key, value in arguments.items()})
    except CalandoError as error:
        if error.where.startswith("$"):
            raise
        own, _, inside = error.where.partition(".")
        path = f"{where}.{inside}" if inside and own == plain["name"] else where
        raise type(error)(given=error.given, allowed=error.allowed, where=path, fix=error.fix) from None


def _bundle(arguments: dict[str, Any], where: str, depth: int) -> Plan:
    quantities = arguments.get("quantities", {})
    if set(arguments) - {"lr", "quantities"} or not isinstance(quantities, dict):
        raise BadName(given=shown(sorted(arguments)), allowed="lr and quantities", where="bundle", fix="mend the keys")
    others = {name: _plan(q, f"{where}.quantities.{name}", depth + 1) for name, q in quantities.items()}
    return bundle(_plan(arguments.get("lr"), f"{where}.lr", depth + 1), **others)


def _value(value: object, where: str, depth: int) -> object:
    if isinstance(value, dict):
        return _plan(value, where, depth)
    if isinstance(value, list):
        if depth > DEEPEST:
            raise _bad("deeply nested lists", f"at most {DEEPEST} levels", where[:80], "flatten them")
        return [_value(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    return value
