"""Logs that begin when the run was well under way, as a second file of a run gone on with does."""

import numpy as np
import pytest

from calando.records.diagnosis import diagnose
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
    assert kinds(since(300, curves)) == ["horizon too short"]


def test_a_run_that_diverged_is_told_so_however_late_its_log_begins():
    assert kinds(since(500, training(), status="diverged", ended_at=900)) == ["diverged"]
