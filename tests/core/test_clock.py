"""Lengths in every unit become whole steps that add up exactly, or do not fit and say so."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import calando

EXAMPLES = [
    ("500", 500),
    ("5%", 50),
    ("2.5%", 25),
    ("0.05%", 1),  # half a step, upwards
    ("0.04%", 0),
    ("3ep", 60),
    ("0.5ep", 10),
    ("2e5tok", 200),
    ("1.5e3tok", 2),
    ("64sa", 8),
    ("1e3sa", 125),
    ("100%", 1000),
]


def drop_at(length: Any, horizon: int = 1000) -> int | None:
    """The step at which a constant of that length gives way to zero."""
    plan = calando.constant(1.0, length=length) | calando.constant(0.0)
    schedule = plan.bind(horizon, steps_per_epoch=20, tokens_per_step=1000, samples_per_step=8)
    return next((t for t in range(horizon + 1) if schedule(t) == 0.0), None)


@pytest.mark.parametrize(("text", "steps"), EXAMPLES)
def test_a_length_lasts_as_many_whole_steps_as_its_unit_says(text: str, steps: int) -> None:
    length: Any = int(text) if text.isdigit() else text
    assert drop_at(length) == (steps if steps < 1000 else None)


@pytest.mark.parametrize("unit", ["ep", "tok", "sa"])
def test_a_unit_without_its_size_raises_and_names_the_argument(unit: str) -> None:
    argument = {"ep": "steps_per_epoch", "tok": "tokens_per_step", "sa": "samples_per_step"}[unit]
    plan = calando.warmup(f"3{unit}") | calando.constant()
    with pytest.raises(calando.errors.DoesNotFit) as caught:
        plan.bind(1000)
    assert argument in caught.value.fix
    assert argument in str(caught.value)


@pytest.mark.parametrize("sizes", [{"steps_per_epoch": 0}, {"tokens_per_step": -1}, {"samples_per_step": 0.0}])
def test_sizes_must_be_above_zero(sizes: dict[str, Any]) -> None:
    with pytest.raises(calando.CalandoError):
        calando.constant().bind(1000, **sizes)


def test_a_horizon_may_be_given_in_epochs_tokens_or_samples() -> None:
    plan = calando.cosine()
    assert plan.bind("90ep", steps_per_epoch=500).horizon == 45_000
    assert plan.bind("2e9tok", tokens_per_step=500_000).horizon == 4000
    assert plan.bind("64e6sa", samples_per_step=64).horizon == 1_000_000


def test_percent_is_of_the_whole_horizon_wherever_it_stands() -> None:
    plan = calando.constant(length="50%") | (calando.constant(0.5, length="25%") | calando.constant(0.25))
    schedule = plan.bind(1000)
    assert [schedule(t) for t in (499, 500, 749, 750)] == [1.0, 0.5, 0.5, 0.25]


def test_peak_at_is_the_one_percent_that_is_of_its_piece() -> None:
    schedule = (calando.constant(0.5, length=500) | calando.one_cycle(peak_at="10%")).bind(1000)
    assert schedule(550) == 1.0


def test_arguments_inside_a_piece_count_from_its_start() -> None:
    schedule = (calando.warmup(100) | calando.multistep(milestones=[50])).bind(1000)
    assert (schedule(149), schedule(150)) == (1.0, 0.1)


@given(st.integers(3, 100_000), st.lists(st.integers(1, 400), min_size=2, max_size=6))
def test_boundaries_are_cumulative_sums_rounded_half_up(horizon: int, tenths: list[int]) -> None:
    assume(sum(tenths) <= 1000)
    shares = [Fraction(k, 10) for k in tenths]
    pieces = [calando.constant(float(k + 1), length=f"{share.numerator / share.denominator}%")
              for k, share in enumerate(shares)]  # fmt: skip
    schedule = (calando.then(*pieces) | calando.constant(0.0)).bind(horizon)
    total, edge = Fraction(0), 0
    for k, share in enumerate(shares):
        total += share * horizon / 100
        after = (2 * total.numerator + total.denominator) // (2 * total.denominator)
        if after > edge:
            assert schedule(edge) == schedule(after - 1) == k + 1
        edge = after
    if edge < horizon:
        assert schedule(edge) == 0.0


@given(st.integers(10, 10**9), st.integers(1, 99))
def test_two_shares_that_make_the_whole_fill_the_horizon_exactly(horizon: int, percent: int) -> None:
    plan = calando.constant(1.0, length=f"{percent}%") | calando.constant(0.5, length=f"{100 - percent}%")
    schedule = plan.bind(horizon)
    edge = (2 * horizon * percent + 100) // 200
    assert edge == 0 or schedule(edge - 1) == 1.0
    assert schedule(min(edge, horizon)) == 0.5
    assert schedule(horizon) == 0.5


def test_the_piece_that_takes_the_rest_may_stand_anywhere() -> None:
    plan = calando.constant(0.1, length=10) | calando.constant(0.2) | calando.constant(0.3, length=10)
    schedule = plan.bind(100)
    assert [schedule(t) for t in (9, 10, 89, 90, 100)] == [0.1, 0.2, 0.2, 0.3, 0.3]


def test_two_pieces_may_not_both_take_the_rest() -> None:
    with pytest.raises(calando.CalandoError):
        (calando.constant() | calando.cosine()).bind(100)


@pytest.mark.parametrize("length", [101, "101ep", "10000sa"])
def test_what_is_longer_than_the_horizon_does_not_fit(length: Any) -> None:
    plan = calando.warmup(length) | calando.constant()
    with pytest.raises(calando.errors.DoesNotFit):
        plan.bind(100, steps_per_epoch=1, samples_per_step=8)


@pytest.mark.parametrize("horizon", [0, -1, 2.5, "100", "fast", None, True, float("nan"), 10**400])
def test_a_horizon_is_a_whole_number_of_steps_above_zero(horizon: Any) -> None:
    with pytest.raises(calando.CalandoError):
        calando.cosine().bind(horizon)


def test_a_step_before_zero_is_an_error_and_one_past_the_end_only_when_strict() -> None:
    plan = calando.cosine(end=0.1)
    with pytest.raises(calando.errors.OutOfRange):
        plan.bind(100)(-1)
    assert plan.bind(100)(10**12) == 0.1
    strict = plan.bind(100, strict=True)
    assert strict(99) > 0.1
    with pytest.raises(calando.errors.OutOfRange):
        strict(101)


def test_the_shortest_run_has_one_step() -> None:
    for entry in ("cosine()", "linear_decay()", "constant()", "cosine(inclusive=true)"):
        schedule = calando.parse(entry).bind(1)
        assert 0.0 <= schedule(0) <= 1.0
