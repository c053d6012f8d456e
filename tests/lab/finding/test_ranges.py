"""Range tests: what the rules read off a curve, and when a curve says nothing."""

import math
from dataclasses import replace

import pytest

from calando.core.text import parse
from calando.lab.finding import RangeTest, range_steps
from calando.records.finding import RangeReading
from calando.records.run import Curve, RunRecord
from tests.lab.finding.made import falling_then_breaking

TEST = RangeTest(60)


def read(test: RangeTest = TEST, **shape: float) -> RangeReading:
    return test.read([falling_then_breaking(run, **shape) for run in test.runs()])


def flat(run, loss=lambda t: 1.0, status="done"):
    steps = tuple(range(run.horizon))
    rates = tuple(10 * parse(run.plan).bind(run.horizon)(t) for t in steps)
    return RunRecord(
        run, status, curves={"lr": Curve(steps, rates), "train_loss": Curve(steps, tuple(map(loss, steps)))}
    )


def test_the_rate_rises_by_one_factor_from_the_first_to_the_last() -> None:
    schedule = parse(TEST.plan()).bind(60)
    rates = [10 * schedule(t) for t in range(60)]
    assert rates[-1] == pytest.approx(10)
    assert rates[0] == pytest.approx(1e-6 * 1e7 ** (1 / 60))
    assert {round(b / a, 9) for a, b in zip(rates, rates[1:], strict=False)} == {round(1e7 ** (1 / 60), 9)}


def test_each_seed_is_one_run_of_the_range_phase() -> None:
    runs = TEST.runs()
    assert [run.seed for run in runs] == [0, 1, 2]
    assert {(run.phase, run.peak, run.horizon) for run in runs} == {("range", 10.0, 60)}


def test_all_tests_together_take_about_an_eighth_of_a_run() -> None:
    assert 3 * range_steps(640) <= 0.12 * 640
    assert range_steps(10**9) == 200


@pytest.mark.parametrize("breaks", [0.03, 0.3, 3.0])
def test_the_edge_is_found_where_the_loss_comes_back(breaks: float) -> None:
    found = read(falls=breaks / 30, breaks=breaks)
    assert found.edge is not None
    assert breaks / 2.5 < found.edge < breaks * 2.5


def test_the_steepest_rate_is_where_the_loss_falls_fastest_per_factor() -> None:
    found = read(falls=0.003, breaks=3.0, noise=0.005)
    assert found.mark("steepest") == pytest.approx(0.003, rel=0.6)


def test_valley_and_minimum_tenth_lie_below_the_edge() -> None:
    found = read(falls=0.003, breaks=0.3)
    edge = found.edge or 0.0
    assert 0 < (found.mark("valley") or math.inf) < edge
    assert 0 < (found.mark("minimum / 10") or math.inf) < edge / 3


def test_the_bracket_reaches_six_octaves_down_from_the_edge() -> None:
    found = read()
    assert (found.high, found.low) == (found.edge, pytest.approx((found.edge or 0) / 64))


def test_each_rule_tells_how_far_the_seeds_are_apart() -> None:
    mark = next(mark for mark in read().marks if mark.rule == "edge")
    assert [seed for seed, _ in mark.by_seed] == [0, 1, 2]
    assert mark.spread is not None
    assert 1 <= mark.spread < 4


def test_a_flat_curve_is_no_signal_and_says_so() -> None:
    found = TEST.read([flat(run) for run in TEST.runs()])
    assert not found.signal
    assert found.low is None
    assert "flat at every rate between 1e-06 and 10" in found.reason


def test_noise_alone_is_no_signal() -> None:
    found = read(depth=1e-9, noise=0.1)
    assert not found.signal
    assert "noise" in found.reason


def test_a_curve_that_is_nan_at_once_is_no_signal() -> None:
    runs = [
        replace(flat(run, lambda t: math.nan), status="diverged", reason="train_loss is nan") for run in TEST.runs()
    ]
    found = TEST.read(runs)
    assert not found.signal
    assert "begin lower" in found.reason


def test_a_loss_that_was_never_logged_is_named() -> None:
    runs = [
        replace(flat(run), curves={"lr": flat(run).curve("lr"), "accuracy": Curve((0,), (1.0,))}) for run in TEST.runs()
    ]
    assert "only accuracy" in TEST.read(runs).reason


def test_runs_that_end_non_finite_have_their_edge_there() -> None:
    def broken(run):
        record = falling_then_breaking(run, falls=0.01, breaks=1e9)
        cut = 45
        curves = {name: Curve(c.steps[:cut], c.values[:cut]) for name, c in record.curves.items()}
        return replace(record, status="diverged", reason="train_loss is inf", final=None, curves=curves, steps=cut)

    found = TEST.read([broken(run) for run in TEST.runs()])
    schedule = parse(TEST.plan()).bind(60)
    assert found.signal
    assert found.edge == pytest.approx(10 * schedule(44))


def test_one_odd_seed_of_three_does_not_move_the_edge() -> None:
    runs = TEST.runs()
    records = [falling_then_breaking(run, breaks=0.3) for run in runs[:2]]
    found = TEST.read([*records, falling_then_breaking(runs[2], breaks=3.0)])
    assert found.edge is not None
    assert 0.1 < found.edge < 1.2


def test_rules_that_disagree_by_more_than_ten_are_called_no_answer() -> None:
    found = read(falls=0.0003, breaks=3.0, noise=0.002)
    said = " ".join(found.sentences)
    rates = [found.mark(rule) or 1.0 for rule in ("steepest", "valley", "minimum / 10")]
    assert max(rates) / min(rates) > 10
    assert "disagree by a factor of" in said


def test_a_test_that_never_breaks_has_no_edge_but_a_bracket() -> None:
    found = read(falls=0.1, breaks=1e6)
    assert found.signal
    assert found.edge is None
    assert (found.low or 0) < 0.1 < (found.high or 0)


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [falling_then_breaking(run) for run in TEST.runs()]
    assert TEST.read(records) == TEST.read(records[::-1])


def test_records_of_other_runs_are_left_out() -> None:
    other = RangeTest(60, seeds=(7, 8, 9))
    assert TEST.read([falling_then_breaking(run) for run in other.runs()]).reason == "no range test has finished"
