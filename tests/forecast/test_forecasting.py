"""Forecasts: ranks and bands of candidates, from curves whose law is known."""

import numpy as np
import pytest

from bench.forecasting.live import load
from bench.forecasting.live.grids import SHAPES
from calando import parse
from calando.errors import BadName, BadValue
from calando.forecast import LossCurve, forecast
from calando.forecast.asked import AT_ONCE, Candidate, in_goes, peaks_run, plan_text
from calando.forecast.bands import ALONE, OTHERWISE, band
from calando.forecast.forecasted import Prediction
from calando.forecast.forecasting import ends_of, fitted, foretold
from tests.forecast.worlds import LONG, PLANS, SHORT, run, runs, truth


def test_losses_at_four_times_the_horizon_are_near_the_truth_and_inside_their_bands() -> None:
    found = forecast(runs((4e-3,)), PLANS, LONG)
    assert [one.rank for one in found.predictions] == list(range(1, len(PLANS) + 1))
    for one in found.predictions:
        assert one.loss == pytest.approx(truth(one.plan, one.peak), rel=0.01)
        assert one.low < truth(one.plan, one.peak) < one.high
        assert one.loss == pytest.approx(np.mean([loss for _, loss in one.by_law]))
        assert one.ratio == LONG / SHORT
    assert found.best.loss == min(one.loss for one in found.predictions)
    assert any("trust the ranks" in note for note in found.notes)


def test_a_law_that_fits_much_worse_does_not_count_and_is_told() -> None:
    found = forecast(runs((1.6e-2,)), PLANS, LONG)
    assert [fit.law.name for fit in found.fits] == ["bound"]
    assert found.refused[0][0] == "multi_power"
    assert "stray" in found.refused[0][1]


def test_runs_at_several_peaks_are_told_by_laws_that_know_peaks() -> None:
    curves = runs((1e-3, 8e-3))
    found = forecast(curves, [(plan, 4e-3) for plan in PLANS], LONG)
    assert {fit.law.name for fit in found.fits} <= {"peak_bound", "bound"}
    for one in found.predictions:
        assert one.loss == pytest.approx(truth(one.plan, 4e-3), rel=0.01)
    with pytest.raises(BadValue, match="without a peak"):
        forecast(curves, ["cosine()"], LONG)
    assert forecast(curves, ["cosine()"], LONG, peak=2e-3).best.peak == 2e-3


def test_candidates_are_plans_texts_or_pairs_and_each_counts_once() -> None:
    curve = runs((4e-3,))
    found = forecast(curve, ["cosine", parse("cosine()"), ("cosine()", 4e-3), ("linear_decay()", 2e-3)], SHORT)
    assert [(one.plan, one.peak) for one in sorted(found.predictions, key=lambda one: one.plan)] == [
        ("cosine()", 4e-3), ("linear_decay()", 2e-3),
    ]  # fmt: skip
    assert any("extrapolated" in note for note in found.notes)


def test_candidates_whose_rate_rises_again_are_doubted_by_name_and_they_alone_have_wider_bands() -> None:
    falling, waves = ["cosine()", "wsd(cooldown=30%)"], ["warm_restarts(first=25%)", "cyclical(low=0.1, half=12.5%)"]
    alone = forecast(runs((4e-3,)), falling, LONG)
    found = forecast(runs((4e-3,)), [*falling, *waves], LONG)
    assert alone.doubts == ()
    (doubt,) = found.doubts
    assert (doubt.name, doubt.consequence, set(doubt.curves)) == ("rises again", "widen", set(waves))
    assert "1 more of the candidates" in doubt.words
    before = {one.plan: one for one in alone.predictions}
    for one in found.predictions:
        if one.plan in before:
            assert (one.low, one.high) == (before[one.plan].low, before[one.plan].high)
        else:
            laws = [loss for _, loss in one.by_law]
            scatter = max(fit.scatter for fit in found.fits)
            low, high = band([one.loss], [np.ptp(laws) / 2], [one.ratio], scatter)
            assert np.log(one.high / one.loss) == pytest.approx(2 * np.log(high[0] / one.loss))
            assert np.log(one.loss / one.low) == pytest.approx(2 * np.log(one.loss / low[0]))


def test_recorded_runs_whose_rate_rises_again_lie_inside_the_bands_that_are_drawn_for_them() -> None:
    waves = [SHAPES[name] for name in ("warm restarts", "cycles")]
    for seed in range(3):
        short = load("images", horizons=[1600], peaks=[0.0125], shapes=["wsd 20 %", "wsd 50 %"], seeds=[seed])
        found = forecast(short, waves, 1600)
        assert [doubt.name for doubt in found.doubts] == ["rises again"]
        ends = {c.plan: c.final for c in load("images", horizons=[1600], peaks=[0.0125], seeds=[seed])}
        assert all(one.low <= ends[one.plan] <= one.high for one in found.predictions)


def test_a_doubt_makes_bands_of_the_same_losses_twice_as_wide() -> None:
    curves = runs((4e-3,))
    restless = [
        LossCurve.from_plan(c.name, c.steps, c.losses * np.where(np.arange(40) == 30, 1.2, 1.0), c.plan, 4e-3, SHORT)
        for c in curves
    ]
    fits, _ = fitted(curves)
    asked = [Candidate("cosine()", 4e-3, LONG)]
    losses = ends_of(fits, asked)
    (sure,), none, _ = foretold(curves, fits, asked, losses, 0.8)
    (unsure,), doubts, _ = foretold(restless, fits, asked, losses, 0.8)
    assert not none
    assert doubts
    assert unsure.loss == sure.loss
    assert np.log(unsure.high / unsure.loss) == pytest.approx(2 * np.log(sure.high / sure.loss))
    assert np.log(unsure.low / unsure.loss) == pytest.approx(2 * np.log(sure.low / sure.loss))


def half(one: Prediction) -> float:
    return float(np.log(one.high / one.loss))


def test_a_cooldown_that_no_run_showed_is_refused_with_the_runs_that_would_show_it() -> None:
    stays = run(plan_text("wsd(warmup=20, cooldown=20%)"), 4e-3)
    early = stays.kept(stays.steps <= 0.75 * SHORT)
    found = forecast(early, ["cosine()", "constant()"], SHORT)
    (doubt,) = (doubt for doubt in found.doubts if doubt.refuses)
    assert (doubt.name, doubt.curves) == ("no cooldown seen", (stays.name,))
    assert "run these next: wsd(warmup=20, cooldown=60%) at the peak 0.004 over 800 updates; wsd(" in doubt.words
    assert all(one.ratio == pytest.approx(SHORT / early.steps[-1]) for one in found.predictions)  # by the last loss
    assert forecast(early, [stays.plan], SHORT).best.high >= early.final  # a fall may gain nothing
    only = forecast(early, ["constant()"], SHORT)
    assert not any(doubt.refuses for doubt in only.doubts)
    assert not any(doubt.refuses for doubt in forecast(stays, ["cosine()", "constant()"], SHORT).doubts)
    assert not any(doubt.refuses for doubt in forecast([early, stays], ["cosine()"], SHORT).doubts)


def test_one_run_alone_and_its_like_have_wider_bands_and_a_contrasting_one_takes_that_away() -> None:
    first, contrast = runs((4e-3,))
    twin = run(first.plan, 4e-3, seed=1)
    asked = [Candidate("cosine()", 4e-3, LONG), Candidate("constant()", 4e-3, LONG)]
    fits, _ = fitted([first, contrast])
    losses = ends_of(fits, asked)
    both, one, two = (
        {p.plan: p for p in foretold(curves, fits, asked, losses, 0.8)[0]}
        for curves in ([first, contrast], [first], [first, twin])
    )
    for plan, times in (("cosine()", ALONE), ("constant()", OTHERWISE)):
        assert half(one[plan]) == pytest.approx(times * half(both[plan]))
        assert half(two[plan]) == pytest.approx(half(one[plan]))
    assert any("one run alone" in note for note in forecast([first], ["cosine()"], LONG).notes)
    assert not any("alone" in note for note in forecast([first, contrast], ["cosine()"], LONG).notes)


def test_fewer_than_three_losses_a_parameter_are_a_doubt() -> None:
    curve = run("warmup(20) | cosine()", 4e-3)
    thin = curve.kept(np.linspace(3, 39, 9).astype(int))
    (doubt,) = forecast(thin, ["cosine()"], SHORT).doubts
    assert (doubt.name, doubt.consequence, doubt.numbers["losses"]) == ("few losses", "widen", 9.0)
    assert "parameters" in doubt.words
    assert forecast(curve, ["cosine()"], SHORT).doubts == ()


def test_where_one_law_alone_counts_another_half_a_percent_away_is_allowed_for() -> None:
    curves = runs((4e-3,))
    fits, _ = fitted(curves, ["bound"])
    asked = [Candidate("cosine()", 4e-3, LONG)]
    losses = ends_of(fits, asked)
    (found,), _, _ = foretold(curves, fits, asked, losses, 0.8)
    low, high = band([found.loss], [0.005 * found.loss], [LONG / SHORT], fits[0].scatter)
    assert (found.low, found.high) == pytest.approx((low[0], high[0]))


def test_portions_are_no_more_than_fits_at_once_and_nothing_is_lost() -> None:
    many = [Candidate("cosine()", 1e-3, AT_ONCE // 3)] * 7
    assert [len(part) for part in in_goes(many)] == [3, 3, 1]
    fits, _ = fitted(runs((4e-3,)))
    asked = [Candidate(plan, 4e-3, SHORT) for plan in PLANS]
    whole = ends_of(fits, asked)
    one_by_one = np.concatenate([ends_of(fits, [one]) for one in asked], axis=1)
    assert whole == pytest.approx(one_by_one)


def test_peaks_that_are_nearly_alike_are_one() -> None:
    curves = [run("warmup(20) | cosine()", peak) for peak in (1e-3, 1.01e-3, 2e-3)]
    assert peaks_run(curves) == (1e-3, 2e-3)


def test_what_cannot_be_asked_is_told() -> None:
    curves = runs((4e-3,))
    with pytest.raises(BadValue, match="no candidates"):
        forecast(curves, [], LONG)
    with pytest.raises(BadValue, match="candidates"):
        forecast(curves, [3], LONG)  # type: ignore[list-item]
    with pytest.raises(BadValue, match="horizon"):
        forecast(curves, PLANS, 3.5)  # type: ignore[arg-type]
    with pytest.raises(BadName, match="law="):
        forecast(curves, PLANS, LONG, laws=["nobody"])
    with pytest.raises(BadValue, match="a list of names"):
        forecast(curves, PLANS, LONG, laws="bound")
    with pytest.raises(BadValue, match="losses"):
        forecast([curves[0].kept(np.arange(3))], PLANS, LONG)
