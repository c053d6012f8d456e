"""The page of a transfer shows what the answer holds, and draws what it promises and nothing else."""

import pytest

from calando.forecast import extend, transfer
from calando.report.answers import answer_html
from calando.report.answers.transfer import extension_page, transfer_page

PLANS = ["linear_decay()", "cosine(end=0.1)", "reduce_on_plateau(cosine())"]


def test_every_plan_has_a_row_with_its_peak_or_a_dash() -> None:
    page = transfer_page(transfer("wsd()", PLANS, peak=1e-3))
    table = page.parts[0].table
    assert table is not None
    assert [row[0] for row in table.rows] == ["wsd(cooldown=20%)", *PLANS]
    assert [row[2] for row in table.rows] == ["1e-3", "1.94e-3", "–", "–"]
    assert [row[4] for row in table.rows] == ["given", "best guess", "a range, no best guess", "no answer"]
    assert any("floor" in line for line in page.doubts)


def test_what_is_not_promised_has_no_mark_in_the_picture() -> None:
    page = transfer_page(transfer("wsd()", PLANS, peak=1e-3))
    (picture,) = page.parts[0].pictures
    marked = {trace["meta"] for trace in picture.figure["data"] if trace["mode"] == "markers"}
    assert marked == {1}
    assert [label for _, label in picture.key] == [
        "wsd(cooldown=20%)",
        "linear_decay()",
        "cosine(end=0.1)",
    ]  # nothing known, not drawn


def test_without_a_peak_there_are_ratios() -> None:
    page = transfer_page(transfer("wsd()", ["linear_decay()"]))
    assert page.headline == "linear_decay(): 1.94 times the best peak of wsd(cooldown=20%)."
    assert "1.94" in answer_html(page)


def test_where_nothing_is_promised_the_answer_is_open() -> None:
    page = transfer_page(transfer("wsd()", ["cosine(end=0.1)"], peak=1e-3))
    assert not page.settled
    assert "no best guess" in page.headline


def test_small_learning_rates_keep_their_digits_on_the_axes() -> None:
    text = answer_html(transfer_page(transfer("wsd()", ["linear_decay()"], peak=1e-3)))
    assert ">0.002<" in text
    assert ">0.00<" not in text


@pytest.mark.parametrize("peak", [1e-3, None])
def test_the_ways_to_a_longer_run_stand_side_by_side(peak: float | None) -> None:
    found = extend("wsd()", 2, peak=peak, horizon=4000)
    page = extension_page(found, "calando transfer --extend 2x")
    table = page.parts[0].table
    assert table is not None
    assert [row[0] for row in table.rows] == [way.name for way in found.ways]
    assert [table.rows[i][0] for i in table.strong] == [found.advice]
    assert page.headline.startswith("Cooldown")
    assert "calando transfer --extend 2x" in answer_html(page)


def test_a_run_that_cannot_be_helped_is_told_so() -> None:
    page = extension_page(extend("reduce_on_plateau(cosine())", 2, peak=1e-3, horizon=4000))
    assert not page.settled
    assert answer_html(page)
