"""The page holds the right numbers before anything is drawn."""

import math
from dataclasses import replace

import pytest

from calando import parse
from calando.records import Candidate, Curve, RunRecord, RunSpec, Study, StudySpec
from calando.report import build
from calando.report.curves import reach
from tests.report import studies

COSINE = "warmup(5%) | cosine(end=0.1)"
WSD = "wsd(warmup=5%, cooldown=20%)"


def row(page, label):
    return next(r for r in page.rows if r.label == label)


def test_the_answer_is_the_verdicts_own(page, study):
    assert page.answer.headline == study.verdict.headline
    assert page.answer.sentences == study.verdict.sentences
    assert page.answer.not_proven == study.verdict.not_proven
    assert page.answer.tie_set == study.verdict.tie_set
    assert "5 more seeds" in page.answer.more[0]


def test_every_candidate_has_a_row_at_its_own_best_peak_in_the_verdicts_order(page, study):
    assert [r.label for r in page.rows] == [s.label for s in study.verdict.standings]
    for one in page.rows:
        standing = study.verdict.standing(one.label)
        assert (one.peak, one.mean, one.interval) == (standing.peak, standing.mean, standing.interval)


def test_the_mean_of_a_row_is_that_of_its_recorded_evidence(page, study):
    finals = [r.final for r in study.of(WSD) if r.spec.phase == "confirm"]
    assert row(page, WSD).mean == pytest.approx(sum(finals) / len(finals))
    assert row(page, WSD).seeds == 6


def test_differences_are_to_the_baseline_and_the_baseline_has_none(page, study):
    assert row(page, COSINE).difference is None
    assert row(page, COSINE).baseline
    expected = study.verdict.standing(WSD).versus_baseline.interval
    assert row(page, WSD).difference == expected
    assert row(page, WSD).standing == "better"


def test_the_baseline_has_slot_zero_and_the_others_their_own(page):
    slots = [r.slot for r in page.rows]
    assert sorted(slots) == list(range(len(slots)))
    assert row(page, COSINE).slot == 0


def test_costs_add_up_to_what_the_records_say(page, study):
    assert page.search.runs + page.proof.runs == len(study.runs)
    assert page.search.steps + page.proof.steps == sum(r.steps for r in study.runs)
    assert page.search.seconds + page.proof.seconds == pytest.approx(study.seconds)
    assert sum(r.proof.steps for r in page.rows) == page.proof.steps


def test_the_peak_grid_holds_every_peak_with_its_seeds_and_losses(page):
    one = next(p for p in page.peaks if p.label == WSD)
    assert [p.peak for p in one.points] == list(studies.PEAKS)
    assert one.points[-1].diverged == 3
    assert one.points[-1].mean is None
    assert len(one.points[0].values) == 3
    assert one.chosen == 0.1


def test_learning_rates_are_those_that_the_optimizer_used(page, study):
    line = next(entry for entry in page.rates.lines if entry.label == COSINE)
    used = next(r for r in study.of(COSINE) if r.spec.phase == "confirm").curve("lr")
    assert (
        dict(zip(line.steps, line.values, strict=True)).items()
        <= dict(zip(map(float, used.steps), used.values, strict=True)).items()
    )
    assert max(line.values) == max(used.values)


def test_the_metric_comes_first_and_its_band_holds_its_mean(page):
    assert [chart.quantity for chart in page.losses] == ["val_loss", "train_loss"]
    for band in page.losses[0].bands:
        assert all(a <= b <= c for a, b, c in zip(band.low, band.mean, band.high, strict=True))
    assert page.losses[0].bands[0].seeds == 6


def test_curves_of_runs_that_were_lost_are_no_part_of_a_band(page):
    band = next(b for b in page.losses[0].bands if "step_decay" in b.label)
    assert band.seeds == 5


def test_the_last_point_of_the_band_is_the_leaderboards_mean(page):
    for band in page.losses[0].bands:
        assert band.mean[-1] == pytest.approx(row(page, band.label).mean)


def test_steps_to_the_baselines_result_are_counted_in_updates(page):
    baseline = row(page, COSINE)
    assert page.target == baseline.mean
    assert row(page, "constant()").reach.met == 0
    assert row(page, "constant()").reach.median is None
    assert 0 < row(page, WSD).reach.median <= 400


def run(seed, values, metric="val_loss"):
    curve = Curve(tuple(range(9, 10 * len(values), 10)), tuple(values))
    return RunRecord(RunSpec("c", "c", 0.1, seed, 100, "confirm"), "done", final=values[-1], curves={metric: curve})


def test_reach_is_the_first_evaluation_at_or_below_the_target():
    found = reach([run(0, [3, 2, 1]), run(1, [3, 3, 2])], "val_loss", "min", 100, 2.0)
    assert found.steps == ((0, 20), (1, 30))
    assert found.median == 25
    assert found.share == 0.25


def test_reach_counts_upwards_when_higher_is_better():
    found = reach([run(0, [0.3, 0.8])], "val_loss", "max", 100, 0.5)
    assert found.steps == ((0, 20),)


def test_reach_has_no_median_when_most_seeds_never_met_it():
    found = reach([run(0, [1]), run(1, [3]), run(2, [3])], "val_loss", "min", 100, 2.0)
    assert (found.met, found.median) == (1, None)


def test_a_value_that_is_not_a_number_never_meets_the_target():
    assert reach([run(0, [math.nan])], "val_loss", "min", 100, 2.0).met == 0


def test_what_was_planted_is_diagnosed(page):
    tally = {kind: number for kind, _, number in page.tally}
    assert tally["failed"] == 1
    assert tally["diverged"] == 12
    assert tally["overfitting"] >= 6
    evidence = {g.label: g for g in page.groups if g.phase == "confirm"}
    assert evidence["constant()"].common[0][0].kind == "overfitting"
    assert evidence["constant()"].common[0][1] == tuple(range(1000, 1006))
    assert not evidence[WSD].troubled


def test_no_finding_blames_a_healthy_schedule_at_its_best_peak(page):
    for label in (COSINE, WSD, "warmup(5%) | linear_decay()"):
        group = next(g for g in page.groups if g.label == label and g.phase == "confirm")
        assert [finding.kind for finding, _ in group.common] == ["healthy"]


def test_the_failed_run_keeps_its_traceback(page):
    noted = [note for g in page.groups for note in g.runs if note.status == "failed"]
    assert len(noted) == 1
    assert "labels must lie in" in noted[0].traceback


def test_the_snippet_is_python_and_names_plan_peak_and_horizon(page):
    compile(page.takeaway.snippet, "snippet", "exec")
    assert f'calando.parse("{parse(WSD)}")' in page.takeaway.snippet
    assert "lr=0.1)" in page.takeaway.snippet
    assert "plan.bind(400, steps_per_epoch=40)" in page.takeaway.snippet


def won_by(study, plan, peak=0.1):
    """The page of a study whose leader is this plan at this peak."""
    label = study.verdict.leader
    spec = replace(study.spec, candidates=tuple(replace(c, plan=plan) for c in study.spec.candidates))
    standings = tuple(replace(s, peak=peak) if s.label == label else s for s in study.verdict.standings)
    return build(replace(study, spec=spec, verdict=replace(study.verdict, standings=standings)))


def test_the_snippet_tells_a_plan_that_listens_its_metric_as_often_as_the_study_did(study):
    source = won_by(study, "reduce_on_plateau(constant(), patience=1)").takeaway.snippet
    assert f"if (step + 1) % {study.spec.horizon // study.spec.evals} == 0:" in source
    assert "scheduler.step(loss.item())" in source


@pytest.mark.parametrize("plan", ["reduce_on_plateau(constant(), patience=1)", "cosine()"])
@pytest.mark.parametrize("peak", [0.1, None])
def test_the_snippet_runs_as_it_stands(study, plan, peak, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)  # where it leaves its checkpoint
    exec(compile(won_by(study, plan, peak).takeaway.snippet, "snippet", "exec"), {})


def test_the_snippet_is_that_of_calando_export(study):
    from calando.core.snippet import torch_code

    bound = parse("cosine()").bind(study.spec.horizon, steps_per_epoch=study.spec.steps_per_epoch)
    assert won_by(study, "cosine()").takeaway.snippet == torch_code(bound, 0.1)


def test_a_plan_that_cannot_be_read_gives_no_snippet_and_keeps_the_command(study):
    page = won_by(study, "'); import os; os.abort(); ('")
    assert page.takeaway.snippet == ""
    assert page.takeaway.command


def test_the_command_can_be_pasted_into_a_shell(page):
    import shlex

    assert shlex.split(page.takeaway.command)[:2] == ["calando", "compare"]
    assert COSINE in shlex.split(page.takeaway.command)


def test_a_study_without_a_verdict_says_what_is_missing_and_shows_what_there_is(tmp_path):
    page = build(studies.write(tmp_path / "half", finished=False, horizon=60, select=(0,)))
    assert page.answer.headline == "Not finished: 20 runs ended so far."
    assert not page.answer.finished
    assert len(page.rows) == 5
    assert page.rates is not None


def test_a_study_without_runs_is_a_page_too():
    spec = StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),), baseline="c")
    page = build(Study(spec))
    assert page.rows[0].rank is None
    assert (page.peaks, page.rates, page.losses, page.groups, page.takeaway) == ((), None, (), (), None)


def test_two_candidates_of_one_plan_keep_their_own_runs_and_curves(study):
    named = (*study.spec.candidates, Candidate("mine", WSD, peak=0.3))
    steps = tuple(range(400))
    curves = {"lr": Curve(steps, (0.3,) * 400), "val_loss": Curve((199, 399), (0.9, 0.8))}
    mine = tuple(
        RunRecord(RunSpec("mine", WSD, 0.3, seed, 400, "confirm"), "done", final=0.8, curves=curves, steps=400)
        for seed in (1000, 1001)
    )
    page = build(replace(study, spec=replace(study.spec, candidates=named), runs=(*mine, *study.runs)))
    alone = build(study)
    assert (row(page, "mine").search.runs, row(page, "mine").proof.runs) == (0, 2)
    assert row(page, WSD).proof == row(alone, WSD).proof
    assert row(page, WSD).reach == row(alone, WSD).reach
    lines = {line.label: line for line in page.rates.lines}
    assert set(lines["mine"].values) == {0.3}
    assert max(lines[WSD].values) == 0.1
    bands = {band.label: band for band in page.losses[0].bands}
    assert (bands["mine"].seeds, bands[WSD].seeds) == (2, 6)


PINNED = (Candidate("a", "cosine()", peak=0.1), Candidate("b", "cosine()", peak=0.3))
NONE_CHOSEN = "6 as evidence; no peak was chosen by any"
FREE = (Candidate("c", "cosine()"),)


@pytest.mark.parametrize(
    ("candidates", "peaks", "place", "grid", "seeds"),
    [
        (FREE, (0.1, 0.3), "at its own best peak", "0.1, 0.3", "3 to choose peaks, 6 others as evidence"),
        (FREE, (0.1,), "at peak 0.1", "0.1", NONE_CHOSEN),
        (FREE, (), "at the optimizer’s own rates", "the optimizer's own rates", NONE_CHOSEN),
        (PINNED, (), "at the peak that was given for it", "0.1, 0.3 (given)", NONE_CHOSEN),
        (
            FREE + PINNED, (0.03, 0.1), "at its own best peak, or at the peak that was given for it",
            "0.03, 0.1; 0.1, 0.3 (given)", "3 to choose peaks, 6 others as evidence",
        ),
    ],
)  # fmt: skip
def test_what_it_says_of_peaks_is_what_was_done(candidates, peaks, place, grid, seeds):
    page = build(Study(StudySpec("Which?", "t.py:t", 10, candidates, peaks=peaks, baseline=candidates[0].label)))
    facts = {fact.name: fact.value for fact in page.facts}
    assert page.at_peak == place
    assert facts.get("peaks tried", facts.get("peaks")) == grid
    assert facts["seeds"] == seeds


def test_the_same_records_give_the_same_page(study, page):
    assert build(study) == page


def test_an_accuracy_that_rises_keeps_a_linear_axis_and_a_loss_over_decades_gets_a_logarithmic_one(study):
    rising = Curve(tuple(range(50)), tuple(0.05 + 0.018 * t for t in range(50)))
    falling = Curve(tuple(range(50)), tuple(2.0 * 0.9**t for t in range(50)))
    runs = tuple(replace(r, curves={"val_loss": falling, "val_accuracy": rising}) for r in study.runs)
    axes = {chart.quantity: chart.log for chart in build(replace(study, runs=runs)).losses}
    assert axes == {"val_loss": True, "val_accuracy": False}
