"""What recorded runs say: none of the good ones is suspected, the ones that laws cannot describe name themselves."""

from collections.abc import Iterable

import pytest

from bench.forecasting import records
from bench.forecasting.live import load
from bench.forecasting.live.grids import PEAKS, PLAIN, WAVES
from calando.forecast.curve import LossCurve
from calando.forecast.doubts import doubts_of


def refused(curves: Iterable[LossCurve], name: str = "") -> float:
    """The share of curves that are refused, for that reason where one is given."""
    found = [any(d.refuses and name in ("", d.name) for d in doubts_of(curve)) for curve in curves]
    assert found
    return sum(found) / len(found)


def suspected(curves: Iterable[LossCurve]) -> list[str]:
    return [f"{curve.name}: {doubt.words}" for curve in curves for doubt in doubts_of(curve)]


def test_no_run_of_our_language_model_at_a_sane_peak_is_suspected() -> None:
    assert suspected(load("characters", peaks=PEAKS[:5])) == []


def test_our_language_model_at_too_large_a_rate_is_refused_beside_a_smaller_one() -> None:
    for seed in range(4):
        curves = load("characters", peaks=[0.016, 0.128], shapes=["constant"], horizons=[2400, 4800], seeds=[seed])
        refusals = [d for d in doubts_of(curves) if d.name == "rate too large" and d.refuses]
        assert [(d.numbers["peak"], len(d.curves)) for d in refusals] == [(0.128, 2)]


def test_peaks_on_both_sides_of_the_best_raise_no_doubt_against_one_another() -> None:
    for horizon in (300, 600, 1200):
        shapes = ["wsd 20 %", "wsd 50 %", "linear"]
        assert doubts_of(load("characters", horizons=[horizon], peaks=PEAKS[1:4], shapes=shapes, seeds=[0])) == ()


def test_no_recorded_language_model_of_others_is_suspected() -> None:
    where = records.folder()
    if where is None:
        pytest.skip(records.NOT_RUN)
    assert suspected(run.curve for run in records.llama(where, dataset=None)) == []
    assert suspected(curve for curves in records.multipower(where).values() for curve in curves.values()) == []


def test_images_learned_by_heart_are_refused() -> None:
    assert refused(load("images-few", shapes=PLAIN, horizons=[1600]), "turns up") >= 0.9
    assert refused(load("images-few", shapes=PLAIN, peaks=[0.05, 0.1]), "turns up") == 1.0


def test_images_under_cycles_are_refused_where_the_loss_follows_the_rate() -> None:
    assert refused(load("images", shapes=WAVES, peaks=[0.1, 0.2, 0.4]), "cycles") >= 0.9


@pytest.mark.parametrize("shape", ["wsd 20 %", "constant"])
def test_an_image_classifier_at_too_large_a_rate_is_refused_beside_a_smaller_one(shape: str) -> None:
    for seed in range(3):
        curves = load("images", shapes=[shape], horizons=[400], peaks=[0.05, 0.4, 0.8, 1.6], seeds=[seed])
        doubts = [doubt for doubt in doubts_of(curves) if doubt.name == "rate too large" and doubt.refuses]
        assert {doubt.numbers["peak"] for doubt in doubts} == {0.4, 0.8, 1.6}
        assert {doubt.numbers["lower"] for doubt in doubts} == {0.05}


def test_fitted_training_losses_of_images_are_saturated() -> None:
    assert refused(load("images", shapes=PLAIN, peaks=[0.05, 0.1], loss="train_loss"), "saturated") == 1.0


def test_fine_tuning_that_keeps_what_was_learned_is_known_by_its_low_start() -> None:
    curves = load("tuning", peaks=[0.0005, 0.002, 0.008])
    assert all("starts low" in {doubt.name for doubt in doubts_of(curve)} for curve in curves)
    assert refused(load("tuning", peaks=[0.0005])) >= 0.9


@pytest.mark.parametrize("shape", ["wsd 20 %", "wsd 50 %"])
def test_a_run_that_ends_three_per_cent_above_its_lowest_quarter_widens_the_band(shape: str) -> None:
    (doubt,) = doubts_of(load("images", shapes=[shape], peaks=[0.025], horizons=[1600], seeds=[1]))
    assert (doubt.name, doubt.consequence) == ("turns up", "widen")
    assert 0.015 < doubt.numbers["rise"] < 0.03


def test_fine_tuning_on_little_text_turns_up() -> None:
    assert refused(load("tuning-few")) == 1.0
    assert refused(load("tuning-few", peaks=[0.002, 0.008, 0.032], horizons=[1200]), "turns up") == 1.0
