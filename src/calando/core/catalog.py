"""The catalog: every plan with its formula, arguments and source, read from the plans themselves."""

from functools import cache
from typing import NamedTuple

from calando.core import vocabulary
from calando.core.plan import REQUIRED, Plan
from calando.errors import BadName, did_you_mean, shown

__all__ = ["Entry", "EntryParameter", "entries", "entry", "names", "plan_class"]

ALIASES = {"min": "minimum", "max": "maximum"}
ORDER = ("shape", "plan", "feedback", "combinator", "bundle")


class EntryParameter(NamedTuple):
    """One argument: its name, default as written (None when required), range in words, and what it is."""

    name: str
    default: str | None
    allowed: str
    about: str


class Entry(NamedTuple):
    """What the catalog knows of a plan; `kind` is shape, plan, feedback, combinator or bundle."""

    name: str
    kind: str
    summary: str
    formula: str
    parameters: tuple[EntryParameter, ...]
    source: str
    example: str
    cites: tuple[str, ...]


@cache
def _classes() -> dict[str, type[Plan]]:
    found = {n: c for n, c in vars(vocabulary).items() if isinstance(c, type) and issubclass(c, Plan)}
    return dict(sorted(found.items()))


def names() -> tuple[str, ...]:
    """The names of all plans, sorted."""
    return tuple(_classes())


def plan_class(name: str) -> type[Plan]:
    """The plan of a name.

    Raises:
        BadName: when there is none, with the nearest that there is.

    >>> plan_class("cosine").__name__
    'cosine'
    """
    known = _classes()
    found = known.get(ALIASES.get(name, name))
    if found is None:
        raise BadName(
            given=f"the name {shown(name)}{did_you_mean(name, known)}",
            allowed="a plan of the catalog: " + ", ".join(known),
            where="plan",
            fix="see calando list",
        )
    return found


@cache
def entry(name: str) -> Entry:
    """The entry of one plan.

    Raises:
        BadName: when there is no plan of that name.

    >>> entry("constant").formula
    'value.'
    """
    import inspect

    cls = plan_class(name)
    parts = sections(inspect.getdoc(cls) or "")
    about = _arguments(parts.get("Args", ""))
    parameters = tuple(
        EntryParameter(
            parameter.name,
            None if parameter.default is REQUIRED else str(parameter.default),
            parameter.kind.allowed,
            about.get(parameter.name, ""),
        )
        for parameter in cls.parameters
    ) or tuple(EntryParameter(word, None, "", text) for word, text in about.items())
    return Entry(
        name=cls.__name__,
        kind=cls.kind,
        summary=parts[""].split("\n")[0],
        formula=parts.get("Formula", ""),
        parameters=parameters,
        source=parts.get("Source", ""),
        example=parts.get("Example", ""),
        cites=cls.sources,
    )


@cache
def entries() -> tuple[Entry, ...]:
    """All entries: shapes, plans, the feedback rule, combinators, the bundle.

    >>> len(entries()) == len(names())
    True
    """
    found = [entry(name) for name in names()]
    return tuple(sorted(found, key=lambda item: (ORDER.index(item.kind), item.name)))


HEADINGS = ("Formula", "Args", "Raises", "Example", "Source", "Returns")


def sections(docstring: str) -> dict[str, str]:
    """A docstring taken apart at its headings; the text before the first stands under ""."""
    import inspect

    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in docstring.splitlines():
        word = line.partition(":")[0].partition(",")[0]
        if word in HEADINGS and ":" in line:
            current = word
            rest = line[len(word) :].removeprefix(":").removeprefix(",").strip()
            found[current] = [rest] if rest else []
        else:
            found[current].append(line)
    return {name: inspect.cleandoc("\n".join(lines)).strip() for name, lines in found.items()}


def _arguments(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        head, colon, rest = line.partition(": ")
        if colon and line[:1] != " ":
            name = head
            found[name] = rest
        elif name:
            found[name] += " " + line.strip()
    return found
