"""Runs laid beside each other: what one says of the other, and when it says nothing."""

import math
import random
import time
from dataclasses import replace

import numpy as np
import pytest

from calando.core.text import parse
from calando.records.diagnosis import Observed, diagnose
from calando.records.diagnosis.beside import SEEDS, beside
from calando.records.diagnosis.observe import settings
from tests.records.synthetic import training

USUAL = "warmup(5%) | cosine()"


def ran(end, peak=0.1, *, seed=0, plan=USUAL, steps=600, start=2.3, every=25, noise=0.03, pace=50, **changes):
    """A calm run that fell from its start to its end, whatever its rates: no sign of them is in its own curves."""
    chance = np.random.default_rng(seed)
    at = np.arange(steps)
    true = end + (start - end) * np.exp(-at / pace)
    train = true * (1 + noise * chance.normal(size=steps))
    train[0] = start * (1 + 0.02 * chance.normal())
    shape = np.asarray(parse(plan).bind(steps)(at))
    tremble = 0.0005 + 0.03 * np.sqrt(shape[every - 1 :: every])
    val = true[every - 1 :: every] + tremble * chance.normal(size=steps // every)
    rates = peak * shape
    known = {
        "horizon": steps,
        "train": (at.tolist(), train.tolist()),
        "val": (at[every - 1 :: every].tolist(), val.tolist()),
        "lr": (at.tolist(), rates.tolist()),
    }
    return Observed(**{**known, **changes})


def lost(peak, *, at=40, seed=1, steps=600):
    """A run at another peak that diverged, and whose log says no more."""
    whole = ran(0.3, peak, seed=seed, steps=steps)
    steps_, losses = (one[:at] for one in whole.train)
    return replace(whole, train=(steps_, [*losses[:-1], math.inf]), val=([], []), status="diverged", ended_at=at - 1,
                   lr=(whole.lr[0][:at], whole.lr[1][:at]))  # fmt: skip


def laid(*runs):
    """The runs, named A, B, C, ..., side by side."""
    return beside([(chr(ord("A") + place), run) for place, run in enumerate(runs)])


def kinds(seen):
    return [finding.kind for finding in diagnose(seen)]


def found(seen, kind):
    return next(finding for finding in diagnose(seen) if finding.kind == kind)


def test_a_run_that_looks_healthy_alone_is_too_high_beside_one_at_a_quarter_of_its_peak_that_did_better():
    hot, cool = ran(0.42, 0.4), ran(0.31, 0.1, seed=1)
    assert kinds(hot) == ["healthy"]
    here, there = laid(hot, cool)
    told = found(here, "LR too high")
    assert "Run B, the same plan at a quarter of the peak, ended at 0.31 where this one ended at 0.42" in told.words
    assert "Try a peak of 0.1, as B had" in told.advice[0]
    assert told.changes[0].what == "peak"
    assert told.changes[0].value == pytest.approx(0.25)
    assert told.evidence[0].name == "gained by B"
    assert told.evidence[0].value == pytest.approx(0.11, abs=0.005)
    assert kinds(there) == ["healthy"]


def test_and_too_low_beside_one_at_four_times_its_peak():
    told = found(laid(ran(0.42, 0.1), ran(0.31, 0.4, seed=1))[0], "LR too low")
    assert "at 4 times the peak" in told.words
    assert told.changes[0].value == pytest.approx(4)


@pytest.mark.parametrize(("short", "long"), [("cosine()", "warmup(20%) | cosine()"),
                                             ("wsd(warmup=0, cooldown=40%)", "wsd(warmup=20%, cooldown=40%)"),
                                             (USUAL, "warmup(15%) | cosine()")])  # fmt: skip
def test_a_longer_warm_up_that_did_better_says_that_it_was_too_short(short, long):
    here, there = laid(ran(0.5, plan=short), ran(0.31, plan=long, seed=1))
    told = found(here, "warm-up too short")
    assert "B rose for longer" in told.title
    assert told.changes[0].what == "warm-up"
    assert 80 <= told.changes[0].value <= 125
    assert kinds(there) == ["healthy"]


@pytest.mark.parametrize("end", [0.42, 0.40])
def test_one_that_ended_hardly_better_says_nothing(end):
    assert kinds(laid(ran(0.42, 0.4), ran(end, 0.1, seed=1))[0]) == ["healthy"]


def test_of_several_that_did_better_the_nearest_is_named_and_the_best_is_what_to_try():
    told = found(laid(ran(0.8, 0.4), ran(0.3, 0.025, seed=1), ran(0.6, 0.2, seed=2))[0], "LR too high")
    assert "Run C, the same plan at half the peak" in told.words
    assert "Try a peak of 0.025, as B had" in told.advice[0]
    assert told.changes[0].value == pytest.approx(1 / 16)


OTHERS = {
    "another horizon": ran(0.31, 0.1, seed=1, steps=900),
    "other data": ran(0.31, 0.1, seed=1, start=6.9),
    "another metric": ran(0.31, 0.1, seed=1, metric="val_accuracy"),
    "another direction": ran(0.31, 0.1, seed=1, higher_is_better=True),
    "another plan": ran(0.31, 0.1, seed=1, plan="warmup(5%) | linear_decay()"),
    "another batch": ran(0.31, 0.1, seed=1, settings={"batch": "64"}),
    "still under way": ran(0.31, 0.1, seed=1, status="running"),
    "no rates": ran(0.31, 0.1, seed=1, lr=((), ())),
    "cut short": replace(ran(0.31, 0.1, seed=1), train=(range(300), ran(0.31).train[1][:300]),
                         val=ran(0.31, steps=300).val),
    "first logged later": replace(ran(0.31, 0.1, seed=1), train=(range(20, 600), ran(0.31, seed=1).train[1][20:])),
}  # fmt: skip


@pytest.mark.parametrize("why", OTHERS)
def test_what_does_not_differ_in_its_rates_alone_is_not_compared(why):
    hot = ran(0.42, 0.4, settings={"batch": "32"})
    assert laid(hot, OTHERS[why])[0] is hot
    assert laid(hot, ran(0.31, 0.1, seed=1))[0].beside  # and without that difference it is


def test_settings_are_compared_however_a_tool_spells_their_keys():
    hot = ran(0.42, 0.4, settings=settings({"batch_size": 32, "learning_rate": 0.4, "Run Name": "hot"}))
    for key in ("batch-size", "Batch Size", "batchSize", "meta.BATCH_SIZE", "batchsize"):
        other = ran(0.31, 0.1, seed=1, settings=settings({key: 64, "baseLR": 0.1, "run_name": "cool"}))
        assert laid(hot, other)[0] is hot
        same = ran(0.31, 0.1, seed=1, settings=settings({key: 32, "initialLr": 0.1, "run_name": "cool"}))
        assert laid(hot, same)[0].beside


def test_a_log_by_every_fifty_steps_is_compared_by_its_first_losses():
    def thin(seen):
        return replace(seen, train=tuple(one[49::50] for one in seen.train), lr=tuple(one[49::50] for one in seen.lr))

    told = found(laid(thin(ran(0.42, 0.4)), thin(ran(0.31, 0.1, seed=1)))[0], "LR too high")
    assert "a quarter of the peak" in told.words
    slow, fast = thin(ran(0.5, 0.4, noise=0.001)), thin(ran(0.31, 0.1, seed=1, noise=0.001, pace=35))
    assert slow.train[1][0] > 1.3 * fast.train[1][0]  # by then they had learned
    assert laid(slow, fast)[0].beside


def test_a_control_of_which_only_the_first_and_last_loss_are_known_will_do():
    cool = ran(0.31, 0.1, seed=1)
    bare = replace(cool, train=([0], cool.train[1][:1]), val=([599], cool.val[1][-1:]))
    assert "LR too high" in kinds(laid(ran(0.42, 0.4), bare)[0])


def too_high():
    """A run that alone looks as if its peak were too high."""
    curves = training("linear", held_up=3)
    assert "LR too high" in kinds(curves.seen())
    return curves


def another(curves, factor, end, seed=5):
    """A run of the same plan at another peak, with a curve of its own."""
    chance = np.random.default_rng(seed)
    start = float(curves.train[0])
    fall = np.exp(-np.arange(curves.horizon) / 80)
    return curves.seen(
        train=(curves.at.tolist(), (end + (start - end) * fall + 0.01 * chance.normal(size=curves.horizon)).tolist()),
        val=(curves.val_at.tolist(), (end + (start - end) * fall[curves.val_at]).tolist()),
        lr=(curves.at.tolist(), (factor * curves.lr).tolist()),
    )


def test_what_a_run_alone_seems_to_show_is_withheld_where_a_cooler_one_was_no_better():
    curves = too_high()
    end = float(curves.val[-1])
    assert "LR too high" not in kinds(laid(curves.seen(), another(curves, 0.25, end + 0.3))[0])


def test_but_not_by_one_that_is_a_hundred_times_cooler_or_hardly_cooler_at_all():
    curves = too_high()
    end = float(curves.val[-1])
    for factor in (0.01, 0.8):
        assert "LR too high" in kinds(laid(curves.seen(), another(curves, factor, end + 0.3))[0])


def test_and_one_that_was_better_bears_it_out_in_words():
    curves = too_high()
    alone = found(curves.seen(), "LR too high")
    told = found(laid(curves.seen(), another(curves, 0.25, float(curves.val[-1]) - 0.3))[0], "LR too high")
    assert told.words.startswith(alone.words)
    assert "which bears it out" in told.words
    assert len(told.evidence) == len(alone.evidence) + 1
    assert told.confidence >= alone.confidence


def test_too_low_is_withheld_where_a_hotter_one_diverged_or_was_no_better():
    low = training(peak=1 / 60, noise=0.02)
    assert "LR too low" in kinds(low.seen())
    end = float(low.val[-1])
    for other in (another(low, 4.0, end + 0.3), replace(another(low, 4.0, end), status="diverged")):
        assert "LR too low" not in kinds(laid(low.seen(), other)[0])


def test_too_low_is_withheld_where_a_cooler_one_was_better():
    low = training(peak=1 / 60, noise=0.02)
    cooler = another(low, 0.25, float(low.val[-1]) - 0.3)
    assert kinds(laid(low.seen(), cooler)[0]) == ["LR too high"]


def test_a_missing_warm_up_is_not_blamed_where_a_run_that_had_one_was_no_better():
    curves = training("linear", held_up=3)
    rates = curves.lr.copy()
    rates[:60] = rates[60]
    bare = replace(curves.seen(), lr=(curves.at.tolist(), rates.tolist()))
    assert {"LR too high", "warm-up too short"} <= set(kinds(bare))
    told = kinds(laid(bare, another(curves, 1.0, float(curves.val[-1]) + 0.3))[0])
    assert "warm-up too short" not in told
    assert "LR too high" in told  # of which that one says nothing


def test_one_that_diverged_far_above_tells_where_the_edge_lies():
    low = training(peak=1 / 60, noise=0.02)
    gone = replace(another(low, 50.0, 1.0), status="diverged", ended_at=30)
    told = found(laid(low.seen(), gone)[0], "LR too low")
    assert "Run B, the same plan at 50 times the peak, diverged: the edge lies between." in told.words


def test_a_run_that_diverged_is_told_of_the_cooler_one_that_did_not():
    here, there = laid(lost(0.8), ran(0.31, 0.1))
    told = found(here, "diverged")
    assert "at 0.125 times the peak, ended at 0.31" in told.words
    assert "where this one diverged: the edge lies between" in told.words
    assert there.beside[0].diverged
    assert kinds(there) == ["healthy"]  # a hotter one that diverged finds no fault with it


def flat(end, peak, seed=0):
    """A run whose loss ended where it began, or above that."""
    seen = ran(end, peak, seed=seed)
    return replace(seen, val=(seen.val[0], [v + 0.01 * (-1) ** i for i, v in enumerate(seen.val[1])]))


def test_a_run_that_learned_nothing_beside_one_that_did_at_a_higher_peak_is_told_that_it_is_the_rate():
    here = laid(flat(2.29, 1e-6), ran(0.31, 0.1, seed=1))[0]
    (told,) = diagnose(here)
    assert told.kind == "not converging"
    assert "times the peak, ended at 0.31" in told.words
    assert told.words.endswith("it is the rate that was too low.")
    assert told.advice[0] == "Try a peak of 0.1, as B had."
    assert told.changes[0].value == pytest.approx(1e5)


def test_one_that_ended_above_its_start_is_told_once_and_where_the_edge_lies():
    (told,) = diagnose(laid(flat(5.0, 30.0), ran(0.31, 0.1, seed=1))[0])
    assert told.kind == "diverged"
    assert "ended at 0.31 where this one ended at 4.99: the edge lies between" in told.words


def test_repeats_are_taken_together_and_their_spread_counts():
    calm = [ran(end, 0.4, seed=s) for s, end in enumerate((0.42, 0.43, 0.41))]
    cool = [ran(end, 0.1, seed=s + 5) for s, end in enumerate((0.30, 0.31, 0.29))]
    wild = [ran(end, 0.1, seed=s + 5) for s, end in enumerate((0.1, 0.6, 0.2))]
    (near,) = laid(*calm, *cool)[0].beside
    assert near.runs == 3
    assert near.here == pytest.approx(0.42, abs=0.005)
    assert near.there == pytest.approx(0.3, abs=0.005)
    assert near.gain.error < laid(calm[0], cool[0])[0].beside[0].gain.error
    assert all("LR too high" in kinds(seen) for seen in laid(*calm, *cool)[:3])
    (far,) = laid(*calm, *wild)[0].beside
    assert far.there == pytest.approx(0.3, abs=0.005)
    assert far.gain.error > 2 * near.gain.error
    assert kinds(laid(*calm, *wild)[0]) == ["healthy"]


def test_what_is_sure_may_be_too_little_to_act_on():
    calm = [ran(0.42, 0.4, seed=s, noise=0.001) for s in range(12)]
    cool = [ran(0.36, 0.1, seed=s, noise=0.001) for s in range(12)]
    (near,) = laid(*calm, *cool)[0].beside
    assert near.gain.sigmas > 4
    assert near.share() < 0.05
    assert kinds(laid(*calm, *cool)[0]) == kinds(calm[0])


def test_the_same_run_read_twice_is_no_repeat_and_no_neighbour():
    hot, cool = ran(0.42, 0.4), ran(0.31, 0.1, seed=1)
    assert laid(hot, hot)[0] is hot
    assert laid(hot, cool, cool, hot)[0].beside == laid(hot, cool)[0].beside


def test_of_single_runs_the_error_is_from_other_seeds_and_the_noise_at_the_end():
    def shaken(seen, by):
        return replace(seen, val=(seen.val[0], [v + by * (-1) ** i for i, v in enumerate(seen.val[1])]))

    hot, cool = ran(0.42, 0.4, noise=0), ran(0.31, 0.1, seed=1, noise=0)
    (calm,) = laid(shaken(hot, 0), shaken(cool, 0))[0].beside
    assert calm.gain.error > 2**0.5 * SEEDS * calm.scale
    assert calm.gain.error < 0.05 * calm.scale
    (wild,) = laid(shaken(hot, 0.1), shaken(cool, 0.1))[0].beside
    assert wild.gain.error > 4 * calm.gain.error
    told = diagnose(laid(shaken(hot, 0.1), shaken(cool, 0.1))[0])
    assert "gained by B" not in [evidence.name for finding in told for evidence in finding.evidence]


def test_pairs_of_the_same_seed_are_surer_than_as_many_runs_of_others():
    def three(peak, ends, seeds):
        return [ran(end, peak, seed=seed) for end, seed in zip(ends, seeds, strict=True)]

    hot = three(0.4, (0.32, 0.42, 0.52), (0, 1, 2))
    paired = laid(*hot, *three(0.1, (0.25, 0.35, 0.45), (0, 1, 2)))[0].beside[0]
    others = laid(*hot, *three(0.1, (0.25, 0.35, 0.45), (7, 8, 9)))[0].beside[0]
    assert paired.gain.value == pytest.approx(others.gain.value, abs=0.005)
    assert paired.gain.error < others.gain.error


def test_where_a_run_overfits_the_best_values_are_compared_and_not_the_ends():
    def turned(end, peak, seed):
        seen = ran(0.3, peak, seed=seed)
        steps, values = np.array(seen.val[0]), np.array(seen.val[1])
        return replace(seen, val=(steps.tolist(), (values + end * np.clip(steps - 200, 0, None) / 400).tolist()))

    here = laid(turned(0.6, 0.4, 0), turned(0.1, 0.1, 1))[0]
    assert here.beside[0].share() > 0.1
    assert kinds(here) == ["overfitting"]


def test_higher_may_be_better():
    def scored(end, peak, seed):
        seen = ran(0.3, peak, seed=seed, metric="accuracy", higher_is_better=True)
        return replace(seen, val=(seen.val[0], [end - v / 4 for v in seen.val[1]]))

    assert kinds(laid(scored(0.94, 0.4, 0), scored(0.95, 0.1, 1))[0]) == ["healthy"]
    told = found(laid(scored(0.8, 0.4, 0), scored(0.95, 0.1, 1))[0], "LR too high")
    assert "ended at 0.874 where this one ended at 0.724" in told.words or "ended at 0.875" in told.words


def test_where_nobody_saw_how_a_run_began_a_small_difference_is_no_large_share_of_what_it_gained():
    def late(seen):
        return replace(seen, train=((), ()), val=tuple(one[8:] for one in seen.val))

    hot, cool = late(ran(0.32, 0.4)), late(ran(0.31, 0.1, seed=1))
    assert hot.val[1][0] - hot.val[1][-1] < 0.06  # of which a hundredth is a sixth
    assert laid(hot, cool)[0].beside
    assert kinds(laid(hot, cool)[0]) == kinds(hot)
    assert "LR too high" in kinds(laid(late(ran(0.42, 0.4)), cool)[0])


def test_one_run_alone_is_what_it_was():
    for seen in (ran(0.42), training(peak=1 / 60).seen(), too_high().seen(), lost(0.8)):
        (alone,) = laid(seen)
        assert alone is seen
        assert diagnose(alone) == diagnose(replace(seen, beside=()))


def test_the_order_in_which_runs_are_named_tells_nothing():
    runs = [(f"run {i}", ran(0.3 + 0.02 * i % 0.2, 0.4 / 2 ** (i % 4), seed=i)) for i in range(9)]
    runs += [
        ("again", runs[3][1]),
        ("lost", lost(3.2)),
        ("warm", ran(0.33, 0.4, plan="warmup(20%) | cosine()", seed=20)),
    ]
    told = dict(zip([name for name, _ in runs], beside(runs), strict=True))
    for turn in range(3):
        mixed = random.Random(turn).sample(runs, len(runs))
        for (name, _), seen in zip(mixed, beside(mixed), strict=True):
            assert seen.beside == told[name].beside


def test_three_hundred_runs_are_laid_beside_each_other_in_about_a_second():
    runs = [(f"{i}", ran(0.3 + 0.001 * i, 10 ** (-4 + i / 100), seed=i)) for i in range(300)]
    begun = time.process_time()
    told = beside(runs)
    assert time.process_time() - begun < 4  # about one on a quiet machine
    assert all(seen.beside for seen in told)
    assert max(len(seen.beside) for seen in told) <= 24


@pytest.mark.parametrize("value", [0.0, -1.0, 1e308, math.inf, math.nan])
def test_absurd_numbers_stop_nothing(value):
    odd = replace(ran(0.31, 0.1, seed=1), val=([24, 599], [value, value]), train=([0, 1, 2, 599], [value] * 4))
    for seen in laid(ran(0.42, 0.4), odd, replace(odd, lr=([0, 1, 2, 599], [value] * 4))):
        diagnose(seen)
