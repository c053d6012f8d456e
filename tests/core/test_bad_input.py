"""Every mistake a user can make becomes our own error: four parts, none empty, and soon."""

import json
import math
import time
from collections.abc import Callable
from typing import Any

import pytest

import calando
from calando.errors import BadFile, BadName, BadText, BadValue, CalandoError, NotSerialisable

NAN, INF = math.nan, math.inf


def refused(call: Callable[[], Any]) -> CalandoError:
    """The error of a call that must fail with one of ours within a second."""
    begun = time.perf_counter()
    with pytest.raises(CalandoError) as caught:
        call()
    assert time.perf_counter() - begun < 1.0, "it took too long to say no"
    error = caught.value
    for part in (error.given, error.allowed, error.where, error.fix):
        assert isinstance(part, str)
        assert part.strip()
        assert len(part) < 2000
    return error


ARGUMENTS: dict[str, Callable[[], Any]] = {
    "a negative length": lambda: calando.cosine(length=-5),
    "a negative warm-up": lambda: calando.warmup(-1),
    "a negative share": lambda: calando.warmup("-5%"),
    "a share above the whole": lambda: calando.warmup("101%"),
    "a length that is not a number": lambda: calando.warmup(NAN),  # type: ignore[arg-type]
    "an infinite length": lambda: calando.cosine(length=INF),  # type: ignore[arg-type]
    "a fraction of a step": lambda: calando.warmup(2.5),  # type: ignore[arg-type]
    "a whole number as a float": lambda: calando.warmup(5.0),  # type: ignore[arg-type]
    "a length as a bare text": lambda: calando.warmup("500"),
    "a length of no number": lambda: calando.warmup("%"),
    "an unknown unit": lambda: calando.warmup("5min"),
    "a bool as a length": lambda: calando.warmup(True),
    "None where a length is needed": lambda: calando.warmup(None),  # type: ignore[arg-type]
    "a huge length": lambda: calando.warmup(10**400),
    "a huge length as text": lambda: calando.warmup("1e999999tok"),
    "a tiny length as text": lambda: calando.warmup("1e-999999ep"),
    "many digits": lambda: calando.warmup("9" * 100_000 + "ep"),
    "NaN as a factor": lambda: calando.cosine(end=NAN),
    "infinity as a factor": lambda: calando.constant(INF),
    "a negative factor": lambda: calando.constant(-0.1),
    "a number as text": lambda: calando.cosine(end="0.1"),  # type: ignore[arg-type]
    "a bool as a factor": lambda: calando.cosine(end=True),
    "a complex factor": lambda: calando.cosine(end=1j),  # type: ignore[arg-type]
    "a huge whole factor": lambda: calando.constant(10**400),
    "None as a factor": lambda: calando.constant(None),  # type: ignore[arg-type]
    "a list as a factor": lambda: calando.constant([1.0]),  # type: ignore[arg-type]
    "min above max": lambda: calando.clip(calando.cosine(), low=0.9, high=0.1),
    "low above high in a cycle": lambda: calando.cyclical(low=0.9, half=10, high=0.1),
    "unsorted milestones": lambda: calando.multistep(milestones=[60, 30]),
    "repeated milestones": lambda: calando.multistep(milestones=[30, 30]),
    "no milestones": lambda: calando.multistep(milestones=[]),
    "milestones as text": lambda: calando.multistep(milestones="30"),
    "fractional milestones": lambda: calando.multistep(milestones=[2.5]),
    "unsorted points": lambda: calando.points(at=[10, 0], values=[1, 0]),
    "points of two sizes": lambda: calando.points(at=[0, 10], values=[1]),
    "a point below zero": lambda: calando.points(at=[0, 10], values=[1, -1]),
    "NaN among points": lambda: calando.points(at=[0, 10], values=[1, NAN]),
    "every of zero": lambda: calando.step_decay(every=0),
    "a factor of zero that divides": lambda: calando.exponential_decay(factor=0.0),
    "rate and factor": lambda: calando.exponential_decay(rate=0.1, factor=0.9),
    "no rate at all": lambda: calando.exponential_decay(),
    "an exponential to zero": lambda: calando.wsd(cooldown_shape="exponential", end=0.0),
    "an exponential warm-up from zero": lambda: calando.warmup(10, shape="exponential"),
    "a power of zero or less": lambda: calando.polynomial_decay(power=-1),
    "cycles without a length": lambda: calando.polynomial_decay(cycle=True),
    "a growth of zero": lambda: calando.warm_restarts(first=10, growth=0),
    "a negative growth": lambda: calando.warm_restarts(first=10, growth=-2),
    "a growth that is no number": lambda: calando.warm_restarts(first=10, growth=NAN),
    "a first cycle of nothing": lambda: calando.warm_restarts(first=0),
    "four phases": lambda: calando.one_cycle(phases=4),  # type: ignore[arg-type]
    "an unknown word": lambda: calando.one_cycle(anneal="cos"),  # type: ignore[arg-type]
    "an unknown shape": lambda: calando.warmup(5, shape="linaer"),  # type: ignore[arg-type]
    "an unknown mode": lambda: calando.cyclical(low=0, half=5, mode="triangle"),  # type: ignore[arg-type]
    "exp_range without gamma": lambda: calando.cyclical(low=0, half=5, mode="exp_range"),
    "an unknown argument": lambda: calando.cosine(ends=0.1),  # type: ignore[call-arg]
    "an argument twice": lambda: calando.cosine(0.1, end=0.1),  # type: ignore[misc]
    "too many arguments": lambda: calando.constant(1, 2, 3, 4, 5),  # type: ignore[call-arg, arg-type]
    "a missing argument": lambda: calando.step_decay(),  # type: ignore[call-arg]
    "a text as a plan": lambda: calando.scale("cosine()", 0.5),  # type: ignore[arg-type]
    "a number as a plan": lambda: calando.product(calando.cosine(), 2),  # type: ignore[arg-type]
    "a schedule as a plan": lambda: calando.scale(calando.cosine().bind(10), 2),  # type: ignore[arg-type]
    "a negative multiplier": lambda: calando.cosine() * -1,
    "a NaN multiplier": lambda: calando.cosine() * NAN,
    "a stretch by nothing": lambda: calando.stretch(calando.cosine(), 0),
    "no repetition": lambda: calando.repeat(calando.cosine(length=5), times=0),
    "a repetition without length": lambda: calando.repeat(calando.cosine()),
    "half a repetition": lambda: calando.repeat(calando.cosine(length=5), times=1.5),  # type: ignore[arg-type]
    "a product of one": lambda: calando.product(calando.cosine()),
    "a chain of nothing": lambda: calando.then(),
    "a listener inside": lambda: calando.reduce_on_plateau(calando.cosine()) | calando.cosine(),
    "no function": lambda: calando.function(3),  # type: ignore[arg-type]
    "an unregistered name": lambda: calando.function("no_such_function"),
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_a_wrong_argument_is_refused_in_four_parts(what: str) -> None:
    refused(ARGUMENTS[what])


BINDINGS: dict[str, Callable[[], Any]] = {
    "a warm-up longer than the horizon": lambda: (calando.warmup(200) | calando.cosine()).bind(100),
    "a cooldown longer than the horizon": lambda: calando.wsd(warmup=60, cooldown=60).bind(100),
    "shares above the whole": lambda: (calando.warmup("60%") | calando.cosine(length="60%")).bind(100),
    "a delay longer than the piece": lambda: calando.exponential_decay(end=0.1, delay=200).bind(100),
    "milestones that fall together": lambda: calando.multistep(milestones=["1%", "1.1%"]).bind(100),
    "an inverse_sqrt warm-up beyond the end": lambda: calando.inverse_sqrt(warmup=200).bind(100),
    "a shift beyond the end": lambda: calando.shift(calando.cosine(), by=200).bind(100),
    "three phases with a late peak": lambda: calando.one_cycle(peak_at="60%", phases=3).bind(100),
    "a peak beyond the piece": lambda: calando.one_cycle(peak_at=200).bind(100),
    "cycles that shrink to nothing": lambda: calando.warm_restarts(first=5, growth=0.1).bind(100),
    "a float step": lambda: calando.cosine().bind(100)(1.0),  # type: ignore[call-overload]
    "a NaN step": lambda: calando.cosine().bind(100)(NAN),  # type: ignore[call-overload]
    "a text step": lambda: calando.cosine().bind(100)("3"),  # type: ignore[call-overload]
    "a bool step": lambda: calando.cosine().bind(100)(True),
    "no step": lambda: calando.cosine().bind(100)(None),  # type: ignore[call-overload]
    "a negative step": lambda: calando.cosine().bind(100)(-1),
    "a huge step": lambda: calando.cosine().bind(100, strict=True)(10**400),
    "a float horizon": lambda: calando.cosine().bind(100.0),  # type: ignore[arg-type]
    "steps_per_epoch as text": lambda: calando.cosine().bind(100, steps_per_epoch="3"),  # type: ignore[arg-type]
    "steps_per_epoch below zero": lambda: calando.cosine().bind(100, steps_per_epoch=-3),
    "tokens_per_step of NaN": lambda: calando.cosine().bind(100, tokens_per_step=NAN),
}


@pytest.mark.parametrize("what", BINDINGS)
def test_what_does_not_fit_is_refused_in_four_parts(what: str) -> None:
    refused(BINDINGS[what])


def test_a_float_array_of_steps_is_refused() -> None:
    numpy = pytest.importorskip("numpy")
    schedule = calando.cosine().bind(100)
    refused(lambda: schedule(numpy.array([0.5, 1.5])))
    refused(lambda: schedule(numpy.array([-1, 3])))
    refused(lambda: schedule(numpy.array([True, False])))
    refused(lambda: schedule(numpy.array(["1"])))


TEXTS: dict[str, str] = {
    "nothing": "",
    "blanks": "  \n\t ",
    "no closing bracket": "cosine(",
    "no opening bracket": "cosine)",
    "a trailing bar": "cosine() |",
    "a leading bar": "| cosine()",
    "two bars": "warmup(5) || cosine()",
    "a semicolon": "cosine(); cosine()",
    "a missing value": "cosine(end=)",
    "a missing comma": "cosine(end=0.1 start=1)",
    "a stray equals": "cosine(=0.1)",
    "an argument twice": "cosine(end=0.1, end=0.2)",
    "an unknown argument": "cosine(ends=0.1)",
    "an unknown plan": "cosin(end=0.1)",
    "python": "__import__('os').system('true')",
    "a quoted number": "cosine(end='0.1')",
    "NaN": "cosine(end=nan)",
    "infinity": "cosine(end=inf)",
    "a negative number": "cosine(end=-0.1)",
    "a huge exponent": "cosine(end=1e999999)",
    "a huger exponent": "cosine(end=1e999999999999999999999)",
    "a huge length": "warmup(1" + "0" * 400 + ")",
    "a fraction of a step": "warmup(2.5)",
    "an unknown unit": "warmup(5parsecs)",
    "a nul": "cosine(\x00)",
    "a nul in a name": "cos\x00ine()",
    "control characters": "cosine(end=\x1b[31m0.1)",
    "a right-to-left mark": "cosine(\u202eend=0.1)",
    "full-width digits": "cosine(end=０.１)",
    "a lone surrogate": "cosine(\ud800)",
    "a comment": "cosine() # end",
    "an open list": "multistep(milestones=[30, 60)",
    "a nested list": "multistep(milestones=[[30]])",
    "an empty list": "multistep(milestones=[])",
    "a plan in a list": "multistep(milestones=[cosine()])",
    "a plan as a number": "cosine(end=cosine())",
    "a number as a plan": "product(0.5, 0.5)",
    "ten megabytes of a": "a" * 10_000_000,
    "ten megabytes of blanks": " " * 10_000_000,
    "ten megabytes of brackets": "(" * 10_000_000,
    "ten megabytes of digits": "warmup(" + "9" * 10_000_000 + ")",
    "ten megabytes of pieces": "constant(length=1) | " * 500_000 + "constant()",
    "a million commas": "points(at=[" + "0," * 1_000_000 + "])",
    "deep nesting": "scale(" * 100_000 + "cosine()" + ", 0.5)" * 100_000,
    "deep lists": "points(at=" + "[" * 100_000 + "]" * 100_000 + ")",
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_wrong_text_is_refused_in_four_parts(what: str) -> None:
    refused(lambda: calando.parse(TEXTS[what]))


@pytest.mark.parametrize("value", [None, 3, b"cosine()", ["cosine()"], calando.cosine()])
def test_only_text_is_parsed(value: Any) -> None:
    refused(lambda: calando.parse(value))


GOOD: dict[str, Any] = {"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": 0.1}}


def _with(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


DOCUMENTS: dict[str, str] = {
    "nothing": "",
    "no JSON": "{",
    "a number": "3",
    "a list": "[]",
    "null": "null",
    "an empty object": "{}",
    "a newer version": _with(calando=2),
    "a version from the far future": _with(calando=10**30),
    "a version as text": _with(calando="1"),
    "a version as bool": _with(calando=True),
    "no version": json.dumps({"kind": "plan", "plan": {"name": "cosine"}}),
    "an unknown kind": _with(kind="plans"),
    "a kind as a number": _with(kind=1),
    "an unknown key": _with(extra=1),
    "an unknown plan": _with(plan={"name": "cosin"}),
    "an unknown argument": _with(plan={"name": "cosine", "ends": 0.1}),
    "a plan without a name": _with(plan={"end": 0.1}),
    "a name that is no text": _with(plan={"name": ["cosine"]}),
    "a python attribute as a name": _with(plan={"name": "__class__"}),
    "a number as text": _with(plan={"name": "cosine", "end": "0.1"}),
    "a bool as a number": _with(plan={"name": "cosine", "end": True}),
    "NaN": '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": NaN}}',
    "infinity": '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": Infinity}}',
    "an overflowing number": '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": 1e999999}}',
    "a huge integer": '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "length": 1' + "0" * 5000 + "}}",
    "a duplicate key": '{"calando": 1, "kind": "plan", "plan": {"name": "cosine", "end": 0.1, "end": 0.2}}',
    "a duplicate version": '{"calando": 1, "calando": 1, "kind": "plan", "plan": {"name": "cosine"}}',
    "a plan of another type": _with(plan=[1, 2]),
    "deep lists": "[" * 200_000 + "]" * 200_000,
    "deep objects": '{"plan":' * 100_000 + "1" + "}" * 100_000,
    "deep plans": '{"calando": 1, "kind": "plan", "plan": '
    + '{"name": "scale", "by": 0.5, "plan": ' * 20_000
    + '{"name": "cosine"}'
    + "}" * 20_000
    + "}",
    "ten megabytes of text": '"' + "a" * 10_000_000 + '"',
    "ten megabytes of digits": "9" * 10_000_000,
    "a nul": _with() + "\x00",
    "something after the end": _with() + "{}",
    "a byte order mark": "\ufeff" + _with(),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_a_wrong_document_is_refused_in_four_parts(what: str) -> None:
    refused(lambda: calando.from_json(DOCUMENTS[what]))


@pytest.mark.parametrize("value", [None, 3, ["x"], calando.cosine()])
def test_only_text_is_read_as_json(value: Any) -> None:
    refused(lambda: calando.from_json(value))


def test_errors_have_the_type_of_what_went_wrong() -> None:
    assert isinstance(refused(lambda: calando.cosine(end=NAN)), BadValue)
    assert isinstance(refused(lambda: calando.parse("cosine(")), BadText)
    assert isinstance(refused(lambda: calando.parse("cosin()")), BadName)
    assert isinstance(refused(lambda: calando.from_json("{")), BadFile)
    assert isinstance(refused(lambda: calando.function(lambda t: 1.0).to_json()), NotSerialisable)
    assert isinstance(refused(lambda: str(calando.function(lambda t: 1.0))), NotSerialisable)


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: calando.parse("cosin(end=0.1)"), "cosine"),
        (lambda: calando.parse("warm_up(5%) | cosine()"), "warmup"),
        (lambda: calando.parse("Cosine()"), "cosine"),
        (lambda: calando.parse("cosine(ends=0.1)"), "end"),
        (lambda: calando.parse("wsd(cooldown_shape=linaer)"), "linear"),
        (lambda: calando.cosine(ends=0.1), "end"),
        (lambda: calando.from_json(_with(plan={"name": "linear_decy"})), "linear_decay"),
        (lambda: calando.reduce_on_plateau(calando.cosine(), convention="kears"), "keras"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(call: Callable[[], Any], meant: str) -> None:
    assert f"did you mean '{meant}'" in str(refused(call))


def test_a_name_like_nothing_gets_no_guess() -> None:
    assert "did you mean" not in str(refused(lambda: calando.parse("xyzzy()")))


def test_control_characters_do_not_reach_the_terminal_through_an_error() -> None:
    message = str(refused(lambda: calando.parse("cos\x1b[31mine(\x00)")))
    assert "\x1b" not in message
    assert "\x00" not in message


def test_plans_and_schedules_cannot_be_changed() -> None:
    plan = calando.cosine()
    for value in (plan, plan.bind(10)):
        with pytest.raises((CalandoError, AttributeError)):
            value.end = 3  # type: ignore[union-attr, misc]


def nested(depth: int) -> calando.Plan:
    """Plans inside plans, `depth` levels in all, with a list at the bottom."""
    plan: calando.Plan = calando.multistep(milestones=[3, 5])
    for _ in range(depth - 1):
        plan = calando.scale(plan, 0.99)
    return plan


def test_the_deepest_plan_allowed_is_written_and_read_back() -> None:
    plan = nested(50)
    assert calando.parse(str(plan)) == plan
    assert calando.from_json(plan.to_json()) == plan
    assert calando.from_json(plan.bind(10).to_json()) == plan.bind(10)


@pytest.mark.parametrize("depth", [51, 200, 10_000])
def test_a_deeper_plan_is_refused_where_it_is_built(depth: int) -> None:
    refused(lambda: nested(depth))


def test_a_bundle_and_a_listener_fit_around_a_deep_plan() -> None:
    plan = calando.bundle(calando.reduce_on_plateau(nested(48)), momentum=nested(49))
    assert calando.parse(str(plan)) == plan
    assert calando.from_json(plan.to_json()) == plan


def test_long_chains_and_products_are_flat_however_they_are_built() -> None:
    chain: calando.Plan = calando.constant(length=1)
    factors: calando.Plan = calando.constant(0.999)
    for _ in range(500):
        chain = chain | calando.constant(0.5, length=1)
        factors = factors * calando.constant(0.999)
    assert chain.bind(600)(3) == 0.5
    assert factors.bind(600)(3) == pytest.approx(0.999**501)
    assert calando.parse(str(chain)) == chain
