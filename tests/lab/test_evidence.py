"""The statistics, held against hand computations, tables, and simulated truth."""

import math
import random
import statistics

import pytest

from calando.errors import BadValue
from calando.lab.evidence import beaten, best_set, common, compare_pair, mean_interval, paired, seeds_needed


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_an_interval_is_the_one_worked_out_by_hand() -> None:
    # mean 4, s^2 = (4+0+4)/2 = 4, error 2/sqrt(3); t(0.975, 2) = 4.302653 from the table
    interval = mean_interval([2.0, 4.0, 6.0], 0.95)
    assert interval is not None
    assert interval.mean == 4.0
    assert interval.high == pytest.approx(4 + 4.302653 * 2 / math.sqrt(3), rel=1e-6)
    assert interval.low == pytest.approx(4 - 4.302653 * 2 / math.sqrt(3), rel=1e-6)
    assert (interval.n, interval.confidence) == (3, 0.95)


def test_a_family_of_intervals_is_wider_by_bonferroni() -> None:
    # t(1 - 0.05/10, 4) = t(0.995, 4) = 4.604095 from the table
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.95, family=5)
    assert interval is not None
    assert interval.high - 3 == pytest.approx(4.604095 * math.sqrt(2.5 / 5), rel=1e-6)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_values_have_no_interval(values: list[float]) -> None:
    assert mean_interval(values, 0.95) is None


def test_pairs_are_made_of_the_seeds_that_both_finished() -> None:
    assert common({3: 1.0, 1: 1.0, 7: 1.0}, {7: 2.0, 3: 5.0}) == [3, 7]
    assert paired({3: 1.0, 1: 1.0, 7: 1.0}, {7: 2.0, 3: 5.0}) == [-4.0, -1.0]


def test_pairing_sees_a_difference_that_the_seeds_would_drown() -> None:
    noise = [0.0, 10.0, -7.0, 3.0]
    left = by_seed(*(n + 1.0 + e for n, e in zip(noise, (0.01, -0.01, 0.02, 0.0), strict=True)))
    found = compare_pair("a", "b", left, by_seed(*noise), mode="min", confidence=0.95)
    assert found.is_ == "worse"
    assert found.p is not None
    assert found.p < 1e-4


@pytest.mark.parametrize(("mode", "is_"), [("min", "better"), ("max", "worse")])
def test_the_mode_decides_which_side_is_better(mode: str, is_: str) -> None:
    found = compare_pair("a", "b", by_seed(1, 1.1, 1.2), by_seed(2, 2.2, 2.1), mode=mode, confidence=0.95)  # type: ignore[arg-type]
    assert found.is_ == is_


def test_the_p_value_is_the_one_of_scipy_times_the_family() -> None:
    from scipy.stats import ttest_rel

    left, right = [0.3, 0.5, 0.45, 0.61], [0.35, 0.52, 0.44, 0.7]
    for family in (1, 3, 100):
        found = compare_pair("a", "b", by_seed(*left), by_seed(*right), mode="min", confidence=0.95, family=family)
        assert found.p == pytest.approx(min(1.0, family * ttest_rel(left, right).pvalue))


def test_interval_and_p_value_never_contradict_each_other() -> None:
    chance = random.Random(1)
    for _ in range(300):
        left = by_seed(*(chance.gauss(chance.choice([0, 0.7]), 1) for _ in range(chance.randint(2, 8))))
        right = by_seed(*(chance.gauss(0, 1) for _ in left))
        family = chance.randint(1, 6)
        found = compare_pair("a", "b", left, right, mode="min", confidence=0.9, family=family)
        assert found.interval is not None
        assert found.p is not None
        assert (found.is_ == "open") == found.interval.contains(0.0) == (found.p >= 0.1)


def test_a_difference_inside_the_margin_is_equivalent() -> None:
    left, right = by_seed(1.0, 1.01, 0.99, 1.0), by_seed(1.002, 1.008, 0.991, 1.0)
    found = compare_pair("a", "b", left, right, mode="min", confidence=0.95, margin=0.05)
    assert found.equivalent
    assert not compare_pair("a", "b", left, right, mode="min", confidence=0.95, margin=0.001).equivalent


@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_the_same_difference_on_every_seed_shows_no_spread_and_proves_nothing(gap: float) -> None:
    left, right = by_seed(0.1, 0.2, 0.3), by_seed(0.1 + gap, 0.2 + gap, 0.3 + gap)
    found = compare_pair("a", "b", left, right, mode="min", confidence=0.95)
    assert (found.interval, found.p, found.is_, found.equivalent, found.n) == (None, None, "open", False, 3)
    assert found.difference == pytest.approx(-gap)
    assert best_set({"a": left, "b": right}, "min", 0.95) == ("a", "b")
    assert mean_interval([0.3, 0.1 + 0.2, 0.3], 0.95) is None


def test_one_seed_separates_nothing() -> None:
    found = compare_pair("a", "b", by_seed(1), by_seed(2), mode="min", confidence=0.95)
    assert (found.interval, found.p, found.is_) == (None, None, "open")
    assert best_set({"a": by_seed(1), "b": by_seed(2)}, "min", 0.95) == ("a", "b")


def test_seeds_needed_are_those_of_a_published_table() -> None:
    # Two-sided level 0.05, power 0.8, effect 0.5: n = 34 (Cohen 1988, G*Power); effect 1.0: n = 10
    for effect, wanted in ((0.5, 34), (1.0, 10)):
        spread = [effect - 1, effect + 1, effect - 1, effect + 1]
        scaled = [effect + (d - effect) / statistics.stdev(spread) for d in spread]
        assert seeds_needed(scaled, 0.05) == wanted


def test_seeds_needed_says_when_no_number_would_do() -> None:
    assert seeds_needed([1e-6, -1e-6 + 1e-9, 1e-6, -1e-6], 0.05) is None
    assert seeds_needed([1.0, -1.0], 0.05) is None


@pytest.mark.parametrize("differences", [[], [1.0], [0.0, 0.0], [1.0, 1.0, 1.0]])
def test_seeds_needed_is_not_worked_out_from_no_spread(differences: list[float]) -> None:
    with pytest.raises(BadValue, match="not all the same"):
        seeds_needed(differences, 0.05)


def test_seeds_needed_would_really_be_enough() -> None:
    chance, needed = random.Random(5), seeds_needed([0.0, 1.0, 2.0, 1.0, 0.5, 1.5], 0.05)
    assert needed is not None
    spread, zeros = statistics.stdev([0.0, 1.0, 2.0, 1.0, 0.5, 1.5]), by_seed(*[0.0] * needed)
    seen = 0
    for _ in range(1000):
        drawn = by_seed(*(chance.gauss(1.0, spread) for _ in range(needed)))
        seen += compare_pair("a", "b", drawn, zeros, mode="min", confidence=0.95).is_ == "worse"
    assert seen / 1000 > 0.77


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance, hits, tries = random.Random(7), 0, 4000
    for _ in range(tries):
        interval = mean_interval([chance.gauss(0.3, 2.0) for _ in range(5)], 0.95)
        assert interval is not None
        hits += interval.contains(0.3)
    assert hits / tries == pytest.approx(0.95, abs=0.011)  # three standard errors of the simulation


def test_all_intervals_of_a_family_hold_together_as_often_as_they_say() -> None:
    chance, hits, tries, truth = random.Random(8), 0, 1500, [0.0, 0.1, 0.2, 0.5]
    for _ in range(tries):
        shared = [chance.gauss(0, 3) for _ in range(6)]
        runs = [by_seed(*(s + mean + chance.gauss(0, 0.2) for s in shared)) for mean in truth]
        found = [
            compare_pair("x", "0", run, runs[0], mode="min", confidence=0.95, family=3).interval for run in runs[1:]
        ]
        hits += all(i is not None and i.contains(mean) for i, mean in zip(found, truth[1:], strict=True))
    assert hits / tries >= 0.95 - 0.017


@pytest.mark.parametrize("truth", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.1, 0.2, 1.0), (0.0, 0.02, 0.02, 0.02)])
def test_the_truly_best_one_is_in_the_tie_set_as_often_as_promised(truth: tuple[float, ...]) -> None:
    chance, hits, sizes, tries = random.Random(9), 0, 0, 800
    for _ in range(tries):
        shared = [chance.gauss(0, 1) for _ in range(5)]
        runs = {
            str(i): by_seed(*(s + mean + chance.gauss(0, 0.1 * (i + 1)) for s in shared))
            for i, mean in enumerate(truth)
        }
        found = best_set(runs, "min", 0.95)
        hits, sizes = hits + ("0" in found), sizes + len(found)
    assert hits / tries >= 0.95 - 0.023
    if max(truth) > 0.5:
        assert sizes / tries < 4  # and it does put the bad ones out


def test_the_same_numbers_give_the_same_answer_in_any_order() -> None:
    values = {"a": by_seed(1.0, 1.2, 1.1), "b": by_seed(1.05, 1.15, 1.2), "c": by_seed(3.0, 3.2, 3.1)}
    turned = {name: dict(reversed(list(values[name].items()))) for name in reversed(list(values))}
    assert set(best_set(values, "min", 0.95)) == set(best_set(turned, "min", 0.95)) == {"a", "b"}


def test_who_is_out_of_the_tie_set_is_out_by_a_two_sided_interval() -> None:
    chance = random.Random(3)
    for _ in range(300):
        size = chance.randint(2, 5)
        values = {str(i): by_seed(*(chance.gauss(0.4 * i, 1) for _ in range(5))) for i in range(size)}
        out = beaten(values, "min", 0.9)
        for name, mine in values.items():
            pairs = [
                compare_pair(name, other, mine, values[other], mode="min", confidence=0.9, family=size - 1)
                for other in values
                if other != name
            ]
            assert (name in out) == any(one.interval is not None and one.interval.low > 0 for one in pairs)


def test_a_family_of_the_whole_study_holds_for_a_part_of_it() -> None:
    values = {"a": by_seed(1.0, 1.1, 1.2, 1.3), "b": by_seed(1.2, 1.2, 1.35, 1.55)}
    assert best_set(values, "min", 0.95) == ("a",)
    assert best_set(values, "min", 0.95, family=9) == ("a", "b")
