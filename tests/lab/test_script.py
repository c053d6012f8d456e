"""A script asks for its run, is executed as a program of its own, and is known by everything it consists of."""

import sys
from pathlib import Path

import pytest

import calando
from calando.errors import LabError
from calando.lab import Run, compare, current_run
from calando.lab.reading import Literals, own_modules
from calando.lab.trainref import name_train

SCRIPT = Path(__file__).parent / "trains" / "script.py"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def a_run(horizon: int = 40) -> Run:
    return Run(calando.parse("constant()").bind(horizon), seed=1, peak=0.05, evals=4)


def executed(text: str, run: Run, *arguments: str) -> None:
    Path("s.py").write_text(text)
    name_train(" ".join(["python", "s.py", *arguments])).load()(run)


def test_outside_of_calando_a_script_runs_its_default() -> None:
    run = current_run("cosine()", horizon=7, peak=0.5, seed=3, quiet=True)
    assert (run.horizon, run.peak, run.seed) == (7, 0.5, 3)


def test_outside_of_calando_without_a_default_the_way_in_is_told() -> None:
    with pytest.raises(LabError, match=r"calando run -- python train\.py"):
        current_run()


def test_a_script_is_executed_as_the_program_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run, before = a_run(), (sys.argv, list(sys.path))
    name_train(f"python {SCRIPT} --noise 0").load()(run)
    assert run.done == 40
    assert run.curves()["lr"].values == (0.05,) * 40
    assert capsys.readouterr().out == "the end, as __main__ with ['--noise', '0']\n"
    assert (sys.argv, sys.path) == before


def test_each_execution_has_names_of_its_own() -> None:
    text = "import calando\nassert 'mark' not in globals()\nmark = 1\nrun = calando.current_run()\nrun.lr\n"
    text += "for _ in run.steps():\n    run.log(val_loss=1.0)\n"
    for _ in range(2):
        run = a_run(2)
        executed(text, run)
        assert run.outcome()[0] == "done"


def test_the_same_run_is_given_however_often_it_is_asked_for() -> None:
    executed("import calando\nassert calando.current_run() is calando.current_run('cosine()', horizon=3)\n", a_run())


def test_a_script_that_leaves_in_peace_is_not_blamed_and_one_that_does_not_is() -> None:
    executed("import calando, sys\ncalando.current_run()\nsys.exit()\n", a_run())
    with pytest.raises(SystemExit):
        executed("import calando, sys\ncalando.current_run()\nsys.exit('no data')\n", a_run())


def test_a_script_that_never_asks_for_its_run_breaks_its_contract() -> None:
    with pytest.raises(LabError, match="never asked for its run") as told:
        executed("x = 1\n", a_run())
    assert told.value.where.startswith("run.")
    with pytest.raises(LabError, match="started by itself"):
        current_run()  # the run before is over


def test_a_script_declares_what_its_call_says_in_plain_words() -> None:
    own = Literals.of(SCRIPT)
    assert (own.plan, own.peak, own.seed) == ("linear_decay()", 0.05, None)
    assert (own.declared.steps, own.declared.evals, own.declared.metric) == (40, 4, None)
    assert name_train(f"python {SCRIPT}").load().__calando__["steps"] == 40


@pytest.mark.parametrize(
    "text",
    [
        "run = current_run(horizon=N)",
        "run = current_run(**options)",
        "run = current_run(horizon=-3)",
        "current_run(horizon=3); current_run(horizon=4)",
        "no python (",
        "",
    ],
)
def test_what_is_not_said_in_plain_words_is_not_guessed(text: str) -> None:
    Path("s.py").write_text(text)
    assert Literals.of(Path("s.py")) == Literals()


def test_a_script_is_another_one_under_other_arguments_or_other_code() -> None:
    Path("s.py").write_text("import helper\nfrom pack import part\n")
    Path("helper.py").write_text("x = 1\n")
    Path("pack").mkdir()
    Path("pack/__init__.py").touch()
    Path("pack/part.py").write_text("from . import other\n")
    Path("pack/other.py").write_text("import json\n")
    names = [path.relative_to(Path.cwd()).as_posix() for path in own_modules(Path("s.py"))]
    assert names == ["helper.py", "pack/__init__.py", "pack/other.py", "pack/part.py"]
    first = name_train("python s.py --a 1").fingerprint()
    assert name_train("python s.py --a 1").fingerprint() == first
    assert name_train("python s.py --a 2").fingerprint() != first
    Path("pack/other.py").write_text("import math\n")
    assert name_train("python s.py --a 1").fingerprint() != first


@pytest.mark.parametrize("text", ["python s.py --name 'a b'", "python3.11 s.py", "python -m pack.part -v"])
def test_a_command_line_is_read_back_as_it_was_written(text: str) -> None:
    ref = name_train(text)
    assert name_train(ref.text) == ref


@pytest.mark.parametrize("text", ["python -c 'x'", "python -u s.py", "python s", "python -m"])
def test_what_is_no_script_is_refused(text: str) -> None:
    with pytest.raises(LabError, match=r"python FILE.py ARGUMENTS"):
        name_train(text)


def test_a_module_is_executed_as_python_m_does(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("inner").mkdir()
    Path("inner/__init__.py").touch()
    Path("inner/go.py").write_text(
        "import calando, sys\nfrom inner import word\nrun = calando.current_run()\nrun.lr\n"
        "for _ in run.steps():\n    run.log(val_loss=float(sys.argv[1]))\n"
    )
    Path("inner/word.py").touch()
    monkeypatch.syspath_prepend(str(Path.cwd()))
    run = a_run(2)
    name_train("python -m inner.go 0.25").load()(run)
    assert run.outcome() == ("done", "", 0.25)


def test_every_run_of_a_study_of_a_script_equals_the_script_executed_here() -> None:
    given = {"peaks": (0.02, 0.05), "seeds": 1, "confirm_seeds": 2, "humble": False, "extend": 0, "live": False}
    line = f"python {SCRIPT} --noise 0.1"
    study = compare(line, ["linear_decay()", "cosine()"], workers=1, study="s", **given)
    assert (study.spec.train, study.spec.horizon, len(study.runs)) == (line, 40, 8)
    for made in study.runs:
        plan, seed, peak = calando.parse(made.spec.plan), made.spec.seed, made.spec.peak
        again = Run(plan.bind(40), seed=seed, peak=peak, evals=4)
        name_train(line).load()(again)
        assert again.outcome() == ("done", "", made.final)
    with pytest.raises(LabError, match="asked something else"):
        compare(f"python {SCRIPT} --noise 0.2", ["linear_decay()", "cosine()"], workers=1, study="s", **given)
