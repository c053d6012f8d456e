"""The page of a transfer shows what the answer holds, and draws what it promises and nothing else."""

from pathlib import Path

import pytest

import calando
from calando.forecast import extend, transfer
from calando.report.answers import answer_html
from calando.report.answers.transfer import extension_page, transfer_page
from tests.cli.calling import said

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


def rates(page, part: int = -1):
    return [trace for trace in page.parts[part].pictures[0].figure["data"] if len(trace["x"]) > 2]


@pytest.mark.parametrize(
    ("lengths", "size"),
    [
        (("5ep", "90ep"), ("--steps-per-epoch", "100")),
        (("5000tok", "90000tok"), ("--tokens-per-step", "10")),
        (("500sa", "9000sa"), ("--samples-per-step", "1")),
    ],
)
@pytest.mark.parametrize("words", [("--to", "linear_decay", "--from"), ("--extend", "2x", "--plan")])
def test_a_plan_in_epochs_tokens_or_samples_has_its_page_too(words, lengths, size, tmp_path: Path) -> None:
    page = tmp_path / "answer.html"
    plan, horizon = f"warmup({lengths[0]}) | linear_decay()", lengths[1]
    text = said("transfer", *words, plan, "--horizon", horizon, *size, "--out", str(page))
    assert "9,000 updates" in text
    assert plan in text
    assert "<svg" in page.read_text()


def test_the_rates_in_a_page_are_those_of_the_plan_as_it_was_bound() -> None:
    sizes = {"steps_per_epoch": 10}
    source = calando.parse("wsd(warmup=5ep)").bind("40ep", **sizes)
    target = calando.parse("warmup(5ep) | cosine").bind(400, steps_per_epoch=20)
    found = transfer(source, [target, "linear_decay"], peak=1e-3)
    drawn = rates(transfer_page(found))
    for trace, schedule, peak in (drawn[0], source, 1e-3), (drawn[1], target, found.targets[0].peak):
        assert list(trace["x"]) == list(range(400))
        assert list(trace["y"]) == pytest.approx([schedule(step) * peak for step in range(400)], rel=1e-4)
    falling = calando.parse("warmup(5ep) | cosine").bind("40ep", **sizes)
    longer = extend(falling, 2, peak=1e-3)
    assert longer.ways[0].plan.startswith("warmup(5ep)")
    (as_it_is, *_) = rates(extension_page(longer))
    schedule = falling.plan.bind(800, **sizes)
    assert list(as_it_is["y"]) == pytest.approx([schedule(int(step)) * 1e-3 for step in as_it_is["x"]], rel=1e-4)
