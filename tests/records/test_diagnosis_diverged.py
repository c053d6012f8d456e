"""What is advised to a run whose loss is no number any more, by the rate at which that was seen."""

import math

import pytest

from calando.records.diagnosis import Observed, diagnose


def told(rates, at):
    steps = list(range(len(rates)))
    losses = [2 * math.exp(-step / 40) + 0.3 for step in range(at)]
    seen = Observed(
        horizon=len(rates), train=(steps[:at], losses), lr=(steps, rates), status="diverged", ended_at=at
    )  # fmt: skip
    return diagnose(seen)[0]


@pytest.mark.parametrize(
    ("rates", "at"),
    [([1e-3 * step / 50 for step in range(100)], 0), ([0.05 * (1 - step / 299) for step in range(300)], 299)],
    ids=["a warm-up from zero", "a decay to zero"],
)
def test_no_peak_below_zero_is_advised_where_it_broke_at_a_rate_of_zero(rates, at):
    advice = " ".join(told(rates, at).advice)
    assert "rate of zero" in advice
    assert "peak below" not in advice


def test_half_of_the_rate_at_which_it_broke_is_advised_elsewhere():
    assert "Choose a peak below 0.05:" in told([0.1] * 100, 60).advice[0]
