"""What is given is equal, also on long runs and for plans of every make; what is no schedule is refused."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

import calando
from calando.errors import BadValue, DoesNotFit, Unconvertible
from calando.peers.exports import to_keras, to_timm, to_torch, to_transformers
from calando.peers.exports.equal import Candidate, chosen
from tests.peers.exports.likely import exported, hold_equal
from tests.peers.exports.test_torch import built, stepped
from tests.plans import build
from tests.strategies import SIZES, grow, plain

LONG = 2_000_000


def test_a_long_run_is_compared_around_its_turns() -> None:
    schedule = (calando.warmup(1000) | calando.constant()).bind(LONG)

    def chosen_of(value: Callable[[int], float]) -> Any:
        return chosen(schedule, 1.0, [Candidate("theirs", "given", value)], who="here", has="this")

    assert chosen_of(lambda t: min(t / 1000, 1.0)) == "given"
    with pytest.raises(Unconvertible, match="theirs, differs from step 1000 on, by 100 % of the peak at step 1000"):
        chosen_of(lambda t: 0.0 if t == 1000 else min(t / 1000, 1.0))
    with pytest.raises(Unconvertible, match="differs from step 1999999 on"):
        chosen_of(lambda t: 0.0 if t == LONG - 1 else min(t / 1000, 1.0))


def test_a_formula_that_fails_is_no_equal() -> None:
    def broken(_: int) -> float:
        raise ZeroDivisionError

    with pytest.raises(Unconvertible):
        chosen(calando.constant().bind(9), 1.0, [Candidate("theirs", "given", broken)], who="here", has="this")


def test_a_long_run_is_said_as_a_short_one() -> None:
    plan = calando.parse("warmup(5%) | cosine(end=0.1)")
    found = to_transformers(plan.bind(LONG), 0.3)
    assert (found["warmup_steps"], found["max_steps"]) == (LONG // 20, LONG)


def test_deep_random_plans_are_equal_or_refused() -> None:
    chance, schedules = Random(7), []
    while len(schedules) < 200:
        grown = plain(grow(chance, depth=chance.randint(1, 3), horizon=100))
        try:
            schedules.append(build(grown.tree).bind(100, **SIZES))
        except DoesNotFit:
            continue
    said = exported(schedules, to_torch)
    assert len(said) > 10
    for schedule, code in said:
        hold_equal(schedule, stepped(*built(str(code)), 100), 1e-12)


@pytest.mark.parametrize("to", [to_transformers, to_timm, to_keras, to_torch])
def test_what_is_no_schedule_or_no_rate_is_refused(to: Callable[..., object]) -> None:
    with pytest.raises(BadValue, match="bind it to the run"):
        to(calando.cosine(), 0.3)
    with pytest.raises(BadValue, match="peak"):
        to(calando.cosine().bind(9), 0)
