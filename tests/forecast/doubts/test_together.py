"""What several curves, and laws fitted to them, say against themselves."""

from dataclasses import dataclass

import numpy as np

from calando.forecast.curve import LossCurve
from calando.forecast.doubts import doubts_of
from calando.forecast.fitting import Fit, fit
from tests.forecast.doubts.test_alone import curve, falling


def at(peak: float, losses: object, name: str) -> LossCurve:
    return LossCurve.from_plan(name, range(10, 401, 10), losses, "warmup(20) | linear_decay()", peak, 400)


def test_a_rate_whose_early_losses_lie_above_those_of_a_lower_one_is_too_large() -> None:
    doubts = doubts_of(
        [at(0.1, falling(), "low"), at(0.4, 1.2 * falling(), "high"), at(1.6, 1.6 * falling(), "higher")]
    )
    assert [(d.name, d.consequence, d.curves) for d in doubts] == [
        ("rate too large", "refuse", ("higher",)),
        ("rate too large", "widen", ("high",)),
    ]
    assert abs(doubts[0].numbers["above"] - np.log(1.6)) < 1e-6


def test_a_lower_rate_that_learns_slowly_raises_no_doubt() -> None:
    assert doubts_of([at(0.1, 1.5 * falling(), "low"), at(0.4, falling(), "high")]) == ()


def test_what_a_law_explains_leaves_no_doubt() -> None:
    one = curve(falling(), "wsd(warmup=20, cooldown=20%)")
    assert doubts_of(one, [fit(one, "bound")]) == ()


@dataclass(frozen=True)
class Named:
    name: str


def fitted(name: str, one: LossCurve, left: object) -> Fit:
    return Fit(Named(name), np.ones(1), 0.1, (one,), np.asarray(left), 0.0, 0.01, 0.0, 0.0, ())  # type: ignore[arg-type]


def test_residuals_that_wander_far_beyond_the_noise_refuse_only_where_no_law_does_better() -> None:
    one = curve(falling())
    wave = np.sin(np.arange(40) / 6)
    (doubt,) = doubts_of(one, [fitted("first", one, 0.08 * wave)])
    assert (doubt.name, doubt.consequence, doubt.curves) == ("left over", "refuse", ("mine",))
    assert doubt.numbers["correlation"] > 0.9
    both = doubts_of(one, [fitted("first", one, 0.08 * wave), fitted("second", one, 0.0 * wave)])
    assert [(d.name, d.consequence) for d in both] == [("left over", "widen")]
    assert both[0].words.startswith("first leaves")


def test_residuals_of_the_size_of_the_noise_raise_no_doubt() -> None:
    noisy = curve(falling(noise=0.02))
    chance = np.random.default_rng(1).normal(size=40)
    assert doubts_of(noisy, [fitted("first", noisy, 0.02 * chance)]) == ()


def test_what_is_true_of_several_curves_is_one_doubt_that_names_them_all() -> None:
    doubts = doubts_of([at(0.1, falling(start=1.51), name) for name in ("a", "b", "c")])
    assert [(doubt.name, doubt.curves) for doubt in doubts] == [("starts low", ("a", "b", "c"))]
    assert doubts[0].words.endswith("(so it is in 3 curves; these are the numbers of a)")
