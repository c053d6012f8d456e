"""`calando run -- python train.py`, as a person types it."""

import sys
from pathlib import Path

import pytest

from calando.cli.training import read_train
from calando.records import load
from tests.cli.calling import call, spawn

SCRIPT = str(Path(__file__).parents[1] / "lab" / "trains" / "script.py")
EXAMPLE = str(Path(__file__).parents[2] / "examples" / "digits_script.py")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_script_runs_under_its_own_default_and_is_recorded() -> None:
    done = spawn("run", "--", "python", SCRIPT, "--noise", "0.1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the end, as __main__ with ['--noise', '0.1']\n"
    (folder,) = Path("studies").iterdir()
    assert f"calando report {folder}" in done.stderr
    (made,) = load(folder).runs
    assert (made.spec.plan, made.spec.peak, made.spec.seed, made.spec.horizon) == ("linear_decay()", 0.05, 0, 40)
    assert f"val_loss {made.final:.6g} after 40 updates" in done.stderr
    again = spawn("run", "--", "python", SCRIPT, "--noise", "0.1")
    assert again.returncode == 0
    assert again.stdout == ""  # nothing was executed again
    assert [run.attempts for run in load(folder).runs] == [1]


def test_plan_peak_steps_and_seed_are_the_command_lines() -> None:
    words = ["--plan", "wsd(cooldown=50%)", "--peak", "1e-2", "--steps", "12", "--seed", "7", "--study", "here"]
    assert call("run", *words, "--quiet", "--", "python3", SCRIPT).exit_code == 0
    (made,) = load("here").runs
    assert (made.spec.plan, made.spec.peak, made.spec.seed, made.steps) == ("wsd(cooldown=50%)", 0.01, 7, 12)
    assert made.curve("lr").values[0] == 0.01


def test_a_run_whose_process_is_killed_goes_on_by_itself() -> None:
    done = spawn("run", "--study", "s", "--", "python", SCRIPT, "--dies-at", "20")
    assert done.returncode == 0, done.stderr
    assert Path("died").exists()
    study = load("s")
    assert [attempt.outcome for attempt in study.attempts] == ["lost", "done"]
    assert spawn("run", "--study", "t", "--", "python", SCRIPT).returncode == 0
    assert study.runs[0].final == load("t").runs[0].final


def test_a_script_that_fails_ends_with_status_1_and_its_traceback() -> None:
    done = call("run", "--quiet", "--", "python", SCRIPT, "--exit", "3")
    assert done.exit_code == 1
    assert "failed after 40 updates: SystemExit: 3" in done.stderr
    assert "sys.exit(given.exit)" in done.stderr


def test_a_failed_run_is_made_again_when_it_is_asked_for_again() -> None:
    line = ["run", "--quiet", "--study", "s", "--", "python", SCRIPT, "--exit", "3"]
    assert [call(*line).exit_code for _ in range(2)] == [1, 1]
    assert len(load("s").attempts) == 2


def test_a_function_may_stand_in_place_of_the_script() -> None:
    quadratic = str(Path(SCRIPT).with_name("quadratic.py"))
    assert call("run", f"{quadratic}:train", "--peak", "0.05", "--quiet", "--study", "s").exit_code == 0
    assert load("s").runs[0].spec.plan == "cosine()"


def test_a_script_takes_part_in_compare() -> None:
    words = ["--candidates", "cosine()", "wsd()", "--peaks", "0.02", "0.05", "--seeds", "1", "--confirm-seeds", "2"]
    line = [*words, "--no-humble", "--quiet", "--no-report", "--study", "s", "--", "python", SCRIPT, "--noise", "0.2"]
    assert call("compare", *line).exit_code == 0
    study = load("s")
    assert study.spec.train == f"python {SCRIPT} --noise 0.2"
    assert study.verdict is not None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "a.py:train", "b.py:train"], "a script comes last: -- python FILE.py ARGUMENTS"),
        (["run", "--", "python", "-c", "pass"], "options of python itself are not taken"),
        (["run", "--", "python", "gone.py"], "no such file: 'gone.py'"),
        (["run"], "Missing argument"),
    ],
)
def test_what_cannot_be_run_is_told(words: list[str], told: str) -> None:
    done = call(*words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_one_word_names_a_function_and_several_a_script() -> None:
    assert read_train(("train.py:train",)) == "train.py:train"
    assert read_train(("python", "my train.py", "-x")) == "python 'my train.py' -x"


@pytest.mark.slow
def test_the_example_runs_by_itself_and_under_a_schedule() -> None:
    import subprocess

    alone = subprocess.run([sys.executable, EXAMPLE, "--width", "16"], capture_output=True, text=True, check=True)
    assert "step 200/200" in alone.stdout
    assert alone.stdout.endswith("trained 1210 weights at width 16\n")
    done = spawn("run", "--plan", "wsd()", "--peak", "0.2", "--study", "s", "--", "python", EXAMPLE, "--width", "16")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("trained 1210 weights at width 16\n")
    (made,) = load("s").runs
    assert made.sound
    assert made.curve("lr").values[0] == 0.2


@pytest.mark.parametrize(("option", "where"), [("--seed", "run.seed"), ("--timeout", "run.timeout")])
def test_an_argument_that_is_out_of_range_is_told_under_its_own_name(option: str, where: str) -> None:
    done = call("run", "tests.lab.trains.promises:train", "--steps", "16", option, "-1")
    assert done.exit_code == 2
    assert where in done.output
    assert "confirm_seeds" not in done.output
    assert "as a plain number" not in done.output
