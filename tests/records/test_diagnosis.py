"""Each finding is found where it was planted, carries its numbers, and is absent from good runs."""

import math

import numpy as np
import pytest

from calando.records.diagnosis import Diagnosis, Level, Observed, diagnose, short
from calando.records.diagnosis.neighbour import Neighbour
from tests.records.synthetic import SHAPES, Curves, rates, training


def kinds(seen):
    return [finding.kind for finding in diagnose(seen)]


def number(finding: Diagnosis, name: str) -> float:
    return next(e.value for e in finding.evidence if e.name == name)


def hotter(gain: float) -> tuple[Neighbour, ...]:
    """The same plan at four times the peak, which ended lower by so much."""
    gained = Level(gain, 0.05)
    return (Neighbour("hotter", "B", 4.0, gained, gained, scale=2.0, here=1.0, there=1.0 - gain),)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.3])
def test_good_runs_of_every_shape_and_noise_raise_no_alarm(shape, noise):
    # Half of this exponential goes by below a tenth of the peak. This constant rate holds the loss up to the end, where
    # the last doubling of the steps still brings a twentieth of the gain, and no decay ever comes.
    fair = {"exponential": {"plateau at low LR"}, "constant": {"plateau at high LR", "horizon too short"}}
    fair = {"healthy"} | fair.get(shape, set())
    false = []
    for seed in range(8):
        run = training(shape, seed=seed, noise=noise, steps=[300, 1000, 3000][seed % 3])
        false += [f for f in diagnose(run.seen()) if f.kind not in fair]
    assert not false


def test_a_healthy_run_is_said_to_be_healthy_with_its_numbers():
    run = training()
    (finding,) = diagnose(run.seen())
    assert finding.severity == "good"
    assert number(finding, "at the end") < number(finding, "at the start")


def test_the_step_and_the_rate_of_a_divergence_are_named():
    run = training("constant", steps=400)
    run.train[200:212] *= np.exp(np.arange(12))
    run.train[212:] = math.nan
    seen = run.seen(status="diverged", ended_at=212)
    (finding,) = diagnose(seen)
    assert finding.kind == "diverged"
    assert finding.confidence == 1.0
    assert "step 212" in finding.title
    assert "LR 1" in finding.title
    assert number(finding, "learning rate") == 1.0
    assert 195 <= number(finding, "climbing since") <= 204
    assert "below 0.5" in finding.advice[0]


def test_a_divergence_in_the_warm_up_asks_for_a_longer_one():
    run = training("cosine", steps=1000)
    (finding,) = diagnose(run.seen(status="diverged", ended_at=40))
    assert any("warm-up" in a for a in finding.advice)
    late = diagnose(run.seen(status="diverged", ended_at=600))[0]
    assert not any("warm-up" in a for a in late.advice)


def test_a_divergence_at_the_very_first_step_is_no_crash():
    seen = Observed(horizon=10, status="diverged", ended_at=0, train=([0], [math.nan]), lr=([0], [1e6]))
    assert "LR 1e6" in diagnose(seen)[0].title


def test_a_failed_run_shows_the_last_line_of_its_traceback():
    seen = Observed(horizon=10, status="failed", ended_at=3, error="Traceback\n  File x\nValueError: no such layer\n")
    (finding,) = diagnose(seen)
    assert finding.words == "ValueError: no such layer"
    assert finding.severity == "failure"
    assert "`--fresh`" in finding.advice[0]
    assert "`--retry-failed`" in finding.advice[1]
    out = Observed(horizon=10, status="failed", error="RuntimeError: CUDA out of memory")
    assert "Out of memory" in diagnose(out)[0].advice[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_first_thing_to_try_on_a_loss_that_never_moved_is_a_far_higher_peak(seed):
    random = np.random.default_rng(seed)
    at, val_at = np.arange(400), np.arange(19, 400, 20)
    train = 2.3 + 0.05 * random.normal(size=400)
    crept = 2.3 - 0.002 * val_at / 400
    seen = Curves(400, at, train, rates("cosine", 400, 1e-6), val_at, crept).seen()
    (finding,) = diagnose(seen)
    assert finding.kind == "not converging"
    # At the same pace to a third of the start: 0.3 * 2.3 / 0.002 = 345 times as fast.
    assert finding.changes[0].value == pytest.approx(345, rel=0.2)
    assert finding.changes[1].value == 0.1


def test_a_loss_that_was_thrown_about_before_it_lay_still_asks_for_a_lower_peak_first():
    at, val_at = np.arange(400), np.arange(19, 400, 20)
    train = 2.3 + 0.05 * np.random.default_rng(0).normal(size=400)
    train[20:60] += 0.2
    (finding,) = diagnose(Curves(400, at, train, rates("cosine", 400, 1.0), val_at, 0 * val_at + 2.3).seen())
    assert finding.changes[0].value < 1


def test_a_runaway_that_gets_ever_wilder_is_dated_by_its_beginning():
    run = training("constant", steps=400)
    run.train[100:] = run.train[99] * np.exp(np.minimum(0.15 * np.arange(300), 600))
    run.train[390:] = math.nan
    (finding,) = diagnose(run.seen(status="diverged", ended_at=390))
    assert 90 <= number(finding, "climbing since") <= 110


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_never_moves_is_not_converging(seed):
    random = np.random.default_rng(seed)
    at = np.arange(500)
    flat = 2.3 + 0.05 * random.normal(size=500)
    run = Curves(500, at, flat, rates("cosine", 500), at[24::25], flat[24::25])
    (finding,) = diagnose(run.seen())
    assert finding.kind == "not converging"
    assert "labels" in finding.advice[1]


def test_a_loss_that_was_learned_and_lost_blames_the_rate():
    random = np.random.default_rng(0)
    at = np.arange(1000)
    loss = 2.3 - 1.2 * np.exp(-(((at - 200) / 80) ** 2)) + 0.03 * random.normal(size=1000)
    run = Curves(1000, at, loss, rates("constant", 1000), at[49::50], loss[49::50])
    (finding,) = diagnose(run.seen())
    assert finding.kind == "LR too high"
    assert finding.changes[0].what == "peak"


def test_a_rate_that_throws_the_loss_up_and_leaves_it_there_does_harm():
    random = np.random.default_rng(0)
    at = np.arange(300)
    loss = np.where(at < 3, 2.3, 30.0) + 1.0 * random.normal(size=300) * (at >= 3)
    run = Curves(300, at, loss, rates("constant", 300, peak=20.0), at[14::15], loss[14::15])
    (finding,) = diagnose(run.seen())
    assert finding.kind == "diverged"
    assert finding.title == "ends above its start"
    assert "peak of 2" in finding.advice[0]


def test_a_loss_thrown_up_that_only_comes_back_to_chance_blames_the_rate():
    random = np.random.default_rng(0)
    at = np.arange(400)
    loss = 2.3 + 7 * np.exp(-at / 15) * (at > 4) + 0.04 * random.normal(size=400)
    val = 2.31 + 0.5 * np.exp(-at[19::20] / 100)
    run = Curves(400, at, loss, rates("cosine", 400), at[19::20], val)
    assert kinds(run.seen()) == ["LR too high"]


def test_labels_at_random_are_not_converging_although_the_loss_settles():
    random = np.random.default_rng(0)
    at = np.arange(300)
    loss = 2.303 + 0.007 * np.exp(-at / 20) + 0.02 * random.normal(size=300)
    val = 2.303 + 0.007 * np.exp(-at[14::15] / 20) + 2e-4 * random.normal(size=20)
    run = Curves(300, at, loss, rates("cosine", 300), at[14::15], val)
    assert kinds(run.seen()) == ["not converging"]


def test_fine_tuning_that_gains_little_but_surely_is_not_called_unconverged():
    random = np.random.default_rng(0)
    at = np.arange(2000)
    loss = 2.0 - 0.015 * (1 - np.exp(-at / 300)) + 0.003 * random.normal(size=2000)
    run = Curves(2000, at, loss, rates("cosine", 2000), at[99::100], loss[99::100])
    assert "not converging" not in kinds(run.seen())


@pytest.mark.parametrize("seed", range(5))
def test_overfitting_is_found_with_its_step_and_what_to_try(seed):
    run = training(seed=seed)
    turn = run.val_at[8]
    run.val = run.val + 0.4 * np.clip((run.val_at - turn) / 1000, 0, None)
    finding = next(f for f in diagnose(run.seen()) if f.kind == "overfitting")
    best = int(run.val_at[run.val.argmin()])
    assert f"{best:,}" in finding.title
    words = " ".join(finding.advice)
    assert all(cure in words for cure in ("Weight decay", "Dropout", "label smoothing", "stop earlier"))
    assert finding.confidence > 0.7


def test_a_slow_rise_in_a_noisy_validation_is_found_where_the_training_data_are_known_by_heart():
    found = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        at = np.arange(3000)
        train = 2.0 * np.exp(-at / 450) * (1 + 0.3 * random.normal(size=3000))
        val = 0.2 + 0.2 * np.exp(-at[149::150] / 150) + 0.07 * at[149::150] / 3000 + 0.012 * random.normal(size=20)
        run = Curves(3000, at, train, rates("constant", 3000), at[149::150], val)
        found += "overfitting" in kinds(run.seen())
    assert found >= 8


def test_overfitting_is_found_in_an_accuracy_that_falls():
    run = training()
    run.val = 1 / (1 + run.val) - 0.2 * np.clip((run.val_at - 400) / 1000, 0, None)
    finding = next(f for f in diagnose(run.seen(higher_is_better=True, metric="accuracy")) if f.kind == "overfitting")
    assert "fell to" in finding.words
    assert number(finding, "best") > number(finding, "end") > 0


def test_when_both_losses_rise_it_is_instability_and_not_overfitting():
    run = training("constant")
    run.train = run.train + 0.8 * np.clip((run.at - 500) / 500, 0, None)
    run.val = run.val + 0.8 * np.clip((run.val_at - 500) / 500, 0, None)
    found = kinds(run.seen())
    assert "LR too high" in found
    assert "overfitting" not in found


@pytest.mark.parametrize("shape", ["cosine", "linear", "constant", "wsd"])
@pytest.mark.parametrize("seed", range(3))
def test_a_rate_thirty_times_too_low_is_found(shape, seed):
    run = training(shape, seed=seed, peak=1.0 / 60, noise=0.02)
    # Where the rate never came down, too low and too short cannot be told apart by one run.
    fair = {"LR too low", "horizon too short"} if shape == "constant" else {"LR too low"}
    assert fair & set(kinds(run.seen()))


def test_a_higher_peak_that_did_better_confirms_and_one_that_did_not_acquits():
    run = training(peak=1.0 / 60, noise=0.02)
    alone = next(f for f in diagnose(run.seen()) if f.kind == "LR too low")
    confirmed = next(f for f in diagnose(run.seen(beside=hotter(0.5))) if f.kind == "LR too low")
    assert confirmed.confidence > alone.confidence
    assert "LR too low" not in kinds(run.seen(beside=hotter(-0.1)))


def test_a_long_warm_up_alone_is_not_a_low_rate():
    run = training(steps=1000)
    slow = np.minimum(1, run.at / 500)
    travelled = np.cumsum(run.lr * slow) * 60 / 1000
    run.lr = run.lr * slow
    run.train = 0.3 + 2 / (1 + travelled) ** 0.7 + 0.02 * np.random.default_rng(0).normal(size=1000)
    assert "LR too low" not in kinds(run.seen(val=((), ())))


@pytest.mark.parametrize("seed", range(4))
def test_a_loss_that_still_falls_steeply_asks_for_more_steps(seed):
    random = np.random.default_rng(seed)
    at = np.arange(600)
    loss = 2.5 - 2.0 * (at / 600) ** 0.8 + 0.03 * random.normal(size=600)
    run = Curves(600, at, loss, rates("constant", 600), at[29::30], loss[29::30])
    seen = run.seen(beside=hotter(-0.05))
    finding = next(f for f in diagnose(seen) if f.kind == "horizon too short")
    assert 0.05 <= number(finding, "gain of the last tenth") <= 0.12
    assert "1,200" in finding.advice[0]


def test_the_fall_of_a_cooldown_is_not_a_short_horizon():
    for seed in range(6):
        assert "horizon too short" not in kinds(training("wsd", seed=seed, held_up=0.4).seen())


@pytest.mark.parametrize("seed", range(4))
def test_a_plateau_at_a_high_rate_names_where_it_began_and_what_came_after(seed):
    random = np.random.default_rng(seed)
    at = np.arange(1200)
    lr = np.where(at < 900, 1.0, 0.1)
    loss = 0.8 + 1.5 * np.exp(-at / 60) - np.where(at < 900, 0, 0.3 * (1 - np.exp(-(at - 900) / 30)))
    loss = loss + 0.04 * random.normal(size=1200)
    run = Curves(1200, at, loss, lr, at[59::60], loss[59::60])
    finding = next(f for f in diagnose(run.seen()) if f.kind == "plateau at high LR")
    assert number(finding, "fell afterwards by") == pytest.approx(0.3, abs=0.05)
    assert 650 <= number(finding, "flat") <= 880
    assert "decay" in finding.advice[0]


def test_a_constant_rate_that_stands_still_to_the_end_asks_for_a_cooldown():
    random = np.random.default_rng(0)
    at = np.arange(1000)
    loss = 0.8 + 1.5 * np.exp(-at / 60) + 0.02 * random.normal(size=1000)
    run = Curves(1000, at, loss, np.ones(1000), at[49::50], loss[49::50])
    finding = next(f for f in diagnose(run.seen()) if f.kind == "plateau at high LR")
    assert "cooldown" in finding.advice[0]


def test_a_long_flat_tail_at_a_spent_rate_is_noted_as_wasted():
    random = np.random.default_rng(0)
    at = np.arange(1000)
    lr = np.where(at < 250, 1.0, np.where(at < 500, 0.1, 0.01))
    loss = 0.5 + 1.5 * np.exp(-at / 50) - 0.2 * (at >= 250) + 0.02 * random.normal(size=1000)
    run = Curves(1000, at, loss, lr, at[49::50], loss[49::50])
    finding = next(f for f in diagnose(run.seen()) if f.kind == "plateau at low LR")
    assert finding.severity == "note"
    assert "horizon" in finding.advice[0]


def test_data_fitted_early_are_not_called_a_plateau():
    random = np.random.default_rng(0)
    at = np.arange(1000)
    loss = 2.3 * np.exp(-at / 40) * (1 + 0.05 * random.normal(size=1000)) + 1e-4
    val = 0.2 + 2.1 * np.exp(-at[49::50] / 40) + 0.003 * random.normal(size=20)
    run = Curves(1000, at, loss, np.ones(1000), at[49::50], val)
    assert kinds(run.seen()) == ["fitted early"]


def test_few_points_are_not_judged():
    assert kinds(Observed(horizon=100, train=([0, 50, 99], [3.0, 2.0, 1.0]))) == ["too little data"]
    assert kinds(Observed(horizon=100)) == ["too little data"]


def test_every_finding_has_evidence_and_every_warning_has_advice():
    runs = [training("cosine", peak=p, seed=s) for p in (0.01, 0.1, 1.0) for s in range(3)]
    for run in runs:
        for finding in diagnose(run.seen()):
            assert finding.evidence
            assert finding.words.endswith((".", "!"))
            assert 0.5 <= finding.confidence <= 1
            assert finding.advice or finding.severity == "good"


def test_a_run_of_a_hundred_thousand_points_is_read_in_a_blink():
    import time

    run = training(steps=100_000, evals=1000)
    seen = run.seen()
    started = time.process_time()
    diagnose(seen)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(3e-4, "3e-4"), (0.0125, "0.0125"), (1.0, "1"), (123456.0, "1.23e5")],
        *[(math.nan, "unknown"), (-2e-9, "-2e-9"), (0.0, "0")],
    ],
)
def test_numbers_are_written_as_people_write_them(value, text):
    assert short(value) == text


@pytest.mark.parametrize("seed", range(3))
def test_a_loss_that_jumps_at_the_first_full_sized_updates_had_no_warm_up(seed):
    def first_losses(*values, warm):
        run = training("cosine", steps=600, seed=seed, noise=0.05)
        if not warm:
            run.lr = np.cos(np.pi * run.at / 1200) ** 2
        run.train[: len(values)] = values
        return kinds(run.seen())

    assert "warm-up too short" in first_losses(2.3, 3.4, 2.9, 2.2, warm=False)
    assert "warm-up too short" not in first_losses(2.3, 2.4, 2.2, 2.2, warm=False)
    assert "warm-up too short" not in first_losses(2.3, 3.4, 2.9, 2.2, warm=True)


def test_a_noisy_loss_without_a_warm_up_is_no_jolt():
    false = 0
    for seed in range(200):
        run = training("cosine", steps=300, seed=seed, noise=0.12)
        run.lr = np.cos(np.pi * run.at / 600) ** 2
        false += "warm-up too short" in kinds(run.seen())
    assert false <= 4


def test_a_run_that_ended_long_before_its_own_horizon_at_a_high_rate_is_told_so():
    run = training("cosine", steps=1000)
    cut = run.at < 100
    run.at, run.train, run.lr = run.at[cut], run.train[cut], run.lr[cut]
    run.val_at, run.val = run.val_at[:2], run.val[:2]
    (finding,) = [f for f in diagnose(run.seen()) if f.kind == "horizon too short"]
    assert finding.title == "ended at step 100 of 1,000"
    assert finding.changes[0].value == 1000.0
    assert "horizon too short" not in kinds(run.seen(status="running"))


@pytest.mark.parametrize("seed", range(3))
def test_a_rate_that_was_used_up_early_is_told_though_the_loss_still_creeps(seed):
    random = np.random.default_rng(seed)
    at = np.arange(600)
    lr = np.where(at < 60, 1.0, np.where(at < 90, 0.05, 0.0005))
    loss = 2.0 - 0.45 * np.minimum(at / 60, 1) - 0.05 * np.maximum(at - 60, 0) / 540
    val_at = at[29::30]
    run = Curves(600, at, loss + 0.03 * random.normal(size=600), lr, val_at, loss[val_at])
    assert "plateau at low LR" in kinds(run.seen())
    assert "LR too low" not in kinds(run.seen())
