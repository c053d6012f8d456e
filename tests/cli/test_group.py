"""The command as a whole: quick, quiet, and honest about errors."""

import json
import re
import resource
import subprocess
import sys

import click
import pytest

import calando
from calando.cli import VERBS, main
from tests.cli.calling import call, said, spawn

HEAVY = {"torch", "matplotlib", "plotly", "scipy", "jinja2", "rich", "sqlite3"}


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_lists_every_verb_and_examples(words: list[str]) -> None:
    text = call(*words).output
    for verb, (_, about) in VERBS.items():
        assert re.search(rf"^  {verb} +{re.escape(about)}", text, flags=re.MULTILINE)
    assert 'calando show "warmup(5%) | cosine(end=0.1)"' in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_takes_debug(verb: str) -> None:
    text = said(verb, "--help")
    assert text.startswith(f"Usage: calando {verb} ")
    assert "--debug" in text


@pytest.mark.parametrize("verb", ["show", "export", "list", "cite"])
def test_the_examples_in_the_help_run(verb: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    import shlex

    lines = [line.strip() for line in said(verb, "--help").splitlines() if line.startswith("  calando ")]
    assert lines
    for line in lines:
        said(*shlex.split(line.partition(" >>")[0])[1:])


def test_the_version_is_the_package_s() -> None:
    assert said("--version") == f"calando {calando.__version__}\n"


def test_an_unknown_verb_says_what_was_meant() -> None:
    done = call("shw")
    assert done.exit_code == 2
    assert "Did you mean 'show'?" in done.stderr


PROBE = """
import sys
from calando.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize(
    "words", [["--help"], ["show", "cosine()", "--horizon", "100"], ["list"], ["cite", "wsd()"]], ids=lambda w: w[0]
)
def test_a_quick_verb_loads_nothing_heavy(words: list[str]) -> None:
    assert loaded(*words) & HEAVY == set()


def test_help_loads_no_arrays_and_no_verb() -> None:
    assert "numpy" not in loaded("--help")


def test_showing_takes_less_than_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    def once() -> float:
        # Processor time: the wall clock measures what else the machine has to do.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert spawn("show", "warmup(5%) | cosine()", "--horizon", "10000").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    best = min(once() for _ in range(4))
    with capsys.disabled():
        print(f"\ncalando show: {best:.2f} s of processor time, best of 4; budget 0.6 s")
    assert best < 0.6


ERRORS = {
    "a name": (["show", "cosin()", "--horizon", "10"], "did you mean 'cosine'"),
    "a text": (["show", "cosine(", "--horizon", "10"], "column"),
    "a value": (["show", "cosine(end=-1)", "--horizon", "10"], "cosine.end"),
    "no horizon": (["show", "cosine()"], "--horizon 10000"),
    "a horizon": (["show", "cosine()", "--horizon", "0"], "--horizon"),
    "a horizon in epochs": (["show", "cosine()", "--horizon", "90ep"], "--steps-per-epoch"),
    "a peak": (["show", "cosine()", "--horizon", "10", "--peak", "-1"], "--peak"),
    "a peak that is none": (["show", "cosine()", "--horizon", "10", "--peak", "nan"], "--peak"),
    "a step": (["show", "cosine()", "--horizon", "10", "--at", "-3"], "count from 0"),
    "a step in words": (["show", "cosine()", "--horizon", "10", "--at", "soon"], "--at"),
    "a fit": (["show", "warmup(50) | cosine()", "--horizon", "10"], "shorten a piece"),
    "a missing file": (["show", "no/such.json", "--horizon", "10"], "no/such.json"),
    "broken JSON": (["show", "{", "--horizon", "10"], "JSON"),
    "no peak": (["export", "cosine()", "--horizon", "10", "--to", "torch"], "--peak 3e-4"),
    "an entry": (["list", "cosin"], "did you mean 'cosine'"),
    "a place": (["show", "cosine()", "--horizon", "10", "--svg", "/dev/null/x.svg"], "/dev/null/x.svg"),
    "a citation": (["cite", "warm"], "did you mean"),
}


@pytest.mark.parametrize("words", ERRORS.values(), ids=ERRORS)
def test_an_error_tells_four_parts_without_a_traceback(words: tuple[list[str], str]) -> None:
    done = call(*words[0])
    assert done.exit_code == 2
    assert re.match(r"error: .+\n  allowed: .+\n  at: .+\n  do: .+\n$", done.stderr)
    assert words[1] in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("words", [["show", "cosin()", "--horizon", "9", "--debug"], ["--debug", "show", "cosin()"]])
def test_debug_shows_the_traceback(words: list[str]) -> None:
    done = spawn(*words)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "BadName" in done.stderr


def test_a_reader_that_leaves_early_is_no_error_to_talk_about() -> None:
    command = f"{sys.executable} -m calando list | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.startswith("Shapes")
    assert done.stderr == ""


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int = -1) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("calando.cli.show.read_plan", interrupted)
    done = call("show", "cosine()", "--horizon", "10")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "\n")


def test_main_is_a_click_command_so_that_completion_works() -> None:
    from click.shell_completion import ShellComplete

    assert isinstance(main, click.Group)
    complete = ShellComplete(main, {}, "calando", "_CALANDO_COMPLETE")
    assert [item.value for item in complete.get_completions(["list"], "one")] == ["one_cycle"]
    assert [item.value for item in complete.get_completions([], "sh")] == ["show"]


def test_json_of_the_catalog_is_json() -> None:
    assert {item["name"] for item in json.loads(said("list", "--json"))} == set(calando.catalog.names())
