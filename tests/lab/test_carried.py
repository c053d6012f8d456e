"""Every candidate at its own peak, carried over from one that is known: grids, words, going on, refusals."""

from pathlib import Path
from typing import Any

import pytest

from calando.errors import BadValue, DoesNotFit, LabError
from calando.forecast import transfer
from calando.lab import compare
from calando.lab.carried import carried_over, read_known
from calando.lab.judge import judge
from calando.lab.question import reconcile
from calando.lab.strategy import walk
from calando.records import Candidate
from calando.records.plain import decode, encode
from calando.records.study import StudySpec
from calando.report.build import build
from tests.lab.made import played, spec
from tests.lab.small import QUADRATIC

PLANS = ("linear_decay()", "wsd()", "constant()", "reduce_on_plateau(constant())")


def carried(around: int = 1, plans: tuple[str, ...] = PLANS, **changes: Any) -> StudySpec:
    return carried_over(spec(*plans, peaks=(0.1,), **changes), ("linear_decay()", 0.1), around)


def tried(question: StudySpec) -> dict[str, tuple[float, ...]]:
    return {one.plan: one.peaks for one in question.candidates}


def test_each_shape_has_the_peak_that_theory_carries_over_to_it() -> None:
    ratios = {t.plan: t for t in transfer("linear_decay()", list(PLANS), peak=0.1, horizon=100).targets}
    wsd, flat = ratios["wsd(cooldown=20%)"], ratios["constant()"]
    found = tried(carried())
    assert found["linear_decay()"] == (0.1,)
    assert found["wsd()"] == pytest.approx((wsd.peak,), rel=1e-3)
    assert found["constant()"] == pytest.approx(
        (flat.peak_low, (flat.peak_low * flat.peak_high) ** 0.5, flat.peak_high), rel=1e-3
    ), "a range and no best guess: three peaks over it"
    assert found["reduce_on_plateau(constant())"] == (0.1,), "it listens: the known peak"


def test_more_peaks_stand_a_factor_2_apart_around_the_one_carried_over() -> None:
    one, three = tried(carried())["wsd()"][0], tried(carried(3))["wsd()"]
    assert three == pytest.approx((one / 2, one, 2 * one), rel=1e-3)
    assert tried(carried(3))["reduce_on_plateau(constant())"] == (0.05, 0.1, 0.2)
    assert len(tried(carried(5))["constant()"]) == 5


def test_a_pinned_peak_stays_as_it_is() -> None:
    question = spec(peaks=(0.1,), candidates=(Candidate("mine", "cosine()", peak=0.3), Candidate("w", "wsd()")))
    mine, other = carried_over(question, ("linear_decay()", 0.1), 3).candidates
    assert (mine.peak, mine.peaks, mine.origin) == (0.3, (), "")
    assert len(other.peaks) == 3


def test_a_grid_of_its_own_is_walked_chosen_from_and_grown() -> None:
    question = carried(3, ("linear_decay()", "wsd()"), extend=1)
    best = tried(question)["wsd()"][2] * 2
    runs = played(question, lambda run: abs((run.peak or 0.0) - best) + run.seed * 1e-6)
    chosen = walk(question, question.candidates[1], runs).selection
    assert chosen is not None
    assert chosen.peak == pytest.approx(best, rel=1e-3)
    assert [score.extended for score in chosen.scores] == [False, False, False, True]
    alone = carried(1, ("wsd()",))
    assert {run.phase for run in walk(alone, alone.candidates[0], {}).left} == {"confirm"}, "nothing is chosen"


def test_verdict_and_page_tell_where_each_peak_comes_from() -> None:
    question = carried(3, ("linear_decay()", "wsd()", "constant()"))
    verdict = judge(question, played(question, lambda run: (run.peak or 0.0) + run.seed * 1e-3))
    said = [line for line in verdict.sentences if line.startswith("Tried for ")]
    assert len(said) == 3
    assert said[0] == "Tried for linear_decay(): peak 0.05, 0.1 and 0.2; 0.1, the best peak given for linear_decay()."
    assert " times 0.1, the best peak given for linear_decay(), by theory; to be looked for between" in said[1]
    assert "a range and no best guess: it ends at 100 % of its peak" in said[2]


def test_the_question_is_kept_and_old_ones_are_read() -> None:
    question = carried(3)
    assert decode(StudySpec, encode(question), "here") == question
    plain = spec()
    assert decode(StudySpec, encode(plain).replace('"origin":""', '"role":"candidate"'), "here") == plain


def test_more_peaks_extend_a_study_and_other_peaks_are_refused() -> None:
    one, three = carried(1), carried(3)
    assert reconcile(one, three) == three
    with pytest.raises(LabError, match="carried over to"):
        reconcile(three, one)
    with pytest.raises(LabError, match=r"carried over to .*wsd"):
        reconcile(one, carried_over(spec(*PLANS, peaks=(0.1,)), ("cosine()", 0.2), 1))


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"transfer": "linear_decay"}, "compare.transfer"),
        ({"transfer": ("linear_decay() @ 0.1", 0.1)}, "compare.transfer"),
        ({"transfer": ("linear_decay", -0.1)}, "compare.transfer"),
        ({"transfer": ("linear_decay", 0.1), "peaks": [0.1]}, "compare.peaks"),
        ({"transfer": ("linear_decay", 0.1), "around": 10}, "compare.around"),
        ({"around": 3}, "compare.around"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], where: str) -> None:
    whole = {"transfer": None, "peaks": (), "around": 1, **given}
    with pytest.raises(BadValue) as caught:
        read_known(whole["transfer"], whole["peaks"], whole["around"])
    assert caught.value.where == where


def test_a_known_plan_that_does_not_fit_is_told_in_the_studys_words() -> None:
    with pytest.raises(DoesNotFit, match="add --steps-per-epoch"):
        carried_over(spec("wsd()", peaks=(0.1,)), ("warmup(1ep) | cosine()", 0.1), 1)


def test_a_real_study_trains_each_schedule_at_its_own_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = compare(
        f"{QUADRATIC}:train", ["linear_decay()", "wsd()"], transfer=("linear_decay", 0.05), humble=False, seeds=1,
        confirm_seeds=2, steps=20, evals=1, extend=0, live=False, study="s",
    )  # fmt: skip
    assert {run.spec.peak for run in found.of("linear_decay()")} == {0.05}
    assert {run.spec.peak for run in found.of("wsd()")} == set(found.spec.candidate("wsd()").peaks)
    facts = {fact.name: fact.value for fact in build(found).facts}
    assert "carried over from one by theory" in facts["peaks tried"]
