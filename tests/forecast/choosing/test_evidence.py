"""What short runs span, and which runs would span more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.forecast import LossCurve
from calando.forecast.asked import plan_text
from calando.forecast.choosing import Evidence, cooldown_share, evidence_of, noise_of
from calando.forecast.choosing.evidence import CONTRAST, cooldown_plan
from calando.forecast.curve import plan_rates
from tests.forecast.worlds import SHORT, WARMUP, run, runs


@given(share=st.integers(5, 95))
def test_a_cooldown_is_read_off_the_rates(share: int) -> None:
    read = cooldown_share(run(f"wsd(warmup={WARMUP}, cooldown={share}%)", 1e-3))
    assert read == pytest.approx(share / 100, abs=0.03)


@given(share=st.integers(5, 95), warmup=st.integers(0, 30))
def test_a_plan_is_read_off_the_rates_of_a_linear_cooldown(share: int, warmup: int) -> None:
    known = run(f"wsd(warmup={warmup}, cooldown={share}%)", 1e-3)
    read = cooldown_plan(LossCurve("a", known.steps, known.losses, known.rates))
    assert read == plan_text(known.plan)


@given(share=st.integers(10, 80), warmup=st.integers(2, 60), every=st.sampled_from([5, 10, 16]))
def test_a_plan_is_read_off_rates_that_were_logged_now_and_then(share: int, warmup: int, every: int) -> None:
    plan = f"wsd(warmup={warmup}, cooldown={share}%)"
    known = run(plan, 1e-3)
    at = np.arange(every, SHORT + 1, every)
    drawn = np.interp(np.arange(SHORT), [0, *(at - 1)], [0.0, *known.rates[at - 1]])
    read = LossCurve("a", at, np.linspace(3, 2, len(at)), drawn)
    if warmup > every:  # else no rate of the rise was logged
        assert evidence_of([read]).warmup == warmup
        rates = plan_rates(cooldown_plan(read), 1e-3, SHORT)
        assert rates == pytest.approx(known.rates, abs=0.16 * 1e-3)
        assert np.abs(rates - known.rates).mean() < 0.01 * 1e-3


@pytest.mark.parametrize(
    "plan",
    ["warmup(20) | cosine()", "wsd(warmup=20, cooldown=20%, cooldown_shape=1-sqrt)", "warmup(20) | constant()",
     "warmup(20) | linear_decay(end=0.2)"],
)  # fmt: skip
def test_rates_that_are_no_linear_cooldown_have_no_such_plan(plan: str) -> None:
    assert cooldown_plan(run(plan, 1e-3)) == ""


@pytest.mark.parametrize("plan", ["warmup(20) | constant()", "warmup(20) | cosine(end=0.5)"])
def test_what_does_not_come_down_has_no_cooldown(plan: str) -> None:
    assert cooldown_share(run(plan, 1e-3)) is None


def test_contrast_is_within_a_peak() -> None:
    assert evidence_of(runs((1e-3,), (20, 60))).contrasting
    assert not evidence_of(runs((1e-3,), (20, 30))).contrasting
    apart = [*runs((1e-3,), (20,)), *runs((4e-3,), (60,))]
    assert not evidence_of(apart).contrasting
    assert evidence_of(apart).peaks == (1e-3, 4e-3)


def test_what_the_runs_span_is_a_copy_that_nobody_can_change() -> None:
    shares = {1e-3: (0.2, 0.6)}
    seen = Evidence((1e-3,), shares, SHORT, WARMUP)
    shares[1e-3] = ()
    assert seen.contrasting
    with pytest.raises(TypeError):
        seen.shares[1e-3] = ()  # type: ignore[index]


@given(peaks=st.sets(st.sampled_from([1e-3, 2e-3, 4e-3]), min_size=1), share=st.integers(5, 95))
def test_two_runs_are_asked_for_and_they_contrast(peaks: set[float], share: int) -> None:
    seen = evidence_of(runs(tuple(peaks), (share,)))
    asked = seen.second_cooldowns()
    assert len(asked) == 2
    assert all(one.horizon == SHORT and one.peak in peaks for one in asked)
    other = cooldown_share(run(asked[0].plan, asked[0].peak))
    assert other is not None
    assert abs(other - share / 100) >= CONTRAST


@pytest.mark.parametrize("warmup", [0, 300, 500, 700])
def test_runs_that_are_asked_for_fit_behind_their_warm_up(warmup: int) -> None:
    seen = evidence_of([run(f"wsd(warmup={warmup}, cooldown=20%)", 1e-3, horizon=1000)])
    for one in (*seen.second_cooldowns(), *seen.at_peak(2e-3, "another")):
        assert run(one.plan, one.peak, horizon=one.horizon).warmup == warmup


def test_noise_is_measured_where_runs_were_repeated() -> None:
    plan = "wsd(warmup=20, cooldown=20%)"
    assert noise_of([run(plan, 1e-3)]) == 0.001
    repeated = [run(plan, 1e-3, seed, noise=0.02) for seed in range(30)]
    assert noise_of(repeated) == pytest.approx(0.02, rel=0.4)
    untold = [LossCurve(one.name, one.steps, one.losses, one.rates) for one in repeated]
    assert noise_of(untold) == noise_of([*repeated[:15], *untold[15:]]) == noise_of(repeated)


def test_noise_between_seeds_is_not_that_of_their_last_batch() -> None:
    chance, plan = np.random.default_rng(0), "wsd(warmup=20, cooldown=20%)"
    rates, at = run(plan, 1e-3).rates, np.arange(1, SHORT + 1)
    repeated = [LossCurve("a", at, 2 * np.exp(0.06 * chance.standard_normal(SHORT)), rates) for _ in range(20)]
    assert noise_of(repeated) == pytest.approx(0.06 / 24**0.5, rel=0.4)


def test_runs_at_other_rates_or_the_same_losses_twice_repeat_nothing() -> None:
    once = run("wsd(warmup=20, cooldown=20%)", 1e-3, noise=0.02)
    others = [run("wsd(warmup=20, cooldown=25%)", 1e-3, noise=0.02), run(once.plan, 1.1e-3, noise=0.02)]
    again = LossCurve("read twice", once.steps, once.losses, once.rates)
    assert noise_of([once, *others, again]) == 0.001
