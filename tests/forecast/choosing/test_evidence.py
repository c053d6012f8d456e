"""What short runs span, and which runs would span more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.forecast.choosing import cooldown_share, evidence_of, noise_of
from calando.forecast.choosing.evidence import CONTRAST
from tests.forecast.worlds import SHORT, WARMUP, run, runs


@given(share=st.integers(5, 95))
def test_a_cooldown_is_read_off_the_rates(share: int) -> None:
    read = cooldown_share(run(f"wsd(warmup={WARMUP}, cooldown={share}%)", 1e-3))
    assert read == pytest.approx(share / 100, abs=0.03)


@pytest.mark.parametrize("plan", ["warmup(20) | constant()", "warmup(20) | cosine(end=0.5)"])
def test_what_does_not_come_down_has_no_cooldown(plan: str) -> None:
    assert cooldown_share(run(plan, 1e-3)) is None


def test_contrast_is_within_a_peak() -> None:
    assert evidence_of(runs((1e-3,), (20, 60))).contrasting
    assert not evidence_of(runs((1e-3,), (20, 30))).contrasting
    apart = [*runs((1e-3,), (20,)), *runs((4e-3,), (60,))]
    assert not evidence_of(apart).contrasting
    assert evidence_of(apart).peaks == (1e-3, 4e-3)


@given(peaks=st.sets(st.sampled_from([1e-3, 2e-3, 4e-3]), min_size=1), share=st.integers(5, 95))
def test_two_runs_are_asked_for_and_they_contrast(peaks: set[float], share: int) -> None:
    seen = evidence_of(runs(tuple(peaks), (share,)))
    asked = seen.second_cooldowns()
    assert len(asked) == 2
    assert all(one.horizon == SHORT and one.peak in peaks for one in asked)
    other = cooldown_share(run(asked[0].plan, asked[0].peak))
    assert other is not None
    assert abs(other - share / 100) >= CONTRAST


def test_noise_is_measured_where_runs_were_repeated() -> None:
    plan = "wsd(warmup=20, cooldown=20%)"
    assert noise_of([run(plan, 1e-3)]) == 0.001
    repeated = [run(plan, 1e-3, seed, noise=0.02) for seed in range(30)]
    assert noise_of(repeated) == pytest.approx(0.02, rel=0.4)
