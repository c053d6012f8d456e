"""Figures show the page's numbers, in colours and dashes that can be told apart."""

import itertools
import json

import pytest

from calando.report.figures import COLOURS, colour, dash, figures, plain, symbol
from calando.report.marks import Scale, cost_bars, forest, reach_strip, ticks
from calando.report.static import svg


def test_fifteen_schedules_have_fifteen_looks():
    looks = [(colour(slot), dash(slot)) for slot in range(15)]
    assert len(set(looks)) == 15


def test_within_one_round_of_colours_neighbours_also_differ_in_dash_and_marker():
    for a, b in itertools.pairwise(range(1, COLOURS - 1)):
        assert dash(a) != dash(b)
        assert symbol(a) != symbol(b)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out_from_their_paper(scheme):
    """WCAG: 3:1 for lines, 4.5:1 for text."""
    import re
    from importlib.resources import files

    css = files("calando.report").joinpath("assets", "page.css").read_text("utf-8")
    blocks = re.findall(r":root[^{]*\{(.*?)\}", css, re.S)
    known = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))

    def light(text):
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def contrast(a, b):
        high, low = sorted((light(known[a]), light(known[b])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for paper in ("--paper", "--card", "--wash"):
        for slot in range(COLOURS):
            assert contrast(f"--s{slot}", paper) >= 3
        for ink in ("--ink", "--ink-2", "--ink-3", "--accent", "--good", "--bad", "--warn"):
            assert contrast(ink, paper) >= 4.5, (ink, paper)


def test_the_chosen_peak_has_a_ring_and_lost_runs_a_cross(page):
    data = figures(page)["peaks"]["data"]
    rings = [t for t in data if t["marker"].get("symbol") == "circle-open"]
    assert [t["x"] for t in rings] == [[p.chosen] for p in page.peaks]
    crosses = [t for t in data if t.get("yaxis") == "y2"]
    assert {t["x"][0] for t in crosses} == {0.3}
    assert crosses[0]["text"] == ["3 diverged"] or crosses[0]["text"] == ["2 diverged"]


def test_figures_are_strict_json_and_small(page):
    for name, figure in figures(page).items():
        assert len(json.dumps(figure, allow_nan=False)) < 120_000, name


def test_a_figure_is_drawn_by_both_painters_from_one_dictionary(page):
    drawn = svg(figures(page)["rates"], "rates")
    assert drawn.startswith("<svg ")
    assert drawn.count("var(--s") >= len(page.rates.lines)
    assert "DejaVu" not in drawn
    assert svg(figures(page)["rates"], "rates") == drawn


def test_long_names_are_cut_and_braces_defused():
    assert len(plain("x" * 500)) == 70
    assert plain("%{y}{x}") == "%&#123;y}&#123;x}"


def test_the_forest_stands_where_the_numbers_say(page):
    made = forest(page)
    for mark in made.marks:
        if mark.row.difference and not mark.beyond:
            assert mark.low <= mark.point <= mark.high
            assert (mark.point < made.zero) == (mark.row.difference.mean < 0)
    hopeless = next(m for m in made.marks if m.row.label == "constant()")
    assert hopeless.beyond == 1


def test_small_charts_hold_every_candidate(page):
    for chart in (forest(page), reach_strip(page), cost_bars(page)):
        assert [m.row.label for m in chart.marks] == [r.label for r in page.rows]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.003, 0.0001), (0, 400), (1e-9, 3e-9), (-5, 1e6)])
def test_ticks_are_few_round_and_inside(low, high):
    found = ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(low - 1e-12 <= t <= high + 1e-9 for t in found)


def test_a_scale_of_one_value_is_still_a_scale():
    assert Scale(1.0, 1.0).at(1.0) == 2.0
