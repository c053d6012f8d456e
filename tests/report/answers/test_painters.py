"""An answer is the same in the page, in the terminal and in the picture, and no text of a user becomes markup."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from calando.errors import BadValue
from calando.report.answers import AnswerPage, Column, Part, Picture, Table, answer_html, answer_text, write_answer
from calando.report.answers.drawing import area, dots, drawing, line, rule
from calando.report.answers.png import colours, titled

NASTY = "<script>alert('x')</script> $\\frac$ {{ 7*7 }} \x1b[31m 漢"
STEPS = [0.0, 50.0, 100.0]


@pytest.fixture
def page() -> AnswerPage:
    figure = drawing(
        [area(1, STEPS, [2, 1, 0.5], [3, 2, 1.5]), line(1, STEPS, [2.5, 1.5, 1]), dots(2, STEPS, [2.4, 1.4, 0.9])],
        "update", NASTY, rules=[rule(1.2)],
    )  # fmt: skip
    table = Table(
        (Column("plan", number=False), Column("loss")),
        ((NASTY, "1.25"), ("cosine()", "1.5")),
        frozenset({0}),
        (1, None),
    )
    parts = (
        Part(
            "Ranking", (NASTY,), (Picture("curves", "What is drawn.", lambda: figure, ((1, NASTY), (2, "b"))),), table
        ),
        Part("By hand", notes=(NASTY,), table=table, folded=True),
    )
    return AnswerPage(
        "Choice", NASTY, "One is best. " + NASTY, True, (NASTY,), ("It may drift. " + NASTY,), (("horizon", NASTY),),
        parts, (f"calando x {NASTY}",), "today",
    )  # fmt: skip


def printed(page: AnswerPage, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None, highlight=False)
    console.print(answer_text(page))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_no_text_of_a_user_becomes_markup(page: AnswerPage) -> None:
    text = answer_html(page)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert "49" not in re.sub(r"[^7*{}9 4]", "", text[text.index("<h1>") : text.index("</h1>")])
    assert "\x1b" not in text
    assert text.count("<script>") == 1  # our own, whose hash the policy names
    assert "http:" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", text)
    assert "https:" not in text


def test_every_part_is_on_the_page_and_its_pictures_are_drawn_in_the_pages_colours(page: AnswerPage) -> None:
    text = answer_html(page)
    for said in (
        "Ranking",
        "By hand",
        "What is drawn.",
        "1.25",
        "One is best.",
        "It may drift.",
        "Made by calando, today",
    ):
        assert said in text
    drawn = text[text.index('<div class="drawing"') : text.index("<figcaption>")]
    assert "var(--s1)" in drawn
    assert "var(--s2)" in drawn
    assert '<section id="verdict" class="verdict"' in text
    assert text.count('<tr class="tied">') == 2


def test_a_telephone_gets_drawings_of_its_own_and_cells_that_name_their_columns(page: AnswerPage) -> None:
    text = answer_html(page)
    wide, narrow = re.findall(r'<div class="(?:wide|narrow)"><svg [^>]*viewBox="0 0 ([\d.]+)', text)
    assert float(narrow) < 0.5 * float(wide)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert re.findall(r'<td data-head="([^"]*)"', text) == ["loss"] * 4
    assert '<div class="code command">' in text  # wraps: nobody scrolls a command


def test_the_picture_says_under_each_heading_what_is_drawn(page: AnswerPage) -> None:
    (part, _) = page.parts
    assert " ".join(titled(part, part.pictures[0])).startswith("Ranking. What is drawn.")
    many = Picture("curves", "word " * 60, dict)
    assert max(map(len, titled(part, many))) <= 108


def test_the_terminal_says_the_same_at_any_width(page: AnswerPage) -> None:
    for width in (40, 100, 200):
        said = printed(page, width)
        assert "ANSWER" in said
        assert "not proven: It may drift." in " ".join(said.split())
        assert "1.25" in said
        assert "\x1b" not in said
        assert max(map(len, said.splitlines())) <= width
    assert printed(page).count("1.25") == 1  # a folded table is the page's alone


def test_a_picture_is_drawn_once_for_page_and_png_and_never_for_the_terminal(tmp_path: Path) -> None:
    drawn = []

    def draw() -> dict[str, object]:
        drawn.append(1)
        return drawing([line(1, STEPS, STEPS)], "update", "loss")

    page = AnswerPage("Choice", "Which?", "One.", parts=(Part("Curves", pictures=(Picture("curves", "One.", draw),)),))
    assert "ANSWER" in printed(page)
    assert drawn == []
    write_answer(page, tmp_path)
    assert drawn == [1]


def test_an_open_question_says_so() -> None:
    page = AnswerPage("Choice", "Which?", "Not enough evidence.", settled=False)
    assert printed(page).startswith("OPEN")
    assert 'class="verdict open"' in answer_html(page)


def test_long_tables_are_cut_in_the_terminal_and_whole_on_the_page() -> None:
    table = Table((Column("plan", number=False),), tuple((f"row{i}x",) for i in range(60)))
    page = AnswerPage("Forecast", "Which?", "None.", parts=(Part("All", table=table),))
    assert "48 more on the page" in printed(page)
    assert "row59x" not in printed(page)
    assert "row59x" in answer_html(page)


def wide(laws: int = 2) -> AnswerPage:
    heads = (Column("plan", number=False), Column("rank"), Column("final loss"), Column("its 80 % band"))
    own = tuple(Column(f"generalised bound number {i}", aside=True) for i in range(laws))
    row = ("wsd(warmup=300, cooldown=60%)", "1", "2.34567", "2.34001 to 2.35002", *("2.34123",) * laws)
    return AnswerPage("Forecast", "Which?", "None.", parts=(Part("All", table=Table((*heads, *own), (row,))),))


@pytest.mark.parametrize("width", range(24, 130, 3))
def test_at_every_width_numbers_stay_whole_and_nothing_is_cut_off(width: int) -> None:
    said = printed(wide(), width)
    assert max(map(len, said.splitlines())) <= width
    words = said.split()
    for number in ("2.34567", "2.34001", "2.35002"):
        assert any(number in word for word in words)
    squeezed = said.replace(" ", "").replace("\n", "")
    assert "final" in squeezed
    laws = sum("2.34123" in word for word in words)
    assert laws in (0, 2)
    assert ("no room here for" in " ".join(words)) == (laws == 0)


def test_columns_that_can_be_missed_go_before_rows_are_told_in_words() -> None:
    assert printed(wide(), 110).count("2.34123") == 2
    assert "─" in printed(wide(), 60)
    assert "2.34123" not in printed(wide(), 60)
    assert "no room here for generalised bound number 0, generalised bound number 1" in " ".join(
        printed(wide(), 60).split()
    )
    assert "─" not in printed(wide(), 30)
    assert "rank 1, final loss 2.34567" in " ".join(printed(wide(), 30).split())
    assert "no room" not in printed(wide(0), 30)


def test_page_and_picture_are_written_beside_one_another(page: AnswerPage, tmp_path: Path) -> None:
    html, png = write_answer(page, tmp_path)
    assert (html.name, png.name) == ("choice.html", "choice.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in write_answer(AnswerPage("Choice", "Which?", "None."), tmp_path / "a.html")] == [
        "a.html"
    ]
    with pytest.raises(BadValue, match="--out"):
        write_answer(page, html / "in" / "a" / "file.html")


def test_the_picture_has_every_colour_of_the_page() -> None:
    assert {f"var(--s{i})" for i in range(8)} | {"var(--rule)", "var(--ink)", "var(--ink-2)", "var(--ink-3)"} <= {
        *colours()
    }
