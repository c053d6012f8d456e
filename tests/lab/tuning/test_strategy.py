"""The laws of a search, on surfaces made up for it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calando.lab.executors.base import Opened
from calando.lab.tuning.account import PHASES
from calando.lab.tuning.strategy import TuneStrategy
from calando.lab.tuning.verdict import verdict
from calando.records import RunRecord
from calando.records.stage import Knob
from tests.lab.tuning.surface import FULL, PEAKS, PLANS, Surface, keys, question, searched


@pytest.mark.parametrize("budget", [1, 3, 7.5])
def test_a_search_never_trains_more_than_its_budget(budget: float) -> None:
    strategy, made = searched(budget, prove=0.25)
    trained = sum(run.steps - run.reused for run in made.runs)
    assert trained <= budget * FULL
    assert trained == strategy.spent() == strategy.tuned().spent
    assert not made.skipped, "it wanted what it could not pay for"


def test_a_search_uses_what_it_may_spend() -> None:
    strategy, _ = searched(12)
    assert strategy.spent() > 11.8 * FULL


@pytest.mark.parametrize("order", [1, 2])
def test_the_order_in_which_runs_finish_changes_nothing(order: int) -> None:
    calm, made = searched(4, batch=4)
    spec, tune = question(4, batch=4)
    other = TuneStrategy(spec, tune)
    chance, answer = np.random.default_rng(order), Surface(0).answer
    while wanted := other.left():
        other.finished(answer(wanted[chance.integers(len(wanted))]))
    assert other.tuned() == calm.tuned()
    assert other.decisions() == calm.decisions()
    assert set(other.results) == set(keys(made.runs))


def test_a_search_that_goes_on_from_its_records_makes_the_same_choice() -> None:
    whole, made = searched(4)
    spec, tune = question(4)
    half = {run.spec.key: run for run in made.runs[: len(made.runs) // 2]}
    again = TuneStrategy(spec, tune, half)
    answer = Surface(0).answer
    while wanted := again.left():
        assert wanted[0].key not in half, "a finished run is wanted again"
        again.finished(answer(wanted[0]))
    assert again.tuned() == whole.tuned()


def test_decisions_only_grow() -> None:
    spec, tune = question(8)
    strategy, answer, before = TuneStrategy(spec, tune), Surface(3).answer, ()
    while wanted := strategy.left():
        strategy.finished(answer(wanted[0]))
        now = strategy.decisions()
        assert now[: len(before)] == before
        before = now
    assert before


def test_no_run_is_cut_short_and_none_is_made_twice() -> None:
    strategy, made = searched(4)
    assert {run.spec.horizon for run in made.runs} <= {80, 160, FULL}
    assert len(set(keys(made.runs))) == len(made.runs)
    assert strategy.evals(replace(made.runs[0].spec, horizon=80)) == 2


def test_fresh_seeds_prove_and_never_choose() -> None:
    strategy, made = searched(13, prove=0.5)
    fresh = [run.spec for run in made.runs if run.spec.phase == "confirm"]
    assert len(fresh) == 6
    assert {run.seed for run in fresh} == {1000, 1001, 1002}
    assert not {run.seed for run in fresh} & {run.spec.seed for run in made.runs if run.spec.phase != "confirm"}
    assert {run.candidate for run in fresh} == {
        strategy.tuned().winner,
        strategy.rival.candidate if strategy.rival else "",
    }
    assert strategy.tuned().confirmed


def test_a_choice_does_not_depend_on_what_fresh_seeds_say() -> None:
    surface = Surface(0)

    def hostile(run):
        found = surface.answer(run)
        return replace(found, final=1e9 - (found.final or 0.0)) if run.phase == "confirm" else found

    fair, turned = (searched(13, answer, prove=0.5)[0].tuned() for answer in (surface.answer, hostile))
    assert (fair.winner, fair.peak, fair.standpoints) == (turned.winner, turned.peak, turned.standpoints)


def test_a_small_budget_keeps_nothing_for_proving_and_says_so() -> None:
    strategy, made = searched(4, prove=0.25)
    assert not [run for run in made.runs if run.spec.phase == "confirm"]
    assert "too small to prove" in strategy.decisions()[-1].text


def test_a_shape_is_dropped_only_with_its_reason_and_is_not_run_again() -> None:
    surface = Surface(0)
    surface.offset = surface.offset + np.array([30.0, 0, 0, 0, 0, 0, 0, 0])
    spec, tune = question(18)
    strategy, after = TuneStrategy(spec, tune), []
    while wanted := strategy.left():
        after += [run.candidate for run in wanted if run.candidate in strategy.out]
        strategy.finished(surface.answer(wanted[0]))
    assert "constant()" in strategy.out
    assert not after, "a dropped shape was run"
    reasons = {one.about: one.text for one in strategy.decisions() if one.about in strategy.out}
    assert set(reasons) == set(strategy.out)
    assert all(text.startswith("out: 98 % sure worse than") for text in reasons.values())
    assert {p.label for p in strategy.tuned().standpoints if p.out} == set(strategy.out)


def test_the_baseline_is_never_dropped() -> None:
    surface = Surface(0)
    surface.offset = surface.offset + np.array([0, 0, 30.0, 0, 0, 0, 0, 0])
    strategy, _ = searched(18, surface.answer)
    assert "cosine()" not in strategy.out


def test_divergence_is_told_and_feeds_the_search() -> None:
    surface = Surface(0)
    surface.edge = 2.5
    strategy, made = searched(6, surface.answer)
    assert any("are lost from peak" in one.text for one in strategy.decisions())
    tuned = strategy.tuned()
    assert tuned.peak is not None
    assert np.log2(tuned.peak / PEAKS[0]) < surface.edge
    lost = sum(run.status == "diverged" for run in made.runs)
    assert lost <= len(made.runs) / 4


def test_a_metric_to_be_maximised_is_maximised() -> None:
    surface = Surface(1)

    def turned(run):
        found = surface.answer(run)
        return replace(found, final=None if found.final is None else -found.final)

    low, high = searched(4, surface.answer)[0].tuned(), searched(4, turned, mode="max")[0].tuned()
    assert (low.winner, low.peak) == (high.winner, high.peak)
    assert [p.loss for p in high.standpoints] == pytest.approx([-p.loss for p in low.standpoints], nan_ok=True)


def test_the_lattice_grows_where_the_best_stands_on_its_end() -> None:
    surface = Surface(0)
    surface.best, surface.edge = surface.best * 0 + 5.5, 9.0
    spec, tune = question(9, extend=3)
    strategy = TuneStrategy(spec, tune)
    while wanted := strategy.left():
        strategy.finished(surface.answer(wanted[0]))
    assert max(strategy.peaks) > max(PEAKS)
    assert any("joins" in one.text for one in strategy.decisions())


def test_declared_values_are_searched_along() -> None:
    surface = Surface(0, noise=0.2)

    def with_decay(run):
        found, decay = surface.answer(run), run.settings.get("decay", 0.01)
        worse = abs(np.log10(decay) + 3.0) * 3  # best at 0.001
        return replace(found, final=None if found.final is None else found.final + worse)

    spec, tune = question(10)
    spec = replace(spec, candidates=spec.candidates[1:3])
    strategy = TuneStrategy(spec, tune)
    strategy.opened(Opened("k", (), (Knob("decay", 1e-5, 1.0, log=True, default="0.1"),)))
    while wanted := strategy.left():
        strategy.finished(with_decay(wanted[0]))
    assert 1e-4 < decay_of(strategy.tuned().settings) < 1e-2


def decay_of(text: str) -> float:
    return float(json.loads(text)["decay"])


def test_everything_lost_is_no_choice_and_no_crash() -> None:
    strategy, made = searched(3, lambda run: RunRecord(run, "diverged", steps=5))
    assert 10 < len(made.runs) < 40
    assert strategy.tuned().winner is None
    assert "were lost" in strategy.decisions()[-1].text


def test_with_one_shape_and_one_peak_there_is_still_an_answer() -> None:
    spec, tune = question(3)
    spec = replace(spec, candidates=spec.candidates[2:3], peaks=PEAKS[:1])
    strategy, answer = TuneStrategy(spec, tune), Surface(0).answer
    while wanted := strategy.left():
        strategy.finished(answer(wanted[0]))
    assert strategy.tuned().winner == PLANS[2]


@pytest.mark.slow
def test_on_made_up_surfaces_it_beats_random_search_at_the_same_budget() -> None:
    ours, theirs = [], []
    for task in range(8):
        surface = Surface(100 + task)
        tuned = searched(18, surface.answer)[0].tuned()
        assert tuned.peak is not None
        ours.append(surface.regret(tuned.plan, tuned.peak))
        theirs.append(np.mean([surface.at_random(18, seed) for seed in range(20)]))
    gain = np.array(theirs) - np.array(ours)
    assert np.mean(ours) < 0.4
    assert gain.mean() > 2 * gain.std(ddof=1) / len(gain) ** 0.5, "paired over tasks, by two standard errors"


def test_every_phase_is_charged_with_its_own_runs_also_where_a_round_mixes_short_and_full_ones() -> None:
    strategy, made = searched(8, batch=4)
    assert any(len({run.phase for run in one.runs}) > 1 for one in strategy.rounds)
    for one in strategy.tuned().spending:
        mine = [run for run in made.runs if PHASES[run.spec.phase] == one.phase]
        assert (one.runs, one.spent) == (len(mine), sum(run.steps for run in mine))
        assert one.planned == one.spent, "nothing is shared or cut here"


def test_the_exponent_that_is_told_on_the_way_says_that_it_is_the_first() -> None:
    strategy, made = searched(8)
    first = next(decision for decision in strategy.decisions() if "to the power" in decision.text)
    assert f"by the first {first.runs} runs" in first.text
    assert 12 <= first.runs < len(made.runs)
    spec, tune = question(8)
    told = verdict(spec, tune, strategy.tuned(), strategy.results).sentences
    assert any(
        line.startswith("By all runs together the best peak goes with the horizon to the power") for line in told
    )
