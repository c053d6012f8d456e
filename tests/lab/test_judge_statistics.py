"""The verdict's numbers against SciPy, worked out another way, and its promises against simulated truth."""

import random
import re

import numpy as np
import pytest
from scipy import stats

from calando.lab.judge import POWER, judge
from calando.records import RunSpec, Verdict
from tests.lab.made import played, spec

PLANS = ("cosine()", "wsd()", "linear_decay()", "constant()", "inverse_sqrt(10)")
SEEDS = tuple(range(1000, 1007))
Table = dict[str, dict[int, float]]


def drawn(seed: int, means: list[float], noise: float = 0.02, plans: tuple[str, ...] = PLANS) -> Table:
    chance = np.random.default_rng(seed)
    shared = chance.normal(0, 0.1, len(SEEDS))
    return {
        plan: dict(zip(SEEDS, (mean + shared + chance.normal(0, noise, len(SEEDS))).tolist(), strict=True))
        for plan, mean in zip(plans, means, strict=True)
    }


def judged(table: Table, **changes: object) -> Verdict:
    question = spec(*table, peaks=(0.1,), confirm_seeds=SEEDS, **changes)

    def outcome(run: RunSpec) -> float:
        return table[run.candidate][run.seed]

    return judge(question, played(question, outcome))


def differences(table: Table, left: str, right: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([table[left][seed] - table[right][seed] for seed in SEEDS])


MEANS = [0.50, 0.47, 0.49, 0.60, 0.485]
CASES = [(seed, mode, confidence) for seed in range(6) for mode in ("min", "max") for confidence in (0.9, 0.95)]


@pytest.mark.parametrize(("seed", "mode", "confidence"), CASES)
def test_every_number_of_five_candidates_is_the_one_of_scipy(seed: int, mode: str, confidence: float) -> None:
    table = drawn(seed, MEANS)
    found = judged(table, mode=mode, confidence=confidence)
    sign = 1 if mode == "min" else -1
    assert found.leader == min(table, key=lambda label: sign * np.mean(list(table[label].values())))
    family, out = len(PLANS) - 1, set()
    for left in PLANS:
        for right in PLANS:
            if left == right:
                continue
            gap = differences(table, left, right)
            test = stats.ttest_1samp(gap, 0)
            span = test.confidence_interval(1 - (1 - confidence) / family)
            if (sign * np.array(span) > 0).all():
                out.add(left)
            line = found.standing(left)
            for versus in (line.versus_baseline, line.versus_leader):
                if versus is None or versus.reference != right:
                    continue
                assert versus.interval is not None
                assert (versus.interval.low, versus.interval.high) == pytest.approx(tuple(span))
                assert (versus.interval.mean, versus.interval.n) == (pytest.approx(gap.mean()), len(SEEDS))
                assert versus.difference == pytest.approx(gap.mean())
                assert versus.p == pytest.approx(min(1.0, family * test.pvalue))
                assert versus.family == family
    assert set(found.tie_set) == set(PLANS) - out
    assert found.proven == (set(PLANS) - out == {found.leader})


def scipys_seeds(gap: np.ndarray, level: float) -> int | None:  # type: ignore[type-arg]
    effect = abs(gap.mean()) / gap.std(ddof=1)
    for n in range(2, 1001):
        if stats.nct.sf(stats.t.ppf(1 - level / 2, n - 1), n - 1, effect * n**0.5) >= POWER:
            return n
    return None


@pytest.mark.parametrize("seed", range(6))
def test_more_seeds_are_those_beyond_the_ones_that_were_made_and_cost_both_candidates(seed: int) -> None:
    table = drawn(seed, MEANS)
    found = judged(table)
    assert [more.candidate for more in found.more] == list(found.tie_set[1:])
    for more in found.more:
        assert more.reference == found.leader
        total = scipys_seeds(differences(table, more.candidate, more.reference), 0.05 / (len(PLANS) - 1))
        assert more.seeds == (None if total is None else max(1, total - len(SEEDS)))
        assert more.steps == 2 * (more.seeds or 0) * 100
    nearest = min((more for more in found.more if more.seeds is not None), key=lambda m: m.seeds or 0, default=None)
    if nearest is not None:
        (told,) = [s for s in found.sentences if "more seed" in s]
        assert f"about {nearest.seeds} more seed" in told
        cost = f"(chance 80 %, {nearest.steps:,} updates)"
        assert told.endswith(f"{cost}; adding them is a further look at the data, and 95 % is for one look.")


def test_the_seeds_that_it_takes_are_seen_at_all() -> None:
    assert any(more.seeds for seed in range(6) for more in judged(drawn(seed, MEANS)).more)


def text_agrees_with_intervals(found: Verdict) -> None:
    for line in found.standings:
        shown = re.search(r"by ([+-]\S+) \[(\S+), (\S+)\]", line.why)
        if line.tied:
            assert not line.why.startswith("Worse than")
            assert line.versus_leader is None or line.versus_leader.is_ == "open"
        else:
            assert shown is not None
            assert float(shown[2]) * float(shown[3]) > 0, line.why
    for sentence in found.sentences:
        shown = re.search(r"(better than|worse than|not separated from) the baseline .*\[(\S+), (\S+)\]", sentence)
        if shown is not None:
            assert (float(shown[2]) * float(shown[3]) <= 0) == (shown[1] == "not separated from"), sentence


@pytest.mark.parametrize("count", [2, 3, 5])
def test_of_equals_one_is_called_best_no_more_often_than_stated(count: int) -> None:
    tries = 400
    best = 0
    for seed in range(tries):
        found = judged(drawn(seed, [0.5] * count, plans=PLANS[:count]))
        text_agrees_with_intervals(found)
        assert ("is best" in found.headline) == found.proven
        best += found.proven
    assert best / tries <= 0.05 + 2 * (0.05 * 0.95 / tries) ** 0.5


def test_the_truly_best_one_is_in_the_tie_set_and_words_agree_where_there_are_differences() -> None:
    tries, kept = 200, 0
    for seed in range(tries):
        found = judged(drawn(seed, [0.50, 0.49, 0.51, 0.53, 0.60]))
        text_agrees_with_intervals(found)
        kept += "wsd()" in found.tie_set
    assert kept / tries >= 0.95


def test_a_difference_inside_the_margin_is_neither_out_nor_a_matter_of_more_seeds() -> None:
    chance = random.Random(2)
    base = {seed: chance.gauss(0.5, 0.1) for seed in SEEDS}
    table = {
        "cosine()": base,
        "wsd()": {seed: value - 0.01 + chance.gauss(0, 1e-3) for seed, value in base.items()},
    }
    found = judged(table, margin=0.05)
    assert (set(found.tie_set), found.recommended, found.more) == ({"cosine()", "wsd()"}, "cosine()", ())
    assert any("better than the baseline" in s and s.endswith("within the margin of 0.05.") for s in found.sentences)
