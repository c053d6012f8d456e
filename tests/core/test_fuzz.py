"""Nonsense of every kind: it is understood, or it gets one of our errors; nothing else ever comes out."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import calando
from calando import catalog
from calando.errors import CalandoError
from tests.growers import SIZES
from tests.plans import build
from tests.strategies import Grown, grow, plans

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 10**15, 2**53, 2**53 + 1, 10**400, -(10**400), 0.0, -0.0, 0.5, -0.5, 1e-320, 1e300,
    math.nan, math.inf, -math.inf, 1j, Fraction(1, 3), Fraction(10**400), Decimal("0.1"), Decimal("NaN"), "", " ",
    "0", "0.5", "5%", "-5%", "1e999999", "5ep", "2e9tok", "nan%", "inf", "linear", "cosine", "x" * 10_000, "\x00",
    "\ud800",
    b"5%", [], [1], [1, 2, 3], [3, 2, 1], [None], ["5%", "10%"], [[1]], (), {}, {"a": 1}, set(), object(), int, len,
    np.float64(0.5), np.float32("nan"), np.int64(3), np.bool_(True), np.array([1, 2]), np.array(0.5), np.array([]),
    calando.cosine(), calando.cosine(length=5), calando.reduce_on_plateau(calando.constant()),
    calando.bundle(calando.cosine(), momentum=calando.constant(0.9)),
)  # fmt: skip


def survives(call: Any) -> Any:
    """The value of a call that may fail with our errors alone."""
    try:
        return call()
    except CalandoError as error:
        for part in (error.given, error.allowed, error.where, error.fix):
            assert isinstance(part, str)
            assert part.strip()
            assert len(part) < 2000
        return None


def used(plan: Any) -> None:
    """Whatever was built can be bound, evaluated, written and read back, or says why not."""
    assert survives(lambda: calando.parse(str(plan))) in (plan, None)
    assert survives(lambda: calando.from_json(plan.to_json())) in (plan, None)
    schedule = survives(lambda: plan.bind(50, **SIZES))
    if schedule is not None:
        for t in (0, 1, 25, 49, 50, 10**9):
            value = schedule(t)
            assert math.isfinite(value), (plan, t)
            assert value >= 0.0, (plan, t)


VALID: dict[str, dict[str, Any]] = {
    "constant": {}, "warmup": {"length": 5}, "linear_decay": {}, "cosine": {}, "polynomial_decay": {},
    "exponential_decay": {"factor": 0.9}, "step_decay": {"every": 5}, "multistep": {"milestones": [5, 9]},
    "inverse_sqrt": {}, "inverse_time": {"rate": 0.1}, "warm_restarts": {"first": 5}, "cyclic_cosine": {"period": 5},
    "anneal": {"over": 5.5},
    "one_cycle": {}, "cyclical": {"low": 0.1, "half": 5}, "wsd": {}, "points": {"at": [0, 5], "values": [1, 0]},
    "function": {"call": "sawtooth"}, "scale": {"by": 0.5}, "clip": {}, "shift": {"by": 5}, "stretch": {"by": 2},
    "reverse": {}, "repeat": {"times": 2}, "hold": {"every": 5}, "reduce_on_plateau": {},
    "splice": {"plans": [calando.cosine(), calando.constant()], "at": [5]}, "extend": {"horizon": 40, "at": 5},
}  # fmt: skip
VARIADIC = ("then", "product", "minimum", "maximum", "bundle")


def test_every_plan_has_a_valid_call_to_be_spoiled() -> None:
    assert set(VALID) | set(VARIADIC) == {entry.name for entry in catalog.entries()}


@pytest.mark.parametrize("name", list(VALID))
def test_any_junk_in_any_argument_is_taken_or_refused(name: str) -> None:
    entry = next(entry for entry in catalog.entries() if entry.name == name)
    inner = {"plan": calando.cosine()} if any(p.name == "plan" for p in entry.parameters) else {}
    valid = {**inner, **VALID[name]}
    used(getattr(calando, name)(**valid))
    for parameter in entry.parameters:
        for junk in JUNK:
            if name == "function" and callable(junk):
                continue  # a function's own exceptions are its author's and pass through
            plan = survives(lambda p=parameter.name, j=junk: getattr(calando, name)(**{**valid, p: j}))
            if plan is not None:
                used(plan)


@pytest.mark.parametrize("name", VARIADIC)
def test_any_junk_among_plans_is_taken_or_refused(name: str) -> None:
    make = getattr(calando, name)
    for junk in JUNK:
        for call in (
            lambda j=junk: make(j),
            lambda j=junk: make(calando.cosine(length=5), j),
            lambda j=junk: make(j, calando.cosine(length=5)),
            lambda j=junk: make(calando.cosine(), momentum=j),
        ):
            plan = survives(call)
            if plan is not None:
                used(plan)


@pytest.mark.parametrize("argument", ["horizon", "steps_per_epoch", "tokens_per_step", "samples_per_step", "strict"])
def test_any_junk_in_bind_is_taken_or_refused(argument: str) -> None:
    for plan in (calando.cosine(), calando.parse("warmup(1ep) | warmup(5tok) | warmup(1sa) | cosine()")):
        for junk in JUNK:
            schedule = survives(lambda p=plan, j=junk: p.bind(**{"horizon": 100, **SIZES, argument: j}))
            if schedule is not None:
                assert math.isfinite(schedule(3))
                assert survives(lambda s=schedule: calando.from_json(s.to_json())) == schedule


def test_any_junk_as_a_step_is_taken_or_refused() -> None:
    schedule = calando.parse("warmup(5) | cosine(length=20) | multistep(milestones=[9])").bind(100)
    for junk in JUNK:
        for ask in (schedule, schedule.at):
            survives(lambda a=ask, j=junk: a(j))


ALPHABET = "abcdeilmnoprstuw_ ()[]=,|.%0123456789-+eE\n\t'\"\\#\x00é"
SPELLINGS = (
    "cosine warmup ( ) [ ] = , | end length 5% 3ep 0.1 1e9 - true points at values then scale repeat bundle momentum "
    "function cosine() null 1e999"
)
WORDS = st.sampled_from(SPELLINGS.split())


@given(st.text(ALPHABET, max_size=60) | st.lists(WORDS, max_size=20).map("".join) | st.text(max_size=40))
@example("function(sawtooth)")
@settings(max_examples=500)
def test_any_text_is_a_plan_or_an_error_of_ours(text: str) -> None:
    plan = survives(lambda: calando.parse(text))
    if plan is not None:
        assert calando.parse(str(plan)) == plan


@pytest.mark.parametrize("seed", range(20))
def test_a_text_with_a_few_letters_changed_is_a_plan_or_an_error_of_ours(seed: int) -> None:
    chance = Random(seed)
    for _ in range(40):
        letters = list(str(build(grow(chance).tree)))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(letters))
            change = chance.choice(("drop", "double", "swap", "new"))
            if change == "drop":
                letters[at] = ""
            elif change == "double":
                letters[at] *= 2
            elif change == "swap":
                other = chance.randrange(len(letters))
                letters[at], letters[other] = letters[other], letters[at]
            else:
                letters[at] = chance.choice(ALPHABET)
        text = "".join(letters)
        plan = survives(lambda spoiled=text: calando.parse(spoiled))
        if plan is not None:
            assert calando.parse(str(plan)) == plan


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    survives(lambda: calando.from_json(json.dumps(document)))
    survives(lambda: calando.from_json(json.dumps({"calando": 1, "kind": "plan", "plan": document})))
    survives(lambda: calando.from_json(json.dumps({"calando": 1, "kind": "schedule", "schedule": document})))


def _spoil(chance: Random, value: Any, junk: Any) -> Any:
    """A copy of a document with one random part replaced, renamed or left out."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        choice = chance.random()
        if choice < 0.6:
            return {**value, key: _spoil(chance, value[key], junk)}
        if choice < 0.8:
            return {k: v for k, v in value.items() if k != key}
        return {**{k: v for k, v in value.items() if k != key}, key + "x": value[key]}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [_spoil(chance, v, junk) if k == at else v for k, v in enumerate(value)]
    return junk


@given(plans(), st.randoms(use_true_random=False), JSON)
@settings(max_examples=300)
def test_a_document_with_one_part_spoiled_is_read_or_refused(grown: Grown, chance: Random, junk: Any) -> None:
    plan = build(grown.tree)
    for written in (plan.to_json(), plan.bind(grown.horizon, **SIZES).to_json()):
        spoiled = json.dumps(_spoil(chance, json.loads(written), junk))
        again = survives(lambda text=spoiled: calando.from_json(text))
        if again is not None:
            assert calando.from_json(again.to_json()) == again


@pytest.mark.parametrize("metric", JUNK, ids=lambda junk: repr(junk)[:20])
@pytest.mark.parametrize("convention", ["torch", "keras"])
def test_any_junk_as_a_metric_is_taken_or_refused(metric: Any, convention: str) -> None:
    rule = calando.reduce_on_plateau(calando.constant(), convention=convention).bind(10).rule
    state = survives(lambda: rule.update(rule.initial(), metric))
    if state is not None:
        json.dumps(rule.to_plain(state), allow_nan=False)
        assert rule.from_plain(rule.to_plain(state)) == state


@pytest.mark.parametrize("part", ["scale", "best", "bad", "cooling", "seen"])
def test_any_junk_in_a_state_is_taken_or_refused(part: str) -> None:
    rule = calando.reduce_on_plateau(calando.constant()).bind(10).rule
    plain = rule.to_plain(rule.update(rule.initial(), 1.0))
    for junk in JUNK:
        state = survives(lambda j=junk: rule.from_plain({**plain, part: j}))
        if state is not None:
            assert 0.0 <= rule.update(state, 2.0).scale <= 1.0
