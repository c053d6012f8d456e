"""Which runs a study wants: a pure walk from a peak grid to confirmed numbers."""

import math
import random

import pytest

from calando.lab.strategy import still_wanted, walk
from calando.records import Candidate, RunSpec
from tests.lab.made import played, record, spec


def bowl(best: float):  # type: ignore[no-untyped-def]
    return lambda run: (math.log(run.peak / best)) ** 2 + run.seed * 1e-6


def test_a_peak_inside_the_grid_is_chosen_and_confirmed_on_fresh_seeds() -> None:
    question = spec("cosine()")
    runs = played(question, bowl(0.2))
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert (selection.peak, selection.edge, len(selection.scores)) == (0.2, "", 3)
    confirmed = [r.spec for r in runs.values() if r.spec.phase == "confirm"]
    assert {(r.peak, r.seed) for r in confirmed} == {(0.2, s) for s in question.confirm_seeds}
    assert len(runs) == 3 * 2 + 4


@pytest.mark.parametrize(
    ("best", "peak", "edge", "grid"),
    [
        (0.05, 0.05, "", [0.025, 0.05, 0.1, 0.2, 0.4]),
        (0.8, 0.8, "", [0.1, 0.2, 0.4, 0.8, 1.6]),
        (1e-4, 0.025, "low", [0.025, 0.05, 0.1, 0.2, 0.4]),
        (1e4, 1.6, "high", [0.1, 0.2, 0.4, 0.8, 1.6]),
    ],
)
def test_a_best_peak_on_the_edge_extends_the_grid_by_its_own_factor(
    best: float, peak: float, edge: str, grid: list[float]
) -> None:
    question = spec("cosine()")
    selection = walk(question, question.candidates[0], played(question, bowl(best))).selection
    assert selection is not None
    assert (selection.peak, selection.edge) == (peak, edge)
    assert [score.peak for score in selection.scores] == grid
    assert [score.extended for score in selection.scores] == [p not in (0.1, 0.2, 0.4) for p in grid]


def test_extension_can_be_forbidden() -> None:
    question = spec("cosine()", extend=0)
    selection = walk(question, question.candidates[0], played(question, bowl(1e4))).selection
    assert selection is not None
    assert (selection.peak, selection.edge) == (0.4, "high")


@pytest.mark.parametrize("how", ["diverged", "failed"])
def test_a_peak_that_lost_a_seed_is_worse_than_any_that_lost_none(how: str) -> None:
    question = spec("cosine()", extend=0)
    runs = played(question, lambda run: how if run.peak == 0.4 and run.seed == 1 else 1 - run.peak)
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert selection.peak == 0.2
    assert [score.diverged + score.failed for score in selection.scores] == [0, 0, 1]


def test_a_result_that_is_not_finite_counts_as_a_lost_seed_of_its_peak() -> None:
    question = spec("cosine()", extend=0)
    runs = played(question, lambda run: math.nan if run.peak == 0.4 and run.seed == 1 else 1 - run.peak)
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert selection.peak == 0.2


def test_when_every_peak_diverges_lower_ones_are_tried() -> None:
    question = spec("cosine()")
    runs = played(question, lambda run: "diverged" if run.peak > 0.06 else bowl(0.05)(run))
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert selection.peak == 0.05


@pytest.mark.parametrize("how", ["failed", "diverged"])
def test_a_candidate_that_never_works_ends_without_a_peak(how: str) -> None:
    question = spec("cosine()")
    runs = played(question, lambda run: how)
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert not selection.chosen
    assert still_wanted(question, runs) == []
    assert len(runs) == 2 * (3 if how == "failed" else 5)


def test_a_pinned_peak_or_a_grid_of_one_needs_no_choosing() -> None:
    pinned = spec("cosine()", candidates=(Candidate("mine", "cosine()", peak=0.3),))
    single = spec("cosine()", peaks=(0.3,))
    own = spec("cosine()", peaks=())
    for question, peak in ((pinned, 0.3), (single, 0.3), (own, None)):
        runs = played(question, lambda run: 1.0)
        assert {(r.spec.phase, r.spec.peak) for r in runs.values()} == {("confirm", peak)}
        assert len(runs) == 4


def test_higher_is_better_where_the_mode_says_so() -> None:
    question = spec("cosine()", mode="max")
    runs = played(question, lambda run: -bowl(0.2)(run))
    selection = walk(question, question.candidates[0], runs).selection
    assert selection is not None
    assert selection.peak == 0.2


def test_no_seed_chooses_a_peak_and_confirms_it() -> None:
    runs = played(spec(), bowl(0.2)).values()
    chose = {r.spec.seed for r in runs if r.spec.phase == "select"}
    confirmed = {r.spec.seed for r in runs if r.spec.phase == "confirm"}
    assert not chose & confirmed


def test_confirmation_seeds_are_paired_over_all_candidates() -> None:
    question = spec("cosine()", "wsd()", "constant()")
    runs = played(question, bowl(0.2)).values()
    for label in ("cosine()", "wsd()", "constant()"):
        mine = {r.spec.seed for r in runs if r.spec.phase == "confirm" and r.spec.candidate == label}
        assert mine == set(question.confirm_seeds)


def test_the_order_in_which_runs_finish_changes_nothing() -> None:
    question = spec("cosine()", "wsd()")
    straight = played(question, bowl(0.9))
    for seed in range(5):
        chance, runs = random.Random(seed), {}
        while wanted := still_wanted(question, runs):
            one: RunSpec = chance.choice(wanted)
            runs[one.key] = record(one, bowl(0.9)(one))
        assert set(runs) == set(straight)


def test_more_candidates_peaks_or_seeds_ask_only_for_what_is_missing() -> None:
    question = spec("cosine()")
    runs = played(question, bowl(0.2))
    wider = spec("cosine()", "wsd()", select_seeds=(0, 1, 2), confirm_seeds=(1000, 1001, 1002, 1003, 1004))
    assert all(run.key not in runs for run in still_wanted(wider, runs))
    assert len(played(wider, bowl(0.2))) == 2 * (9 + 5)


def test_runs_start_seed_by_seed_over_all_candidates() -> None:
    order = still_wanted(spec("cosine()", "wsd()"), {})
    assert [(run.seed, run.candidate) for run in order[::3]] == [
        (0, "cosine()"),
        (0, "wsd()"),
        (1, "cosine()"),
        (1, "wsd()"),
    ]
