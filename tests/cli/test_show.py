"""`calando show`: curves in text, facts, values, lint; the same as JSON; plans in any spelling."""

import json
import re

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calando
from calando.cli.arguments import read_plan
from calando.cli.sheet import sheet
from calando.cli.values import notable_steps
from tests.cli.calling import call, said, spawn
from tests.plans import build
from tests.strategies import SIZES, plans

COSINE = "warmup(5%) | cosine(end=0.1)"
THREE = [COSINE, "wsd(warmup=5%, cooldown=20%)", "one_cycle()"]
RUN = ["--horizon", "10000"]


def row(text: str, start: str) -> list[str]:
    """The cells of the table's line that starts so."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start + " ")]
    return line.replace(start, "", 1).split()


def test_one_schedule_shows_its_plan_curve_facts_values_and_lint() -> None:
    text = said("show", COSINE, *RUN, "--peak", "3e-4")
    assert text.startswith(COSINE + "\n")
    assert "learning rate" in text
    assert "3e-4 ┤" in text
    assert row(text, "steps") == ["10,000"]
    assert row(text, "peak at step") == ["500"]
    assert row(text, "5,000") == ["1.761e-4", "0.5872"]
    assert row(text, "9,999  last update")[0] == "3e-5"
    assert "! first update is wasted" in text


def test_without_a_peak_values_are_factors() -> None:
    text = said("show", COSINE, *RUN)
    assert "factor of the peak" in text
    assert row(text, "10,000  end, held") == ["0.1"]


def test_several_schedules_have_letters_a_legend_and_a_column_each() -> None:
    text = said("show", *THREE, *RUN, "--peak", "3e-4")
    assert re.match(r"A warmup.*\nB wsd.*\nC one_cycle", text)
    curve = text.split("learning rate")[1].split("└")[0]
    assert {"A", "B", "C"} <= set(curve)
    assert row(text, "peak at step") == ["500", "500", "3,000"]
    assert "peak of A and B" in text


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_no_line_is_wider_than_asked(width: int) -> None:
    text = said("show", *THREE, "bundle(cosine(), weight_decay=0.1)", *RUN, "--width", str(width))
    assert max(map(len, text.splitlines())) <= width


def test_piped_output_has_no_colours_and_asked_for_ones_are_there() -> None:
    words = ["show", *THREE[:2], *RUN]
    assert "\x1b" not in spawn(*words).stdout
    assert "\x1b[38;5;33m" in said(*words, env={"FORCE_COLOR": "1"})
    assert "\x1b" not in said(*words, color=True, env={"NO_COLOR": "1"})


def test_a_terminal_without_unicode_gets_ascii() -> None:
    done = spawn("show", *THREE, *RUN, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "1 +" in done.stdout


def test_asked_steps_are_told_in_their_order_with_their_spelling() -> None:
    text = said("show", COSINE, *RUN, "--at", "5%,0", "--at", "9_999", "--at", "20000")
    values = text.split("factor\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in values] == ["0", "500", "9,999", "20,000"]
    assert "500  5%" in text
    assert row(text, "20,000") == ["0.1"]


def test_epochs_work_for_horizon_pieces_and_steps() -> None:
    text = said(
        "show", "multistep(milestones=[30ep, 60ep], factor=0.1)", "--horizon", "90ep", "--steps-per-epoch", "100",
        "--at", "29ep,30ep",
    )  # fmt: skip
    assert row(text, "steps") == ["9,000"]
    assert row(text, "epochs") == ["90"]
    assert row(text, "3,000  30ep") == ["30", "0.1"]


@pytest.mark.parametrize("horizon", ["1000", "1_000", "1,000", "1e3", "1.0e3"])
def test_a_horizon_may_be_spelled_as_people_do(horizon: str) -> None:
    assert row(said("show", "cosine()", "--horizon", horizon), "steps") == ["1,000"]


def test_a_bundle_shows_every_quantity() -> None:
    text = said("show", str(calando.one_cycle().with_momentum()), *RUN, "--peak", "0.1")
    assert text.index("learning rate") < text.index("momentum\n")
    assert row(text, "3,000  peak") == ["0.1", "1", "0.85"]


def test_a_listener_is_named_as_one() -> None:
    assert "! listens: what is drawn is the open loop" in said("show", "reduce_on_plateau(cosine())", *RUN)


def test_jumps_are_counted_and_told_on_both_sides() -> None:
    text = said("show", "multistep(milestones=[50%], factor=0.5)", *RUN)
    assert row(text, "jumps") == ["1"]
    assert row(text, "4,999  before the jump") == ["1"]
    assert row(text, "5,000  jump") == ["0.5"]


def test_runs_of_different_lengths_share_a_clock() -> None:
    short, long = (calando.cosine().bind(n).to_json() for n in (500, 1000))
    text = said("show", short, long)
    assert row(text, "steps") == ["500", "1,000"]
    assert "A: under-runs: made for 500 steps of 1000" in " ".join(text.split())


def test_json_holds_every_number_in_full() -> None:
    told = json.loads(said("show", *THREE, *RUN, "--peak", "3e-4", "--json"))
    assert [item["plan"] for item in told["schedules"]] == [str(calando.parse(text)) for text in THREE]
    first = told["schedules"][0]
    schedule = calando.from_json(json.dumps(first["schedule"]))
    assert schedule == calando.parse(COSINE).bind(10000)
    assert first["facts"]["area"] == schedule.facts.area
    assert first["lint"] == list(schedule.lint())
    for value in first["values"]:
        assert value["factor"] == schedule(value["step"])
        assert value["lr"] == 3e-4 * value["factor"]


SPELLINGS = {
    "text": COSINE,
    "JSON": calando.parse(COSINE).to_json(),
    "schedule": calando.parse(COSINE).bind(10000).to_json(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("way", ["argument", "file.json", "file.txt", "-"])
def test_a_plan_may_come_in_any_spelling_and_way(spelling: str, way: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    word = spelling if way == "argument" else way
    if way.startswith("file"):
        (tmp_path / way).write_text(spelling + "\n", encoding="utf-8")
    done = call("show", word, *RUN, input=spelling if way == "-" else None)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(COSINE + "\n")


def test_a_stored_schedule_brings_its_horizon_and_may_be_bound_anew() -> None:
    stored = SPELLINGS["schedule"]
    assert row(said("show", stored), "steps") == ["10,000"]
    assert row(said("show", stored, "--horizon", "500"), "steps") == ["500"]


def test_a_plan_is_no_file_even_where_a_file_has_its_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cosine").write_text("constant()", encoding="utf-8")
    (tmp_path / "mine").write_text("constant()", encoding="utf-8")
    assert read_plan("cosine") == calando.cosine()
    assert read_plan("mine") == calando.constant()


@pytest.mark.parametrize("entry", calando.catalog.entries(), ids=lambda entry: entry.name)
def test_every_entry_of_the_catalog_can_be_listed(entry) -> None:
    text = said("list", entry.name)
    assert text.startswith(entry.name + "(")
    assert all(f"  {parameter.name}  (" in text for parameter in entry.parameters)


def test_the_list_names_all_plans_by_kind() -> None:
    text = said("list")
    assert all(f"\n  {name}\n" in text for name in calando.catalog.names())
    assert text.index("Shapes") < text.index("Plans that people know") < text.index("Several quantities")


def test_citing_prints_bibtex_and_says_when_there_is_none() -> None:
    assert said("cite", COSINE, "wsd()").count("@") == 4
    done = call("cite", "constant()")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "none of these plans" in done.stderr


@settings(max_examples=40)
@given(st.lists(plans(), min_size=1, max_size=3), st.sampled_from([40, 57, 80, 133]), st.booleans())
def test_any_schedules_make_a_sheet_that_keeps_its_width(grown: list, width: int, log: bool) -> None:
    schedules = [build(one.tree).bind(one.horizon, **SIZES) for one in grown]
    lines = list(sheet(schedules, 3e-4, [], width, 9, log=log))
    assert max(len(click.unstyle(line)) for line in lines) <= width


def test_notable_steps_stay_few() -> None:
    busy = calando.parse("cyclical(low=0.1, half=10)").bind(10000)
    assert len(notable_steps([busy] * 3)) < 20


@pytest.mark.parametrize("horizon", ["1", "2", "3", "12"])
def test_the_shortest_runs_are_shown_too(horizon: str) -> None:
    assert "last update" in said("show", "cosine()", "--horizon", horizon)
