"""Whatever a log holds, a diagnosis is an answer: no exception, no warning of NumPy's, and soon."""

import numpy as np
import pytest

from calando.records.diagnosis import CATALOGUE, Observed, diagnose, undecided
from tests.records.synthetic import SHAPES, training

HUGE = (0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, 5e-324, 1.7e308)


def absurd(random, count):
    """A curve of some kind that a log may hold."""
    base = 2 / (1 + np.arange(count) / 20) + 0.2 + 0.05 * random.standard_normal(count)
    base = [
        base, np.full(count, random.choice(HUGE)), base * 10.0 ** random.integers(-300, 300), -base, base - 0.5,
        np.where(random.random(count) < 0.3, random.choice([np.nan, np.inf, -np.inf]), base),
        random.choice(HUGE, count), np.zeros(count), base**random.integers(1, 60),
    ][random.integers(9)]  # fmt: skip
    steps = np.sort(random.integers(0, max(1, 10 ** random.integers(0, 6)), count)) if random.random() < 0.5 else None
    return (np.arange(count) if steps is None else steps).tolist(), base.tolist()


@pytest.mark.parametrize("seed", range(600))
def test_absurd_curves_are_answered(seed):
    random = np.random.default_rng(seed)

    def maybe():
        return absurd(random, int(random.integers(0, 200))) if random.random() < 0.85 else ([], [])

    seen = Observed(
        horizon=int(random.integers(1, 500)), train=maybe(), val=maybe(), lr=maybe(), asked=maybe(),
        status=str(random.choice(["done", "running", "diverged", "failed"])),
        ended_at=int(random.integers(0, 300)) if random.random() < 0.5 else None,
        higher_is_better=bool(random.random() < 0.3),
    )  # fmt: skip
    found = diagnose(seen)
    assert found
    assert all(one.kind in CATALOGUE for one in found)
    assert [one.as_data() for one in found]
    undecided(seen)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_a_sound_run_under_way_raises_no_alarm_that_its_plan_takes_care_of(shape, seed):
    run = training(shape, steps=1000, seed=seed, noise=0.1)
    lowest = float(run.lr.min()) if shape in ("cosine", "linear", "wsd", "step", "exponential") else 0.0
    alarms = []
    for part in range(4, 100, 6):
        now, later = run.at < 10 * part, run.val_at < 10 * part
        seen = Observed(
            horizon=1000, status="running", ahead=lowest,
            train=(run.at[now].tolist(), run.train[now].tolist()), lr=(run.at[now].tolist(), run.lr[now].tolist()),
            val=(run.val_at[later].tolist(), run.val[later].tolist()),
        )  # fmt: skip
        alarms += [(part, one.kind) for one in diagnose(seen) if one.severity in ("warning", "failure")]
    assert len(alarms) <= 1, alarms


def test_what_is_not_known_yet_is_not_said_either():
    run = training("cosine", steps=10_000, peak=1 / 60, noise=0.02)
    now = run.at < 500
    seen = Observed(
        horizon=10_000, status="running", train=(run.at[now].tolist(), run.train[now].tolist()),
        lr=(run.at[now].tolist(), run.lr[now].tolist()),
    )  # fmt: skip
    assert not {one.kind for one in diagnose(seen)} & set(dict(undecided(seen)))


def test_evaluations_that_fell_plainly_are_something_learned_however_batches_scatter():
    random = np.random.default_rng(0)
    at, val_at = np.arange(1000), np.arange(49, 1000, 50)
    seen = Observed(
        horizon=1000, train=(at.tolist(), (1.5 + 0.5 * random.standard_normal(1000)).tolist()),
        val=(val_at.tolist(), np.linspace(1.576, 1.28, val_at.size).tolist()),
        lr=(at.tolist(), (1e-5 * np.cos(np.pi * at / 2000) ** 2).tolist()),
    )  # fmt: skip
    assert "not converging" not in [one.kind for one in diagnose(seen)]


def test_at_a_constant_rate_a_loss_that_still_falls_by_a_third_does_not_stand_still():
    random = np.random.default_rng(0)
    at, val_at = np.arange(1000), np.arange(19, 1000, 20)
    loss = 2.2 * np.exp(-at / 60) + 0.3 * np.exp(-at / 1300)
    seen = Observed(
        horizon=1000, train=(at.tolist(), (loss + 0.05 * random.standard_normal(1000)).tolist()),
        val=(val_at.tolist(), (loss[val_at] + 0.003 * random.standard_normal(val_at.size)).tolist()),
        lr=(at.tolist(), [0.01] * 1000),
    )  # fmt: skip
    assert "plateau at high LR" not in [one.kind for one in diagnose(seen)]


def test_where_no_rate_is_known_advice_names_none():
    at = np.arange(400)
    for loss in (2.3 + 0.02 * np.random.default_rng(0).standard_normal(400), 2.0 - np.sin(np.pi * at / 400)):
        for one in diagnose(Observed(horizon=400, train=(at.tolist(), loss.tolist()))):
            assert "unknown" not in " ".join(one.advice)
