"""`calando forecast` and `calando choose` as they are typed, on files as people have them."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from calando.cli.candidates import asked
from calando.errors import BadValue
from calando.forecast import LossCurve
from calando.forecast.curve import plan_rates
from calando.forecast.laws import LAWS
from calando.forecast.laws.base import Path as Way
from tests.cli.calling import call, said

TRUTH = {"L_inf": 2.0, "a": 5.0, "p": 0.5, "b": 0.5, "q": 0.7}
SHORT = 2000


def losses(plan: str, peak: float, horizon: int, at: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[float]:
    """What a run would give in a world where the generalised bound is the truth."""
    law = LAWS["bound"]
    theta = np.array([TRUTH[p.name] for p in law.parameters])
    way = law.prepare([Way(plan_rates(plan, peak, horizon), at)])
    return [float(loss) for loss in law.losses(theta, way)]


def write(name: str, plan: str, peak: float, *, rates: bool = True) -> None:
    at = np.arange(50, SHORT + 1, 50)
    column = plan_rates(plan, peak, SHORT)[at - 1] if rates else np.zeros(len(at))
    rows = [
        f"{s},{loss},{rate}" if rates else f"{s},{loss}"
        for s, loss, rate in zip(at, losses(plan, peak, SHORT, at), column, strict=True)
    ]
    Path(name).write_text("\n".join(["step,val_loss,lr" if rates else "step,val_loss", *rows]) + "\n")


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for peak in (0.02, 0.08):
        for share in (20, 60):
            write(f"run-{peak}-{share}.csv", f"wsd(cooldown={share}%)", peak)


RUNS = ["run-0.02-20.csv", "run-0.02-60.csv", "run-0.08-20.csv", "run-0.08-60.csv"]


def test_every_candidate_gets_a_rank_a_loss_and_a_band() -> None:
    done = call("forecast", *RUNS, "--try", "cosine", "wsd(cooldown=30%..90%)", "--horizon", "4000")
    assert done.exit_code == 0, done.output
    assert "read    run-0.02-20 (csv, 2,000 steps)" in done.stderr
    assert "ANSWER" in done.stdout
    answer = json.loads(
        said("forecast", *RUNS, "--try", "cosine", "wsd(cooldown=30%..90%)", "--horizon", "4000", "--json", "--quiet")
    )
    assert len(answer["predictions"]) == 5 * 2  # each at both peaks
    at = np.array([4000])
    for one in answer["predictions"]:
        (true,) = losses(one["plan"], one["peak"], 4000, at)
        assert one["low"] < true < one["high"]
        assert one["loss"] == pytest.approx(true, rel=0.02)


def test_a_page_and_its_picture_are_written() -> None:
    done = call("forecast", *RUNS, "--try", "cosine", "--quiet", "--out", "answer.html")
    assert done.exit_code == 0, done.output
    assert "<svg" in Path("answer.html").read_text()
    assert Path("answer.png").read_bytes().startswith(b"\x89PNG")


def test_without_plans_the_runs_own_and_the_humble_are_forecast() -> None:
    answer = json.loads(said("forecast", RUNS[0], "--json", "--quiet"))
    plans = {one["plan"] for one in answer["predictions"]}
    assert {"cosine()", "linear_decay()", "constant()"} <= plans
    assert {one["horizon"] for one in answer["predictions"]} == {SHORT}


@pytest.fixture
def warm() -> list[str]:
    """Two runs with a warm-up of 100 updates, and their plans."""
    plans = {f"warm-{share}": f"wsd(warmup=100, cooldown={share}%)" for share in (20, 60)}
    for name, plan in plans.items():
        write(f"{name}.csv", plan, 0.02, rates=False)
    return [*(f"{name}.csv" for name in plans), "--plan", *(f"{name}={plan} @ 0.02" for name, plan in plans.items())]


def plans(*words: str) -> set[str]:
    answer = json.loads(said(*words, "--horizon", "4000", "--json", "--quiet"))
    kind = answer["kind"]
    return {one["plan"] if kind == "forecast" else one["prediction"]["plan"] for one in answer[RANKED[kind]]}


RANKED = {"forecast": "predictions", "choice": "ranked"}


def test_plans_that_name_no_warmup_take_that_of_the_runs(warm: list[str]) -> None:
    humble = {"warmup(100) | cosine()", "warmup(100) | linear_decay()", "warmup(100) | constant()",
              "wsd(warmup=100, cooldown=20%)", "wsd(warmup=100, cooldown=60%)"}  # fmt: skip
    assert plans("forecast", *warm) == humble
    typed = ("cosine", "wsd(cooldown=40%)")
    for verb in ("forecast", "--try"), ("choose", "--plans"):
        assert plans(verb[0], *warm, verb[1], *typed) == {"warmup(100) | cosine()", "wsd(warmup=100, cooldown=40%)"}
    done = call("forecast", *warm, "--try", "cosine", "--quiet")
    assert "warm-up: 100 updates, as in the runs" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("warmup(0) | cosine", "warmup(0) | cosine()"),
        ("wsd(warmup=50, cooldown=20%)", "wsd(warmup=50, cooldown=20%)"),
        ("one_cycle", "one_cycle()"),
        ("wsd(cooldown=100%)", "wsd(cooldown=100%)"),
        ("constant(0.5)", "constant(value=0.5)"),
    ],
)
def test_a_plan_with_a_rise_of_its_own_or_without_room_stays_as_it_is(warm: list[str], typed: str, meant: str) -> None:
    assert plans("forecast", *warm, "--try", typed) == {meant}


def test_runs_without_a_warmup_give_none() -> None:
    assert plans("forecast", *RUNS, "--try", "cosine") == {"cosine()"}
    assert "warm-up" not in call("forecast", *RUNS, "--try", "cosine", "--quiet").output


def test_peaks_that_differ_by_less_than_two_percent_are_one() -> None:
    write("near.csv", "wsd(cooldown=40%)", 0.0202)
    answer = json.loads(said("forecast", *RUNS, "near.csv", "--try", "cosine", "--json", "--quiet"))
    assert sorted(one["peak"] for one in answer["predictions"]) == pytest.approx([0.02, 0.08])


def test_a_candidate_that_a_humble_rule_beats_is_not_to_be_taken() -> None:
    words = ("--horizon", "4000", "--plans", "wsd(cooldown=10%)", "--peaks", "0.02", "--quiet")
    done = call("choose", *RUNS, *words, "--out", "choice.html")
    text = " ".join(done.stdout.split())
    assert text.startswith('OPEN wsd(cooldown=10%) at peak 0.02 is all that was asked for, but "linear cooldown 60 %"')
    assert "tied" not in text
    assert "Take " not in text.replace("Take it along", "")
    assert "calando export 'wsd(cooldown=60%)'" in text
    assert 'class="verdict open"' in Path("choice.html").read_text()


@pytest.mark.parametrize("words", [("forecast", "--try", "wsd(cooldown=40%)"), ("choose", "--plans", "cosine", "wsd")])
def test_an_answer_fits_into_sixty_columns_whole(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    words = (words[0], *RUNS, *words[1:], "--horizon", "4000", "--quiet")
    text = said(*words)
    assert max(map(len, text.splitlines())) <= 60
    numbers = [float(word) for word in text.split() if re.fullmatch(r"\d\.\d{2,}", word)]
    answer = json.loads(said(*words, "--json"))
    for one in answer[RANKED[answer["kind"]]]:
        for value in (one.get("prediction", one)["loss"], one.get("regret_low", one.get("low"))):
            assert min(abs(number - value) for number in numbers) < 1e-3
    assert ("no room here for generalised bound" in " ".join(text.split())) == (words[0] == "forecast")


def test_a_log_without_rates_needs_its_plan() -> None:
    write("bare.csv", "cosine()", 0.05, rates=False)
    done = call("forecast", "bare.csv", "--try", "cosine")
    assert done.exit_code == 2
    assert '--plan "cosine() @ 3e-4"' in done.output
    done = call("forecast", "bare.csv", "--plan", "cosine() @ 0.05", "--try", "linear_decay")
    assert done.exit_code == 0, done.output
    assert "linear_decay() at peak 0.05" in " ".join(done.output.split())


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    Path("junk.csv").write_text("hello\x00 there")
    done = call("forecast", *RUNS, "junk.csv", "--try", "cosine")
    assert done.exit_code == 0, done.output
    assert "left out:" in done.output
    assert "junk.csv" in done.output
    assert call("forecast", "junk.csv").exit_code == 2
    assert call("forecast", "nowhere.csv").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [["--try", "nothing()"], ["--law", "gravity"], ["--level", "2"], ["--horizon", "0"], ["--horizon", "soon"],
     ["--try", "cosine @ x"], ["--try", "wsd(cooldown=80%..20%)"], ["--loss", "gain"], ["--plan", "a=cosine()"],
     ["--peak", "-1"], ["--run-horizon", "10"], ["--peak", "0.1"]],
)  # fmt: skip
def test_nonsense_is_refused_in_our_words(words: list[str]) -> None:
    done = call("forecast", *RUNS, *words)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert "do:" in done.output


@pytest.mark.parametrize("verb", ["forecast", "choose"])
@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--level", "2"), ("--horizon", "0")])
def test_what_cannot_be_asked_is_refused_before_any_log_is_read(verb: str, option: str, value: str) -> None:
    rest = [] if option == "--horizon" else ["--horizon", "4000"]
    done = call(verb, *RUNS, *rest, option, value)
    assert done.exit_code == 2
    assert f"at: {option}" in done.output
    assert "read  " not in done.output


def test_a_horizon_below_that_of_the_runs_is_told_to_be_uncalibrated() -> None:
    words = ("choose", *RUNS, "--plans", "cosine", "wsd", "--quiet", "--json", "--horizon")
    for horizon in (SHORT // 2, SHORT):
        notes = json.loads(call(*words, str(horizon)).stdout)["notes"]
        assert any("shorter than the longest run of 2,000" in note for note in notes) == (horizon < SHORT)


def test_a_grave_doubt_is_told_once() -> None:
    head, *rows = Path(RUNS[0]).read_text().splitlines()
    turned = [
        ",".join([a.split(",")[0], b.split(",")[1], a.split(",")[2]]) for a, b in zip(rows, rows[::-1], strict=True)
    ]
    Path(RUNS[0]).write_text("\n".join([head, *turned]) + "\n")
    done = call("choose", *RUNS[:2], "--horizon", "4000", "--quiet")
    answer = json.loads(call("choose", *RUNS[:2], "--horizon", "4000", "--quiet", "--json").stdout)
    (grave, *_) = [one["words"] for one in answer["forecast"]["doubts"] if one["consequence"] == "refuse"]
    assert " ".join(done.output.split()).count(grave) == 1


def test_more_candidates_than_anyone_reads_are_refused() -> None:
    curves = (LossCurve.from_plan("a", [50, 100], [2, 1], "cosine()", 1e-3, 100),)
    many = tuple(f"wsd(warmup={n}, cooldown=1%..90%) @ 1e-8..1e-2" for n in range(1, 30))
    with pytest.raises(BadValue, match="2,000"):
        asked(many, curves, 1000)


def test_a_choice_ranks_what_the_truth_ranks_and_stands_beside_the_humble() -> None:
    done = call(
        "choose", *RUNS, "--horizon", "4000", "--peaks", "0.02..0.08", "--quiet", "--json", "--out", "choice.html"
    )
    answer = json.loads(done.stdout)
    at = np.array([4000])
    true = [losses(one["prediction"]["plan"], one["prediction"]["peak"], 4000, at)[0] for one in answer["ranked"]]
    assert answer["verdict"] in ("choose", "tie")
    assert true[0] - min(true) < 0.1 * (max(true) - min(true))
    assert {one["name"] for one in answer["baselines"]} >= {"linear cooldown 60 %"}
    assert Path("choice.html").is_file()
    assert done.exit_code == 0


def test_no_peak_is_answered_for_from_where_a_run_diverged() -> None:
    for share in (20, 60):
        path = Path(f"run-0.08-{share}.csv")
        head, *rows = path.read_text().splitlines()
        lost = [
            row if i < 10 else ",".join([row.split(",")[0], "nan", row.split(",")[2]]) for i, row in enumerate(rows)
        ]
        path.write_text("\n".join([head, *lost]) + "\n")
    done = call("choose", *RUNS, "--horizon", "4000", "--peaks", "0.02..0.08", "--quiet", "--json")
    assert {one["prediction"]["peak"] for one in json.loads(done.stdout)["ranked"]} & {0.08} == set()
    assert "where a run diverged" in done.stderr
    assert "diverged: no finite loss" in done.stderr
    assert call("choose", *RUNS, "--horizon", "4000", "--peaks", "0.08", "0.1").exit_code == 2


def test_json_has_no_number_that_json_has_not() -> None:
    done = call("forecast", RUNS[0], "--horizon", "9000000", "--try", "constant", "--json", "--quiet")
    json.loads(done.stdout, parse_constant=lambda word: pytest.fail(word))


def test_a_plan_that_listens_is_refused() -> None:
    assert call("choose", *RUNS, "--horizon", "4000", "--plans", "reduce_on_plateau(constant())").exit_code == 2


def test_thin_evidence_ends_with_two_runs_to_make_and_status_one() -> None:
    done = call("choose", RUNS[0], "--horizon", "4000", "--quiet")
    assert done.exit_code == 1, done.output
    assert "Not enough evidence" in done.output
    assert "RUN THESE NEXT" in done.output


def test_what_comes_next_is_never_what_was_just_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["forecast", *RUNS, "--try", "cosine", "wsd", "--loss", "val_loss", "--horizon", "4000", "--quiet"]
    monkeypatch.setattr("sys.argv", ["calando", *typed])
    monkeypatch.setenv("COLUMNS", "400")
    done = call(*typed, "--out", "page.html")
    lines = [shlex.split(line) for line in done.stdout.partition("NEXT\n")[2].splitlines() if "calando" in line]
    best = json.loads(said(*typed, "--json"))["predictions"][0]
    assert lines == [
        ["calando", "choose", *RUNS, "--loss", "val_loss", "--quiet", "--horizon", "4000"],
        ["calando", "export", best["plan"], "--horizon", "4000", "--peak", f"{best['peak']:.6g}"],
    ]
    for words in lines:
        assert call(*words[1:]).exit_code == 0
    assert "calando forecast" not in done.stdout
    assert "calando forecast run-0.02-20.csv" in Path("page.html").read_text()


def test_one_candidate_is_exported_and_a_forecast_in_doubt_is_not() -> None:
    done = call("forecast", *RUNS, "--try", "cosine() @ 0.05", "--horizon", "4000", "--quiet")
    assert "calando export" in done.stdout.partition("NEXT")[2]
    assert "calando choose" not in done.stdout
    head, *rows = Path(RUNS[0]).read_text().splitlines()
    turned = [
        ",".join([a.split(",")[0], b.split(",")[1], a.split(",")[2]]) for a, b in zip(rows, rows[::-1], strict=True)
    ]
    Path(RUNS[0]).write_text("\n".join([head, *turned]) + "\n")
    done = call("forecast", RUNS[0], "--try", "cosine", "--horizon", "4000", "--quiet")
    assert "OPEN" in done.stdout
    assert "calando choose" in done.stdout.partition("NEXT")[2]
    assert "calando export" not in done.stdout


def test_the_exported_winner_is_a_command_that_runs() -> None:
    done = call("choose", *RUNS, "--horizon", "4000", "--quiet")
    line = " ".join(done.output.split()).rpartition("calando export ")[2]
    assert "--horizon 4000" in line
    assert call("export", *shlex.split(line)).exit_code == 0
