"""docs/logs.md keeps its word: its code runs, its kinds, words, options and spellings are those that there are."""

import inspect
import re
from pathlib import Path

import click
import pytest

from calando.cli.curves import curve_options
from calando.cli.diagnose import diagnose
from calando.records.logs import read_logs
from calando.records.logs.formats import FORMATS
from calando.records.logs.guess import find
from tests.records.logs.samples import state

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "logs.md").read_text(encoding="utf-8")
SPELLED = {
    "step": "step", "training loss": "loss", "validation loss": "val_loss", "learning rate": "lr",
    "score, where no validation loss was logged": "score", "training score, where no loss was logged": "train_score",
}  # fmt: skip


def table(head: str) -> list[list[str]]:
    """The cells of the table that begins with this."""
    lines = TEXT[TEXT.index(head) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("runs/a.csv", "lightning_logs/version_0/metrics.csv", "studies/digits/b.csv"):
        Path(place).parent.mkdir(parents=True)
        Path(place).write_text("step,loss,lr\n1,3.5,0.1\n2,3.0,0.1\n")
    state(Path("out/checkpoint-500"), [{"step": 5, "loss": 2.0, "learning_rate": 0.1}])
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, "logs.md", "exec"), {})
    assert capsys.readouterr().out.count("training loss: 'loss'") == 4


def test_its_kinds_are_those_that_are_read() -> None:
    assert sorted(row[0].strip("`| ") for row in table("| kind | what it is")) == sorted(
        known.kind for known in FORMATS
    )


def test_its_words_and_options_are_those_that_there_are() -> None:
    words = set(re.findall(r"`(\w+)=", TEXT))
    assert words <= set(inspect.signature(read_logs).parameters)

    @curve_options
    def command() -> None: ...

    params = [*command.__click_params__, *diagnose.params]  # type: ignore[attr-defined]
    known = {name for option in params for name in (*option.opts, *option.secondary_opts)}
    assert isinstance(command.__click_params__[0], click.Parameter)  # type: ignore[attr-defined]
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= known


@pytest.mark.parametrize("row", [row for row in table("| what | names") if row[0].strip("| ") in SPELLED], ids=str)
def test_its_spellings_are_guessed_as_it_says(row: list[str]) -> None:
    role = SPELLED[row[0].strip("| ")]
    groups = [re.findall(r"`([^`]+)`", group) for group in row[1].split(";")]
    names = [name for group in groups for name in group]
    assert find(role, names) == names
    assert find(role, list(reversed(names)))[: len(groups[0])] == list(reversed(groups[0]))
