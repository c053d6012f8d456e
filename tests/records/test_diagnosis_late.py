"""Logs that begin when the run was well under way, as a second file of a run gone on with does."""

import numpy as np
import pytest

from calando.records.diagnosis import Change, Observed, diagnose
from calando.records.diagnosis.finding import Diagnosis, Evidence, Judged
from calando.records.diagnosis.late import put_back
from calando.records.diagnosis.noisy import trend
from tests.records.synthetic import SHAPES, training

STEPS = 1000


def since(first, curves, **changes):
    """The same run, of which nothing is logged before a step."""

    def part(at, values):
        kept = np.asarray(at) >= first
        return np.asarray(at)[kept].tolist(), np.asarray(values)[kept].tolist()

    given = {
        "train": part(curves.at, curves.train),
        "val": part(curves.val_at, curves.val),
        "lr": part(curves.at, curves.lr),
    }
    return curves.seen(**{**given, **changes})


def kinds(seen):
    return [one.kind for one in diagnose(seen)]


@pytest.mark.parametrize("shape", sorted({*SHAPES} - {"constant"}))
@pytest.mark.parametrize("first", [100, 300, 600, 900])
def test_a_good_run_is_no_worse_for_a_log_that_begins_late(shape, first):
    for seed in range(4):
        told = diagnose(since(first, training(shape, seed=seed)))
        assert not {one.kind for one in told} & {"not converging", "diverged", "LR too high", "LR too low"}
        assert "warm-up too short" not in [one.kind for one in told]


def test_it_is_said_from_where_on_the_run_was_seen():
    (told,) = diagnose(since(300, training()))
    assert (told.kind, told.title, told.confidence) == ("healthy", "healthy, as far as it was logged", 0.6)
    assert "The log begins at step 300: how the run began" in told.words


@pytest.mark.parametrize("every", [1, 50, 100])
def test_a_log_that_was_written_seldom_does_not_begin_late(every):
    curves = training()
    at = curves.at[every - 1 :: every].tolist()
    (told,) = diagnose(curves.seen(train=(at, curves.train[every - 1 :: every].tolist())))
    assert "The log begins" not in told.words


def test_losses_that_were_evaluated_late_beside_a_whole_training_curve_do_not_begin_late():
    curves = training()
    late = curves.val_at >= 600
    (told,) = diagnose(curves.seen(val=(curves.val_at[late].tolist(), curves.val[late].tolist())))
    assert "The log begins" not in told.words


def test_a_rate_that_breaks_a_run_gone_on_with_is_found():
    curves = training("constant")
    rise = np.where(curves.at > 700, 1 + (curves.at - 700) / 150, 1.0)
    curves.train = curves.train * rise
    curves.val = curves.val * rise[curves.val_at]
    (told,) = diagnose(since(400, curves))
    assert told.kind == "LR too high"
    assert 600 < int(told.title.split()[-1]) < 760


def test_overfitting_is_found_without_the_beginning():
    curves = training()
    curves.val = curves.val + 0.8 * np.clip((curves.val_at - 500) / 500, 0, 1)
    assert kinds(since(300, curves)) == kinds(curves.seen()) == ["overfitting"]


def test_a_standstill_at_a_high_rate_is_found_without_the_beginning():
    random = np.random.default_rng(0)
    curves = training("constant")
    curves.train = 1.0 + np.exp(-curves.at / 60) + 0.05 * random.normal(size=STEPS)
    curves.val = 1.0 + np.exp(-curves.val_at / 60) + 0.005 * random.normal(size=curves.val_at.size)
    assert "plateau at high LR" in kinds(curves.seen())
    assert "not converging" not in kinds(since(300, curves))


def test_a_loss_that_fell_to_the_end_is_told_to_be_cut_off():
    curves = training("constant")
    curves.train = 3.0 - 2.0 * curves.at / STEPS + 0.05 * np.random.default_rng(0).normal(size=STEPS)
    curves.val = 3.0 - 2.0 * curves.val_at / STEPS
    (told,) = diagnose(since(300, curves))
    assert told.kind == "horizon too short"
    (longer,) = [change.value for change in told.changes if change.what == "horizon"]
    assert f"a longer horizon, such as {longer:,.0f} steps" in told.advice[0]
    assert longer > STEPS


def test_a_run_that_diverged_is_told_so_however_late_its_log_begins():
    assert kinds(since(500, training(), status="diverged", ended_at=900)) == ["diverged"]


def noisy(level, first, count=1000, seed=0):
    """A log of training losses alone, at a level that a function of the step within it gives."""
    at = np.arange(count)
    losses = level(at) * np.exp(0.08 * np.random.default_rng(seed).normal(size=count))
    return Observed(horizon=first + count, train=((first + at).tolist(), losses.tolist()))


@pytest.mark.parametrize("first", [1000, 10_000, 1_000_000])
@pytest.mark.parametrize("after", [5, 20, 50, 500])
def test_a_loss_that_is_thrown_up_soon_after_the_log_begins_is_found_with_its_levels(first, after):
    (told,) = diagnose(noisy(lambda at: np.where(at < after, 1.2, 3.0), first))
    assert told.kind == "LR too high"
    assert told.evidence[0].value == pytest.approx(1.2, rel=0.1)
    assert first <= int(told.title.split()[-1].replace(",", "")) <= first + max(after, 2)


def test_a_log_of_few_losses_that_blow_up_is_not_healthy():
    losses = [1.0, 0.99, 0.98, 0.97, 1.2, 2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0]
    (told,) = diagnose(Observed(horizon=2200, train=(list(range(1000, 2200, 100)), losses)))
    assert told.kind == "LR too high"


@pytest.mark.parametrize("first", [3000, 1_000_000])
def test_a_good_run_is_judged_by_what_was_seen_of_it_however_far_it_was(first):
    (told,) = diagnose(noisy(lambda at: 0.5 + 2 * (1 + at / 50) ** -0.7, first, 2000))
    assert told.kind == "healthy"


@pytest.mark.parametrize("first", [2000, 10_000, 1_000_000])
def test_steps_are_told_as_they_were_logged(first):
    curves = training(steps=2000)
    curves.train = (1 - 0.4 * curves.at / 1000) * np.exp(0.05 * np.random.default_rng(1).normal(size=2000))
    curves.val = 1 - 0.3 * np.minimum(curves.val_at / 500, 1) + 0.7 * np.maximum(0, (curves.val_at - 500) / 1500)
    (here,) = diagnose(curves.seen())
    curves.at, curves.val_at, curves.horizon = curves.at + first, curves.val_at + first, curves.horizon + first
    (there,) = diagnose(curves.seen())
    assert here.kind == there.kind == "overfitting"
    best = int(here.title.split()[-1])
    assert abs(int(there.title.split()[-1].replace(",", "")) - first - best) <= 1
    assert f"step {there.title.split()[-1]} (" in there.words
    (stop,) = [change.value for change in there.changes if change.what == "horizon"]
    (before,) = [change.value for change in here.changes if change.what == "horizon"]
    assert abs(stop - before - first) <= 20


def test_a_log_that_grew_denser_is_whole():
    at = [*range(500, 2000, 500), *range(2000, 5000, 10)]
    losses = 2.3 * np.exp(0.03 * np.random.default_rng(0).normal(size=len(at)))
    assert kinds(Observed(horizon=5000, train=(at, losses.tolist()))) == ["not converging"]


def test_numbers_that_are_no_steps_stay():
    found = Diagnosis(
        "spikes", "warning", "12 spikes", "12 of 3,000, the largest at steps 5, 1,010, 2,000, come every 40 steps.",
        ("A horizon of about 900 steps, from step 3 to 1,200 of 4,000.",), (Evidence("at", 7.0, "step 7"),),
        changes=(Change("horizon", 900.0), Change("peak", 0.5)),
    )  # fmt: skip
    run = Judged(noisy(lambda at: 1.0 + 0 * at, 1000), *(trend([1000, 1001], [1.0, 1.0]) for _ in range(3)))
    told = put_back(found, run)
    assert told.words == "12 of 3,000, the largest at steps 1,005, 2,010, 3,000, come every 40 steps."
    assert told.advice == ("A horizon of about 1,900 steps, from step 1,003 to 2,200 of 5,000.",)
    assert (told.title, told.evidence[0]) == ("12 spikes", Evidence("at", 1007.0, "step 1,007"))
    assert [one.value for one in told.changes] == [1900.0, 0.5]
