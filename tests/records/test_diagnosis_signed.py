"""Losses near or below zero: a constant that is added to a loss says nothing of the run."""

from dataclasses import replace

import numpy as np
import pytest

from bench.watch.labelled import scoring
from bench.watch.labelled.cases import cases
from bench.watch.labelled.recording import load
from calando.records.diagnosis import Observed, diagnose

STEPS = 600
OFFSETS = {"less its start": 1.0, "less twice its start": 2.0, "far below zero": 20.0, "far above zero": -5.0}


def labelled(half, kinds):
    """One recorded run of each case of a half: what is seen of it, and what is found."""
    results = load(half)
    for case in cases(half):
        if case.kind in kinds:
            run, *_ = scoring.labelled(case, case.seeds, results)
            if not run.label.left_out and not run.trained.diverged:
                yield scoring.observed(run.recipe, run.trained), run.kinds


def moved(seen, constant):
    return replace(seen, **{name: (getattr(seen, name)[0], [v + constant for v in getattr(seen, name)[1]])
                            for name in ("train", "val")})  # fmt: skip


@pytest.fixture(scope="module")
def good():
    return list(labelled("judge", {"healthy"}))


@pytest.mark.parametrize("times", OFFSETS.values(), ids=OFFSETS)
def test_good_recorded_runs_raise_no_alarm_wherever_their_losses_begin(good, times):
    assert len(good) >= 10
    for seen, before in good:
        found = diagnose(moved(seen, -times * seen.train[1][0]))
        assert [one.kind for one in found] == list(before)


def test_a_loss_that_goes_on_below_zero_has_not_been_fitted_early(good):
    for seen, _ in good:
        middle = 0.5 * (seen.train[1][0] + seen.train[1][-1])
        assert [one.kind for one in diagnose(moved(seen, -middle))] == ["healthy"]


def test_most_findings_of_bad_recorded_runs_stay():
    kinds = {"overfitting", "LR too low", "plateau at low LR", "oscillation", "LR too high", "horizon too short"}
    same, every = 0, 0
    for seen, before in labelled("judge", kinds):
        for times in (1.0, 2.0):
            every += 1
            same += [one.kind for one in diagnose(moved(seen, -times * seen.train[1][0]))] == list(before)
    assert every >= 20
    assert same >= 0.9 * every


def made(values, seed=0, noise=0.05):
    steps = np.arange(STEPS)
    noisy = values + noise * np.random.default_rng(seed).standard_normal(STEPS)
    return Observed(STEPS, train=(steps, noisy), lr=(steps, 0.1 * (1 - steps / STEPS)))


@pytest.mark.parametrize("start", [0.0, -3.0, -1000.0])
def test_a_loss_below_zero_that_does_not_move_is_not_converging_and_not_diverged(start):
    for seed in range(10):
        (found,) = diagnose(made(np.full(STEPS, start), seed))
        assert found.kind == "not converging"


@pytest.mark.parametrize("start", [0.0, -3.0, -1000.0])
def test_a_loss_below_zero_that_falls_learned_and_one_that_rises_far_diverged(start):
    steps = np.arange(STEPS)
    fell = diagnose(made(start - 2 * (1 - np.exp(-steps / 100))))
    assert [one.kind for one in fell] == ["healthy"]
    rose = diagnose(made(start + 3 * (1 - np.exp(-steps / 50))))
    assert rose[0].kind == "diverged"


def test_spikes_of_a_loss_below_zero_are_told_by_how_far_they_reach():
    steps = np.arange(STEPS)
    values = -4 - 2 * (1 - np.exp(-steps / 100)) + np.where(steps % 97 == 60, 3.0, 0.0)
    (found,) = [one for one in diagnose(made(values)) if one.kind == "spikes"]
    assert "above the loss around it" in found.words
    assert "times the loss" not in found.words


def test_few_losses_below_zero_and_no_evaluation_are_judged():
    steps = np.arange(12)
    assert diagnose(Observed(12, train=(steps, 1.0 - steps)))


def test_a_run_whose_every_number_stands_at_one_step_is_judged():
    losses = np.linspace(3, 1, 40)
    assert diagnose(Observed(40, train=(np.zeros(40), losses), lr=(np.zeros(40), np.linspace(0.1, 0.05, 40))))


def test_what_is_not_known_is_left_out_of_the_words():
    steps = np.arange(400)
    rising = Observed(400, train=(steps, 2 - 1.5 * np.sin(np.pi * steps / 500)))
    (found,) = diagnose(rising)
    assert found.title.startswith("training loss rises after step")
    assert "unknown" not in found.words


@pytest.mark.parametrize("constant", [0.5, 3.0])
def test_batches_that_scatter_in_proportion_to_what_is_left_are_no_spikes_below_zero_either(constant):
    steps = np.arange(STEPS)
    for seed in range(20):
        batch = np.random.default_rng(seed).chisquare(8, STEPS) / 8
        loss = (2 * np.exp(-steps / 150) + 0.05) * batch - constant
        seen = Observed(STEPS, train=(steps, loss), lr=(steps, 0.1 * (1 - steps / STEPS)))
        assert "spikes" not in [one.kind for one in diagnose(seen)]
