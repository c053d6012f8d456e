"""docs/watch.md keeps its word: its code runs, its words, callbacks and endings are those that there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import calando
from calando.records.live import Tail
from calando.records.live.header import EVENTS
from calando.watch.endings import ENDINGS
from tests.contracts.source import ROOT

TEXT = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(code, "watch.md", "exec"), names)
    assert capsys.readouterr().out.startswith("ended 199 ")
    tail = Tail("runs/first")
    tail.poll()
    schedule = calando.parse("warmup(5%) | cosine()").bind(200)
    assert tail.columns["lr"].values.tolist() == [0.1 * schedule(t) for t in range(200)]
    assert tail.columns["val_loss"].steps.tolist() == [49, 99, 149, 199]


def test_its_words_are_those_that_there_are() -> None:
    assert [word for word in (*ENDINGS, "lost") if f"`{word}`" not in TEXT] == []
    row = next(line for line in TEXT.splitlines() if "something happened" in line)
    assert tuple(re.findall(r"`(\w+)`", row.partition("happened:")[2])) == EVENTS


def test_its_callbacks_are_there() -> None:
    for host, name in re.findall(r"calando\.(\w+)\.(Watching|watching)\(", TEXT):
        source = ROOT / "src" / "calando" / host
        place = source / "watching.py" if source.is_dir() else source.with_suffix(".py")
        assert re.search(rf"^(class|def) {name}\b", place.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", TEXT))))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


def test_the_example_trains_and_is_recorded(tmp_path: Path) -> None:
    script = ROOT / "examples" / "digits_watched.py"
    done = subprocess.run(
        [sys.executable, str(script), "150"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("done after 150 updates")
    tail = Tail(tmp_path / "runs" / "digits")
    tail.poll()
    assert (tail.state, tail.last, tail.horizon) == ("ended", 149, 150)
    losses = tail.columns["val_loss"].values
    assert losses[-1] < losses[0] < 2.3
