"""The live forecast: the rest of a run from its own curve, with reasons where nothing can be told."""

import time
from functools import cache

import numpy as np
import pytest

import calando
from calando.core.steering import Steered, read_change
from calando.records.logs.log import Column
from calando.watch import foretell as module
from calando.watch.foretell import Foreteller, foretell

STEPS = np.arange(19, 2000, 20)


def trained(schedule: calando.Schedule, peak: float = 0.5) -> np.ndarray:
    """The loss after every update of SGD on a quadratic whose slopes are noisy, as one on batches are."""
    chance = np.random.default_rng(0)
    curvature = np.arange(1, 41) ** -1.0
    weights, losses = np.full((8, 40), 2.0), []
    for step in range(schedule.horizon):
        slopes = curvature * weights + 0.5 * np.sqrt(curvature) * chance.normal(size=weights.shape)
        weights = weights - peak * schedule(step) * slopes
        losses.append(1 + 0.5 * float((curvature * weights**2).sum(1).mean()))
    return np.array(losses)


@cache
def linear() -> tuple[calando.Schedule, np.ndarray]:
    """A run with a linear decay, its loss taken every twenty updates."""
    schedule = calando.linear_decay().bind(2000)
    return schedule, trained(schedule)[STEPS]


def test_the_end_of_the_schedule_lies_in_the_band_that_was_told_after_three_quarters() -> None:
    schedule, losses = linear()
    part = STEPS < 1500
    found = foretell(STEPS[part], losses[part], schedule, 0.5)
    assert found.refused == ""
    assert (found.done, found.horizon, found.metric) == (1500, 2000, "val_loss")
    assert None not in (found.low, found.value, found.high)
    assert found.low < losses[-1] < found.high
    assert found.words.startswith("val_loss ends near 1.")
    assert [one.steps for one in found.cooled] == [150, 300]
    assert all(one.low < one.value < one.high < losses[part][-1] * 1.2 for one in found.cooled)


def test_a_real_cooldown_from_here_ends_near_what_was_told_of_it_and_in_its_band() -> None:
    schedule, losses = linear()
    part = STEPS < 1500
    for length, told in zip(
        [150, 600], foretell(STEPS[part], losses[part], schedule, 0.5, cooled=[0.1, 0.4]).cooled, strict=True
    ):
        real = trained(Steered(schedule).apply(1500, read_change(f"cooldown {length}")).schedule)
        assert len(real) == 1500 + length == 1500 + told.steps
        assert told.low < real[-1] < told.high
        assert told.value == pytest.approx(real[-1], rel=0.02)


def test_rates_that_were_logged_do_where_no_schedule_is_known_but_no_end_is_told() -> None:
    schedule, losses = linear()
    part = STEPS < 1500
    rates = 0.5 * np.asarray(schedule(np.arange(1500)))
    found = foretell(STEPS[part], losses[part], rates=rates)
    assert (found.value, found.horizon, len(found.cooled), found.refused) == (None, None, 2, "")
    known = foretell(STEPS[part], losses[part], schedule, 0.5)
    assert [a.value == pytest.approx(b.value) for a, b in zip(found.cooled, known.cooled, strict=True)] == [True, True]


def test_a_fall_of_the_rate_that_the_run_has_not_shown_is_not_told_of() -> None:
    schedule, losses = linear()
    part = STEPS < 1200  # the rate is at 40 % of its peak
    found = foretell(STEPS[part], losses[part], schedule, 0.5)
    assert (found.value, found.cooled, found.refused) == (None, (), module.UNTRIED)
    assert foretell(STEPS[part], losses[part], schedule, 0.5, guesses=True).value is not None
    stable = calando.constant().bind(2000)
    held = foretell(STEPS[part], trained(stable)[STEPS][part], stable, 0.5)
    assert held.low < held.value < held.high
    assert (held.cooled, held.doubts) == ((), (module.UNTRIED,))
    assert "less sure" not in held.words


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s, v: (s[:0], v[:0]), "no val_loss was logged yet"),
        (lambda s, v: (s, np.append(v[:-1], np.nan)), "the last val_loss is not finite"),
        (lambda s, v: (s, v - 3), "not above 0"),
        (lambda s, v: (s[:3], v[:3]), "3 losses"),
        (lambda s, v: (s, np.linspace(1, 2, len(v))), "above its lowest level"),
    ],
    ids=["nothing", "not finite", "below 0", "too few", "turns up"],
)
def test_what_cannot_be_told_is_refused_with_its_reason(change, why: str) -> None:
    schedule, losses = linear()
    part = STEPS < 1000
    found = foretell(*change(STEPS[part], losses[part]), schedule, 0.5)
    assert why in found.refused
    assert found.words == found.refused
    assert (found.value, found.low, found.high, found.cooled) == (None, None, None, ())


def test_huge_horizons_and_listeners_are_refused_before_anything_is_computed() -> None:
    _, losses = linear()
    huge = calando.constant().bind(2**53)
    assert "more than 10,000,000 updates" in foretell(STEPS, losses, huge, 0.01).refused
    listener = calando.reduce_on_plateau(calando.constant()).bind(2000)
    assert "rates of the updates made are not known" in foretell(STEPS, losses, listener, 0.01).refused


def test_a_forecast_is_made_again_only_when_enough_more_of_the_run_came(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(module, "foretell", lambda steps, *_, **__: asked.append(len(steps)) or foretell(STEPS[:0], []))
    monkeypatch.setattr(module, "SOONEST", 0.0)
    schedule, losses = linear()
    again = Foreteller()

    def look(count: int, plan: calando.Schedule = schedule) -> None:
        column = Column(STEPS[:count], losses[:count])
        again.look({"val_loss": column}, "val_loss", "min", plan, 0.01)
        again._found = module.Foretold("val_loss", int(STEPS[count - 1]) + 1, 2000)
        time.sleep(0.001)

    look(50)
    look(50)
    look(51)  # 1 % more
    assert asked == [50]
    look(53)  # 3 % more
    assert asked == [50, 53]
    look(53, calando.constant().bind(2000))  # somebody steered
    assert asked == [50, 53, 53]


def test_the_metric_is_forecast_where_it_is_a_loss_and_else_the_training_loss() -> None:
    schedule, losses = linear()
    column, worse = Column(STEPS[:50], losses[:50]), Column(STEPS[:50], -losses[:50])
    columns = {"accuracy": column, "train_loss": column, "score": worse}

    def told(metric: str, mode: str) -> str | None:
        found = Foreteller().look(columns, metric, mode, schedule, 0.5)
        return None if found is None else found.metric

    assert told("accuracy", "max") == "train_loss"
    assert told("accuracy", "min") == "accuracy"
    assert told("score", "min") == "train_loss"
    assert Foreteller().look({"accuracy": column}, "accuracy", "max", schedule, 0.5) is None
