"""The same page in a terminal: narrow, piped, and without colour."""

import io

from rich.console import Console

from calando.report import build, renderable
from calando.report.terminal import text
from tests.report import studies


def lines(page, width):
    return text(page, width).splitlines()


def test_it_says_verdict_ties_board_diagnosis_and_cost(page):
    whole = " ".join(text(page, 100).split())
    assert page.answer.headline in whole
    assert "tied: wsd(warmup=5%, cooldown=20%) (peak 0.1); warmup(5%) | linear_decay() (peak 0.1)" in whole
    assert "baseline" in whole
    assert "12 diverged" in whole
    assert "overfitting since step" in whole
    assert "COST 90 runs" in whole


def test_it_fits_sixty_columns_and_loses_no_candidate(page):
    narrow = lines(page, 60)
    assert max(map(len, narrow)) <= 60
    squeezed = "".join("".join(narrow).split())
    for row in page.rows:
        assert row.label.split("(", maxsplit=1)[0] in squeezed
    for number in ("0.474", "0.475", "0.488", "0.541", "0.726"):
        assert number in squeezed


def test_piped_it_holds_no_escape_codes(page):
    out = io.StringIO()
    Console(file=out, width=80).print(renderable(page))
    assert "\x1b" not in out.getvalue()


def test_text_of_a_user_neither_steers_the_terminal_nor_is_read_as_markup(tmp_path):
    wicked = "[bold red]x[/] \x1b[2J\x07\u202e"
    study = studies.write(
        tmp_path / "s", horizon=60, select=(0, 1), confirm=(1000, 1001), question=wicked,
        rename=lambda plan: f"{wicked}{plan}",
    )  # fmt: skip
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=True, color_system=None).print(renderable(build(study)))
    shown = out.getvalue()
    assert "[bold red]x[/]" in shown
    assert "\x1b[2J" not in shown
    assert not {"\x07", "\u202e"} & set(shown)


def test_an_unfinished_study_says_so(tmp_path):
    study = studies.write(tmp_path / "half", finished=False, horizon=60, select=(0,))
    first = text(build(study), 60)
    assert "OPEN" in first
    assert "Not finished: 20 runs ended so far." in first
