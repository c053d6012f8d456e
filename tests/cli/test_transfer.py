"""`calando transfer` as it is typed."""

import json
from pathlib import Path

import pytest

import calando
from calando.forecast import transfer
from tests.cli.calling import call, said


def test_bare_names_and_plans_each_get_a_row_with_peak_range_and_price() -> None:
    text = said("transfer", "--from", "wsd(cooldown=20%)", "--peak", "1e-3", "--to", "linear_decay", "cosine")
    (linear,) = [line for line in text.splitlines() if line.startswith("linear_decay()")]
    (cosine,) = [line for line in text.splitlines() if line.startswith("cosine()")]
    assert linear.split()[1:5] == ["0.00194", "0.00134", "0.00282", "1.94"]
    assert cosine.split()[1] == "0.00189"
    assert linear.endswith("+22.9 %")
    assert "10,000 updates (assumed: no --horizon)" in text


def test_without_a_peak_there_are_ratios_alone() -> None:
    text = said("transfer", "--from", "wsd", "--to", "linear_decay")
    assert "best peak" not in text
    assert "1.94" in text


def test_json_holds_the_answer_of_the_library() -> None:
    answer = json.loads(said("transfer", "--from", "wsd", "--peak", "1e-3", "--to", "cosine", "--json"))
    expected = transfer("wsd", "cosine", peak=1e-3)
    assert answer["targets"][0]["peak"] == expected.targets[0].peak
    assert answer["exponents"] == [-0.5, -0.2]


def test_a_floor_is_refused_a_best_guess_and_a_listener_any() -> None:
    text = said(
        "transfer", "--from", "wsd", "--peak", "1e-3", "--to", "cosine(end=0.1)", "reduce_on_plateau(constant())"
    )
    assert "a range and no best guess: it ends at 10 % of its peak" in " ".join(text.split())
    assert "no answer: it listens to a metric" in " ".join(text.split())


def test_a_floor_of_the_source_is_said_once() -> None:
    text = " ".join(said("transfer", "--from", "constant", "--peak", "1e-3", "--to", "cosine", "wsd").split())
    assert text.count("the plan it comes from: it ends at 100 % of its peak") == 1


def test_the_cooldown_for_a_peak_is_a_plan_to_copy() -> None:
    text = " ".join(said("transfer", "--from", "linear_decay", "--peak", "1e-3", "--cooldown-at", "7e-4").split())
    plan = text.split("%: ")[1].split(" ")[0]
    assert plan == "wsd(cooldown=58.5%)"
    assert calando.parse(plan).cooldown.amount == pytest.approx(58.5)


def test_other_horizons_move_the_peak_and_warn() -> None:
    text = said(
        *("transfer", "--from", "cosine", "--peak", "1e-3", "--horizon", "10_000", "--to-horizon", "20,000"),
        *("--to", "cosine", "--exponent", "-0.5"),
    )
    assert "20,000" in text
    assert f"{1e-3 / 2**0.5:.3g}" in text
    assert "horizons differ" in text


def test_a_longer_run_has_its_ways_side_by_side() -> None:
    text = said("transfer", "--extend", "2x", "--plan", "wsd(cooldown=20%)", "--peak", "1e-3")
    for word in ("as it is", "cooldown, matched", "cooldown, lowest", "second stage", "anew, linear decay"):
        assert f"\n{word}" in text
    assert "* the lowest bound that goes on from the run: cooldown, lowest" in text
    assert "20,000 updates, 2 times as long" in text


def test_above_a_floor_a_longer_run_has_ranges_and_no_points(tmp_path: Path) -> None:
    words = ("transfer", "--extend", "2x", "--plan", "wsd(cooldown=20%, end=0.1)", "--peak", "1e-3")
    text = said(*words, "--out", str(tmp_path / "a.html"))
    assert "ranges and no best guesses" in text
    assert "bound" not in text
    assert "peak / best" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("anew, linear decay")]
    low, high = map(float, line.split()[3:5])
    assert low < high
    answer = json.loads(said(*words, "--json"))
    assert answer["ways"][-1]["peak"] is None
    assert "bound over the lowest" not in (tmp_path / "a.html").read_text()


def test_a_longer_run_may_be_given_in_updates_and_its_answer_as_json() -> None:
    words = ("transfer", "--extend", "100000", "--plan", "wsd(warmup=300)", "--horizon", "50000", "--json")
    answer = json.loads(said(*words))
    assert (answer["horizon"], answer["longer"]) == (50_000, 100_000)
    assert "warmup=300" in answer["ways"][1]["plan"]


@pytest.mark.parametrize("words", [("--from", "wsd", "--to", "cosine"), ("--extend", "2x", "--plan", "wsd")])
def test_an_answer_may_be_written_as_a_page(words: tuple[str, ...], tmp_path: Path) -> None:
    page = tmp_path / "answer.html"
    said("transfer", *words, "--peak", "1e-3", "--out", str(page))
    assert "wsd(cooldown=20%)" in page.read_text()
    assert "<script src" not in page.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "neither --from nor --extend"),
        (("--from", "wsd"), "no plan to transfer to"),
        (("--plan", "wsd"), "--plan without --extend"),
        (("--from", "cosin", "--to", "wsd"), "did you mean 'cosine'"),
        (("--from", "wsd", "--to", "cosine", "--peak", "-1"), "at: --peak"),
        (("--from", "wsd", "--to", "cosine", "--exponent", "3"), "at: --exponent"),
        (("--from", "wsd", "--to", "cosine(length=20000)"), "give --horizon: 10,000 updates were assumed"),
        (("--from", "wsd", "--to", "cosine(length=3ep)"), "add --steps-per-epoch N"),
        (("--from", "wsd", "--to", "cosine", "--horizon", "0"), "at: --horizon"),
        (("--from", "wsd", "--to", "cosine", "--to-horizon", "0"), "at: --to-horizon"),
        (("--extend", "0", "--plan", "wsd", "--horizon", "100"), "at: --extend"),
        (("--extend", "2x"), "--extend without a plan"),
        (("--extend", "2", "--plan", "wsd"), "such as 2x"),
        (("--extend", "x", "--plan", "wsd"), "such as 2x"),
        (("--extend", "0.5x", "--plan", "wsd"), "1 to 1000 times"),
        (("--extend", "2x", "--plan", "wsd", "--to", "cosine"), "--to with --extend"),
        (("--extend", "2x", "--plan", "wsd", "--from", "wsd"), "--plan and --from"),
    ],
)
def test_what_makes_no_sense_is_refused_in_four_parts(words: tuple[str, ...], told: str) -> None:
    done = call("transfer", *words)
    assert done.exit_code == 2
    assert told in done.output
    assert "  do: " in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "wsd(cooldown=20%)", "--to", "linear_decay", "cosine(end=0.1)"),
        ("--extend", "2x", "--plan", "wsd(cooldown=20%)"),
    ],
)
def test_no_line_is_wider_than_a_narrow_terminal(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, said("transfer", *words, "--peak", "1e-3").splitlines())) <= 60
