"""The search as a whole on made-up curves: what it wants, what it costs, what it concludes."""

import math
import random
from dataclasses import replace

import pytest

from calando.core.text import parse
from calando.lab.finding import RangeTest
from calando.lab.finding.strategy import FindStrategy
from calando.lab.finding.verdict import conclude
from calando.records.finding import Finding, Mini
from calando.records.run import Curve, RunRecord, RunSpec
from tests.lab.finding.made import bowl, falling_then_breaking, played, question


def found(best: float = 0.02, exponent: float = -0.3, noise: float = 0.0, **changes: float) -> Finding:
    final = bowl(best, exponent, noise=noise)
    return conclude(played(FindStrategy(question()), final, lambda run: falling_then_breaking(run, **changes)))


def octaves(a: float | None, b: float) -> float:
    return abs(math.log2((a or math.inf) / b))


def test_the_range_tests_come_first_and_mini_runs_wait_for_all_of_them() -> None:
    strategy = FindStrategy(question())
    assert [run.phase for run in strategy.left()] == ["range"] * 3
    strategy.finished(falling_then_breaking(strategy.left()[0]))
    assert [run.phase for run in strategy.left()] == ["range"] * 2
    for run in strategy.left():
        strategy.finished(falling_then_breaking(run))
    assert {(run.phase, run.horizon, run.plan, run.seed) for run in strategy.left()} == {
        ("short", 60, "linear_decay()", 0)
    }


def test_the_first_mini_runs_look_around_an_eighth_of_the_edge() -> None:
    strategy = FindStrategy(question())
    for run in strategy.left():
        strategy.finished(falling_then_breaking(run))
    edge = strategy.reading.edge if strategy.reading else None
    peaks = [run.peak or 0.0 for run in strategy.left()]
    assert edge is not None
    assert peaks == [pytest.approx(edge / 8 * 4**i, rel=0.01) for i in (-1.5, -0.5, 0.5, 1.5)]


@pytest.mark.parametrize("best", [0.005, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("exponent", [-0.5, -0.3, -0.1])
def test_a_peak_inside_the_bracket_is_found(best: float, exponent: float) -> None:
    answer = found(best, exponent)
    assert answer.outcome == "found"
    assert octaves(answer.best, best) < 1.0
    assert (answer.low or 1) <= best <= (answer.high or 0)


@pytest.mark.parametrize("horizon", [96, 640, 5000])
def test_it_never_takes_more_than_one_full_run(horizon: int) -> None:
    from calando.lab.finding.strategy import asked

    ask = asked(question(horizon), (0, 1, 2), (1e-6, 10.0))
    strategy = played(FindStrategy(ask), bowl(0.3, 0.0, horizon=horizon))
    assert not strategy.left()
    assert 0.6 * horizon < strategy.spent <= horizon


def test_a_best_peak_at_an_end_is_looked_for_beyond() -> None:
    strategy = played(FindStrategy(question()), bowl(0.0004, 0.0), most=7)
    tried = [mini.peak for mini in strategy.minis]
    left = strategy.left()[0]
    assert left.horizon == 60
    assert (left.peak or 1) == pytest.approx(min(tried) / 4, rel=0.01)
    assert "it may lie beyond" in strategy.decisions()[-1].text


def test_a_best_peak_that_is_never_reached_is_an_edge() -> None:
    answer = found(best=1e-9, exponent=0.0)
    assert answer.outcome == "edge"
    assert "lowest peak tried" in answer.reason
    assert "at most" in answer.headline


def test_the_shift_between_the_two_lengths_is_fitted_and_a_quarter_of_it_carried_on() -> None:
    still, moving = found(exponent=0.0), found(exponent=-0.6)
    assert still.early is not None
    assert moving.early is not None
    assert still.slope is not None
    assert moving.slope is not None
    assert still.early.fitted
    assert still.early.exponent - moving.early.exponent > 0.3
    apart = still.slope.exponent - moving.slope.exponent
    assert apart == pytest.approx((still.early.exponent - moving.early.exponent) / 4)
    (short, above), (long, below) = moving.tops
    assert (short, long) == (60, 240)
    assert above > below > (moving.best or 0)


def test_the_interval_is_wider_where_results_are_noisy() -> None:
    sure, unsure = found(noise=0.0), found(noise=0.1)
    assert math.log((unsure.high or 1) / (unsure.low or 1)) > math.log((sure.high or 1) / (sure.low or 1))


def test_a_higher_metric_is_better_where_the_user_says_so() -> None:
    lower = bowl(0.02, -0.3)
    ask = replace(question(), mode="max", metric="accuracy")
    answer = conclude(played(FindStrategy(ask), lambda run: -lower(run)))
    assert octaves(answer.best, 0.02) < 0.6


def test_mini_runs_that_diverge_bound_the_peak_from_above() -> None:
    final = bowl(0.02, -0.3)

    def some(run: RunSpec) -> float | None:
        return None if (run.peak or 0) > 0.1 else final(run)

    answer = conclude(played(FindStrategy(question()), some))
    assert any(mini.value is None for mini in answer.minis)
    assert (answer.high or 1) < 0.2
    assert octaves(answer.best, 0.02) < 1


def test_a_flat_range_test_ends_the_search_with_its_reason() -> None:
    strategy = FindStrategy(question())
    flat = played(strategy, bowl(), lambda run: falling_then_breaking(run, depth=0.0, noise=0.0))
    answer = conclude(flat)
    assert answer.outcome == "no signal"
    assert answer.best is None
    assert not answer.minis
    assert "flat at every rate" in answer.headline


def test_results_that_are_all_the_same_are_no_signal() -> None:
    answer = conclude(played(FindStrategy(question()), lambda run: 0.5))
    assert answer.outcome == "no signal"
    assert "the peak makes no difference" in answer.reason


def test_results_that_are_all_lost_are_no_signal() -> None:
    answer = conclude(played(FindStrategy(question()), lambda run: None))
    assert answer.outcome == "no signal"
    assert "no mini-run gave a finite val_loss" in answer.reason


def test_the_answer_does_not_depend_on_the_order_in_which_runs_finish() -> None:
    done = played(FindStrategy(question()), bowl())
    records: list[RunRecord] = list(done._runs.values())  # as they came
    again = FindStrategy(question(), records[::-1])
    assert not again.left()
    assert conclude(again) == conclude(done)


def test_what_is_not_proven_is_said() -> None:
    answer = found()
    assert any("what only shows late (overfitting) is not seen" in text for text in answer.not_proven)
    assert "% of one full run" in " ".join(answer.sentences)


def test_one_worker_and_many_ask_for_the_same_runs() -> None:
    """A stage is fixed before its first run finishes: what is under way never changes what is wanted beside it."""
    strategy, asked_for = FindStrategy(question()), []
    final = bowl(0.02, -0.3, noise=0.01)
    while left := strategy.left():
        asked_for.append({run.key for run in left})
        run = left[-1]
        strategy.finished(
            falling_then_breaking(run)
            if run.phase == "range"
            else RunRecord(run, "done", final=final(run), steps=run.horizon)
        )
        if len(left) > 1:
            assert {one.key for one in strategy.left()} == asked_for[-1] - {run.key}


def test_the_two_longer_mini_runs_lie_on_both_sides_of_what_is_expected() -> None:
    answer = found()
    low, high = (mini.peak for mini in answer.minis if mini.horizon == 240)
    assert math.log2(high / low) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_decisions_do_not_depend_on_who_finishes_first(seed: int) -> None:
    chance, final = random.Random(seed), bowl(0.02, -0.3, noise=0.01)
    usual = played(FindStrategy(question()), final).decisions()
    strategy = FindStrategy(question())
    while left := strategy.left():
        run = chance.choice(left)
        value = None if run.phase == "range" else final(run)
        done = falling_then_breaking(run) if value is None else RunRecord(run, "done", final=value, steps=run.horizon)
        strategy.finished(done)
    assert strategy.decisions() == usual
    assert len(usual) >= 3


def noisy_metric(run: RunSpec) -> RunRecord:
    """A range test whose training loss shows its rate, while the metric is nothing but noise of 0.1."""
    chance = random.Random(f"evaluations {run.seed}")
    record = falling_then_breaking(run)
    noise = Curve(tuple(range(8)), tuple(2 + chance.gauss(0, 0.1) for _ in range(8)))
    return replace(record, curves={**record.curves, "val_loss": noise})


def test_a_metric_of_pure_noise_is_no_signal() -> None:
    def searched(seed: int) -> Finding:
        chance = random.Random(seed)
        ask = replace(question(), ranges=RangeTest(38, (seed, 100 + seed, 200 + seed)))
        return conclude(played(FindStrategy(ask), lambda _run: 2 + chance.gauss(0, 0.1), noisy_metric))

    outcomes = [searched(seed) for seed in range(20)]
    assert sum(answer.outcome == "no signal" for answer in outcomes) >= 18
    assert sum("cannot be told from noise" in answer.reason for answer in outcomes) >= 18


def test_a_signal_beyond_the_noise_is_still_found() -> None:
    def noisy(run: RunSpec) -> RunRecord:
        chance = random.Random(f"evaluations {run.seed}")
        record = falling_then_breaking(run)
        noise = Curve(tuple(range(8)), tuple(2 + chance.gauss(0, 0.01) for _ in range(8)))
        return replace(record, curves={**record.curves, "val_loss": noise})

    strategy = played(FindStrategy(question()), bowl(0.02, -0.3, noise=0.01), noisy)
    assert 0.001 < (strategy.noise or 0) < 0.03
    assert conclude(strategy).outcome == "found"


def test_an_edge_has_no_interval() -> None:
    answer = found(best=1e-9, exponent=0.0)
    assert (answer.outcome, answer.low, answer.high, answer.confidence) == ("edge", None, None, None)
    assert "%" not in answer.headline


def test_an_exponent_that_runs_hardly_narrow_is_not_called_fitted() -> None:
    from calando.lab.finding.fit import Belief, posterior

    short = [Mini(60, 0.02 * 4.0**i, 0, 1 + 0.05 * i * i) for i in (-1, 0, 1, 2)]
    flat = [Mini(240, peak, 0, 1.0) for peak in (0.01, 0.0100001)]
    belief = Belief(math.log2(0.02), 1.5, 60)
    assert not posterior([*short, *flat], 960, belief).early.fitted
    assert not posterior(short, 960, belief).early.fitted


def test_mini_runs_of_a_plan_in_updates_are_whole() -> None:
    ask = replace(question(), plan="warmup(400) | cosine()")
    strategy = played(FindStrategy(ask), bowl())
    plans = {run.spec.plan for run in strategy._runs.values() if run.spec.phase == "short"}
    assert len(plans) == 1
    assert parse(plans.pop()).bind(60)(59) < 0.05


def test_a_range_test_that_failed_says_so_before_names_are_looked_at() -> None:
    record = RunRecord(RangeTest(30).runs()[0], "failed", reason="KeyError: 'x'")
    assert "the range test failed: KeyError" in RangeTest(30).read([record]).reason
