"""Runs that logged an accuracy and no loss: what can be told is, and a good one raises no alarm."""

import numpy as np
import pytest

from calando.records.diagnosis import Observed, diagnose

STEPS = 2000


def rates(plan):
    x = np.arange(STEPS) / STEPS
    warm = np.minimum(1.0, x / 0.05)
    return 0.1 * {
        "none": x, "cosine": warm * 0.5 * (1 + np.cos(np.pi * x)), "linear": 1 - x,
        "steps": np.where(x < 0.5, 1.0, np.where(x < 0.75, 0.1, 0.01)), "wsd": warm * np.minimum(1.0, (1 - x) / 0.2),
    }[plan]  # fmt: skip


def learned(begin, end, share, plan, count, *, first=None):
    """An accuracy at evaluations: it approaches its end, and comes closer where the rate has fallen."""
    at = np.linspace(STEPS / count if first is None else first, STEPS - 1, count).round()
    way = 1 - np.exp(-at / (share * STEPS))
    rate = rates(plan)[at.astype(int)]
    held = 0.0 if plan == "none" else rate
    return at, begin + (end - begin) * way * (1 - held)


def seen(at, values, plan="none", *, noise=0.0, seed=0, scale=1.0, **more):
    """The accuracy of so many examples: `noise` is the scatter of one evaluation at a half."""
    draw = np.random.default_rng(seed)
    values = np.clip(values, 0, 1)
    noisy = values + noise * 2 * np.sqrt(values * (1 - values) + 1e-4) * draw.standard_normal(len(values))
    lr = (np.arange(STEPS), rates(plan)) if plan != "none" else ((), ())
    return Observed(STEPS, val=(at.tolist(), (scale * np.clip(noisy, 0, 1)).tolist()), lr=lr, metric="val_accuracy",
                    higher_is_better=True, **more)  # fmt: skip


def told(observed):
    return [(one.kind, one.severity) for one in diagnose(observed)]


CURVES = (  # begin, end, share of the run in which it learns, evaluations, noise
    (0.1, 0.75, 0.1, 60, 0.01),
    (0.1, 0.93, 0.15, 20, 0.005),
    (0.01, 0.6, 0.2, 90, 0.01),
    (0.5, 0.88, 0.1, 40, 0.02),
    (0.1, 0.985, 0.05, 30, 0.003),
    (0.5, 0.7, 0.15, 12, 0.01),
)


def test_a_score_that_was_a_number_and_is_none_any_more_has_diverged():
    at, values = learned(0.1, 0.85, 0.1, "cosine", 40)
    values[20:] = np.nan
    observed = seen(at, values, "cosine", status="diverged", ended_at=1025)
    (found,) = diagnose(observed)
    assert (found.kind, found.certainty) == ("diverged", "likely")
    assert f"The val_accuracy was {values[19]:.3g} at step 1,000 and is not a number from step 1,025 on" in found.words
    assert "Log the training loss" in found.advice[-1]
    by_word = Observed(**{**{name: getattr(observed, name) for name in observed.__slots__},
                          "val": (at[:20].tolist(), values[:20].tolist())})  # fmt: skip
    assert "not a number" not in diagnose(by_word)[0].words  # there nobody saw the score go


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("plan", ["none", "cosine", "linear", "steps", "wsd"])
@pytest.mark.parametrize(("begin", "end", "share", "count", "noise"), CURVES)
def test_a_good_accuracy_raises_no_alarm(begin, end, share, count, noise, plan, scale):
    for seed in range(4):
        at, values = learned(begin, end, share, plan, count)
        found = told(seen(at, values, plan, noise=noise, seed=seed, scale=scale))
        assert all(severity in ("good", "note") for _, severity in found), found


def test_an_accuracy_that_falls_slowly_from_its_best_is_overfitting():
    at, values = learned(0.1, 0.8, 0.1, "cosine", 50)
    (found, *_) = diagnose(seen(at, values - 0.12 * np.clip((at - 600) / 1400, 0, 1), "cosine", noise=0.005))
    assert found.kind == "overfitting"
    assert "val_accuracy was best near step" in found.words
    assert "fell to" in found.words
    assert found.confidence <= 0.7  # no training loss bears it out


def test_where_the_training_accuracy_goes_on_rising_overfitting_is_surer():
    at, values = learned(0.1, 0.8, 0.1, "none", 50)
    falling = values - 0.08 * np.clip((at - 600) / 1400, 0, 1)
    training = (at.tolist(), (1 - 0.7 * np.exp(-at / 800)).tolist())
    kinds = {"train": training, "train_higher": True, "train_metric": "accuracy"}
    (found, *_) = diagnose(seen(at, falling, noise=0.005, **kinds))
    assert found.kind == "overfitting"
    assert "while the accuracy went on rising by" in found.words
    assert found.confidence > 0.7


def test_an_accuracy_that_breaks_down_at_once_is_no_overfitting():
    at, values = learned(0.1, 0.8, 0.1, "none", 40)
    (found, *rest) = diagnose(seen(at, np.where(at > 1200, 0.1, values), noise=0.005))
    assert (found.kind, found.title, rest) == ("LR too high", "learned, then lost it", [])
    assert "fell to 0.1" in found.words


def test_a_training_accuracy_that_slides_down_is_instability():
    at, values = learned(0.1, 0.8, 0.1, "none", 50)
    falling = (values - 0.1 * np.clip((at - 600) / 1400, 0, 1)).tolist()
    run = Observed(STEPS, train=(at.tolist(), falling), train_higher=True, train_metric="train_acc")
    (found, *_) = diagnose(run)
    assert (found.kind, found.title[:15]) == ("LR too high", "train_acc falls")


def test_an_accuracy_still_rising_at_the_end_wants_a_longer_run():
    at = np.linspace(40, STEPS - 1, 50)
    (found, *_) = diagnose(seen(at, 0.1 + 0.5 * at / STEPS, "none", noise=0.004))
    assert found.kind == "horizon too short"
    assert "val_accuracy" in found.words
    kinds = {kind for kind, _ in told(seen(at, np.where(at > 1700, 0.75, 0.5), "none", noise=0.004))}
    assert "horizon too short" not in kinds  # a drop of the rate makes a jump


def test_an_accuracy_that_nothing_moved_was_learned_by_nothing_where_the_log_shows_its_start():
    at = np.linspace(0, STEPS - 1, 40)
    flat = np.full(40, 0.1)
    assert told(seen(at, flat, noise=0.01)) == [("not converging", "failure")]
    late = np.linspace(200, STEPS - 1, 40)
    assert told(seen(late, np.full(40, 0.62), noise=0.01)) == [("too little data", "note")]
    assert told(seen(late, np.full(40, 0.97), noise=0.003)) == [("healthy", "good")]
    assert told(seen(late, flat)) == [("not converging", "failure")]  # a network that says one thing whatever it sees


def test_an_accuracy_that_stands_still_is_told_by_the_rate():
    at = np.linspace(0, STEPS - 1, 60)
    values = 0.1 + 0.6 * (1 - np.exp(-at / 80))
    run = seen(at, values, noise=0.002)
    spent = np.where(np.arange(STEPS) < 600, 0.1, 0.001)
    for used, kind in ((np.full(STEPS, 0.1), "plateau at high LR"), (spent, "plateau at low LR")):
        with_rates = Observed(STEPS, val=run.val, lr=(np.arange(STEPS), used), metric="val_accuracy",
                              higher_is_better=True)  # fmt: skip
        assert kind in [one.kind for one in diagnose(with_rates)]


def test_beside_a_training_loss_an_accuracy_tells_of_overfitting_alone():
    at, values = learned(0.1, 0.8, 0.1, "cosine", 50)
    steps = np.arange(STEPS)
    loss = (0.2 + 2 * np.exp(-steps / 300)) * np.exp(0.05 * np.random.default_rng(0).standard_normal(STEPS))
    good = seen(at, values, "cosine", noise=0.005, train=(steps, loss))
    assert told(good) == [("healthy", "good")]
    bad = seen(at, values - 0.12 * np.clip((at - 600) / 1400, 0, 1), "cosine", noise=0.005, train=(steps, loss))
    assert told(bad) == [("overfitting", "warning")]


def test_a_score_of_whatever_data_is_overfitting_with_a_doubt():
    at, values = learned(0.1, 0.8, 0.1, "none", 50)
    falling = values - 0.08 * np.clip((at - 600) / 1400, 0, 1)
    (found, *_) = diagnose(seen(at, falling, noise=0.005, unsure=True))
    assert (found.kind, found.confidence) == ("overfitting", 0.5)
    assert "Should the val_accuracy be one of training data" in found.words


def test_evaluations_alone_tell_a_smooth_rise_from_a_run_that_was_thrown_about():
    at = np.linspace(40, STEPS - 1, 50)
    rise = 1.4 - 0.3 * np.exp(-((at - 300) ** 2) / 2e5)
    draw = np.random.default_rng(0).standard_normal(50)
    for noise, kind in ((0.002, "overfitting"), (0.1, "LR too high")):
        found = diagnose(Observed(STEPS, val=(at.tolist(), (rise + noise * draw).tolist())))
        assert found[0].kind == kind


def test_where_evaluations_begin_late_no_share_of_an_unknown_gain_is_an_alarm():
    at = np.linspace(80, STEPS - 1, 25)
    draw = np.random.default_rng(3).standard_normal(25)
    held_up = 0.4 + 0.3 * np.exp(-at / 100) + 0.05 * rates("cosine")[at.astype(int)] / 0.1 * draw
    run = Observed(STEPS, val=(at.tolist(), held_up.tolist()), lr=(np.arange(STEPS), rates("cosine")))
    assert [one.kind for one in diagnose(run)] == ["healthy"]
