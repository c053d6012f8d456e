"""Studies at the edges: one seed, no peaks, no evidence, many schedules, higher is better."""

from dataclasses import replace

import pytest

from calando.records import Candidate, Curve, Interval, RunRecord, RunSpec, Standing, Study, StudySpec, Verdict
from calando.report import build, page_html
from calando.report.terminal import text
from tests.report.test_html import Reader


def one_run(label, seed=1000, peak=None, final=0.5, **more):
    steps = tuple(range(20))
    curves = {
        "lr": Curve(steps, tuple(0.1 for _ in steps)),
        "train_loss": Curve(steps, tuple(2.0 / (1 + t) for t in steps)),
        "val_loss": Curve((9, 19), (0.9, final)),
    }
    return RunRecord(RunSpec(label, label, peak, seed, 20, "confirm"), "done", final=final, curves=curves, **more)


def small(labels, **more):
    spec = StudySpec("Which?", "t.py:t", 20, tuple(Candidate(x, x) for x in labels), baseline=labels[0], **more)
    runs = tuple(one_run(x, final=0.5 + 0.01 * i) for i, x in enumerate(labels))
    standings = tuple(
        Standing(i + 1, x, x, "candidate", None, 0.5 + 0.01 * i, None, ((1000, 0.5 + 0.01 * i),), tied=True)
        for i, x in enumerate(labels)
    )
    verdict = Verdict("val_loss", "min", 0.95, 0.0, labels[0], labels[0], tuple(labels), labels[0], standings)
    return Study(spec, runs=runs, verdict=verdict)


def both_forms(study):
    page = build(study)
    for static in (True, False):
        seen = Reader(page_html(page, static=static))
        assert (seen.problems, seen.stack) == ([], [])
    return page, " ".join(" ".join(seen.words).split())


def test_one_seed_and_the_optimizers_own_rates():
    page, words = both_forms(small(["constant()", "cosine()"]))
    assert page.rows[0].interval is None
    assert "own rates" in words
    assert "Every schedule at the optimizer’s own rates." in words
    assert "its own rate is factor 1" in page.takeaway.snippet
    assert "own rates" in text(page, 60)


def test_twenty_schedules_with_long_names():
    labels = [f"warmup({i}%) | " + " | ".join(["cosine(end=0.1, length=100)"] * 8) for i in range(20)]
    page, _ = both_forms(small(labels))
    assert max(map(len, text(page, 60).splitlines())) <= 60


@pytest.mark.parametrize(("confidence", "shown"), [(0.95, "95 %"), (0.999, "99.9 %"), (0.99999, "99.999 %")])
def test_a_confidence_is_never_rounded_up_to_certainty(confidence, shown):
    study = small(["a", "b"], confidence=confidence)
    spans = tuple(replace(s, interval=Interval(0.5, 0.4, 0.6, confidence, 2)) for s in study.verdict.standings)
    _, words = both_forms(replace(study, verdict=replace(study.verdict, standings=spans)))
    assert f"with {shown} intervals" in words


def test_a_candidate_for_which_no_peak_was_chosen_has_a_dash_and_no_rates():
    study = small(["a", "b"], peaks=(0.1, 0.3))
    page, words = both_forms(replace(study, verdict=replace(study.verdict, tie_set=())))
    assert [r.settled for r in page.rows] == [False, False]
    assert "own rates" not in text(page, 80).split("DIAGNOSIS")[0]
    assert "own rates" not in words.split("Diagnosis")[0].split("Leaderboard")[-1]


def test_a_label_without_end_is_shortened_and_whole_in_a_title():
    label = "x" * 30_000 + "y" * 20_000
    study = small([label, "b"])
    lead = replace(study.verdict, headline=f"{label} is best.", sentences=(f"So {label} leads; {label} is it.",))
    page, words = both_forms(replace(study, verdict=lead))
    assert len(words) < 30_000
    assert "x" * 201 not in words
    static = page_html(page, static=True)
    assert f'title="{label}"' in static
    assert " leads; xxx" in words
    assert len(text(page, 80)) < 5_000


def test_a_verdict_that_nobody_finished():
    study = small(["a", "b"])
    runs = tuple(replace(r, status="failed", final=None, curves={}, traceback="", reason="hung") for r in study.runs)
    standings = tuple(replace(s, mean=None, values=((1000, None),), failed=1) for s in study.verdict.standings)
    verdict = replace(study.verdict, leader=None, tie_set=(), recommended=None, standings=standings)
    page, words = both_forms(replace(study, runs=runs, verdict=verdict))
    assert page.answer.headline == "No candidate finished."
    assert "hung" in words
    assert "1 failed" in text(page, 60)


def test_higher_is_better_turns_the_words_round():
    study = small(["a", "b"], mode="max")
    page, words = both_forms(replace(study, verdict=replace(study.verdict, mode="max")))
    assert "higher is better" in words
    assert page.better == "higher"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e-300])
def test_wild_values_in_curves_break_nothing(value):
    study = small(["a", "b"])
    wild = Curve((0, 9, 19), (1.0, value, 0.5))
    runs = tuple(replace(r, curves={**r.curves, "val_loss": wild, "train_loss": wild}) for r in study.runs)
    both_forms(replace(study, runs=runs))


def test_steps_that_repeat_and_curves_of_one_point_break_nothing():
    study = small(["a", "b"])
    odd = {"lr": Curve((0,), (0.1,)), "train_loss": Curve((3, 3, 3), (1.0, 2.0, 3.0)), "val_loss": Curve((19,), (0.5,))}
    both_forms(replace(study, runs=tuple(replace(r, curves=odd) for r in study.runs)))
