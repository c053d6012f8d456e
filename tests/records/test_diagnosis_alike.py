"""Small signs of a rate too high, taken together: numbers that any task has alike, and the points they are worth."""

import json
import math
import time
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.catalogue import limit
from calando.records.diagnosis.finding import Judged
from calando.records.diagnosis.noisy import trend
from calando.records.diagnosis.score import Card, chance, scored
from calando.records.diagnosis.traces import EVALUATED, TRACES, traces
from tests.records.synthetic import rates, training


def judged(seen):
    return Judged(seen, trend(*seen.train), trend(*seen.val), trend(*seen.lr))


def stood_still(*, rising=0.0, shape="wsd", steps=600, scatter=0.03, late=0.12, seed=0):
    """Quick at first; while the rate is high it stands still or rises; what is gained then comes with the cooldown."""
    random = np.random.default_rng(seed)
    lr, t = rates(shape, steps), np.arange(steps)
    true = 1.0 + 1.5 * np.exp(-t / 12) + rising * np.minimum(t, 0.75 * steps) / steps - late * (1 - lr) * (t > 100)
    at = np.arange(19, steps, 20)
    return Observed(
        horizon=steps,
        train=(t.tolist(), (true + scatter * random.normal(size=steps)).tolist()),
        val=(at.tolist(), (true[at] + 0.02 * np.sqrt(lr[at]) * random.normal(size=at.size)).tolist()),
        lr=(t.tolist(), lr.tolist()),
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_loses_ground_while_the_rate_is_high_is_too_hot(seed):
    (finding,) = [f for f in diagnose(stood_still(rising=0.15, late=0.35, seed=seed)) if f.kind == "LR too high"]
    assert finding.severity == "warning"
    assert "only after the rate was down to half" in finding.words or "while the rate was high" in finding.words.lower()
    assert next(e.value for e in finding.evidence if e.name == "alike") >= limit("LR too high", "alike")
    assert finding.changes[0].value == 0.25
    assert 0.5 <= finding.confidence <= 0.8


@pytest.mark.parametrize("shape", ["cosine", "linear", "wsd"])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_goes_on_falling_is_not(shape, seed):
    score = scored(judged(training(shape, seed=seed).seen()))
    assert score.chance < limit("LR too high", "alike")


def test_a_rate_that_never_came_down_or_too_few_losses_score_nothing():
    assert scored(judged(training("constant").seen())) is None
    few = training().seen()
    assert scored(judged(replace(few, train=(few.train[0][:15], few.train[1][:15]), val=((), ())))) is None
    assert scored(judged(replace(few, lr=((), ())))) is None


def test_what_a_log_does_not_tell_is_not_known_and_has_points_of_its_own():
    numbers = traces(judged(replace(training().seen(), val=((), ()))))
    assert set(numbers) == set(TRACES)
    unknown = {name for name, value in numbers.items() if math.isnan(value)}
    assert {"tremble hot", "tremble cold", "evaluated late", "evaluated pace"} <= unknown
    assert not unknown & {"pace", "late", "half", "rebound", "noise"}
    points = scored(judged(replace(training().seen(), val=((), ())))).points
    card = json.loads((files("calando.records.diagnosis") / "heat.json").read_text("utf-8"))["card"]
    assert not set(points) & set(EVALUATED)
    assert all(points[name] == card[name]["unknown"] for name in (unknown & set(card)) - set(EVALUATED))


def test_where_single_losses_scatter_evaluations_alone_are_heard():
    calm, wild = scored(judged(stood_still())), scored(judged(stood_still(scatter=0.6)))
    assert set(calm.points) & set(EVALUATED)
    assert set(calm.points) - set(EVALUATED)
    assert set(wild.points) == set(calm.points) & set(EVALUATED)


def test_nothing_is_said_where_losses_scatter_and_evaluations_do_not_tell():
    noisy = stood_still(scatter=0.6)
    assert scored(judged(replace(noisy, val=((), ())))) is None


def falling(*, scatter, steps=600, seed=0):
    """Evaluations fall all the time, as smoothly as a sound rate lets them; single losses scatter by much."""
    random = np.random.default_rng(seed)
    lr, t = rates("wsd", steps), np.arange(steps)
    true = 0.5 + 2.0 * (1 + np.cumsum(lr) / 8) ** -0.5 - 0.1 * (1 - lr) * (t > 100)
    at = np.arange(19, steps, 20)
    return Observed(
        horizon=steps,
        train=(t.tolist(), (true + scatter * random.normal(size=steps)).tolist()),
        val=(at.tolist(), (true[at] + 0.02 * np.sqrt(lr[at]) * random.normal(size=at.size)).tolist()),
        lr=(t.tolist(), lr.tolist()),
    )


def lifted(seen, by):
    """The same run of a loss of which so much cannot be learned."""
    train, val = ([value + by for value in curve[1]] for curve in (seen.train, seen.val))
    return replace(seen, train=(seen.train[0], train), val=(seen.val[0], val))


def test_nothing_is_said_where_losses_scatter_little_can_be_learned_and_the_rate_keeps_much_of_it_away():
    noisy = stood_still(scatter=0.6, late=0.5)
    assert scored(judged(noisy)) is not None
    assert scored(judged(lifted(noisy, 10))) is None


def test_where_little_can_be_learned_evaluations_near_their_lowest_are_heard_all_the_same():
    assert scored(judged(lifted(stood_still(scatter=0.6, late=0.12), 10))) is not None


@pytest.mark.parametrize("seed", range(3))
def test_evaluations_that_rise_and_tremble_while_the_rate_is_high_tell_of_heat_that_noise_hides(seed):
    hot = stood_still(rising=0.4, late=0.5, scatter=0.6, seed=seed)
    shaken = 0.15 * np.interp(hot.val[0], *hot.lr) * np.random.default_rng(seed).normal(size=len(hot.val[0]))
    hot = replace(hot, val=(hot.val[0], (np.array(hot.val[1]) + shaken).tolist()))
    sound = falling(scatter=0.6, seed=seed)
    assert scored(judged(hot)).chance > limit("LR too high", "alike") > scored(judged(sound)).chance
    assert set(scored(judged(sound)).points) <= set(EVALUATED)


def test_a_score_is_worked_out_once(monkeypatch):
    run = judged(stood_still())
    first = scored(run)
    monkeypatch.setattr("calando.records.diagnosis.score.traces", None)
    assert scored(run) is first


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(1e-3, 1e3), shift=st.just(0.0) | st.floats(-50, 50), longer=st.sampled_from([0.01, 1.0, 7.0]))
def test_units_of_loss_and_rate_do_not_matter_nor_to_training_losses_where_zero_is(factor, shift, longer):
    seen = stood_still(rising=0.2)

    other = replace(
        seen,
        train=(seen.train[0], [factor * (value + shift) for value in seen.train[1]]),
        val=(seen.val[0], [factor * (value + shift) for value in seen.val[1]]),
        lr=(seen.lr[0], [longer * rate for rate in seen.lr[1]]),
    )
    first, second = traces(judged(seen)), traces(judged(other))
    for name in TRACES:
        if name in EVALUATED and shift != 0.0:
            continue  # they are of the logarithm of the loss
        assert first[name] == pytest.approx(second[name], rel=2e-3, abs=2e-3, nan_ok=True), name


def test_the_points_are_those_between_the_edges():
    card = Card.read(
        {"base": -1.0, "card": {"pace": {"edges": [0.0, 2.0], "points": [1.0, 0.5, -3.0], "unknown": 0.25}}}
    )
    for value, points in ((-5.0, 1.0), (0.0, 1.0), (0.1, 0.5), (2.0, 0.5), (2.1, -3.0), (math.nan, 0.25)):
        numbers = {name: value if name == "pace" else 0.0 for name in TRACES}
        assert card.told(numbers, 0.15) == {"pace": points}
        assert card.told(numbers | {"noise": 0.2}, 0.15) == {}
    assert chance(1e6) == pytest.approx(1.0)
    assert chance(-1e6) == pytest.approx(0.0)


def test_the_card_knows_its_numbers_and_tells_how_it_was_made():
    stored = json.loads((files("calando.records.diagnosis") / "heat.json").read_text("utf-8"))
    assert set(stored["card"]) <= set(TRACES)
    assert all(len(one["points"]) == len(one["edges"]) + 1 for one in stored["card"].values())
    assert all(one["edges"] == sorted(set(one["edges"])) for one in stored["card"].values())
    assert {"command", "commit", "source", "samples", "seed"} <= set(stored["about"])


def test_a_million_losses_take_a_moment():
    seen = training(steps=1000).seen()
    steps = np.arange(10**6)
    losses = np.interp(steps / 1000, seen.train[0], seen.train[1]) + 0.05 * np.random.default_rng(0).normal(size=10**6)
    run = judged(
        replace(
            seen, horizon=10**6, train=(steps, losses), val=((), ()), lr=([1000 * s for s in seen.lr[0]], seen.lr[1])
        )
    )
    run.train.smooth()
    began = time.process_time()
    assert scored(run) is not None
    assert time.process_time() - began < 1.0
