"""The picture of a search: from the answer alone, self-contained, every text escaped."""

from dataclasses import replace

from calando.lab.finding.strategy import FindStrategy
from calando.lab.finding.verdict import conclude
from calando.records.finding import Finding
from calando.report.finding import finding_html, finding_png, finding_svg
from tests.lab.finding.made import bowl, played, question


def answer() -> Finding:
    return conclude(played(FindStrategy(question()), bowl(0.02, -0.3)))


def test_the_picture_names_seeds_rules_lengths_and_the_best_guess() -> None:
    drawn = finding_svg(answer())
    for words in ("seed 0", "seed 2", "edge", "60 updates", "240 updates", "best guess", "80 % at 960 updates"):
        assert words in drawn


def test_the_same_answer_gives_the_same_picture() -> None:
    assert finding_svg(answer()) == finding_svg(answer())


def test_no_user_text_becomes_markup() -> None:
    page = finding_html(replace(answer(), train="<script>alert(1)</script>", metric="<b>loss</b>"))
    assert "<script>" not in page
    assert "<b>loss" not in page


def test_a_search_without_a_signal_is_drawn_too() -> None:
    nothing = Finding("no signal", "flat", "t.py:train", "linear_decay()", 600)
    assert "none were made" in finding_svg(nothing)
    assert finding_png(nothing).startswith(b"\x89PNG")
