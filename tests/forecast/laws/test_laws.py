"""Every law says what its paper says, and its gradient is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.forecast.laws import LAWS, EffectiveRate, Path
from calando.forecast.laws.base import linear, nonlinear
from calando.forecast.laws.effective import norms
from calando.forecast.laws.momentum import faded
from tests.forecast.laws.oracles import ORACLES

PLAIN = sorted(set(LAWS) - {name for name, law in LAWS.items() if isinstance(law, EffectiveRate)})


@st.composite
def runs(draw: st.DrawFn, zeros: bool = True) -> list[float]:
    """Rates of a few updates: flat stretches, falls, rises, and nothing at the end or in between."""
    levels = st.floats(0.01, 1.0) | st.sampled_from([1.0, 0.5, *([0.0] if zeros else [])])
    pieces = draw(st.lists(st.tuples(levels, st.integers(1, 6)), min_size=1, max_size=6))
    rates = [level for level, count in pieces for _ in range(count)]
    return [max(rates[0], 0.01), *rates]


@st.composite
def parameters(draw: st.DrawFn, name: str) -> np.ndarray:
    """Parameters within a law's bounds, near what is believed of them."""
    values = []
    for parameter in LAWS[name].parameters:
        if parameter.linear:
            values.append(draw(st.floats(0.1, 5.0)))
        else:
            near = parameter.likely * np.exp(draw(st.floats(-1.0, 1.0)) * min(parameter.spread, 1.0))
            values.append(float(np.clip(near, parameter.low, parameter.high)))
    return np.array(values)


def test_every_law_has_an_oracle() -> None:
    assert sorted(ORACLES) == PLAIN


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_law_is_its_formula_summed_step_by_step(name: str, data: st.DataObject) -> None:
    rates, theta = data.draw(runs()), data.draw(parameters(name))
    at = np.arange(1, len(rates) + 1)
    law = LAWS[name]
    ours = law.losses(theta, law.prepare([Path(np.array(rates), at)], 0.0))
    theirs = [ORACLES[name](theta, rates, t) for t in at.tolist()]
    assert ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_gradient_is_exact(name: str, data: st.DataObject) -> None:
    rates, theta = data.draw(runs(zeros=False)), data.draw(parameters(name))
    law = LAWS[name]
    at = np.array([len(rates) // 2 + 1, len(rates)])
    ours = law.gradient(theta, law.prepare([Path(np.array(rates), at)], 0.0))
    for place in range(len(theta)):
        moved = theta.astype(complex)
        moved[place] += 1e-30j
        theirs = [ORACLES[name](moved, rates, t).imag / 1e-30 for t in at.tolist()]
        assert ours[:, place] == pytest.approx(theirs, rel=1e-9, abs=1e-12), law.parameters[place].name


@pytest.mark.parametrize("name", sorted(LAWS))
def test_a_loss_is_its_basis_times_the_linear_parameters(name: str) -> None:
    law = LAWS[name]
    rates = np.concatenate([np.linspace(0.1, 1, 10), np.ones(30), np.linspace(1, 0.05, 40)])
    prepared = law.prepare([Path(rates, np.array([15, 50, 80]))])
    theta = np.array([0.7 if p.linear else p.likely for p in law.parameters])
    assert law.losses(theta, prepared) == pytest.approx(law.basis(theta, prepared).sum(axis=1) * 0.7)
    assert law.gradient(theta, prepared)[:, linear(law)] == pytest.approx(law.basis(theta, prepared))
    assert sorted(linear(law) + nonlinear(law)) == list(range(len(law.parameters)))


@pytest.mark.parametrize("name", sorted(LAWS))
def test_runs_are_joined_one_after_the_other(name: str) -> None:
    law = LAWS[name]
    one = Path(np.linspace(1, 0.1, 60), np.array([20, 60]))
    other = Path(np.full(40, 0.5), np.array([10, 30, 40]))
    theta = np.array([0.7 if p.linear else p.likely for p in law.parameters])
    both = law.losses(theta, law.prepare([one, other]))
    apart = [law.losses(theta, law.prepare([path])) for path in (one, other)]
    assert both == pytest.approx(np.concatenate(apart))


@pytest.mark.parametrize("name", sorted(LAWS))
def test_an_update_at_rate_zero_before_the_first_changes_nothing(name: str) -> None:
    law = LAWS[name]
    theta = np.array([p.likely for p in law.parameters])
    rates, at = np.r_[np.full(300, 0.3), np.linspace(0.3, 0.01, 200)], np.array([1, 100, 500])
    plain = law.losses(theta, law.prepare([Path(rates, at)], 0.0))
    later = law.losses(theta, law.prepare([Path(np.r_[0.0, rates], at + 1)], 0.0))
    assert later == pytest.approx(plain, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_under_the_multi_power_law_a_run_that_only_falls_gets_worse_by_its_first_rise_alone(
    data: st.DataObject,
) -> None:
    rates = np.array(sorted(data.draw(runs(zeros=False)), reverse=True))
    theta = data.draw(parameters("multi_power"))
    law = LAWS["multi_power"]
    losses = law.losses(theta, law.prepare([Path(rates, np.arange(1, len(rates) + 1))], 0.0))
    *_, b, c, beta, gamma = theta
    rise = b * rates[0] * (1 - (1 + c * rates[0] ** -gamma * np.cumsum(rates)) ** -beta)
    assert (np.diff(losses - rise) <= 1e-9 * (1 + abs(rise[-1]))).all()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_functional_laws_noise_fades_and_is_never_more_than_was_added(data: st.DataObject) -> None:
    rates, theta = np.array(data.draw(runs(zeros=False))), data.draw(parameters("functional"))
    law = LAWS["functional"]

    def noise(given: np.ndarray) -> float:
        return float(law.basis(theta, law.prepare([Path(given, np.array([len(given)]))], 0.0))[0, 2])

    faint = np.append(rates, np.full(10, 1e-9))
    assert noise(faint) <= noise(rates) * (1 + 1e-9)
    assert 0 < noise(rates) <= float(rates @ rates) * (1 + 1e-12)


def test_the_bound_law_never_sees_a_peak_that_its_unit_took_away() -> None:
    law = LAWS["bound"]
    rates, at = np.linspace(1, 0.1, 50), np.array([10, 50])
    one, half = (law.prepare([Path(scale * rates, at)]) for scale in (1.0, 0.5))
    assert half.far - one.far == pytest.approx(np.log([2.0, 2.0]))
    assert half.noise - one.noise == pytest.approx(-np.log([2.0, 2.0]))


def test_only_the_momentum_law_refuses_to_choose_and_says_why() -> None:
    assert {name for name, law in LAWS.items() if law.refuses} == {"momentum"}
    assert "too short" in LAWS["momentum"].refuses


@settings(max_examples=40, deadline=None)
@given(rates=st.lists(st.floats(0, 1), min_size=1, max_size=60), decay=st.floats(0, 1), growth=st.floats(1e-8, 10))
def test_the_norm_grows_and_decays_step_by_step(rates: list[float], decay: float, growth: float) -> None:
    size, expected = 1.0, []
    for rate in rates:
        expected.append(size)
        size = (1 - decay * rate) ** 2 * size + growth * rate**2
    assert norms(np.array(rates), decay, growth) == pytest.approx(expected, rel=1e-6, abs=1e-20)


def test_a_long_decay_does_not_leave_the_numbers() -> None:
    found = norms(np.full(20_000, 1.0), 0.2, 0.36)
    assert found[1_000:] == pytest.approx(np.ones(19_000))
    assert found[:1_000] == pytest.approx(norms(np.full(1_000, 1.0), 0.2, 0.36))


def test_effective_rates_without_growth_and_decay_are_the_rates() -> None:
    path = Path(np.linspace(1, 0.1, 80), np.array([30, 80]))
    theta = np.array([0.7 if p.linear else p.likely for p in LAWS["multi_power"].parameters])
    same = EffectiveRate(LAWS["multi_power"], growth=1e-30, weight_decay=0.0)
    plain = LAWS["multi_power"]
    assert same.losses(theta, same.prepare([path])) == pytest.approx(plain.losses(theta, plain.prepare([path])))


def test_the_fading_memory_is_its_recursion_across_chunks() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    memory, expected = 0.0, []
    for value in values:
        memory = 0.99 * memory + value
        expected.append(memory)
    assert faded(values, 0.99) == pytest.approx(expected)
