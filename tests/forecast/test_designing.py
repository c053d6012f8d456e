"""Design: the best plain plan of a family, never better than the family, never by a law that is wrong about it."""

from dataclasses import replace

import numpy as np
import pytest

from calando.errors import BadValue
from calando.forecast import design
from calando.forecast.curve import LossCurve
from calando.forecast.designing import family
from tests.forecast.worlds import LONG, SHORT, loss_after, run, runs, truth


def test_the_designed_plan_is_near_the_best_of_its_family_in_truth() -> None:
    found = design(runs((4e-3,)), LONG)
    members = [one.candidate for one in family([0.1 * place for place in range(1, 10)], [1.0, 2.0], [4e-3], 20, LONG)]
    best = min(truth(one.plan, one.peak) for one in members)
    assert truth(found.best.plan, found.best.peak) - best <= 0.002
    assert found.given_up >= 0
    assert found.best.loss - found.found.loss == pytest.approx(found.given_up)
    assert "power=" not in found.best.plan


def test_a_peak_between_those_that_were_run_is_found() -> None:
    found = design(runs((1e-3, 8e-3)), LONG, peaks=[1e-3, 4e-3, 8e-3], powers=[1])
    assert found.best.peak == 4e-3


def test_the_design_keeps_a_warm_up_in_stairs() -> None:
    stairs = [replace(one, rates=in_stairs(one.rates), plan="", warmup=-1) for one in runs((4e-3,))]
    assert found_warmup(stairs) == 15


def test_the_design_keeps_a_warm_up_that_was_logged_now_and_then() -> None:
    short = run("wsd(warmup=20, cooldown=20%)", 4e-3)
    logged = np.array([14, 28, *range(40, SHORT + 1, 20)])
    rates = np.interp(range(SHORT), [0, *(logged - 1)], short.rates[[0, *(logged - 1)]])
    read = LossCurve("logged", logged, loss_after(short.rates, logged), rates)
    assert read.warmup == 27
    assert found_warmup([read]) == 20


def in_stairs(rates: np.ndarray) -> np.ndarray:
    """The same with a warm-up that rises every fifth update."""
    return np.concatenate([np.repeat(rates[5:21:5], 5), rates[20:]])[: len(rates)]


def found_warmup(curves: list[LossCurve]) -> int:
    best = design(curves, LONG, powers=[1], laws=["bound"]).best.plan
    return int(best.removeprefix("wsd(warmup=").partition(",")[0])


def test_the_momentum_law_does_not_design() -> None:
    with pytest.raises(BadValue, match="provably"):
        design(runs((4e-3,)), LONG, laws=["momentum"])


def test_what_cannot_be_asked_is_told() -> None:
    with pytest.raises(BadValue, match="power"):
        design(runs((4e-3,)), LONG, powers=[0])
    with pytest.raises(BadValue, match="at least one"):
        design(runs((4e-3,)), LONG, peaks=[])
