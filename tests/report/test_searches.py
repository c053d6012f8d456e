"""Pages about searches: plan against spending, sharing, decisions, beliefs, range tests; and a thousand runs."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from calando.cli.status import lines, state
from calando.lab.tuning.account import PHASES as SEARCHED
from calando.records import Candidate, Decision, Environment, SnapshotRef, StageRecord, Store, StudySpec, load
from calando.records.finding import Finding, Mark, Mini, RangeReading, Ride
from calando.records.tuning import Spending, Standpoint, Tuned, TuneSpec
from calando.report import build, page_html, write_html
from calando.report.figures import figures
from calando.report.spending import PHASES
from calando.report.terminal import text
from calando.report.words import part_of
from tests.report import studies

WICKED = "</script><b>out</b>"


@pytest.fixture(scope="module")
def tune(tmp_path_factory):
    """A finished study with a search around it: short runs, a shared trunk, a snapshot, decisions."""
    folder = tmp_path_factory.mktemp("tune") / "s"
    first = studies.write(folder, horizon=60, select=(0, 1), confirm=(1000, 1001, 1002))
    labels = [candidate.label for candidate in first.spec.candidates]
    with Store(folder) as store:
        short = studies.record(labels[0], labels[0], "cosine", 0.0, 0.1, 0, "short", 20)
        attempt = store.begin_attempt(1, short.spec.key, 7)
        store.finish(attempt, replace(short, reused=8, steps=20))
        sweep = studies.record(labels[0], labels[0], "cosine", 0.0, 0.3, 0, "range", 20)
        store.finish(store.begin_attempt(1, sweep.spec.key, 7), replace(sweep, status="diverged", final=None))
        store.end_attempt(store.begin_attempt(1, "z", 7), "lost", trained=13)
        ref = SnapshotRef(8, "s", "", 3_200_000)
        store.finish_stage(attempt, StageRecord("k@8", "k", 0, 8, snapshot=ref))
        store.drop_snapshot("k@8")
        store.save_fact("verb", "tune")
        store.save_fact("tune", TuneSpec("2runs", 5000, (20, 60)))
        points = (
            Standpoint(labels[0], 0.1, 0.47, 0.01, 0.7, 0.0, 9, 5),
            Standpoint(labels[1], 0.1, 0.49, 0.02, 0.2, 0.02, 7, 3, out=f"out: {WICKED}"),
        )
        spending = (Spending("short horizons", 30, 12, 1), Spending("full horizon", 4000, 3000, 60))
        store.save_fact("tuned", Tuned(labels[0], labels[0], 0.1, '{"decay": 0.01}', points, spending=spending))
        store.save_decisions(
            [Decision("short horizons", f"out: {WICKED}", labels[1], 7), Decision("choice", "at last")]
        )
    return load(folder)


def test_spending_stands_beside_the_plan(tune):
    bill = build(tune).bill
    assert [(phase.name, phase.planned, phase.spent) for phase in bill.phases] == [
        ("short horizons", 30, 12),
        ("full horizon", 4000, 3000),
    ]
    assert bill.words[0].startswith("The budget was 2runs (5,000 updates); ")


def test_sharing_lost_work_and_disk_are_told(tune):
    words = " ".join(build(tune).bill.words)
    spent = tune.spent
    assert f"trained it once: {spent.trained:,} updates instead of {spent.trained + 8:,}, " in words
    assert f"{spent.lost:,} updates were trained in vain" in words
    assert spent.lost >= 13
    assert "1 start left no finished run" in words
    assert "1 snapshot was written; at most 3.2 MB lay on the disk at a time, nothing does now." in words


def test_decisions_stand_by_phase_with_their_reasons(tune):
    page = build(tune)
    assert [(one.phase, len(one.lines)) for one in page.decided] == [("short horizons", 1), ("choice", 1)]
    assert page.decided[0].lines[0] == (tune.spec.candidates[1].label, f"out: {WICKED}", 7)


def test_beliefs_stand_where_there_is_no_evidence_and_say_so(tune):
    without = replace(tune, verdict=None)
    row = build(without).rows[0]
    assert (row.mean, row.believed) == (None, 0.47)
    html = page_html(build(without), static=True)
    assert "≈ 0.47" in html
    assert "A number after ≈ is what the search believes" in html


def test_the_page_of_a_search_has_its_sections_and_escapes_what_was_decided(tune):
    html = page_html(build(tune), static=True)
    for section in ("beliefs", "tries", "spent", "decided", "board", "curves"):
        assert f'<section id="{section}"' in html
    assert "&lt;/script&gt;&lt;b&gt;out&lt;/b&gt;" in html
    assert "<b>out</b>" not in html
    assert "with <code>decay" not in html, "the settings are the winner's, and another is recommended"
    kept = replace(tune, verdict=replace(tune.verdict, recommended=tune.spec.candidates[0].label))
    assert "with <code>decay=0.01</code>" in page_html(build(kept), static=True)


def undecided(tune):
    """The search chose what is no baseline, and its fresh seeds tell the two not apart: keep the baseline."""
    baseline, chosen = (candidate.label for candidate in tune.spec.candidates[:2])
    verdict = replace(tune.verdict, baseline=baseline, leader=chosen, recommended=baseline, tie_set=(chosen, baseline))
    facts = dict(tune.facts) | {"tuned": dict(tune.facts["tuned"]) | {"winner": chosen, "plan": "wsd()"}}
    return replace(tune, verdict=verdict, facts=facts), baseline, chosen


def test_what_is_taken_along_is_what_the_verdict_recommends(tune):
    study, baseline, chosen = undecided(tune)
    assert build(study).takeaway.label == baseline
    shown = replace(study, verdict=replace(study.verdict, recommended=chosen))
    assert build(shown).takeaway.label == chosen


def test_a_choice_that_is_not_shown_to_be_better_is_not_said_to_lead(tune):
    study, baseline, chosen = undecided(tune)
    rows = {row.label: row for row in build(study).rows}
    assert (rows[chosen].lead, rows[baseline].lead) == ("chosen", "")
    assert ' strong">chosen<' in page_html(build(study), static=True)
    assert "chosen" in text(build(study), 100).split("DIAGNOSIS")[0]
    shown = replace(study, verdict=replace(study.verdict, recommended=chosen))
    assert {row.label: row.lead for row in build(shown).rows}[chosen] == "leads"


def test_the_terminal_marks_the_schedule_that_is_recommended(tune):
    study, baseline, chosen = undecided(tune)
    for one in (baseline, chosen):
        board = text(build(replace(study, verdict=replace(study.verdict, recommended=one))), 100).split("DECISIONS")[0]
        marked = [line for line in board.splitlines() if "recommended" in line]
        assert len(marked) == 1
        assert f" {one} " in marked[0]
    assert max(map(len, text(build(study), 60).splitlines())) <= 60


def test_a_budget_that_is_nearly_spent_is_not_rounded_up_to_all_of_it(tune):
    trained = tune.spent.trained
    for limit, told in ((trained + 1, "99.9 %"), (trained, "100 %"), (4 * trained, "25 %")):
        facts = dict(tune.facts) | {"tune": dict(tune.facts["tune"]) | {"steps": limit}}
        assert build(replace(tune, facts=facts)).bill.words[0].endswith(f", {told} of it.")


def test_a_comparison_names_the_phases_of_its_decisions_as_it_names_them_everywhere(page, study):
    made = build(replace(study, decisions=(Decision("select", "peak 0.1", study.spec.candidates[0].label, 9),)))
    assert [one.phase for one in made.decided] == [page.bill.phases[0].name] == ["peak search"]


def test_status_and_page_give_the_same_figures(tune):
    told, page = state(tune), build(tune)
    assert told["phases"] == {one.name: {"runs": one.runs, "updates": one.spent} for one in page.bill.phases}
    assert f"({part_of(tune.spent.trained, 5000)})" in "".join(lines(told, 0))
    assert f", {part_of(tune.spent.trained, 5000)} of it." in page.bill.words[0]


def test_peaks_stand_on_the_axis_as_everywhere_else(tune):
    odd = replace(tune, runs=tuple(replace(r, spec=replace(r.spec, peak=0.0398002)) for r in tune.runs))
    ticks = {t for name, one in figures(build(odd)).items() if name.startswith("tries")
             for t in one["layout"]["xaxis"]["ticktext"]}  # fmt: skip
    assert ticks == {"0.0398"}


def test_range_tests_and_short_runs_are_not_diagnosed(tune, page):
    assert {group.phase for group in build(tune).groups} == {"select", "confirm"}
    assert {group.phase for group in page.groups} == {"select", "confirm"}


def test_the_terminal_tells_decisions_and_spending(tune):
    told = " ".join(text(build(tune), 100).split())
    assert "DECISIONS" in told
    assert "at last" in told
    assert "short horizons: 12 updates of 30 planned, 1 run" in told
    assert "The budget was 2runs (5,000 updates)" in told


def test_a_comparison_tells_its_phases_and_nothing_of_a_search(page):
    assert [phase.name for phase in page.bill.phases] == ["peak search", "confirmation"]
    html = page_html(page, static=True)
    assert '<section id="spent"' in html
    for section in ("beliefs", "tries", "decided", "finding"):
        assert f'<section id="{section}"' not in html


@pytest.fixture
def find(tmp_path: Path):
    """What `find` leaves behind."""
    spec = StudySpec(
        "At which peak?", "t.py:train", 80, (Candidate("linear_decay()", "linear_decay()"),),
        peaks=(1e-6, 10.0), select_seeds=(0, 1), confirm_seeds=(), baseline="linear_decay()",
    )  # fmt: skip
    rates = (1e-3, 1e-2, 1e-1)
    reading = RangeReading(
        True, low=1e-3, high=1e-1, edge=0.5, marks=(Mark("steepest", 0.02, ((0, 0.02), (1, None))),),
        rides=(Ride(0, rates, (1.0, 0.5, 0.9), (1.0, 0.5, 0.9)),), sentences=(f"It brackets. {WICKED}",),
    )  # fmt: skip
    finding = Finding(
        "found", "", "t.py:train", "linear_decay()", 80, 0.03, 0.01, 0.09, reading=reading,
        minis=(Mini(20, 0.01, 0, 0.5), Mini(20, 0.03, 0, 0.4), Mini(20, 0.1, 0, None, "diverged", 3)),
        headline="peak 0.03 over 80 updates", sentences=("Peak 0.03 over 80 updates.", "More."), not_proven=("Later.",),
    )  # fmt: skip
    with Store(tmp_path / "f") as store:
        store.save_spec(spec)
        store.begin_session(("calando", "find", "t.py:train"), 1, 1, Environment("3.11"))
        run = studies.record("range test", "linear_decay()", "linear", 0.0, 0.1, 0, "range", 20)
        store.finish(store.begin_attempt(1, run.spec.key, 7), run)
        store.save_fact("verb", "find")
        store.save_fact("finding", finding)
    return load(tmp_path / "f")


def test_the_page_of_find_has_its_answer_its_picture_and_no_leaderboard(find):
    page = build(find)
    assert page.answer.headline == "Peak 0.03 over 80 updates"
    assert page.answer.sentences == ("More.",)
    html = page_html(page, static=True)
    assert '<section id="finding"' in html
    assert "<svg" in html
    assert '<section id="board"' not in html
    assert "<b>out</b>" not in html
    assert "at most one full run (80 updates)" in html
    assert "linear_decay(" in html.partition('<section id="take"')[2]
    assert "lr=0.03" in html


def test_find_in_the_terminal_ends_with_the_answer(find):
    told = text(build(find), 80)
    assert "VERDICT  Peak 0.03 over 80 updates" in told
    assert "COST  1 run" in told


def test_runs_of_other_horizons_are_no_curves_of_the_full_one(tune):
    for chart in build(tune).losses:
        assert all(max(band.steps) > 20 for band in chart.bands)


@pytest.mark.alone
@pytest.mark.slow
def test_a_thousand_runs_make_a_page_in_five_seconds_and_ten_megabytes(tmp_path):
    plans = list(studies.SHAPES.items())
    shapes = {
        f"scale({name.rpartition(' | ')[2]}, by={1 - i / 1000:g})": shape for i in range(4) for name, shape in plans
    }
    study = studies.write(
        tmp_path / "s", shapes=shapes, horizon=300, select=tuple(range(10)), confirm=tuple(range(1000, 1010))
    )
    assert len(study.runs) == 1000
    write_html(studies.write(tmp_path / "warm", horizon=20, select=(0,), confirm=(1000, 1001)), tmp_path / "warm.html")
    slow = max(1.0, squares() / 0.1)  # how much slower this machine is, just now, than one that is at its best
    begun = time.process_time()
    page = write_html(study, tmp_path / "report.html")
    assert time.process_time() - begun < 5 * slow
    assert page.stat().st_size < 10e6


def squares() -> float:
    """Seconds that three million squares take."""
    begun = time.process_time()
    assert sum(i * i for i in range(3_000_000)) > 0
    return time.process_time() - begun


def test_what_the_search_saw_stands_by_horizon(tune):
    page = build(tune)
    assert [horizon for horizon, _ in page.tries] == [20, 60]
    assert [point.peak for point in page.tries[0][1][0].points] == [0.1]


def test_the_phases_of_a_search_are_called_alike_while_it_runs_and_when_it_is_over():
    assert [PHASES[phase] for phase in SEARCHED] == list(SEARCHED.values())
