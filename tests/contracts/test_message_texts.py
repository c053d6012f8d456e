"""What the errors say: representative texts word for word, and four honest parts for every argument of every plan."""

import math
from collections.abc import Callable

import pytest

import calando
from calando import cosine, errors
from calando.core.kinds import Choice, Flag, Optional
from calando.core.plan import Parameter, Plan
from calando.errors import CalandoError

TEXTS: dict[str, tuple[Callable[[], object], type[CalandoError], str]] = {
    "a number below its range": (
        lambda: cosine(end=-1),
        errors.BadValue,
        "-1; allowed: a finite number >= 0\n  at: cosine.end\n  do: give a number in this range",
    ),
    "not a number": (
        lambda: cosine(end=math.nan),
        errors.BadValue,
        "nan (float); allowed: a finite number >= 0\n  at: cosine.end\n  do: give a finite number",
    ),
    "a number as text": (
        lambda: cosine(end="0.1"),
        errors.BadValue,
        "'0.1' (str); allowed: a finite number >= 0\n  at: cosine.end\n  do: give a plain finite number, not a text",
    ),
    "half a step": (
        lambda: calando.warmup(2.5),
        errors.BadValue,
        "2.5 (float); allowed: a length is whole steps (500) or text with a unit ('5%', '3ep', '2e9tok', '64e6sa')\n"
        "  at: warmup.length\n  do: give a whole number, or a share of the run as text such as '5%'",
    ),
    "unsorted milestones": (
        lambda: calando.multistep(milestones=[30, 10]),
        errors.BadValue,
        "10 after 30; allowed: lengths that rise, each once\n"
        "  at: multistep.milestones\n  do: sort them and drop the repeated ones",
    ),
    "minimum above maximum": (
        lambda: calando.clip(cosine(), low=2, high=1),
        errors.BadValue,
        "low=2 above high=1; allowed: low <= high\n  at: clip\n  do: swap the two",
    ),
    "two rests": (
        lambda: cosine() | cosine(),
        errors.BadValue,
        "2 pieces without a length: cosine, cosine; allowed: at most one piece may take the rest of the horizon\n"
        "  at: then\n  do: give all but one a length, such as cosine(..., length='50%')",
    ),
    "an unknown argument": (
        lambda: cosine(ends=0.1),
        errors.BadName,
        "the argument 'ends'; did you mean 'end'?; allowed: end, start, inclusive, length\n"
        "  at: cosine\n  do: write cosine(end=0.0, start=1.0, inclusive=False, length)",
    ),
    "an open bracket": (
        lambda: calando.parse("cosine(end=0.1"),
        errors.BadText,
        "the end of the text; allowed: ')'\n  at: column 15, near 'sine(end=0.1'\n  do: put ')' there",
    ),
    "a warm-up longer than the run": (
        lambda: calando.warmup(100).bind(50),
        errors.DoesNotFit,
        "pieces of 100 steps in all; allowed: at most the 50 steps that there are\n"
        "  at: bind\n  do: shorten a piece or bind to a longer horizon",
    ),
    "a unit of unknown size": (
        lambda: calando.warmup("3ep").bind(100),
        errors.DoesNotFit,
        "a length of 3ep without steps_per_epoch; allowed: epochs need steps_per_epoch\n"
        "  at: warmup.length\n  do: pass steps_per_epoch=... to bind",
    ),
    "a step before the first": (
        lambda: cosine().bind(100)(-1),
        errors.OutOfRange,
        "step -1; allowed: 0 and up\n  at: schedule(step)\n  do: count updates from 0",
    ),
    "a step past a strict end": (
        lambda: cosine().bind(100, strict=True)(101),
        errors.OutOfRange,
        "step 101; allowed: 0 to 100\n  at: schedule(step)\n  do: bind to a longer horizon, or without strict=True",
    ),
    "a newer document": (
        lambda: calando.from_json('{"calando": 2}'),
        errors.BadFile,
        "version 2; allowed: versions up to 1\n"
        "  at: $.calando\n  do: read it with the Calando that wrote it, or a newer one: this one knows version 1",
    ),
    "a plan that is written to": (
        lambda: setattr(cosine(), "end", 1),
        errors.Frozen,
        "cosine.end = 1; allowed: reading only: plans are values\n"
        "  at: cosine\n  do: build a new plan with the argument that you want",
    ),
}


@pytest.mark.parametrize("mistake", TEXTS)
def test_the_text_of_a_mistake(mistake: str) -> None:
    make, kind, text = TEXTS[mistake]
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == text
    assert type(caught.value) is kind


@pytest.mark.parametrize(("wrong", "right"), [("cosin", "cosine"), ("warmpu", "warmup"), ("onecycle", "one_cycle")])
def test_an_unknown_plan_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(errors.BadName, match=f"did you mean '{right}'") as caught:
        calando.parse(f"{wrong}()")
    assert right in caught.value.allowed


def test_a_function_says_how_it_could_be_saved() -> None:
    with pytest.raises(errors.NotSerialisable) as caught:
        calando.function(lambda step: 1.0).to_json()
    assert caught.value.fix == "call calando.register('a_name', function) and use function('a_name')"


class Foreign:
    """A value that no argument can be."""

    def __repr__(self) -> str:
        return "Foreign()"


WRONG = {"foreign": Foreign(), "nan": math.nan, "minus": -1, "text": "no such thing", "nested": [[[]]], "huge": 10**400}


def takes(parameter: Parameter, name: str) -> bool:
    """Arguments for which this value is in order after all."""
    kind = parameter.kind.kind if isinstance(parameter.kind, Optional) else parameter.kind
    if name == "minus":
        return "below 0" in kind.allowed
    return name == "text" and kind.allowed.startswith(("a function", "a registered"))


CASES = [
    pytest.param(cls, parameter, name, id=f"{cls.__name__}.{parameter.name}-{name}")
    for cls in (getattr(calando, entry.name) for entry in calando.catalog.entries())
    for parameter in cls.parameters
    for name in WRONG
    if not takes(parameter, name)
]


@pytest.mark.parametrize(("cls", "parameter", "name"), CASES)
def test_every_argument_refuses_what_it_cannot_be(cls: type[Plan], parameter: Parameter, name: str) -> None:
    given = {**{p.name: example(p) for p in cls.parameters if p.default is ...}, parameter.name: WRONG[name]}
    with pytest.raises(CalandoError) as caught:
        cls(**given)
    error = caught.value
    assert all(part.strip() for part in (error.given, error.allowed, error.where, error.fix))
    assert error.where.startswith(cls.__name__)
    assert len(str(error)) < 1500


def example(parameter: Parameter) -> object:
    """Some value for an argument that has no default."""
    kind = parameter.kind
    if isinstance(kind, Flag):
        return True
    if isinstance(kind, Choice):
        return kind.options[0]
    if "plan" in kind.allowed:
        return cosine()
    if "list" in kind.allowed:
        return [1, 2]
    if "function" in kind.allowed:
        return lambda step: 1.0
    return 0.5 if "<= 1" in kind.allowed else 2
