"""A public name is documented in one form, complete enough to be used without reading its code."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import calando
import calando.errors
from calando.core.kinds import Choice, Flag
from calando.core.plan import Plan
from calando.errors import CalandoError
from tests.contracts.source import public_names

HEADINGS = ("Formula", "Args", "Returns", "Raises", "Example", "Source")
ERRORS = {name for name, kind in vars(calando.errors).items() if inspect.isclass(kind)}

# An argument is described by its range, its unit, or the kind of thing it is.
MEASURED = re.compile(
    r"\d|[<>=]|\b(steps?|lengths?|epochs?|tokens?|samples?|factors?|shares?|seconds|numbers?|names?|texts?|words?|JSON"
    r"|true|false|whether|reach|raise|instead|plans?|schedules?|functions?|optimizers?|quantit\w+|lists?|dict\w*|mapping"
    r"|paths?|folders?|files?|objects?|values?|state|metric|callable|mode|linear|start)\b",
    re.IGNORECASE,
)


def sections(docstring: str) -> dict[str, str]:
    """The summary under "", and what stands below each heading."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring).splitlines():
        heading = re.match(rf"({'|'.join(HEADINGS)})s?\b[^:]*:", line)
        if heading:
            current = heading[1]
            found[current] = [line[heading.end() :]]
        else:
            found[current].append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}


def arguments(thing: Any) -> list[str]:
    """The names a caller may give."""
    if inspect.isclass(thing) and issubclass(thing, Plan):
        return [thing.variadic] if thing.variadic else [parameter.name for parameter in thing.parameters]
    try:
        given = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return []
    return [name for name in given if name not in {"self", "cls"} and not name.startswith("_")]


def switches(thing: Any) -> set[str]:
    """Arguments that are one of a few words, or true or false: their kind says which."""
    given = thing.parameters if inspect.isclass(thing) and issubclass(thing, Plan) else ()
    return {parameter.name for parameter in given if isinstance(parameter.kind, Choice | Flag)}


def told(args: str) -> dict[str, str]:
    """The entries below "Args:"."""
    parts = re.split(r"^ {4}(?=\S)", args, flags=re.MULTILINE)
    entries = {}
    for part in filter(str.strip, parts):
        names, _, text = part.partition(":")
        for name in re.split(r",\s*|\s+and\s+", names):
            entries[name.strip().lstrip("*")] = " ".join(text.split())
    return entries


def faults(
    thing: Any, *, wants: tuple[str, ...] = (), names: list[str] | None = None, inherited: bool = False
) -> list[str]:
    """What is missing in the docstring of one thing."""
    docstring = (inspect.getdoc(thing) if inherited else thing.__doc__) or ""
    if not docstring.strip():
        return ["no docstring"]
    parts = sections(docstring)
    summary = parts[""].split("\n\n")[0]
    found = []
    if "\n" in summary.strip() or not summary.rstrip().endswith((".", "?")):
        found.append(f"the first line is no single sentence: {summary[:60]!r}")
    found += [f"no {heading}:" for heading in wants if not parts.get(heading, "").strip()]
    if "Example" in wants and ">>>" not in parts.get("Example", ""):
        found.append("no example that runs")
    names = arguments(thing) if names is None else names
    entries = told(parts.get("Args", ""))
    if "Args" in wants and names:
        found += [f"{name} is not among the arguments told" for name in names if name not in entries]
        found += [f"{name} is told and does not exist" for name in entries if name not in names]
        vague = [name for name, text in entries.items() if not MEASURED.search(text) and name not in switches(thing)]
        found += [f"{name} has neither range nor unit" for name in vague]
    for raised in re.findall(r"^ {4}(\w+):", parts.get("Raises", ""), flags=re.MULTILINE):
        if raised not in ERRORS:
            found.append(f"raises {raised}, which is none of ours")
    return found


def catalog() -> list[Any]:
    """The class of every catalog entry."""
    return [getattr(calando, entry.name) for entry in calando.catalog.entries()]


def public() -> Iterator[tuple[str, Any]]:
    """Every public callable, and the public methods of every public class."""
    for name in public_names():
        thing = getattr(calando, name)
        if not callable(thing):
            continue
        yield name, thing
        if inspect.isclass(thing):
            for method, value in vars(thing).items():
                if not method.startswith("_") and isinstance(value, Callable | property | classmethod | staticmethod):
                    yield f"{name}.{method}", value.fget if isinstance(value, property) else value


@pytest.mark.parametrize("thing", catalog(), ids=lambda thing: thing.__name__)
def test_every_catalog_entry_is_documented_in_full(thing: Any) -> None:
    wants = ["Formula", "Args", "Raises", "Example"]
    if not arguments(thing):
        wants.remove("Args")
    if thing.kind != "combinator":
        wants.append("Source")
    assert faults(thing, wants=tuple(wants)) == []


@pytest.mark.parametrize(("name", "thing"), list(public()), ids=lambda x: x if isinstance(x, str) else "")
def test_every_public_name_is_documented(name: str, thing: Any) -> None:
    if inspect.isfunction(thing) and "." not in name:
        wants = ("Args", "Example") if arguments(thing) else ("Example",)
    else:
        wants = ()
    # A method that says the same as the one it stands for may leave saying it to that one.
    inherited = "." in name
    if inherited and not inspect.getdoc(thing):
        owner, method = name.split(".")
        thing = next(vars(base)[method] for base in getattr(calando, owner).__mro__[1:] if method in vars(base))
    assert faults(thing, wants=wants, inherited=inherited) == []


@pytest.mark.parametrize("thing", catalog(), ids=lambda thing: thing.__name__)
def test_the_catalog_says_what_the_docstring_says(thing: Any) -> None:
    (entry,) = [entry for entry in calando.catalog.entries() if entry.name == thing.__name__]
    told_in_full = " ".join((thing.__doc__ or "").split())
    for part in (entry.summary, entry.formula, entry.example):
        assert " ".join(part.split())
        assert " ".join(part.split()) in told_in_full
    assert [parameter.name for parameter in entry.parameters if not parameter.about] == []


def well_documented(end: float, length: int) -> float:
    """Give half of `end`.

    Formula: end / 2.

    Args:
        end: a factor >= 0.
        length: steps, >= 1.

    Raises:
        BadValue: never.

    Example:
        >>> well_documented(2, 3)
        1.0

    Source: arithmetic.
    """
    return end / 2


PLANTED = {
    "no docstring": lambda doc: "",
    "the first line is no single sentence": lambda doc: doc.replace("of `end`.", "of `end`"),
    "no Formula:": lambda doc: doc.replace("Formula: end / 2.", ""),
    "length is not among": lambda doc: doc.replace("        length: steps, >= 1.\n", ""),
    "width is told": lambda doc: doc.replace("length: steps", "length: steps, >= 1.\n        width: 3"),
    "end has neither": lambda doc: doc.replace("a factor >= 0", "a thing"),
    "raises Bug": lambda doc: doc.replace("BadValue", "Bug"),
    "no example": lambda doc: doc.replace(">>> ", ""),
    "no Source:": lambda doc: doc.replace("Source: arithmetic.", ""),
}


def test_a_docstring_in_order_passes() -> None:
    assert faults(well_documented, wants=HEADINGS[:2] + HEADINGS[3:]) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str) -> None:
    def planted(end: float, length: int) -> float:
        return end / length

    planted.__doc__ = PLANTED[fault](well_documented.__doc__ or "")
    assert any(fault in found for found in faults(planted, wants=HEADINGS[:2] + HEADINGS[3:]))


def test_the_documented_example_itself_holds() -> None:
    assert well_documented(2, 3) == 1.0


def test_our_errors_say_what_they_are_for() -> None:
    kinds = [kind for kind in vars(calando.errors).values() if inspect.isclass(kind) and issubclass(kind, CalandoError)]
    assert [kind.__name__ for kind in kinds if faults(kind)] == []
