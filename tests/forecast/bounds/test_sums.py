"""The bound in one pass, against the theorem's double sum and against published numbers."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import calando
from calando.errors import BadValue
from calando.forecast.bounds import Bound, bound, bounds_along, price
from tests.oracles import last_iterate

factors = some.lists(some.floats(0.0, 100.0).map(lambda x: x if x > 1e-6 else 0.0), min_size=1, max_size=30).filter(any)
ending = some.floats(1e-3, 100.0)


def of(plan: str, steps: int) -> Bound:
    return bound(calando.parse(plan).bind(steps)(np.arange(steps)))


@given(factors, ending, some.floats(0.01, 100.0), some.integers(0, 2**32 - 1))
def test_it_is_the_theorems_double_sum(eta: list[float], last: float, gamma: float, seed: int) -> None:
    eta = [*eta, last]
    norms = np.random.default_rng(seed).uniform(0.1, 3.0, len(eta)).tolist()
    assert bound(eta).at(gamma) == pytest.approx(last_iterate.omega(eta, gamma), rel=1e-10)
    with_norms = last_iterate.omega(eta, gamma, norms, distance=2.0)
    assert bound(eta, norms).at(gamma, distance=2.0) == pytest.approx(with_norms, rel=1e-10)


# T = 400 exactly, from the authors' package (Schaipp et al. 2025): best peak and value.
PUBLISHED = {
    "linear_decay()": (0.0495631, 0.1006299),
    "cosine()": (0.0482419, 0.1033859),
    "wsd(cooldown=20%)": (0.0253737, 0.1093230),
    "constant()": (0.0181759, 0.1375448),
    "wsd(cooldown=100%, cooldown_shape=1-sqrt)": (0.0737971, 0.1012426),
}


@pytest.mark.parametrize("plan", PUBLISHED)
def test_at_400_steps_it_is_the_published_number_to_six_digits(plan: str) -> None:
    found, (peak, value) = of(plan, 400), PUBLISHED[plan]
    assert found.best_peak == pytest.approx(peak, rel=0, abs=5.1e-8)
    assert found.best_value == pytest.approx(value, rel=0, abs=5.1e-8)


def test_one_over_the_root_of_the_step_is_the_published_number_too() -> None:
    found = bound(1 / np.sqrt(np.arange(1, 401)))
    assert found.best_peak == pytest.approx(0.2120856, rel=0, abs=5.1e-8)
    assert found.best_value == pytest.approx(0.1222643, rel=0, abs=5.1e-8)


@given(factors, some.floats(1e-3, 1e3))
def test_a_schedule_scaled_up_has_its_best_peak_scaled_down_and_the_same_best_value(
    eta: list[float], by: float
) -> None:
    before, after = bound(eta), bound(np.array(eta) * by)
    assert after.best_peak == pytest.approx(before.best_peak / by, rel=1e-9)
    assert after.best_value == pytest.approx(before.best_value, rel=1e-9)


@given(factors, some.integers(0, 20))
def test_updates_without_a_rate_at_the_end_change_nothing(eta: list[float], idle: int) -> None:
    before, after = bound(eta), bound([*eta, *[0.0] * idle])
    assert after == before


@given(factors, some.floats(0.05, 20.0))
def test_at_any_multiple_of_the_best_peak_it_rises_by_the_same_price(eta: list[float], m: float) -> None:
    found = bound(eta)
    assert found.at(m * found.best_peak) == pytest.approx(price(m) * found.best_value, rel=1e-9)
    assert price(m) >= 1.0


@given(factors)
def test_no_schedule_of_many_steps_is_better_than_the_linear_decay(eta: list[float]) -> None:
    """Defazio et al. 2023: it minimises the bound, at 2/sqrt(T); at a few hundred steps to within a hundredth."""
    found = bound(np.repeat(eta, 200))
    assert found.best_value * math.sqrt(found.steps) >= 2.0 * 0.99


@given(factors, some.data())
def test_along_a_run_it_is_the_bound_of_what_was_run_so_far(eta: list[float], data: some.DataObject) -> None:
    eta = [0.0, *eta]
    at = data.draw(some.lists(some.integers(1, len(eta)), min_size=1, max_size=5))
    b, v = bounds_along(eta, at)
    for count, its_b, its_v in zip(at, b, v, strict=True):
        if any(eta[:count]):
            whole = bound(eta[:count])
            assert (its_b, its_v) == (pytest.approx(whole.b, rel=1e-9), pytest.approx(whole.v, rel=1e-9))
        else:
            assert (its_b, its_v) == (math.inf, math.inf)


def test_a_tail_with_next_to_no_rate_makes_it_large_and_never_fails() -> None:
    assert bound([1.0, 1.0, 1e-12]).v > 1e11
    endless = bound([1.0, 1.0, 1e-320])
    assert endless.v == math.inf
    assert endless.best_peak == 0.0
    assert bound([1e100, 1e-300]).steps == 1


def test_rates_that_are_zero_in_between_are_taken_as_they_are() -> None:
    with_pause = [1.0, 0.0, 0.0, 1.0, 0.5]
    assert bound(with_pause).best_peak == pytest.approx(last_iterate.best_peak(with_pause))
    assert bound(with_pause).best_value == pytest.approx(bound([1.0, 1.0, 0.5]).best_value)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: bound([]), "shape"),
        (lambda: bound([0.0, 0.0]), "all 0"),
        (lambda: bound([1.0, -1.0]), "at update 1"),
        (lambda: bound([1.0, math.nan]), "nan"),
        (lambda: bound([1.0, math.inf]), "inf"),
        (lambda: bound("linear"), "'linear'"),
        (lambda: bound([1.0, 1.0], [1.0]), "1 norms for 2 updates"),
        (lambda: bounds_along([1.0], [2]), "at=[2]"),
        (lambda: bounds_along([1.0, 1.0], [1.5]), "at=[1.5]"),
        (lambda: bounds_along([1.0], [0]), "at=[0]"),
        (lambda: price(0.0), "multiple=0.0"),
        (lambda: price(math.nan), "multiple=nan"),
    ],
)
def test_what_makes_no_sense_is_refused(call, word: str) -> None:
    with pytest.raises(BadValue) as caught:
        call()
    assert word in caught.value.given


@pytest.mark.alone
def test_a_million_steps_take_less_than_a_tenth_of_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    eta = np.asarray(calando.cosine().bind(1_000_000)(np.arange(1_000_000)))
    best = math.inf
    for _ in range(5):
        begun = time.process_time()
        found = bound(eta)
        best = min(best, time.process_time() - begun)
    with capsys.disabled():
        print(f"\nbound of a million steps: {1e3 * best:.0f} ms, best of 5; budget 100 ms")
    assert best < 0.1
    assert found.best_peak == pytest.approx(0.9708e-3, rel=1e-3)
