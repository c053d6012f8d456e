"""Ranges in text stand for several plans and peaks, and nonsense is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import calando
from calando.errors import BadValue, CalandoError
from calando.forecast.spreading import peaks_of, plans_of


def test_a_range_stands_for_four_even_points_of_it() -> None:
    assert plans_of("wsd(warmup=300..600, cooldown=10%)") == [
        f"wsd(warmup={n}, cooldown=10%)" for n in (300, 400, 500, 600)
    ]
    assert plans_of("warmup(5%) | cosine(end=0..0.3)") == [
        "warmup(5%) | cosine()", *(f"warmup(5%) | cosine(end={end})" for end in (0.1, 0.2, 0.3))
    ]  # fmt: skip


def test_a_range_between_whole_numbers_stands_for_whole_numbers() -> None:
    assert plans_of("warmup(100..1100) | cosine()") == [
        f"warmup({steps}) | cosine()" for steps in (100, 433, 767, 1100)
    ]  # fmt: skip


def test_two_ranges_stand_for_every_pair() -> None:
    found = plans_of("wsd(warmup=1%..4%, cooldown=30%..60%)")
    assert len(found) == len(set(found)) == 16
    assert all(str(calando.parse(plan)) == plan for plan in found)


def test_a_plan_without_a_range_is_itself() -> None:
    assert plans_of("cosine") == ["cosine()"]
    assert plans_of(" wsd( cooldown = 60% ) ") == ["wsd(cooldown=60%)"]


@pytest.mark.parametrize(
    "text",
    ["wsd(cooldown=80%..20%)", "wsd(cooldown=20%..80ep)", "wsd(cooldown=20%..20%)", "wsd(cooldown=20..80%..90%)"],
)
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CalandoError):
        plans_of(text)


def test_more_plans_than_anyone_reads_are_refused() -> None:
    with pytest.raises(BadValue, match="1,000"):
        plans_of("points([[0..1, 0..1], [2..3, 0..1], [4..5, 0..1]])")


@given(st.floats(1e-8, 1e2), st.floats(1.01, 1e5))
def test_peaks_lie_evenly_between_their_ends_and_close_together(low: float, factor: float) -> None:
    found = peaks_of(f"{low!r}..{low * factor!r}")
    assert found[0] == low
    assert found[-1] == low * factor
    steps = [math.log2(b / a) for a, b in zip(found, found[1:], strict=False)]
    assert max(steps) <= 0.5 + 1e-4
    assert min(steps) > 0.9 * max(steps)


@pytest.mark.parametrize(
    "text", ["", "x", "1e-3..", "..1", "1..1", "2..1", "0", "-1", "nan", "inf", "1e-9..1", "1e-3..x"]
)
def test_peaks_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadValue):
        peaks_of(text)
