"""`calando compare` as it is typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from calando.cli import main
from calando.cli.compare import compare
from calando.cli.greedy import spread
from calando.records import load

QUADRATIC = str(Path(__file__).parents[1] / "lab" / "trains" / "quadratic.py")
QUICK = ["--steps", "10", "--evals", "1", "--confirm-seeds", "2", "--seeds", "1", "--no-report", "--quiet"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["--peaks", "1", "2", "-c", "a", "b"], ["--peaks", "1", "--peaks", "2", "-c", "a", "-c", "b"]),
        (["--peaks", "1", "--peaks", "2"], ["--peaks", "1", "--peaks", "2"]),
        (["--peaks", "-1", "2"], ["--peaks", "-1", "--peaks", "2"]),
        (["--peaks=1", "t.py:f"], ["--peaks=1", "t.py:f"]),
        (["t.py:f", "--peaks", "1", "--", "2"], ["t.py:f", "--peaks", "1", "--", "2"]),
        (["--peaks", "--seeds", "3"], ["--peaks", "--seeds", "3"]),
    ],
)
def test_an_option_of_several_values_takes_them_all(typed: list[str], meant: list[str]) -> None:
    assert spread(typed, ["--peaks", "-c"]) == meant


def test_candidates_may_follow_each_other_or_repeat_the_option() -> None:
    for number, given in enumerate((["-c", "cosine()", "wsd()"], ["-c", "cosine()", "--candidates", "wsd()"])):
        line = [f"{QUADRATIC}:train", *given, "--no-humble", "--peaks", "0.05", *QUICK, "--study", f"s{number}"]
        done = CliRunner().invoke(compare, line, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert [c.label for c in load(f"s{number}").spec.candidates] == ["cosine()", "wsd()"]


def test_the_verdict_is_printed_with_intervals_and_caveats() -> None:
    line = [f"{QUADRATIC}:train", "-c", "[b]: cosine()", "--peaks", "0.05", "0.1", "--margin", "0.01", *QUICK]
    done = CliRunner().invoke(compare, line, catch_exceptions=False)
    assert "VERDICT" in done.output
    assert "difference to [b] [95 %]" in " ".join(done.output.split()) or "[b]" in done.output
    assert "not proven: anything beyond 10 updates" in " ".join(done.output.split())


def test_a_wrong_peak_is_told_in_our_words() -> None:
    done = CliRunner().invoke(compare, [f"{QUADRATIC}:train", "--peaks", "high", *QUICK])
    assert "the peak 'high'" in str(done.exception or done.output)


def test_help_shows_an_example() -> None:
    done = CliRunner().invoke(compare, ["--help"])
    assert done.exit_code == 0
    assert "digits_torch.py:train" in done.output


ALL_DIVERGE = """
def train(run):
    for _ in run.steps():
        run.log(train_loss=run.lr, other=1.0)
        run.log(val_loss=float("nan"))
def crashes(run):
    raise RuntimeError("\\x1b[31mRED\\x1b]0;pwn\\x07")
"""


def test_a_study_without_any_result_ends_with_status_1_and_says_why() -> None:
    Path("t.py").write_text(ALL_DIVERGE)
    done = CliRunner().invoke(compare, ["t.py:train", "-c", "cosine()", "--no-humble", *QUICK])
    assert done.exit_code == 1
    told = done.stderr
    assert "not one of 2 runs gave a finite val_loss" in told
    assert "2 diverged: val_loss is nan at step 0" in told
    assert "logged: other, train_loss, val_loss" in told


def test_a_traceback_of_the_users_does_not_steer_the_terminal() -> None:
    Path("t.py").write_text(ALL_DIVERGE)
    done = CliRunner().invoke(main, ["compare", "t.py:crashes", *QUICK])
    assert done.exit_code == 2
    assert "RED" in done.output
    assert "\x1b" not in done.output
    assert "\x07" not in done.output


def test_a_known_peak_is_carried_over_to_every_plan_and_the_verdict_says_from_where() -> None:
    known = ["--peak", "0.05", "--of", "linear_decay", "--peaks-around", "3", "--no-humble", "--study", "s"]
    done = CliRunner().invoke(compare, [f"{QUADRATIC}:train", "-c", "wsd()", *known, *QUICK], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    low, middle, high = load("s").spec.candidate("wsd()").peaks
    assert (high / middle, middle / low) == pytest.approx((2, 2), rel=1e-3)
    said = " ".join(done.output.split())
    assert "times 0.05, the best peak given for linear_decay(), by theory" in said


@pytest.mark.parametrize("half", [["--peak", "0.05"], ["--of", "cosine"]])
def test_a_known_peak_without_its_plan_or_a_plan_without_its_peak_is_refused(half: list[str]) -> None:
    done = CliRunner().invoke(compare, [f"{QUADRATIC}:train", "-c", "wsd()", *half, *QUICK])
    assert "allowed: both, or neither" in str(done.exception or done.output)
