"""What a found peak says of the humble plans' peaks: theory's ratio, both uncertainties, and what is not told."""

import json
import math
from dataclasses import replace

import pytest

from calando.forecast import transfer
from calando.lab.finding.carrying import carry
from calando.lab.finding.strategy import FindStrategy
from calando.lab.finding.verdict import conclude
from calando.records.finding import Finding
from calando.records.plain import decode, encode
from calando.report.finding import finding_html
from tests.lab.finding.made import bowl, played, question

FOUND = Finding("found", "", "t.py:train", "linear_decay()", 640, 0.01, 0.005, 0.04)


def test_the_peaks_are_the_transfers_and_their_range_holds_both_uncertainties() -> None:
    theory = {
        one.plan: one for one in transfer("linear_decay()", ["cosine()", "wsd()"], peak=0.01, horizon=640).targets
    }
    carried = carry(FOUND)
    assert [one.plan for one in carried] == ["cosine()", "wsd(cooldown=20%)"]
    for one in carried:
        alone = theory[one.plan]
        assert one.best == alone.peak
        assert math.log(one.best / one.low) ** 2 == pytest.approx(
            math.log(2) ** 2 + math.log(alone.peak / alone.peak_low) ** 2
        )
        assert math.log(one.high / one.best) ** 2 == pytest.approx(
            math.log(4) ** 2 + math.log(alone.peak_high / alone.peak) ** 2
        )


def test_neither_the_plan_itself_nor_what_theory_refuses_is_told() -> None:
    assert "constant()" not in {one.plan for one in carry(FOUND)}, "it ends above zero"
    assert {one.plan for one in carry(replace(FOUND, shape="wsd(cooldown=20%)"))} == {"cosine()", "linear_decay()"}
    assert carry(replace(FOUND, shape="cosine(end=0.1)")) == (), "from a floor theory promises nothing"


@pytest.mark.parametrize("outcome", ["edge", "no signal"])
def test_without_an_interval_nothing_is_carried(outcome: str) -> None:
    assert carry(replace(FOUND, outcome=outcome, low=None, high=None)) == ()


def test_a_plan_in_epochs_is_carried_over_its_own_horizon() -> None:
    inside, shares = (replace(FOUND, shape=f"warmup({length}) | cosine()") for length in ("1ep", "10%"))
    assert carry(inside, steps_per_epoch=64) == carry(shares)


def test_the_answer_says_so_in_words_on_the_page_and_in_json() -> None:
    found = conclude(played(FindStrategy(question()), bowl(0.02, -0.3)))
    line = next(said for said in found.sentences if said.startswith("By theory, nothing trained"))
    assert f"for cosine() is {found.transferred[0].best:.2g}, between" in line
    assert line.split(",")[0] in finding_html(found)
    assert decode(Finding, encode(found), "here") == found


def test_an_answer_written_before_there_were_any_is_still_read() -> None:
    old = json.loads(encode(FOUND))
    del old["transferred"]
    assert decode(Finding, json.dumps(old), "here") == FOUND
