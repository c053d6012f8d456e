"""Closed forms, against the sums and against published constants."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import calando
from calando.errors import BadValue
from calando.forecast.bounds import (
    bound,
    constant_bound,
    cosine_limit,
    linear_bound,
    one_minus_sqrt_limit,
    power_limit,
    staged_limit,
)
from tests.oracles import last_iterate

MANY = 50_000


def times_root(plan: str, steps: int = MANY) -> tuple[float, float]:
    """Best peak and value of the sum, both times the root of the steps."""
    found = bound(calando.parse(plan).bind(steps)(np.arange(steps)))
    return found.best_peak * math.sqrt(steps), found.best_value * math.sqrt(steps)


@pytest.mark.parametrize("steps", [1, 2, 3, 17, 400])
def test_the_exact_forms_are_the_theorem_at_any_number_of_steps(steps: int) -> None:
    flat, falling = [1.0] * steps, [(steps - t) / steps for t in range(steps)]
    assert constant_bound(steps).best_peak == pytest.approx(last_iterate.best_peak(flat), rel=1e-10)
    assert constant_bound(steps).best_value == pytest.approx(last_iterate.best_value(flat), rel=1e-10)
    assert linear_bound(steps).best_peak == pytest.approx(last_iterate.best_peak(falling), rel=1e-10)
    assert linear_bound(steps).best_value == pytest.approx(last_iterate.best_value(falling), rel=1e-10)


@pytest.mark.parametrize("steps", [257, 100_000])
def test_the_exact_forms_are_the_sum_where_harmonic_numbers_are_approximated(steps: int) -> None:
    assert constant_bound(steps).v == pytest.approx(bound(np.ones(steps)).v, rel=1e-12)
    assert linear_bound(steps).v == pytest.approx(bound(1 - np.arange(steps) / steps).v, rel=1e-12)


# Constants of the literature (Bu et al. 2026, table 1; Schaipp et al. 2025): best peak and value times sqrt(T).
PUBLISHED = [
    (power_limit(), 1.0, 2.0),
    (cosine_limit(), 0.9707, 2.0602),
    (one_minus_sqrt_limit(), 1.489, 2.014),
    (staged_limit(0.1), 0.4613, 2.282),
    (staged_limit(0.2), 0.5145, 2.160),
    (staged_limit(0.4), 0.6076, 2.058),
    (staged_limit(0.6), 0.7083, 2.017),
    (staged_limit(0.8), 0.8324, 2.0025),
    (staged_limit(0.2, one_minus_sqrt_limit()), 0.5427, 2.126),
    (staged_limit(0.25, power_limit(1.5)), 0.556, 2.116),
]


@pytest.mark.parametrize(("limit", "peak", "value"), PUBLISHED, ids=lambda x: "" if isinstance(x, float) else None)
def test_limits_are_the_published_constants(limit, peak: float, value: float) -> None:
    assert limit.best_peak == pytest.approx(peak, rel=1e-3)
    assert limit.best_value == pytest.approx(value, rel=1e-3)


def test_a_constant_rate_over_fifty_thousand_steps_is_the_published_one() -> None:
    assert constant_bound(MANY).best_peak * math.sqrt(MANY) == pytest.approx(0.284, abs=5e-4)
    assert constant_bound(MANY).best_value * math.sqrt(MANY) == pytest.approx(3.521, abs=5e-4)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
def test_powers_have_their_root_as_best_peak(power: float) -> None:
    limit = power_limit(power)
    assert limit.best_peak == pytest.approx(math.sqrt(power), rel=1e-12)
    assert limit.best_value == pytest.approx((power + 1) / math.sqrt(power), rel=1e-12)
    summed = times_root(f"polynomial_decay(power={power})")
    assert summed == (pytest.approx(limit.best_peak, rel=1e-3), pytest.approx(limit.best_value, rel=1e-3))


@given(some.floats(0.01, 0.99))
def test_warm_up_free_wsd_is_the_published_closed_form(cooldown: float) -> None:
    c = 1 - cooldown
    log = 1 + 0.5 * math.log((1 + c) / (1 - c))
    assert staged_limit(cooldown).best_peak == pytest.approx(((1 + c) * log) ** -0.5, rel=1e-9)
    assert staged_limit(cooldown).best_value == pytest.approx(2 * math.sqrt(log / (1 + c)), rel=1e-9)


LIMITS = {"linear": power_limit(), "cosine": cosine_limit(), "1-sqrt": one_minus_sqrt_limit()}


@pytest.mark.parametrize("shape", LIMITS)
@pytest.mark.parametrize(("warmup", "cooldown"), [(0, 20), (5, 50), (10, 90), (30, 10), (0, 100)])
def test_limits_are_where_the_sums_go(shape: str, warmup: int, cooldown: int) -> None:
    limit = staged_limit(cooldown / 100, LIMITS[shape], warmup / 100)
    summed = times_root(f"wsd(warmup={warmup}%, cooldown={cooldown}%, cooldown_shape={shape})")
    assert summed == (pytest.approx(limit.best_peak, rel=1e-3), pytest.approx(limit.best_value, rel=1e-3))


@given(some.floats(0.01, 0.98), some.floats(1.001, 1.02))
def test_a_longer_cooldown_wants_a_higher_peak_and_gives_a_lower_bound(cooldown: float, more: float) -> None:
    short, long = staged_limit(cooldown), staged_limit(min(1.0, cooldown * more))
    assert long.best_peak > short.best_peak
    assert long.best_value < short.best_value


def test_a_floor_above_zero_has_no_limit() -> None:
    """Cosine to 10 % wants .872 at 400 steps and .798 at 50,000; it sinks on like 1/sqrt(ln T)."""
    found = [times_root("cosine(end=0.1)", steps)[0] for steps in (400, 50_000, 500_000)]
    assert found[:2] == [pytest.approx(0.872, abs=1e-3), pytest.approx(0.798, abs=1e-3)]
    assert found[2] < 0.99 * found[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: staged_limit(0.0),
        lambda: staged_limit(0.8, warmup=0.3),
        lambda: staged_limit(math.nan),
        lambda: staged_limit(0.2, warmup=-0.1),
        lambda: power_limit(0.0),
        lambda: power_limit("2"),
        lambda: constant_bound(0),
        lambda: linear_bound(2.5),
    ],
)
def test_what_lies_outside_a_forms_domain_is_refused(call) -> None:
    with pytest.raises(BadValue):
        call()
