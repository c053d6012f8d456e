"""A picture shows what the schedule is: real values, every peak, jumps as jumps, however long the run."""

import math
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings

import calando
from calando.core.picture.braille import draw
from calando.core.picture.layout import picture
from calando.core.picture.numbers import labels, round_steps, step_labels, ticks
from calando.core.picture.svg import DARK, DASHES, LIGHT, svg
from calando.core.picture.trace import thinned, trace
from calando.errors import BadValue
from tests.plans import build
from tests.strategies import SIZES, plans

DRAWN = [
    "warmup(5%) | cosine(end=0.1)",
    "multistep(milestones=[30%, 60%], factor=0.1)",
    "warm_restarts(first=10%, growth=1.5)",
    "cyclical(low=0.1, half=3)",
    "hold(cosine(), every=7)",
]


@settings(max_examples=40)
@given(plans())
def test_a_short_run_is_drawn_step_by_step(grown) -> None:
    schedule = build(grown.tree).bind(grown.horizon, **SIZES)
    points = trace(schedule, buckets=schedule.horizon)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    right = dict(points)  # of two points at a jump, the second
    steps = np.arange(schedule.horizon)
    np.testing.assert_allclose([right[step] for step in steps], schedule(steps), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("text", DRAWN)
@pytest.mark.parametrize("horizon", [5_000, 100_000, 3_000_000])
def test_a_long_run_keeps_its_peak_and_shows_real_values_only(text: str, horizon: int) -> None:
    schedule = calando.parse(text).bind(horizon)
    points = trace(schedule)
    assert len(points) < 5000
    before = {(jump.step, jump.before) for jump in schedule.facts.jumps}
    assert all(math.isclose(schedule(int(x)), y, rel_tol=1e-12) or (int(x), y) in before for x, y in points)
    # Beyond a million steps facts look at fewer places than the picture does.
    assert max(y for _, y in points) >= schedule.facts.peak
    assert points[0] == (0, schedule(0))
    assert points[-1][0] == horizon


@pytest.mark.parametrize("horizon", [10, 2_000, 50_000, 4_000_000])
def test_a_jump_is_upright_at_its_step(horizon: int) -> None:
    schedule = calando.parse("multistep(milestones=[50%], factor=0.25)").bind(horizon)
    points = trace(schedule)
    middle = horizon // 2
    assert [y for x, y in points if x == middle] == [1.0, 0.25]
    slopes = [(a, b) for a, b in pairwise(points) if a[1] != b[1] and a[0] != b[0]]
    assert slopes == []


def test_a_wave_faster_than_the_pixels_keeps_its_height_everywhere() -> None:
    points = trace(calando.cyclical(low=0.1, half=7).bind(10**9))
    heights = np.array([y for _, y in points])
    places = np.array([x for x, _ in points])
    for start in np.linspace(0, 9e8, 30):
        here = heights[(places >= start) & (places < start + 1e8 / 3)]
        assert here.max() > 0.99
        assert here.min() < 0.11


def test_thinning_moves_the_line_by_no_more_than_its_tolerance() -> None:
    points = [(float(x), float(np.sin(x / 40))) for x in range(500)]
    kept = thinned(points, 0.01)
    assert len(kept) < 60
    drawn = np.interp([x for x, _ in points], [x for x, _ in kept], [y for _, y in kept])
    assert np.abs(drawn - [y for _, y in points]).max() < 0.011


def test_axes_have_round_marks_from_zero_to_the_horizon() -> None:
    assert ticks(0, 3e-4) == (0.0, 1e-4, 2e-4, 3e-4)
    assert labels(ticks(0, 3e-4)) == ("0", "1e-4", "2e-4", "3e-4")
    assert round_steps(1) == (0, 1)
    assert step_labels(round_steps(10**9)) == ("0", "0.2B", "0.4B", "0.6B", "0.8B", "1B")
    for horizon in (1, 2, 7, 99, 937, 10**5, 123_457, 2**53):
        marks = round_steps(horizon)
        assert marks[0] == 0
        assert marks[-1] == horizon
        assert len(marks) <= 9
        assert list(marks) == sorted(set(marks))


def test_a_log_axis_has_powers_of_ten_and_keeps_zero_at_its_foot() -> None:
    drawn = picture(schedules("exponential_decay(end=1e-6)", "linear_decay()"), log=True)
    axis = drawn.panels[0].y
    assert axis.log
    assert [text for _, text in axis.marks] == ["1e-6", "1e-4", "0.01", "1"]
    assert axis.share(0.0) == 0.0
    assert axis.share(1e-3) == pytest.approx(0.5)
    assert "log scale" in svg(drawn)
    assert picture(schedules("constant(0)"), log=True).panels[0].y.log is False


def schedules(*texts: str, horizon: int = 1000) -> list:
    return [calando.parse(text).bind(horizon) for text in texts]


def test_the_svg_is_well_formed_small_and_loads_nothing() -> None:
    text = svg(picture(schedules(*DRAWN), peak=3e-4))
    ET.fromstring(text)  # noqa: S314 - our own text
    assert len(text) < 120_000
    assert text.count("http") == 1  # the name space
    assert "script" not in text
    assert "prefers-color-scheme" in text


def test_the_svg_has_a_line_per_schedule_told_apart_by_colour_and_dash() -> None:
    text = svg(picture(schedules(*DRAWN)))
    for slot in range(len(DRAWN)):
        assert text.count(f'class="cal-line cal-s{slot}"') == 2  # in the legend and in the panel
    assert len(set(LIGHT)) == len(set(DARK)) == len(set(DASHES)) == 7


def test_texts_in_the_svg_are_escaped() -> None:
    schedule = calando.function(lambda step: 1.0).bind(10)
    text = svg(picture([schedule]))
    ET.fromstring(text)  # noqa: S314 - our own text
    assert "<lambda>" not in text
    assert "&lt;lambda&gt;" in text


def test_a_bundle_has_a_panel_for_every_quantity() -> None:
    drawn = picture([calando.one_cycle().with_momentum().bind(100)], peak=0.1)
    assert [(panel.name, panel.y.title) for panel in drawn.panels] == [
        ("lr", "learning rate"),
        ("momentum", "momentum"),
    ]
    assert max(y for _, y in drawn.panels[0].lines[0].points) == 0.1
    assert drawn.panels[1].y.low > 0.8


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(BadValue, match="no schedules"):
        picture([])


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_text_curves_keep_to_their_width_and_letter_every_schedule(width: int) -> None:
    rows = draw(picture(schedules(*DRAWN[:3])), width, 12)
    assert max(len(row) for row in rows) <= width
    letters = {(cell.sign, cell.slot) for row in rows for cell in row if cell.slot is not None and cell.sign.isalpha()}
    assert letters == {("A", 0), ("B", 1), ("C", 2)}


def test_equal_schedules_are_both_lettered() -> None:
    rows = draw(picture(schedules("cosine()", "cosine()")), 80, 12)
    letters = {cell.sign for row in rows for cell in row if cell.slot is not None and cell.sign.isalpha()}
    assert letters == {"A", "B"}


def test_plain_text_curves_are_ascii() -> None:
    rows = draw(picture(schedules(*DRAWN)), 80, 12, plain=True)
    assert all(cell.sign.isascii() for row in rows for cell in row)


def test_a_text_curve_reaches_from_the_first_to_the_last_row() -> None:
    rows = draw(picture(schedules("linear_decay()")), 60, 10)
    curve = ["".join(cell.sign for cell in row if cell.slot == 0) for row in rows[1:11]]
    assert all(text.strip() for text in curve)


def test_the_notebook_picture_is_one_piece_of_html_without_scripts() -> None:
    html = calando.parse("warmup(5%) | cosine()").bind(1000)._repr_html_()
    ET.fromstring(html)  # noqa: S314 - our own text
    assert "script" not in html
    assert "first update is wasted" in html
