"""The picture of a search: from the answer alone, self-contained, every text escaped."""

from dataclasses import replace

from calando.lab.finding.strategy import FindStrategy
from calando.lab.finding.verdict import conclude
from calando.records.finding import Finding, Mini
from calando.report.finding import finding_html, finding_png, finding_svg
from tests.lab.finding.made import bowl, played, question


def answer() -> Finding:
    return conclude(played(FindStrategy(question()), bowl(0.02, -0.3)))


def test_the_picture_names_seeds_rules_lengths_and_the_best_guess() -> None:
    drawn = finding_svg(answer())
    for words in ("seed 0", "seed 2", "edge", "60 updates", "240 updates", "best guess", "80 % belief at 960 updates"):
        assert words in drawn


def test_the_picture_and_the_page_say_what_the_interval_means() -> None:
    assert "band: where the best peak over 960 updates is believed to lie" in finding_svg(answer())
    assert "it is no confidence interval over seeds" in finding_html(answer())
    edge = conclude(played(FindStrategy(question()), bowl(1e-9, 0.0)))
    assert "band:" not in finding_svg(edge)
    assert "no confidence interval" not in finding_html(edge)


def test_both_exponents_are_told_with_what_each_is() -> None:
    page = finding_html(answer())
    assert "Between these lengths it moved with the horizon to the power" in page
    assert "From 240 to 960 updates it is taken to move with the power" in page


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


def test_runs_without_a_result_are_named_and_titles_begin_with_a_capital() -> None:
    found = answer()
    lost = replace(found, minis=(*found.minis, Mini(60, 1.0, 0, None, "diverged")))
    assert "60 updates, no result: diverged or failed" in finding_svg(lost)
    assert "<h1>Peak" in finding_html(found)
    assert "<title>Peak" in finding_html(found)


def test_no_parabola_of_a_loss_is_drawn_below_zero() -> None:
    from matplotlib.figure import Figure

    from calando.report.finding import _minis

    found = replace(answer(), bases=((60, -0.5), (240, -0.5)))
    axes = Figure().subplots()
    _minis(axes, found)
    assert min(min(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 61) >= 0


def test_what_is_not_proven_is_a_sentence_of_its_own() -> None:
    assert answer().not_proven[0].startswith("No run of 960 updates was made")
