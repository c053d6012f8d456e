"""Choosing in worlds whose truth is known: what can be told is told, else the runs are named that would tell."""

import random

import numpy as np
import pytest

from calando.errors import BadName, BadValue
from calando.forecast import LossCurve, choose
from calando.forecast.asked import plan_text
from calando.forecast.choosing import KEEP, LINEAR, Choice, usual_plans
from calando.forecast.choosing.evidence import evidence_of
from calando.forecast.choosing.usual import humble
from calando.forecast.curve import plan_rates
from tests.forecast.worlds import LONG, PLANS, SHORT, WARMUP, loss_after, regret, run, runs, truth

PEAKS = (1e-3, 2e-3, 4e-3, 8e-3)
EVERY = [(plan, peak) for peak in PEAKS for plan in PLANS]


def at(peak: float) -> list[tuple[str, float]]:
    return [(plan, peak) for plan in PLANS]


@pytest.fixture(scope="module")
def two_peaks() -> Choice:
    return choose(runs((1e-3, 8e-3)), LONG, candidates=EVERY)


@pytest.mark.parametrize("peak", [1e-3, 4e-3, 1.6e-2])
@pytest.mark.parametrize("seed", [0, 1])
def test_two_contrasting_runs_choose_the_best_plan_at_their_peak(peak: float, seed: int) -> None:
    answer = choose(runs((peak,), seed=seed), LONG, plans=PLANS)
    assert answer.verdict in ("choose", "tie")
    assert regret(answer.best.plan, answer.best.peak, at(peak)) <= 0.002
    assert answer.forecast is not None
    assert not answer.reasons


def test_two_runs_at_each_of_two_peaks_choose_a_peak_between_them(two_peaks: Choice) -> None:
    assert two_peaks.verdict in ("choose", "tie")
    assert regret(two_peaks.best.plan, two_peaks.best.peak, EVERY) <= 0.002
    assert 1e-3 < two_peaks.best.peak < 8e-3


def test_the_true_best_is_among_those_that_are_tied(two_peaks: Choice) -> None:
    best = min(EVERY, key=lambda one: truth(*one))
    assert best in [(one.plan, one.peak) for one in two_peaks.tie]


def test_ranks_count_from_one_and_regrets_from_zero(two_peaks: Choice) -> None:
    assert [one.rank for one in two_peaks.ranked] == list(range(1, len(EVERY) + 1))
    assert two_peaks.best.regret == 0
    assert two_peaks.best.tied
    regrets = [one.regret for one in two_peaks.ranked]
    assert regrets == sorted(regrets)
    assert all(0 <= one.regret_low <= one.regret_high for one in two_peaks.ranked)
    assert sum(one.tied for one in two_peaks.ranked) < len(EVERY) / 2


def test_the_humble_ways_stand_beside_the_choice(two_peaks: Choice) -> None:
    known = {one.name: one for one in two_peaks.baselines}
    assert list(known) == [KEEP, LINEAR]
    short = min(runs((1e-3, 8e-3)), key=lambda curve: curve.final)
    assert (known[KEEP].plan, known[KEEP].peak) == (plan_text(short.plan), short.peak)
    assert known[LINEAR].plan == "wsd(warmup=20, cooldown=60%)"
    for one in known.values():
        assert one.loss == pytest.approx(truth(one.plan, one.peak), rel=0.01)
        assert one.regret == pytest.approx(one.loss - two_peaks.best.loss)


def test_a_baseline_that_the_laws_prefer_is_told() -> None:
    answer = choose(runs((4e-3,)), LONG, plans=["wsd(warmup=20, cooldown=5%)"])
    assert any(one.regret < 0 for one in answer.baselines)
    assert any("is predicted to do better" in note for note in answer.notes)


def test_tied_plans_are_told_apart_by_longer_runs() -> None:
    answer = choose(runs((4e-3,)), LONG, plans=PLANS)
    assert answer.verdict == "tie"
    assert [(one.plan, one.peak) for one in answer.next_runs] == [(one.plan, one.peak) for one in answer.tie[:2]]
    assert all(SHORT < one.horizon <= LONG for one in answer.next_runs)


def test_the_long_run_itself_is_called_so_and_of_one_that_was_made_another_seed_is_asked_for() -> None:
    near = ["wsd(warmup=20, cooldown=59.9%)", "wsd(warmup=20, cooldown=60%)"]
    far = choose(runs((4e-3,)), 4 * SHORT, plans=near)
    assert all(one.why == "one of the two best that are tied" for one in far.next_runs)
    twice = choose(runs((4e-3,)), 2 * SHORT, plans=near)
    assert all(one.why.endswith("tied, the long run itself") for one in twice.next_runs)
    made = runs((4e-3,))
    for curves in (made, [from_rates(curve) for curve in made]):
        again = choose(curves, SHORT, plans=[plan_text(curve.plan) for curve in made] + near)
        assert again.verdict == "tie"
        known = {one.plan: one.why for one in again.next_runs}
        assert "it was made once, this is another seed" in known["wsd(warmup=20, cooldown=60%)"]
        assert {one.horizon for one in again.next_runs} == {SHORT}


@pytest.mark.parametrize(("known", "wanted"), [(20, 60), (60, 20)])
def test_one_cooldown_alone_is_refused_and_its_contrast_is_asked_for(known: int, wanted: int) -> None:
    answer = choose(runs((4e-3,), (known,)), LONG, plans=PLANS)
    assert answer.verdict == "not enough"
    assert "contrasting cooldowns" in answer.reasons[0]
    assert len(answer.next_runs) == 2
    assert answer.next_runs[0].plan == f"wsd(warmup={WARMUP}, cooldown={wanted}%)"
    assert (answer.next_runs[0].peak, answer.next_runs[0].horizon) == (4e-3, SHORT)


def test_the_runs_that_are_asked_for_make_the_answer_possible() -> None:
    first = runs((4e-3,), (20,))
    more = [run(one.plan, one.peak, 0, one.horizon) for one in choose(first, LONG, plans=PLANS).next_runs]
    assert choose([*first, *more], LONG, plans=PLANS).verdict in ("choose", "tie")


def test_one_peak_alone_does_not_choose_among_peaks() -> None:
    answer = choose(runs((2e-3,)), LONG, peaks=PEAKS, plans=PLANS)
    assert answer.verdict == "not enough"
    assert "runs at two peaks are needed" in answer.reasons[0]
    assert {one.peak for one in answer.next_runs} == {8e-3}
    assert len({one.plan for one in answer.next_runs}) == 2


def test_a_best_peak_beyond_the_runs_is_refused_and_asked_for() -> None:
    answer = choose(runs((5e-4, 1e-3)), LONG, candidates=EVERY)
    assert answer.verdict == "not enough"
    assert "beyond those that were run (0.0005 to 0.001)" in answer.reasons[0]
    assert {one.peak for one in answer.next_runs} == {2e-3}
    low = choose(runs((1.6e-2, 3.2e-2)), LONG, peaks=[4e-3, 1.6e-2], plans=PLANS)
    assert low.verdict == "not enough"
    assert {one.peak for one in low.next_runs} == {8e-3}


@pytest.mark.parametrize(("asked", "tried"), [(5e-5, 2.5e-4), (3.2e-2, 1.6e-2)])
def test_a_candidate_beyond_the_runs_is_refused_by_its_own_peak_though_the_best_lies_among_them(
    asked: float, tried: float
) -> None:
    answer = choose(runs((5e-4, 8e-3)), LONG, peaks=[asked], plans=PLANS)
    assert answer.verdict == "not enough"
    assert f"has the peak {asked:g}, beyond those that were run (0.0005 to 0.008)" in answer.reasons[0]
    likely = float(answer.reasons[0].partition("lowest loss near ")[2].partition(",")[0])
    assert 5e-4 < likely < 8e-3
    assert {one.peak for one in answer.next_runs} == {tried}


def test_runs_that_have_not_ended_show_no_cooldown() -> None:
    cut = [curve.kept(curve.steps < 700) for curve in runs((4e-3,))]
    answer = choose(cut, LONG, plans=PLANS)
    assert answer.verdict == "not enough"
    assert answer.baselines == ()
    assert any("had not ended" in note for note in answer.notes)


@pytest.mark.parametrize("peak", [5e-4, 1e-3, 1.0001e-3])
def test_of_two_peaks_that_were_run_each_may_be_the_only_one_asked_for(peak: float) -> None:
    answer = choose(runs((5e-4, 1e-3)), LONG, peaks=[peak], plans=PLANS)
    assert answer.verdict in ("choose", "tie"), answer.reasons
    assert {one.peak for one in answer.ranked} == {peak}


@pytest.mark.parametrize("peak", [0.0320001, 0.0316])
def test_a_peak_that_is_nearly_the_one_that_was_run_is_that_peak(peak: float) -> None:
    assert choose(runs((0.032,)), LONG, peaks=[peak], plans=PLANS).verdict in ("choose", "tie")


@pytest.mark.parametrize("peaks", [[0.033], [0.032, 0.033]])
def test_a_peak_that_is_another_one_needs_runs_at_two(peaks: list[float]) -> None:
    answer = choose(runs((0.032,)), LONG, peaks=peaks, plans=PLANS)
    assert "runs at two peaks are needed" in answer.reasons[0]
    assert ("to tell of the peak 0.033" in answer.reasons[0]) == (len(peaks) == 1)


def warm(share: int, warmup: int, horizon: int) -> LossCurve:
    return run(plan_text(f"wsd(warmup={warmup}, cooldown={share}%)"), 4e-3, horizon=horizon)


def test_plans_that_nobody_wrote_are_left_out_where_they_do_not_fit() -> None:
    curves = [warm(20, 300, 1000), warm(60, 300, 1000)]
    answer = choose(curves, 1400)
    assert {one.plan for one in answer.ranked} == set(usual_plans(300, 1400))
    assert set(usual_plans(300, 1500)) - set(usual_plans(300, 1400)) == {"wsd(warmup=300, cooldown=80%)"}
    assert [one.name for one in answer.baselines] == [KEEP, LINEAR]


def test_a_baseline_that_does_not_fit_is_told() -> None:
    answer = choose([warm(20, 300, 1000), warm(50, 300, 1000)], 700)
    assert [one.name for one in answer.baselines] == [KEEP]
    assert any(f"{LINEAR!r} could not be told" in note and "does not fit 700 updates" in note for note in answer.notes)


def test_a_run_that_is_all_warm_up_leaves_nothing_to_compare() -> None:
    with pytest.raises(BadValue, match="room for a cooldown"):
        choose([warm(20, 300, 1000), warm(60, 300, 1000)], 250)


def test_tied_plans_are_asked_for_over_a_horizon_that_they_fit() -> None:
    near = ["wsd(warmup=300, cooldown=79%)", "wsd(warmup=300, cooldown=80%)"]
    answer = choose([warm(20, 300, 700), warm(50, 300, 700)], 1600, plans=near)
    assert answer.verdict == "tie", answer.reasons
    assert [one.horizon for one in answer.next_runs] == [1600, 1600]


def from_rates(curve: LossCurve) -> LossCurve:
    return LossCurve(curve.name, curve.steps, curve.losses, curve.rates)


def test_runs_without_the_text_of_a_plan_are_enough_and_have_both_baselines() -> None:
    told = choose(runs((4e-3,)), LONG, plans=PLANS)
    answer = choose([from_rates(curve) for curve in runs((4e-3,))], LONG, plans=PLANS)
    assert answer.verdict in ("choose", "tie")
    assert [one.name for one in answer.baselines] == [KEEP, LINEAR]
    assert [(one.plan, one.peak) for one in answer.baselines] == [(one.plan, one.peak) for one in told.baselines]


def test_a_shape_that_rates_do_not_tell_leaves_a_note_in_place_of_the_baseline() -> None:
    curves = [from_rates(run(plan, 4e-3)) for plan in ("warmup(20) | cosine()", "wsd(warmup=20, cooldown=5%)")]
    best = min(curves, key=lambda curve: curve.final)
    assert "cosine" in best.name
    answer = choose(curves, LONG, plans=PLANS)
    assert [one.name for one in answer.baselines] == [LINEAR]
    (note,) = [note for note in answer.notes if repr(KEEP) in note]
    assert best.name in note
    assert "names no plan" in note


def test_shapes_without_a_name_are_not_averaged_with_each_other() -> None:
    # On average the two shapes at the smaller peak lose, the better of them alone wins.
    low = [from_rates(run(f"wsd(warmup=20, cooldown={share}%)", 2e-3)) for share in (20, 60)]
    high = [from_rates(run("wsd(warmup=20, cooldown=40%)", 4e-3))]
    finals = {low[0]: 2.6, low[1]: 2.3, high[0]: 2.4}
    curves = [LossCurve(c.name, c.steps, np.append(c.losses[:-1], end), c.rates) for c, end in finals.items()]
    rivals, notes = humble(curves, evidence_of(curves), LONG)
    assert (rivals[KEEP].plan, rivals[KEEP].peak) == ("wsd(warmup=20, cooldown=60%)", 2e-3)
    assert not notes


def test_the_better_short_run_is_not_told_by_one_noisy_batch() -> None:
    chance, at = np.random.default_rng(0), np.arange(WARMUP, SHORT + 1)
    kept = []
    for _ in range(6):
        curves = []
        for share in (5, 60):
            plan = f"wsd(warmup=20, cooldown={share}%)"
            losses = loss_after(plan_rates(plan, 4e-3, SHORT), at) * np.exp(0.02 * chance.standard_normal(len(at)))
            curves.append(LossCurve.from_plan(plan, at, losses, plan, 4e-3, SHORT))
        last = min(curves, key=lambda curve: curve.final).plan
        kept.append((humble(curves, evidence_of(curves), LONG)[0][KEEP].plan, last))
    better = "wsd(warmup=20, cooldown=60%)"
    assert truth(better, 4e-3, SHORT) < truth("wsd(warmup=20, cooldown=5%)", 4e-3, SHORT)
    assert all(plan == better for plan, _ in kept)
    assert any(last != better for _, last in kept)  # of this noise one batch is misled


def test_the_order_of_the_runs_and_of_the_candidates_does_not_matter() -> None:
    curves, asked = runs((1e-3, 8e-3)), EVERY[:12]
    first = choose(curves, LONG, candidates=asked)
    for seed in range(2):
        dice = random.Random(seed)
        again = choose(dice.sample(curves, 4), LONG, candidates=dice.sample(asked, len(asked)))
        assert [(one.plan, one.peak) for one in again.ranked] == [(one.plan, one.peak) for one in first.ranked]
        assert [one.loss for one in again.ranked] == pytest.approx([one.loss for one in first.ranked], rel=1e-9)
        assert (again.verdict, again.tie[-1].plan) == (first.verdict, first.tie[-1].plan)


def test_the_unit_of_the_loss_and_of_the_rate_do_not_matter() -> None:
    curves = runs((4e-3,))
    first = choose(curves, LONG, plans=PLANS)
    doubled = [LossCurve.from_plan(c.name, c.steps, 2 * c.losses, c.plan, 100 * c.peak, SHORT) for c in curves]
    again = choose(doubled, LONG, plans=PLANS)
    assert [one.plan for one in again.ranked] == [one.plan for one in first.ranked]
    assert again.best.loss == pytest.approx(2 * first.best.loss, rel=1e-3)
    assert again.best.peak == pytest.approx(100 * first.best.peak)


def test_the_momentum_law_does_not_choose() -> None:
    with pytest.raises(BadValue, match="may forecast"):
        choose(runs((4e-3,)), LONG, laws=["momentum"])


def test_what_cannot_be_asked_is_told() -> None:
    curves = runs((4e-3,))
    with pytest.raises(BadValue, match="horizon=1"):
        choose(curves, 1)
    with pytest.raises(BadValue, match="one of both"):
        choose(curves, LONG, candidates=EVERY, plans=PLANS)
    with pytest.raises(BadValue, match="peak="):
        choose(curves, LONG, peaks=[-1.0])
    with pytest.raises(BadValue, match="level=2"):
        choose(curves, LONG, level=2)
    with pytest.raises(BadName, match="law="):
        choose(curves, LONG, laws=["multipower"])
