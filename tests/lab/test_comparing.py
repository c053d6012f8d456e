"""The comparison as a strategy, told run by run, wants what the pure walk over all runs wants."""

import random

import pytest

from calando.lab.board import board, tally
from calando.lab.comparing import CompareStrategy
from calando.lab.strategy import still_wanted, walks
from calando.records import RunRecord, RunSpec
from tests.lab.made import record, spec


def bumpy(run: RunSpec) -> float | str:
    if run.peak is not None and run.peak > 0.9:
        return "diverged"
    return abs((run.peak or 0.2) - 0.5) + run.seed * 1e-5 + len(run.plan) * 0.01


@pytest.mark.parametrize("seed", range(5))
def test_in_whatever_order_runs_finish_it_wants_what_the_walk_wants(seed: int) -> None:
    question, chance = spec("cosine()", "wsd()", "constant()"), random.Random(seed)
    runs: dict[str, RunRecord] = {}
    strategy = CompareStrategy(question, runs)
    while wanted := strategy.left():
        assert wanted == still_wanted(question, runs)
        assert strategy.tally({}, 2) == tally(question, walks(question, runs), runs, {}, 2)
        assert strategy.board({}, 2) == board(question, walks(question, runs), runs, {}, 2)
        one = chance.choice(wanted)
        runs[one.key] = record(one, bumpy(one))
        strategy.finished(runs[one.key])
    assert still_wanted(question, runs) == []
    assert strategy.tally({}, 2).done == strategy.tally({}, 2).total == len(runs)


def test_a_study_that_goes_on_wants_what_the_undisturbed_one_would_want() -> None:
    question = spec("cosine()", "wsd()")
    whole, runs = CompareStrategy(question, {}), {}
    for _ in range(9):
        one = whole.left()[0]
        runs[one.key] = record(one, bumpy(one))
        whole.finished(runs[one.key])
        again = CompareStrategy(question, runs)
        assert again.left() == whole.left()
        assert again.decisions() == whole.decisions()


def test_each_chosen_peak_is_a_decision_with_its_reason() -> None:
    question, runs = spec("cosine()", extend=0), {}
    strategy = CompareStrategy(question, runs)
    assert strategy.decisions() == ()
    while wanted := strategy.left():
        strategy.finished(record(wanted[0], bumpy(wanted[0])))
    (decision,) = strategy.decisions()
    assert (decision.phase, decision.about, decision.runs) == ("select", "cosine()", 6)
    assert decision.text == (
        "peak 0.4: the lowest mean val_loss (0.18) of 3 peaks over 2 seeds; it is the high edge of the grid"
    )


def test_telling_of_a_thousand_runs_takes_little_time() -> None:
    import time

    question = spec(*(f"cosine(end=0.{i})" for i in range(10, 20)), confirm_seeds=tuple(range(1000, 1094)))
    strategy, began, count = CompareStrategy(question, {}), time.process_time(), 0
    while wanted := strategy.left():
        strategy.finished(record(wanted[0], 0.5 if wanted[0].peak == 0.2 else 0.7))
        strategy.tally({}, 2)
        count += 1
    assert count == 10 * (6 + 94)
    assert time.process_time() - began < 2.0
